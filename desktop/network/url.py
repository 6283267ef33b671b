"""An address of the web, taken apart and put into one spelling: what is compared, sent and logged is the same."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import idna

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
"""What `localhost` and all names under it mean (RFC 6761, 6.3), whatever a name service says."""

_IN_PATH = "/%:@!$&'()*+,;=~-._"
_IN_QUERY = _IN_PATH + "?"
_LONGEST = 16_384


@dataclass(frozen=True)
class Url:
    """`host` is ASCII, an IPv6 one in brackets and an IPv4 one in four decimal numbers; `target` is path and query as
    they are sent, without a fragment."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> str:
        """Scheme, host and port; the port only where it is not the usual one."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port; the port only where it is not the usual one."""
        return self.host if self.port == _usual_port(self.scheme) else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return self.origin + self.target

    @property
    def loopback(self) -> bool:
        """Whether this is the machine itself, and cannot be another one."""
        return is_loopback(self.host)

    @property
    def reaches_this_machine(self) -> bool:
        """Whether what is sent there may reach this machine: what means no address in particular does on many systems,
        though none promises it."""
        ip = ip_of(self.host)
        return self.loopback or (ip is not None and ip.is_unspecified)

    def join(self, location: str) -> "Url":
        """Where `location` leads from here. Raises ValueError."""
        return parse_url(urljoin(self.url, location))


def parse_url(url: str) -> Url:
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
    return Url(scheme, normalized_host(parts.hostname or ""), _usual_port(scheme) if port is None else port, target)


def normalized_host(host: str) -> str:
    """`host` in lower case and ASCII, an IPv6 one in brackets. Raises ValueError.

    Whatever a resolver takes for an IPv4 address (`127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`) becomes its four
    decimal numbers, as the URL standard has it, so that what is decided by the address holds for what is connected.
    """
    host = host.lower().rstrip(".")
    if ":" in host:
        return f"[{_ipv6(host)}]"
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode()  # its errors are ValueErrors
    if not host or any(not (character.isalnum() or character in "-._") for character in host):
        raise ValueError("no host in an address")
    return _ipv4(host) if _numeric(host.rpartition(".")[2]) else host


def is_localhost(host: str) -> bool:
    """Whether `host`, as `normalized_host` spells it, is a name that always means the machine itself (RFC 6761,
    6.3)."""
    return host == "localhost" or host.endswith(".localhost")


def is_loopback(host: str) -> bool:
    """Whether `host`, as `normalized_host` spells it, is the machine itself."""
    address = ip_of(host)
    return address.is_loopback if address is not None else is_localhost(host)


def ip_of(host: str) -> IPAddress | None:
    """The address that `host` is, None where it is a name. An IPv4 address mapped into IPv6 counts as IPv4."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _numeric(label: str) -> bool:
    return label.isdigit() or (label.startswith("0x") and all(each in "0123456789abcdef" for each in label[2:]))


def _ipv4(host: str) -> str:
    try:
        return str(ipaddress.IPv4Address(socket.inet_aton(host)))
    except OSError:
        raise ValueError("no host in an address") from None


def _ipv6(host: str) -> str:
    address = ipaddress.IPv6Address(host)
    if address.scope_id is not None:
        raise ValueError("an address of one network interface")
    return str(address)


def _usual_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
