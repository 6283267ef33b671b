"""What `latchkey doctor` finds of the network: the switch, the Hub, the proxy, and where access tokens are kept.

It asks nobody: whether the Hub answers is seen when something is wanted there.
"""

from typing import Literal

import msgspec

from desktop.cli.offline import look
from desktop.cli.tools import Tools
from desktop.credentials.token_store import TokenPlace
from desktop.errors import UserError
from desktop.network.address import parse_address
from desktop.network.proxies import proxy_for
from desktop.translation import tr, trn


class TokenKept(msgspec.Struct, frozen=True):
    """That there is a token for a host, and where. Never its value."""

    host: str
    place: TokenPlace | None


class NetworkFound(msgspec.Struct, frozen=True):
    """What is set for the network. `proxy` is host and port, None for the direct way, "?" for one that cannot be used;
    `hub` is None for no address.

    `keyring` says whether tokens can be kept there, `backend` which one it is. `requests` counts the log.
    """

    offline: bool
    reason: str | None
    hub: str | None
    proxy: str | None
    keyring: Literal["ready", "locked", "absent"]
    backend: str | None
    vault: bool
    tokens: tuple[TokenKept, ...]
    requests: int


def find_network(tools: Tools, problems: list[UserError]) -> NetworkFound:
    """What is set. What is wrong is added to `problems`."""
    online = tools.online
    switched = look(tools)
    hub = proxy = None
    try:
        hub = online.endpoint
        proxy = "?"
        through = proxy_for(parse_address(hub), tools.settings.proxy)
        proxy = through.place if through is not None else None
    except UserError as problem:
        problems.append(problem)
    tokens = online.tokens
    keyring = tokens.choices()[0].standing
    try:
        requests = online.requests.count() if online.requests.path.exists() else 0
    except UserError as problem:
        problems.append(problem)
        requests = 0
    return NetworkFound(
        offline=switched.offline,
        reason=switched.reason or None,
        hub=hub,
        proxy=proxy,
        keyring=keyring,
        backend=tokens.keyring_name if keyring == "ready" else None,
        vault=tokens.vault.exists,
        tokens=tuple(TokenKept(host, tokens.place(host)) for host in tokens.hosts()),
        requests=requests,
    )


def told_network(found: NetworkFound) -> str:
    """The switch, the Hub and the way there, in one line."""
    parts = [
        (found.reason or tr("offline")) if found.offline else tr("online, used only when you ask for something there"),
        tr("the Hub is {hub}").format(hub=found.hub) if found.hub else tr("THE HUB'S ADDRESS IS NONE"),
        tr("through the proxy {proxy}").format(proxy=found.proxy) if found.proxy else tr("no proxy"),
        trn("{count} request in the log", "{count} requests in the log", found.requests).format(count=found.requests),
    ]
    return ", ".join(part.rstrip(".") for part in parts)


def told_tokens(found: NetworkFound) -> str:
    """Which hosts there is a token for, and where it could be kept, in one line."""
    keyring = {
        "ready": tr("the keyring {backend} keeps them").format(backend=found.backend or ""),
        "locked": tr("the keyring is locked"),
        "absent": tr("there is no keyring, so a vault with a passphrase keeps them"),
    }[found.keyring]
    kept = ", ".join(
        tr("for {host} in {place}").format(host=each.host, place=each.place)
        if each.place
        else tr("for {host}").format(host=each.host)
        for each in found.tokens
    )
    return f"{kept or tr('none')}; {keyring}"
