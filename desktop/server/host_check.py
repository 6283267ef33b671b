"""Which names the server goes by. A page in a browser can have a name of its own lead to this machine (DNS rebinding),
and pages of other origins can send requests: both name themselves in their headers, and both are refused."""

import ipaddress
import re
from collections.abc import Iterable

_LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.%]+\]|[^\[\]:/@\s]+)(:\d{1,5})?")


def is_loopback(host: str) -> bool:
    """Whether `host`, an address or a name, leads to this machine alone."""
    if host.casefold() in _LOOPBACK_NAMES:
        return True
    address = _address(host)
    return address is not None and address.is_loopback


class HostCheck:
    """For a server that listens at `host`; `own_names` are those of this machine.

    Where it listens at a loopback address its names are those of the loopback. Where it is reached by others, any
    address counts as well, as no name can be made to lead here by it, and the machine's own names do.
    """

    def __init__(self, host: str, own_names: Iterable[str] = ()) -> None:
        self._host = host.casefold()
        self._loopback = is_loopback(host)
        self._own = frozenset(name.casefold() for name in own_names if name)

    def allows_host(self, header: str) -> bool:
        """Whether a request's Host header names this server."""
        found = _HOST.fullmatch(header)
        if found is None:
            return False
        name = found["name"].strip("[]").rstrip(".").casefold()
        if is_loopback(name) or name == self._host:
            return True
        return not self._loopback and (_address(name) is not None or name in self._own)

    def allows_origin(self, origin: str, host_header: str) -> bool:
        """Whether a request's Origin header is this server's own: nothing else has business here from a browser."""
        return origin.casefold() == f"http://{host_header.casefold()}" and self.allows_host(host_header)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
