"""An address of the web, taken apart and put into one spelling: what is compared, sent and logged is the same."""

from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import idna

_IN_PATH = "/%:@!$&'()*+,;=~-._"
_IN_QUERY = _IN_PATH + "?"
_LONGEST = 16_384


@dataclass(frozen=True)
class Address:
    """`host` is ASCII, an IPv6 one in brackets; `target` is path and query as they are sent, without a fragment."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> str:
        """Scheme, host and port; the port only where it is not the usual one."""
        return f"{self.scheme}://{self.place}"

    @property
    def place(self) -> str:
        """Host and port; the port only where it is not the usual one."""
        return self.host if self.port == _usual_port(self.scheme) else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return self.origin + self.target

    @property
    def loopback(self) -> bool:
        """Whether this is the machine itself."""
        return self.host in ("localhost", "[::1]") or (self.host.startswith("127.") and self.host[-1].isdigit())

    def join(self, location: str) -> "Address":
        """Where `location` leads from here. Raises ValueError."""
        return parse_address(urljoin(self.url, location))


def parse_address(url: str) -> Address:
    """`url` taken apart. Raises ValueError for what no web server can be asked."""
    if len(url) > _LONGEST:
        raise ValueError("longer than any address")
    if any(character < " " or character == "\x7f" for character in url):
        raise ValueError("control characters in an address")
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https"):
        raise ValueError("neither http nor https")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a name or password in an address")
    port = parts.port
    path = quote(parts.path or "/", safe=_IN_PATH)
    target = f"{path}?{quote(parts.query, safe=_IN_QUERY)}" if parts.query else path
    return Address(scheme, ascii_host(parts.hostname or ""), _usual_port(scheme) if port is None else port, target)


def ascii_host(host: str) -> str:
    """`host` in lower case and ASCII, an IPv6 one in brackets. Raises ValueError."""
    host = host.lower().rstrip(".")
    if ":" in host:
        return f"[{host}]"
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode()  # its errors are ValueErrors
    if not host or any(not (character.isalnum() or character in "-._") for character in host):
        raise ValueError("no host in an address")
    return host


def _usual_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
