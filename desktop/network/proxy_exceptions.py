"""Which hosts need no proxy, as NO_PROXY lists them.

There is no standard for that list. Read here is what the common programs understand, taken together: names with all
that lies under them (curl, urllib), `*` in place of any letters (Windows, GNOME), addresses and their ranges (Go,
macOS), each with a port or without. A name is never looked up, so a range holds for addresses alone.
"""

import fnmatch
import ipaddress
import re

from desktop.network.address import Address, IPAddress, ascii_host, ip_of

_BETWEEN = re.compile(r"[\s,;]+")
_WITH_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>\d{1,5})\Z")


def is_excepted(address: Address, listed: str) -> bool:
    """Whether `listed`, the value of NO_PROXY, names the host of `address`. What it cannot mean is passed over."""
    return any(_names(entry, address) for entry in _BETWEEN.split(listed.lower()) if entry)


def _names(entry: str, address: Address) -> bool:
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
        return ascii_host(name)
    except ValueError:
        return ""
