"""The sockets below httpcore: they wait in slices, so that a stop, the switch and every limit are seen at once.

httpcore reads and writes in the thread that asked, so the request whose connection this is just now is kept by thread.
"""

import contextlib
import errno
import os
import select
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from desktop.network.cancel_scope import POLL_S, CancelScope
from desktop.network.request_error import (
    RequestError,
    connection_lost,
    name_not_resolved,
    proxy_unreachable,
    timed_out,
    tls_failed,
    unreachable,
)
from desktop.network.url import LOOPBACK_ADDRESSES, is_localhost

_Address = tuple[int, int, int, str, Any]
_BEGUN = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK)}
_DEFAULT_S = 30.0  # where httpcore names no limit, as while it talks to a SOCKS proxy
_PIECE = 1 << 18  # more at once than httpcore asks for: a quarter less time per byte
_WANTS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def connect(host: str, port: int, scope: CancelScope, seconds: float) -> socket.socket:
    """A connected socket that does not block. Raises RequestError, and what `scope` raises."""
    scope.check(fresh=True)
    deadline = time.monotonic() + seconds
    try:
        addresses = _lookup(host.strip("[]"), port, scope, deadline)
        return _first(addresses, scope, deadline)
    except OSError as error:
        raise _told(scope, error) from error


def _lookup(host: str, port: int, scope: CancelScope, deadline: float) -> list[_Address]:
    """The addresses of `host`, IPv6 and IPv4 by turns; of `localhost` and names under it, loopback ones only. The
    system's own call cannot be interrupted, so it gets a thread."""
    found: list[_Address] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            for each in LOOPBACK_ADDRESSES if is_localhost(host) else (host,):
                found.extend(socket.getaddrinfo(each, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that asked
            failures.append(error)

    thread = threading.Thread(target=ask, name="name lookup", daemon=True)
    thread.start()
    while thread.is_alive():
        scope.check()
        if time.monotonic() > deadline:
            raise TimeoutError("the name service does not answer")
        thread.join(0.05 if not found else POLL_S)
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


def _first(addresses: list[_Address], scope: CancelScope, deadline: float) -> socket.socket:
    """The first of `addresses` that answers. Raises OSError of the last one that failed."""
    failure: OSError = TimeoutError("no address answered")
    next_at = 0.0
    with selectors.DefaultSelector() as selector:
        try:
            while addresses or selector.get_map():
                scope.check()
                now = time.monotonic()
                if now > deadline:
                    raise TimeoutError("no address answered")
                if addresses and (now >= next_at or not selector.get_map()):
                    next_at = now + POLL_S
                    try:
                        selector.register(_begin(addresses.pop(0)), selectors.EVENT_WRITE)
                    except OSError as error:
                        failure = error
                        continue
                for key, _ in selector.select(POLL_S if not addresses else max(0.0, next_at - time.monotonic())):
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


def _told(scope: CancelScope, error: OSError) -> RequestError:
    if scope.proxy:
        return proxy_unreachable(scope.proxy, error)
    if isinstance(error, socket.gaierror):
        return name_not_resolved(scope.host, error)
    if isinstance(error, TimeoutError):
        return timed_out(scope.host, str(error))
    return unreachable(scope.host, error)


class SocketBackend(httpcore.NetworkBackend):
    """Opens connections for httpcore. What waits belongs to the scope of the thread that uses it."""

    def __init__(self) -> None:
        self._mine = threading.local()

    @contextmanager
    def using_scope(self, scope: CancelScope) -> Iterator[None]:
        """Within it, this thread's waits are those of `scope`."""
        before = getattr(self._mine, "scope", None)
        self._mine.scope = scope
        try:
            yield
        finally:
            self._mine.scope = before

    @property
    def scope(self) -> CancelScope:
        """The scope of this thread."""
        found: CancelScope = self._mine.scope
        return found

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = _SocketStream(self, connect(host, port, self.scope, timeout or _DEFAULT_S))
        self.scope.use_connection(stream.close)
        return stream


class _SocketStream(httpcore.NetworkStream):
    def __init__(self, wire: SocketBackend, sock: socket.socket) -> None:
        self._wire = wire
        self._socket = sock
        self._buffer = memoryview(b"")
        sock.settimeout(POLL_S)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        scope = self._wire.scope
        deadline = time.monotonic() + (timeout or _DEFAULT_S)
        while True:
            scope.check()
            try:
                data = self._receive()
            except (TimeoutError, *_WANTS) as nothing:  # within a slice: that is what the socket's own limit is set to
                if time.monotonic() > deadline:
                    raise timed_out(scope.host, "silence") from nothing
            except OSError as error:
                raise connection_lost(scope.host, str(error)) from error
            else:
                scope.received += len(data)
                scope.ended = not data
                return data

    def _receive(self) -> bytes:
        """What is there, at least one byte, none at the end. TLS gives 16 KB at a time, and what happens to each piece
        costs as much as to a larger one; so they are gathered as long as more has arrived."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return self._socket.recv(_PIECE)
        filled = self._socket.recv_into(self._buffer)
        with contextlib.suppress(OSError):  # it comes again at the next call
            while 0 < filled < _PIECE and _ready(self._socket, writing=False, seconds=0):
                count = self._socket.recv_into(self._buffer[filled:])
                if not count:
                    break
                filled += count
        return bytes(self._buffer[:filled])

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        scope = self._wire.scope
        deadline = time.monotonic() + (timeout or _DEFAULT_S)
        left = memoryview(buffer)
        while left:
            scope.check()
            try:
                count = self._socket.send(left)
            except (TimeoutError, *_WANTS) as nothing:
                if time.monotonic() > deadline:
                    raise timed_out(scope.host, "nothing is taken") from nothing
            except OSError as error:
                raise connection_lost(scope.host, str(error)) from error
            else:
                scope.sent += count
                left = left[count:]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        scope = self._wire.scope
        deadline = time.monotonic() + (timeout or _DEFAULT_S)
        name = (server_hostname or "").strip("[]")
        try:
            secured = ssl_context.wrap_socket(self._socket, server_hostname=name, do_handshake_on_connect=False)
            self._socket, self._buffer = secured, memoryview(bytearray(_PIECE))
            secured.setblocking(False)  # truststore holds a lock of all connections while it waits
            _shake_hands(secured, scope, deadline)
            secured.settimeout(POLL_S)
            return self
        except ssl.SSLError as error:
            self.close()
            raise tls_failed(scope.host, error) from error
        except OSError as error:
            self.close()
            if scope.proxy:
                raise proxy_unreachable(scope.proxy, error) from error
            raise connection_lost(scope.host, str(error)) from error
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # of a connection that is idle: has the other side closed it?
            return _ready(self._socket, writing=False, seconds=0)
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        return None


def _shake_hands(sock: ssl.SSLSocket, scope: CancelScope, deadline: float) -> None:
    while True:
        scope.check()
        if time.monotonic() > deadline:
            raise timed_out(scope.host, "no handshake")
        try:
            sock.do_handshake()
            return
        except _WANTS as want:
            _ready(sock, writing=isinstance(want, ssl.SSLWantWriteError), seconds=POLL_S)


if hasattr(select, "poll"):

    def _ready(sock: socket.socket, *, writing: bool, seconds: float) -> bool:
        """Whether `sock` can be used within `seconds`. With poll, as select knows the first 1,024 files only."""
        if sock.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(sock, select.POLLOUT if writing else select.POLLIN)
        return bool(poll.poll(seconds * 1000))

else:

    def _ready(sock: socket.socket, *, writing: bool, seconds: float) -> bool:
        """Whether `sock` can be used within `seconds`."""
        if sock.fileno() < 0:
            return True
        reading, sending, failed = select.select([] if writing else [sock], [sock] if writing else [], [sock], seconds)
        return bool(reading or sending or failed)
