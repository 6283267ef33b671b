"""Which proxy a request goes through: the one in the settings, else the one of the environment or the system.

Automatic configuration by a script (PAC) is not read: it would run a stranger's program.
"""

import urllib.request
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from desktop.log import hide
from desktop.network.address import Address, ascii_host
from desktop.network.failures import proxy_unusable
from desktop.translation import tr

DIRECT = "direct"
_PORTS = {"http": 80, "socks5": 1080}


@dataclass(frozen=True)
class Proxy:
    """A proxy; its name and password are not shown."""

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Host and port, for people."""
        return f"{self.host}:{self.port}"


def parse_proxy(text: str) -> Proxy:
    """The proxy that `text` means: `http://`, `socks5://` or `socks5h://`, with name and password where it wants them.

    Raises RequestError of kind "proxy".
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        scheme = {"socks5h": "socks5"}.get(parts.scheme.lower(), parts.scheme.lower())
        shown = parts.hostname or "?"
        if scheme not in _PORTS:
            detail = tr("Latchkey speaks with proxies over http and socks5, not over {scheme}.").format(scheme=scheme)
            raise proxy_unusable(shown, detail)
        password = unquote(parts.password or "")
        hide(password)
        port = _PORTS[scheme] if parts.port is None else parts.port
        return Proxy(scheme, ascii_host(parts.hostname or ""), port, unquote(parts.username or ""), password)
    except ValueError as error:
        # Not the text itself: it may hold a password.
        raise proxy_unusable("?", tr("Its address cannot be read ({reason}).").format(reason=error)) from None


def proxy_for(address: Address, setting: str) -> Proxy | None:
    """The proxy to `address`, None for the direct way. `setting` is an address, "" for the system's, or DIRECT.

    NO_PROXY, and the system's own list of exceptions, hold for either. Raises RequestError of kind "proxy".
    """
    if setting == DIRECT:
        return None
    chosen = setting
    if not chosen:
        found = urllib.request.getproxies()
        chosen = found.get(address.scheme) or found.get("all") or ""
    if not chosen or _excepted(address):
        return None
    return parse_proxy(chosen)


def _excepted(address: Address) -> bool:
    host = address.host.strip("[]")
    return any(urllib.request.proxy_bypass(each) for each in (host, f"{host}:{address.port}"))
