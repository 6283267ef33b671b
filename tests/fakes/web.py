"""Servers and proxies on this machine that say exactly what a test has them say, wrong or right."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

_PIECE = 65536


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    head: str
    body: bytes = b""


@dataclass
class Talk:
    """The server's side of one connection. `over` is set when the server ends: silence waits for it."""

    sock: socket.socket
    over: threading.Event

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        told = {"Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in told.items())]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def silence(self) -> None:
        self.over.wait()

    def drip(self, data: bytes = b"x", every: float = 0.05) -> None:
        """Send a little, again and again, until the server ends."""
        while not self.over.wait(every):
            self.send(data)


Handler = Callable[[Asked, Talk], bool | None]


@dataclass
class Server:
    """Answers every request with `handler`. A handler that returns False has the connection closed. `greeting` is what
    it says before anybody asked."""

    handler: Handler
    context: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    asked: list[Asked] = field(default_factory=list)
    greeting: bytes = b""
    connections: int = 0
    port: int = 0
    _socks: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.context else 'http'}://{host}:{self.port}"

    @contextmanager
    def running(self) -> Iterator[Self]:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        over, threads = threading.Event(), list[threading.Thread]()

        def accept() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                self.connections += 1
                self._socks.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock, over), daemon=True)
                threads.append(thread)
                thread.start()

        with socket.create_server((self.host, 0), family=family) as listener:
            self.port = listener.getsockname()[1]
            accepting = threading.Thread(target=accept, daemon=True)
            accepting.start()
            try:
                yield self
            finally:
                over.set()
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                accepting.join(5)
                for each in self._socks:
                    with contextlib.suppress(OSError):
                        each.shutdown(socket.SHUT_RDWR)
                for thread in threads:
                    thread.join(5)

    def _serve(self, sock: socket.socket, over: threading.Event) -> None:
        with sock:
            try:
                if self.context is not None:
                    sock = self.context.wrap_socket(sock, server_side=True)
                    self._socks.append(sock)
                with sock:
                    sock.sendall(self.greeting)
                    while (asked := read_request(sock)) is not None:
                        self.asked.append(asked)
                        if self.handler(asked, Talk(sock, over)) is False:
                            return
            except OSError:  # the client has gone, or refuses the certificate
                return


def read_request(sock: socket.socket) -> Asked | None:
    """The next request of a connection; None where the client has closed it."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = sock.recv(_PIECE)
        if not more:
            return None
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)) and (more := sock.recv(_PIECE)):
        body += more
    return Asked(method, target, headers, f"{head.decode('latin-1')}\r\n\r\n", body)


@dataclass
class Proxy(Server):
    """An HTTP proxy that knows the names in `places` as ports of this machine, and asks for `password` if it has one
    (as the whole header Proxy-Authorization)."""

    places: dict[str, int] = field(default_factory=dict)
    password: str = ""

    def __init__(self, places: dict[str, int], password: str = "") -> None:
        super().__init__(self._pass_on)
        self.places = places
        self.password = password

    def _pass_on(self, asked: Asked, talk: Talk) -> bool:
        if self.password and asked.headers.get("proxy-authorization") != self.password:
            talk.answer(407, Proxy_Authenticate="Basic")
            return False
        place = asked.target if asked.method == "CONNECT" else asked.target.split("/")[2]
        host, _, _ = place.rpartition(":") if place[-1].isdigit() else (place, "", "")
        if (host or place) not in self.places:
            talk.answer(502)
            return False
        with socket.create_connection(("127.0.0.1", self.places[host or place])) as onward:
            if asked.method == "CONNECT":
                talk.send(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                onward.sendall(asked.head.replace(f"http://{place}", "", 1).encode("latin-1"))
            relay(talk.sock, onward)
        return False


@dataclass
class Socks(Server):
    """A SOCKS5 proxy that knows the names in `places`; with `password` (name and password in one) it asks for it."""

    places: dict[str, int] = field(default_factory=dict)
    password: tuple[str, str] | None = None
    names: list[str] = field(default_factory=list)

    def __init__(self, places: dict[str, int], password: tuple[str, str] | None = None) -> None:
        super().__init__(lambda *_: False)
        self.places = places
        self.password = password
        self.names = []

    def _serve(self, sock: socket.socket, over: threading.Event) -> None:
        with sock, contextlib.suppress(OSError):
            sock.recv(257)
            sock.sendall(b"\x05\x02" if self.password else b"\x05\x00")
            if self.password:
                said = sock.recv(600)
                user = said[2 : 2 + said[1]].decode()
                right = (user, said[3 + said[1] :].decode()) == self.password
                sock.sendall(b"\x01\x00" if right else b"\x01\x01")
                if not right:
                    return
            asked = sock.recv(600)
            name = asked[5 : 5 + asked[4]].decode()
            self.names.append(name)
            if name not in self.places:
                sock.sendall(b"\x05\x04\x00\x01" + bytes(6))
                return
            sock.sendall(b"\x05\x00\x00\x01" + bytes(6))
            with socket.create_connection(("127.0.0.1", self.places[name])) as onward:
                relay(sock, onward)


def relay(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until either side closes."""

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=carry, args=(other, one), daemon=True)
    back.start()
    carry(one, other)
    back.join()
