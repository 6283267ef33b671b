"""The sockets below httpcore: they wait in slices, so that a stop, the switch and every limit are seen at once.

httpcore reads and writes in the thread that asked, so the request whose connection this is just now is kept by thread.
"""

import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from desktop.network.connecting import connect
from desktop.network.failures import cut, proxy_unreachable, timed_out, tls_failed
from desktop.network.waiting import SLICE_S, Patience

_DEFAULT_S = 30.0  # where httpcore names no limit, as while it talks to a SOCKS proxy
_PIECE = 1 << 18  # more at once than httpcore asks for: a quarter less time per byte
_WANTS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire(httpcore.NetworkBackend):
    """Opens connections for httpcore. What waits belongs to the patience of the thread that uses it."""

    def __init__(self) -> None:
        self._mine = threading.local()

    @contextmanager
    def waiting_with(self, patience: Patience) -> Iterator[None]:
        """Within it, this thread's waits are those of `patience`."""
        before = getattr(self._mine, "patience", None)
        self._mine.patience = patience
        try:
            yield
        finally:
            self._mine.patience = before

    @property
    def patience(self) -> Patience:
        """The patience of this thread."""
        found: Patience = self._mine.patience
        return found

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = _Stream(self, connect(host, port, self.patience, timeout or _DEFAULT_S))
        self.patience.connected, self.patience.abandon = True, stream.close
        return stream


class _Stream(httpcore.NetworkStream):
    def __init__(self, wire: Wire, sock: socket.socket) -> None:
        self._wire = wire
        self._socket = sock
        self._buffer = memoryview(b"")
        sock.settimeout(SLICE_S)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        patience = self._wire.patience
        deadline = time.monotonic() + (timeout or _DEFAULT_S)
        while True:
            patience.look()
            try:
                data = self._receive()
            except (TimeoutError, *_WANTS) as nothing:  # within a slice: that is what the socket's own limit is set to
                if time.monotonic() > deadline:
                    raise timed_out(patience.host, "silence") from nothing
            except OSError as error:
                raise cut(patience.host, str(error)) from error
            else:
                patience.received += len(data)
                patience.ended = not data
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
        patience = self._wire.patience
        deadline = time.monotonic() + (timeout or _DEFAULT_S)
        left = memoryview(buffer)
        while left:
            patience.look()
            try:
                count = self._socket.send(left)
            except (TimeoutError, *_WANTS) as nothing:
                if time.monotonic() > deadline:
                    raise timed_out(patience.host, "nothing is taken") from nothing
            except OSError as error:
                raise cut(patience.host, str(error)) from error
            else:
                patience.sent += count
                left = left[count:]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        patience = self._wire.patience
        deadline = time.monotonic() + (timeout or _DEFAULT_S)
        name = (server_hostname or "").strip("[]")
        try:
            secured = ssl_context.wrap_socket(self._socket, server_hostname=name, do_handshake_on_connect=False)
            self._socket, self._buffer = secured, memoryview(bytearray(_PIECE))
            secured.setblocking(False)  # truststore holds a lock of all connections while it waits
            _shake_hands(secured, patience, deadline)
            secured.settimeout(SLICE_S)
            return self
        except ssl.SSLError as error:
            self.close()
            raise tls_failed(patience.host, error) from error
        except OSError as error:
            self.close()
            if patience.proxy:
                raise proxy_unreachable(patience.proxy, error) from error
            raise cut(patience.host, str(error)) from error
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # of a connection that is idle: has the other side closed it?
            return _ready(self._socket, writing=False, seconds=0)
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        return None


def _shake_hands(sock: ssl.SSLSocket, patience: Patience, deadline: float) -> None:
    while True:
        patience.look()
        if time.monotonic() > deadline:
            raise timed_out(patience.host, "no handshake")
        try:
            sock.do_handshake()
            return
        except _WANTS as want:
            _ready(sock, writing=isinstance(want, ssl.SSLWantWriteError), seconds=SLICE_S)


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
