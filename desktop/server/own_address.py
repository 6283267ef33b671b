"""This computer's own address in its network."""

import socket

_ELSEWHERE = ("192.0.2.1", 9)
"""An address that belongs to nobody (RFC 5737): the system is asked by which way it would be reached."""


def own_address() -> str:
    """The address (IPv4) by which others in the network reach this computer, "" where it is in none. Nothing is sent: a
    datagram socket that is connected only chooses its way."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect(_ELSEWHERE)
            found = str(way.getsockname()[0])
    except OSError:
        return ""
    return "" if found.startswith("127.") or found == "0.0.0.0" else found
