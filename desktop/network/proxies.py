"""Which proxy a request goes through: the one in the settings, else the one of the environment or the system.

The machine itself is never asked through one: what is sent to it would leave it, an access token with it.

Automatic configuration by a script (PAC) is not read: it would run a stranger's program.
"""

import urllib.request
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from desktop.log import hide
from desktop.network.address import Address, ascii_host
from desktop.network.failures import RequestError, proxy_unusable
from desktop.network.proxy_exceptions import is_excepted
from desktop.translation import tr

DIRECT = "direct"
_PORTS = {"http": 80, "socks5": 1080}
_ALSO_SOCKS5 = {"socks5h": "socks5", "socks": "socks5"}  # the second is what GNOME writes into ALL_PROXY
_OTHERS = {"https", "socks4", "socks4a", "ftp", "pac+http", "pac+https", "file"}
_LONGEST = 255  # of a name or password: SOCKS has one byte for their length (RFC 1929)


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
    """The proxy that `text` means: `http://`, `socks5://`, `socks5h://` or `socks://`, with name and password where it
    wants them.

    Raises RequestError of kind "proxy". It quotes nothing that may be part of a password: one whose `/`, `#`, `?` or
    `@` is not written as `%2F` and the like ends up in any part of an address.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        scheme = _ALSO_SOCKS5.get(parts.scheme.lower(), parts.scheme.lower())
        if "@" in parts.path + parts.query + parts.fragment:
            raise proxy_unusable(tr("In its name or password, write / as %2F, @ as %40, # as %23 and ? as %3F."))
        if parts.path.lower().endswith((".pac", ".dat", ".js")) or scheme.startswith("pac+"):
            raise proxy_unusable(tr("It is a script for automatic configuration (PAC), which Latchkey does not run."))
        if scheme not in _PORTS:
            raise _wrong_scheme(scheme)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise proxy_unusable(tr("Something follows the host and port."))
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        hide(password)
        if max(len(user.encode()), len(password.encode())) > _LONGEST:
            raise proxy_unusable(tr("Its name or password is too long."))
        port = _PORTS[scheme] if parts.port is None else parts.port
        if not port:
            raise proxy_unusable(tr("Its port is none."))
        return Proxy(scheme, ascii_host(parts.hostname or ""), port, user, password)
    except ValueError:
        # Neither the text itself nor the reason: both may hold a password.
        raise proxy_unusable(tr("Its address cannot be read.")) from None


def proxy_for(address: Address, setting: str) -> Proxy | None:
    """The proxy to `address`, None for the direct way. `setting` is an address, "" for the system's, or DIRECT.

    NO_PROXY, and the system's own list of exceptions, hold for either. Raises RequestError of kind "proxy".
    """
    if setting == DIRECT or address.loopback:
        return None
    chosen = setting
    if not chosen:
        found = urllib.request.getproxies()
        chosen = found.get(address.scheme) or found.get("all") or ""
    if not chosen.strip() or _excepted(address):
        return None
    return parse_proxy(chosen)


def _excepted(address: Address) -> bool:
    environment = urllib.request.getproxies_environment()
    if environment:
        return is_excepted(address, environment.get("no", ""))
    host = address.host.strip("[]")
    return any(urllib.request.proxy_bypass(each) for each in (host, f"{host}:{address.port}"))


def _wrong_scheme(scheme: str) -> RequestError:
    if scheme not in _OTHERS:
        return proxy_unusable(tr("Latchkey speaks with proxies over http and socks5."))
    return proxy_unusable(
        tr("Latchkey speaks with proxies over http and socks5, not over {scheme}.").format(scheme=scheme)
    )
