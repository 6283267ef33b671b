"""The user at the other end of a Unix socket, from the kernel."""

import os
import socket
import struct
import sys


def peer_user_id(descriptor: int) -> int | None:
    """The user id of the process at the other end of the Unix socket `descriptor`; None where nothing tells.

    Linux: SO_PEERCRED, a `struct ucred` (unix(7)). macOS: LOCAL_PEERCRED, a `struct xucred` (sys/ucred.h).
    """
    try:
        with socket.socket(fileno=os.dup(descriptor)) as held:
            return _user(held)
    except (OSError, AttributeError, struct.error):
        return None


def _user(held: socket.socket) -> int | None:
    if (credentials := getattr(socket, "SO_PEERCRED", None)) is not None:
        return int(struct.unpack("3i", held.getsockopt(socket.SOL_SOCKET, credentials, 12))[1])
    if sys.platform == "darwin":
        return int(struct.unpack_from("II", held.getsockopt(0, 1, 76))[1])
    return None
