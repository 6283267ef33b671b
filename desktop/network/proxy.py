"""Which proxy a request goes through: the one in the settings, else the one of the environment or the system.

The machine itself is never asked through one: what is sent to it would leave it, an access token with it.

Automatic configuration by a script (PAC) is not read: it would run a stranger's program.
"""

import fnmatch
import ipaddress
import re
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from desktop.log import hide
from desktop.network.request_error import RequestError, invalid_proxy
from desktop.network.url import IPAddress, Url, ip_of, normalized_host
from desktop.translation import tr

_BETWEEN = re.compile(r"[\s,;]+")
_WITH_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>\d{1,5})\Z")
DIRECT = "direct"
_PORTS = {"http": 80, "socks5": 1080}
_ALSO_SOCKS5 = {"socks5h": "socks5", "socks": "socks5"}  # the second is what GNOME writes into ALL_PROXY
_OTHERS = {"https", "socks4", "socks4a", "ftp", "pac+http", "pac+https", "file"}
_LONGEST = 255  # of a name or password: SOCKS has one byte for their length (RFC 1929)


def bypasses_proxy(address: Url, listed: str) -> bool:
    """Whether `listed`, the value of NO_PROXY, names the host of `address`. What it cannot mean is passed over."""
    return any(_names(entry, address) for entry in _BETWEEN.split(listed.lower()) if entry)


def _names(entry: str, address: Url) -> bool:
    entry = entry.rpartition("://")[2].rstrip("/")
    if entry == "*":
        return True
    if found := _WITH_PORT.match(entry):
        if int(found["port"]) != address.port:
            return False
        entry = found["host"]
    entry = entry.replace("[", "").replace("]", "")
    ip = ip_of(address.host)
    if "/" in entry:
        return ip is not None and _in_range(entry, ip)
    if "*" in entry:
        return fnmatch.fnmatchcase(str(ip or address.host), entry)
    name = _spelled(entry.lstrip("."))
    if ip is not None:
        return not entry.startswith(".") and ip_of(name) == ip
    return bool(name) and (address.host == name or address.host.endswith(f".{name}"))


def _in_range(entry: str, ip: IPAddress) -> bool:
    """Whether `ip` lies in a range like `10.0.0.0/8`, `10/8`, `10.0.0.0/255.0.0.0` or `fd00::/8`."""
    start, _, width = entry.partition("/")
    if ":" not in start:
        start += ".0" * (3 - start.count("."))
    try:
        network = ipaddress.ip_network(f"{start}/{width}", strict=False)
    except ValueError:
        return False
    return ip.version == network.version and ip in network


def _spelled(name: str) -> str:
    """`name` as addresses spell it; "" where it is no host."""
    try:
        return normalized_host(name)
    except ValueError:
        return ""


@dataclass(frozen=True)
class Proxy:
    """A proxy; its name and password are not shown."""

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def authority(self) -> str:
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
            raise invalid_proxy(tr("In its name or password, write / as %2F, @ as %40, # as %23 and ? as %3F."))
        if parts.path.lower().endswith((".pac", ".dat", ".js")) or scheme.startswith("pac+"):
            raise invalid_proxy(tr("It is a script for automatic configuration (PAC), which Latchkey does not run."))
        if scheme not in _PORTS:
            raise _wrong_scheme(scheme)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise invalid_proxy(tr("Something follows the host and port."))
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        hide(password)
        if max(len(user.encode()), len(password.encode())) > _LONGEST:
            raise invalid_proxy(tr("Its name or password is too long."))
        port = _PORTS[scheme] if parts.port is None else parts.port
        if not port:
            raise invalid_proxy(tr("Its port is none."))
        return Proxy(scheme, normalized_host(parts.hostname or ""), port, user, password)
    except ValueError:
        # Neither the text itself nor the reason: both may hold a password.
        raise invalid_proxy(tr("Its address cannot be read.")) from None


def proxy_for(address: Url, setting: str) -> Proxy | None:
    """The proxy to `address`, None for the direct way. `setting` is an address, "" for the system's, or DIRECT.

    NO_PROXY, and the system's own list of exceptions, hold for either. Raises RequestError of kind "proxy".
    """
    if setting == DIRECT or address.loopback:
        return None
    chosen = setting
    if not chosen:
        found = urllib.request.getproxies()
        chosen = found.get(address.scheme) or found.get("all") or ""
    if not chosen.strip() or _system_bypasses(address):
        return None
    return parse_proxy(chosen)


def _system_bypasses(address: Url) -> bool:
    environment = urllib.request.getproxies_environment()
    if environment:
        return bypasses_proxy(address, environment.get("no", ""))
    host = address.host.strip("[]")
    return any(urllib.request.proxy_bypass(each) for each in (host, f"{host}:{address.port}"))


def _wrong_scheme(scheme: str) -> RequestError:
    if scheme not in _OTHERS:
        return invalid_proxy(tr("Latchkey speaks with proxies over http and socks5."))
    return invalid_proxy(
        tr("Latchkey speaks with proxies over http and socks5, not over {scheme}.").format(scheme=scheme)
    )
