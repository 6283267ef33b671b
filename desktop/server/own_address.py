"""This computer's own address in its network."""

import ipaddress

_WITHIN = ("docker", "br-", "veth", "virbr", "lo")
"""How interfaces are called that lead to nobody else."""


def own_address() -> str:
    """The address (IPv4) by which others in the network most likely reach this computer, "" where it is in none. Asks
    the system, and sends nothing."""
    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup and not name.startswith(_WITHIN)}
    for name, found in sorted(psutil.net_if_addrs().items()):
        for each in found if name in up else ():
            if each.family.name == "AF_INET" and _is_reached(each.address):
                return str(each.address)
    return ""


def _is_reached(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)
