"""The fake Hub's sockets: a thread for each connection, what it is answered, and what is remembered of it."""

import socket
import socketserver
import ssl
import struct
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.hub.faults import Fault, Listener
from tests.fakes.hub.responses import LOGIN_PAGE, FakeResponse, OutgoingResponse, outgoing_response
from tests.fakes.hub.routes import FakeRequest, answer_as_cdn, answer_as_hub, split_target

if TYPE_CHECKING:
    from tests.fakes.hub.fake_hub import FakeHub

_PACE = 0.01
_SENDFILE = 8 << 20


@dataclass
class RecordedRequest:
    """One request as it came in. `sent` counts bytes of the body that went out; `connection` numbers connections."""

    listener: Listener
    method: str
    target: str
    headers: dict[str, str]
    connection: int
    status: int = 0
    sent: int = 0
    fault: str = ""
    broken: bool = False

    @property
    def token(self) -> str:
        """The access token it carried, "" for none."""
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip()


class HubListener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One listener: a thread for each connection, all of which `end_connections` can end."""

    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, hub: "FakeHub", listener: Listener, port: int, context: ssl.SSLContext | None) -> None:
        self.hub, self.listener = hub, listener
        self._context = context
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._guard:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Cut every connection that is open."""
        with self._guard:
            for connection in self._open:
                try:
                    # Below TLS: its own shutdown would wait for the other side.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        raise AssertionError("every error of a connection is handled in its handler")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HubListener

    def setup(self) -> None:
        self._number = next(self.server.hub.connections)
        super().setup()

    def handle(self) -> None:
        try:
            if isinstance(self.connection, ssl.SSLSocket):
                self.connection.do_handshake()
            super().handle()
        except OSError:
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - a bug of the fake's: the test that uses it has to hear of it
            self.server.hub.problems.append(error)

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the method overridden
        """Nothing: requests are remembered, not printed."""

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_GET  # noqa: N815

    def _serve(self) -> None:
        hub = self.server.hub
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = RecordedRequest(self.server.listener, self.command, self.path, headers, self._number)
        hub.record_request(seen)
        try:
            self.rfile.read(min(int(headers.get("content-length", "0")), 1 << 20))
            if hub.latency:
                hub.stopping.wait(hub.latency)
            self._respond(seen, hub)
        except OSError:
            seen.broken = True
            self.close_connection = True

    def _respond(self, seen: RecordedRequest, hub: "FakeHub") -> None:
        path, query = split_target(seen.target)
        request = FakeRequest(seen.method, path, query, seen.headers, hub.caller(seen.headers.get("authorization")))
        fault = hub.faults.take(seen.listener, seen.method, path)
        answer: FakeResponse | None
        if fault is not None:
            seen.fault = fault.kind
            answer = _way_fault(fault, seen.target, hub)
        elif seen.listener == "hub":
            answer = hub.page(request) or answer_as_hub(hub, request)
        elif seen.listener == "cdn":
            answer = answer_as_cdn(hub, request)
        else:
            answer = FakeResponse(200, (("Content-Type", "text/plain"),), b"You should not have come here.")
        if answer is None:
            if fault is not None and fault.kind == "silent":
                hub.stopping.wait()
            self._end(fault)
            return

        def find(span: tuple[int, int]) -> Fault | None:
            return hub.faults.take(seen.listener, seen.method, path, span)

        self._send(seen, outgoing_response(answer, seen.headers, find))

    def _send(self, seen: RecordedRequest, out: OutgoingResponse) -> None:
        if out.fault is not None:
            seen.fault = out.fault.kind
        self.send_response(out.status)
        seen.status = out.status
        for name, value in out.headers:
            self.send_header(name, value)
        self.end_headers()
        if any(name == "Connection" for name, _ in out.headers):
            self.close_connection = True
        if seen.method == "HEAD":
            return
        self._send_body(seen, out)
        if out.stop_after is not None:
            if out.fault is not None and out.fault.kind == "stall":
                self.server.hub.stopping.wait()
            self._end(out.fault)

    def _send_body(self, seen: RecordedRequest, out: OutgoingResponse) -> None:
        plain = not isinstance(self.connection, ssl.SSLSocket) and out.fault is None
        if plain and self._rate() is None and not isinstance(out.body, bytes) and isinstance(out.body.data, Path):
            self._send_file(seen, out.body.data, out.start, out.end)
            return
        left = out.stop_after
        began, sent = time.monotonic(), 0
        for piece in out.pieces():
            view = memoryview(piece)[:left]
            while view:
                rate = self._rate()
                count = self._count(seen, view[: max(1, int(rate * _PACE))] if rate else view)
                sent += count
                view = view[count:]
                left = None if left is None else left - count
                ahead = began + sent / rate - time.monotonic() if rate else 0
                if ahead > 0 and self.server.hub.stopping.wait(ahead):
                    raise ConnectionAbortedError("the fake Hub stops")
            if left == 0:
                return

    def _count(self, seen: RecordedRequest, step: memoryview) -> int:
        """Send what goes out at once. Counted beforehand: nobody may hold bytes that are not in the count yet."""
        seen.sent += len(step)
        count: int = 0
        try:
            count = self.connection.send(step)
        finally:
            seen.sent -= len(step) - count
        return count

    def _send_file(self, seen: RecordedRequest, path: Path, start: int, end: int) -> None:
        with path.open("rb") as file:
            while start < end:
                step, count = min(_SENDFILE, end - start), 0
                seen.sent += step
                try:
                    count = self.connection.sendfile(file, start, step)
                finally:
                    # Where it broke off, sendfile left the file at how far it had come.
                    seen.sent -= step - (count or file.tell() - start)
                if not count:
                    raise ConnectionAbortedError(f"{path.name} became shorter while it was sent")
                start += count

    def _rate(self) -> int | None:
        return self.server.hub.rate if self.server.listener == "cdn" else None

    def _end(self, fault: Fault | None) -> None:
        """Leave this connection without another word."""
        self.close_connection = True
        if fault is not None and fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def _way_fault(fault: Fault, target: str, hub: "FakeHub") -> FakeResponse | None:
    """The answer that a fault puts in place of the right one; None where there is none at all."""
    match fault.kind:
        case "login-page":
            return FakeResponse(200, (("Content-Type", "text/html; charset=utf-8"),), LOGIN_PAGE)
        case "redirect-loop":
            turn = "&turn=" if "?" in target else "?turn="
            base, _, count = target.rpartition(turn)
            again = base + turn + str(int(count) + 1) if base and count.isdigit() else f"{target}{turn}1"
            return FakeResponse(302, (("Location", again),))
        case "redirect-elsewhere":
            return FakeResponse(302, (("Location", f"{hub.elsewhere}/stolen{target}"),))
        case "status":
            return FakeResponse(fault.status, fault.headers, fault.body)
    return None
