"""`latchkey token`: a person's access token for the Hub: given, checked, forgotten. It is never shown."""

from argparse import Namespace
from typing import NoReturn

import msgspec

from desktop.cli.command_context import CommandContext
from desktop.cli.endpoints_token import endpoint_address_of, keep_token
from desktop.cli.exit_codes import DONE, UsageError
from desktop.cli.terminal_input import read_hidden, read_piped
from desktop.cli.vault_prompt import note_foreign_token, open_or_make_vault, with_token
from desktop.credentials.token_store import TokenPlace, TokenStoreOption
from desktop.errors import AccessError, ForbiddenError, NetworkError, NotFoundError
from desktop.hub.hub_client import HubClient
from desktop.hub.repository_access import TOKENS_PAGE
from desktop.hub.whoami import WhoAmI
from desktop.network.access_token import AccessToken, origin_of
from desktop.network.url import parse_url
from desktop.safe_text import escape_controls
from desktop.translation import tr

_TRIES = 3


class TokenCheckResult(msgspec.Struct, frozen=True):
    """A token as `token check --json` gives it: fields and their names are part of the command's contract.

    `place` is None where none is kept. `may_read_gated` is None where that depends on the repository or the Hub does
    not say. `message` says what is missing, `url` where that is done.
    """

    host: str
    place: str | None
    ok: bool
    name: str | None = None
    role: str | None = None
    may_read_gated: bool | None = None
    message: str = ""
    url: str = ""


def run(options: Namespace, tools: CommandContext) -> int:
    match options.action:
        case "set":
            _set(options, tools)
        case "check":
            _check(options, tools)
        case "forget":
            _forget(options, tools)
    return DONE


# --- set ---------------------------------------------------------------------------------------------------------


def _set(options: Namespace, tools: CommandContext) -> None:
    """Take a token, ask the Hub about it, keep it, and say so. One that the Hub refuses is not kept."""
    if address := endpoint_address_of(options.host, tools):
        keep_token(address, tools, options.place)
        host = parse_url(address).authority
        tools.output.line(_kept_sentence(tools.online.tokens.place(host) or "session", host))
        tools.output.note(tr("It was not checked: “latchkey endpoints check” asks that server with it."))
        return
    hub = _hub(options.host, tools)
    token, passphrase = _given_token(hub, options.place, tools)
    place = options.place or tools.online.tokens.best_place()
    if place is None and passphrase is not None:
        raise _no_place()
    asked = _whoami(hub, token, tools)
    place = place or _chosen(tools.online.tokens.options(), tools)
    if place == "vault":
        open_or_make_vault(tools, passphrase)
    tools.online.tokens.store(token, place)
    tools.lookup.token_changed()
    tools.output.line(_kept_sentence(place, hub.host))
    if isinstance(asked, WhoAmI):
        for line in _who_lines(asked, hub):
            tools.output.line(line)
    else:
        tools.output.note(tr("It was not checked. {reason}").format(reason=asked))
        tools.output.note(tr("“latchkey token check” does that later."))


def _given_token(hub: HubClient, place: TokenPlace | None, tools: CommandContext) -> tuple[AccessToken, str | None]:
    """The token, and the passphrase that was piped in behind it; None for that where a person can be asked."""
    if tools.stdin.isatty():
        tools.output.note(tr("Make a token that may read gated repositories here: {url}").format(url=hub.token_page))
        question = tr("Access token for {host} (it is not shown): ").format(host=hub.host)
        return AccessToken(read_hidden(question), hub.endpoint), None
    given = read_piped(tools)
    if given.more or (given.second and place != "vault"):
        raise AccessError(
            tr("This is not an access token."),
            tr("Standard input holds more than one line."),
            tr("Pipe in the token alone; with --place vault, the passphrase in a second line."),
        )
    return AccessToken(given.first, hub.endpoint), given.second


def _whoami(hub: HubClient, token: AccessToken, tools: CommandContext) -> WhoAmI | str:
    """Whose the token is; why the Hub could not be asked. Raises AccessError where the Hub does not accept it."""
    tools.output.progress(tr("Asking {host}…").format(host=hub.host))
    try:
        return hub.whoami(token)
    except (ForbiddenError, NetworkError) as error:
        return str(error)
    except AccessError as error:
        raise AccessError(error.title, tr("It was not kept."), error.remedy + " " + hub.token_page) from error


def _no_place() -> AccessError:
    return AccessError(
        tr("This system has no keyring that is open, so it has to be said where the token is kept."),
        "",
        tr("Add --place vault, with a passphrase in the second line, or --place session to only check it."),
    )


def _chosen(choices: tuple[TokenStoreOption, ...], tools: CommandContext) -> TokenPlace:
    """The place that a person chooses. Raises AccessError where they choose none."""
    offered = [each for each in choices if not (each.place == "keyring" and each.status == "absent")]
    tools.output.note(tr("This system has no keyring that is open. Where shall the token be kept?"))
    for number, each in enumerate(offered, 1):
        said = each.text if each.place != "session" else tr("Nowhere: it was checked, and that is all.")
        tools.output.note(f"  {number}  {said}")
    for _ in range(_TRIES):
        tools.output.prompt(tr("Number: "))
        typed = tools.stdin.readline(100)
        if not typed:
            break
        if typed.strip().isdigit() and 1 <= int(typed) <= len(offered):
            return offered[int(typed) - 1].place
    raise AccessError(tr("No place was chosen, so the token was not kept."))


def _kept_sentence(place: TokenPlace, host: str) -> str:
    return {
        "keyring": tr("The token for {host} is kept in the keyring of this system."),
        "vault": tr("The token for {host} is kept in the vault, which its passphrase opens."),
        "session": tr("The token for {host} was looked at and is kept nowhere; --token-stdin gives it to one command."),
    }[place].format(host=host)


# --- check -------------------------------------------------------------------------------------------------------


def _check(options: Namespace, tools: CommandContext) -> None:
    """Raises AccessError where there is none, or it does not hold; ForbiddenError offline; NetworkError."""
    hub = _hub(options.host, tools)
    place = tools.online.tokens.place(hub.host)
    token = with_token(options, tools, lambda: tools.online.tokens.get(hub.host))
    if token is None:
        note_foreign_token(tools)
        none = AccessError(
            tr("No access token is kept for {host}.").format(host=hub.host),
            "",
            tr("Make one at {url} and give it with “latchkey token set”.").format(url=hub.token_page),
        )
        _fail(TokenCheckResult(hub.host, None, False, message=none.title, url=hub.token_page), none, options, tools)
    tools.output.progress(tr("Asking {host}…").format(host=hub.host))
    try:
        who = hub.whoami(token)
    except AccessError as error:
        refused = AccessError(error.title, error.detail, f"{error.remedy} {hub.token_page}")
        _fail(
            TokenCheckResult(hub.host, place, False, message=error.title, url=hub.token_page), refused, options, tools
        )
    lines = _who_lines(who, hub)
    if options.json:
        may = who.may_read_gated if who.scope_known or who.may_read_gated else None
        missing = not who.may_read_gated
        tools.output.json(
            TokenCheckResult(
                hub.host, place, True, who.name, who.role or None, may,
                message=lines[-1] if missing else "", url=_tokens_page(hub) if missing else "",
            )
        )  # fmt: skip
        return
    for line in (_place_sentence(place, hub.host), *lines):
        tools.output.line(line)


def _fail(checked: TokenCheckResult, error: AccessError, options: Namespace, tools: CommandContext) -> NoReturn:
    if options.json:
        tools.output.json(checked)
    raise error


def _place_sentence(place: TokenPlace | None, host: str) -> str:
    return _kept_sentence(place or "session", host)


def _who_lines(who: WhoAmI, hub: HubClient) -> tuple[str, str]:
    """Whose a token is, and whether it may read gated repositories, with what to do if not."""
    roles = {
        "read": tr("It is a token of {name} that may read."),
        "write": tr("It is a token of {name} that may read and write; one that only reads is enough."),
        "fineGrained": tr("It is a fine-grained token of {name}."),
    }
    name = escape_controls(who.name)
    first = roles.get(who.role, tr("It is a token of {name}.")).format(name=name)
    if who.may_read_gated:
        return first, tr("It may read gated repositories that {name} has access to.").format(name=name)
    if who.scope_known:
        return first, tr(
            "It may not read gated repositories. Allow it to read public gated repositories in its settings, or make a"
            " new one: {url}"
        ).format(url=_tokens_page(hub))
    return first, tr(
        "Whether it may read a gated repository depends on the repository: “latchkey access MODEL” asks the Hub."
    )


# --- forget ------------------------------------------------------------------------------------------------------


def _forget(options: Namespace, tools: CommandContext) -> None:
    """Raises TokenStoreLockedError where the place it is in does not open."""
    tokens = tools.online.tokens
    if options.vault:
        hosts = tokens.vault.hosts()
        if not tokens.vault.exists:
            raise NotFoundError(tr("There is no vault of access tokens."))
        tokens.vault.remove()
        tools.lookup.token_changed()
        held = ", ".join(hosts) or tr("nothing")
        tools.output.line(tr("The vault was deleted; it held tokens for: {hosts}.").format(hosts=held))
        return
    hub = _hub(options.host, tools)
    known = hub.host in tokens.hosts()
    with_token(options, tools, lambda: tokens.forget(hub.host))
    tools.lookup.token_changed()
    if not known:
        tools.output.line(tr("No access token is kept for {host}.").format(host=hub.host))
        return
    tools.output.line(
        tr("The token for {host} is forgotten. It still holds at the Hub, until you delete it there: {url}").format(
            host=hub.host, url=_tokens_page(hub)
        )
    )


def _hub(host: str | None, tools: CommandContext) -> HubClient:
    """The Hub that is meant. Raises UsageError for a host that can be none."""
    online = tools.online
    if not host or host.casefold() == online.host:
        return online.hub
    address = host if "://" in host else f"https://{host}"
    try:
        origin = origin_of(address)
    except ValueError as error:
        raise UsageError(
            tr("“{host}” is no host.").format(host=escape_controls(host)), "", tr("Write it like “huggingface.co”.")
        ) from error
    return online.hub if origin == origin_of(online.endpoint) else HubClient(online.client, origin, online.tokens.get)


def _tokens_page(hub: HubClient) -> str:
    return hub.endpoint + TOKENS_PAGE
