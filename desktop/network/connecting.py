"""From a host's name to a connected socket, past broken IPv6 and slow name servers, within a limit.

Addresses are tried a quarter of a second apart and the first that answers is taken (RFC 8305 in short): a network that
drops IPv6 in silence would cost ten seconds each time otherwise.
"""

import errno
import os
import selectors
import socket
import threading
import time
from typing import Any

from desktop.network.address import LOOPBACK, is_localhost
from desktop.network.failures import RequestError, name_failed, proxy_unreachable, timed_out, unreachable
from desktop.network.waiting import SLICE_S, Patience

_Address = tuple[int, int, int, str, Any]
_BEGUN = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK)}


def connect(host: str, port: int, patience: Patience, seconds: float) -> socket.socket:
    """A connected socket that does not block. Raises RequestError, and what `patience` raises."""
    patience.look(fresh=True)
    deadline = time.monotonic() + seconds
    try:
        addresses = _lookup(host.strip("[]"), port, patience, deadline)
        return _first(addresses, patience, deadline)
    except OSError as error:
        raise _told(patience, error) from error


def _lookup(host: str, port: int, patience: Patience, deadline: float) -> list[_Address]:
    """The addresses of `host`, IPv6 and IPv4 by turns; of `localhost` and names under it, loopback ones only. The
    system's own call cannot be interrupted, so it gets a thread."""
    found: list[_Address] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            for each in LOOPBACK if is_localhost(host) else (host,):
                found.extend(socket.getaddrinfo(each, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that asked
            failures.append(error)

    thread = threading.Thread(target=ask, name="name lookup", daemon=True)
    thread.start()
    while thread.is_alive():
        patience.look()
        if time.monotonic() > deadline:
            raise TimeoutError("the name service does not answer")
        thread.join(0.05 if not found else SLICE_S)
    if failures:
        raise failures[0]
    return _by_turns(found)


def _by_turns(found: list[_Address]) -> list[_Address]:
    first = [each for each in found if each[0] == found[0][0]]
    others = [each for each in found if each[0] != found[0][0]]
    turns: list[_Address] = []
    for index in range(max(len(first), len(others))):
        turns += first[index : index + 1] + others[index : index + 1]
    return turns


def _first(addresses: list[_Address], patience: Patience, deadline: float) -> socket.socket:
    """The first of `addresses` that answers. Raises OSError of the last one that failed."""
    failure: OSError = TimeoutError("no address answered")
    next_at = 0.0
    with selectors.DefaultSelector() as selector:
        try:
            while addresses or selector.get_map():
                patience.look()
                now = time.monotonic()
                if now > deadline:
                    raise TimeoutError("no address answered")
                if addresses and (now >= next_at or not selector.get_map()):
                    next_at = now + SLICE_S
                    try:
                        selector.register(_begin(addresses.pop(0)), selectors.EVENT_WRITE)
                    except OSError as error:
                        failure = error
                        continue
                for key, _ in selector.select(SLICE_S if not addresses else max(0.0, next_at - time.monotonic())):
                    each = key.fileobj
                    assert isinstance(each, socket.socket)
                    selector.unregister(each)
                    code = each.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        return each
                    each.close()
                    failure, next_at = OSError(code, os.strerror(code)), 0.0
        finally:
            for key in list(selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.close()
    raise failure


def _begin(address: _Address) -> socket.socket:
    family, kind, protocol, _, place = address
    begun = socket.socket(family, kind, protocol)
    try:
        begun.setblocking(False)
        begun.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        code = begun.connect_ex(place)
        if code not in _BEGUN:
            raise OSError(code, os.strerror(code))
    except BaseException:
        begun.close()
        raise
    return begun


def _told(patience: Patience, error: OSError) -> RequestError:
    if patience.proxy:
        return proxy_unreachable(patience.proxy, error)
    if isinstance(error, socket.gaierror):
        return name_failed(patience.host, error)
    if isinstance(error, TimeoutError):
        return timed_out(patience.host, str(error))
    return unreachable(patience.host, error)
