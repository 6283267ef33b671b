"""Three listeners on this machine's loopback: the fake Hub, its CDN, and a stranger to whom no token may ever go."""

import itertools
import ssl
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from tests.fakes.hub.access_rules import Caller
from tests.fakes.hub.certificate import loopback_tls
from tests.fakes.hub.faults import Fault, Faults, Listener
from tests.fakes.hub.listeners import HubListener, RecordedRequest
from tests.fakes.hub.repositories import FakeRepository, FakeToken, GateState
from tests.fakes.hub.responses import FakeResponse
from tests.fakes.hub.routes import FakeRequest


class FakeHub:
    """A Hub on loopback; see the package's docstring. Use it as a context manager, or `start` and `stop` it."""

    def __init__(self, *, tls: bool = False, port: int = 0) -> None:
        self._tls, self._port = tls, port
        self._lock = threading.RLock()
        self._repositories: dict[str, FakeRepository] = {}
        self._tokens: dict[str, FakeToken] = {}
        self._servers: list[HubListener] = []
        self._threads: list[threading.Thread] = []
        self.connections = itertools.count(1)
        self.stopping = threading.Event()
        self.faults = Faults()
        self.seen: list[RecordedRequest] = []
        self.problems: list[BaseException] = []
        self.rate: int | None = None
        self.latency = 0.0
        self.epoch = 0
        self.endpoint = self.cdn = self.elsewhere = ""
        self.ca_file: Path | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None and self.problems:
            raise self.problems[0]

    def start(self) -> Self:
        """Listen. Raises OSError where the port is taken."""
        context: ssl.SSLContext | None = None
        if self._tls:
            self._folder = tempfile.TemporaryDirectory(prefix="fake-hub-")
            context, self.ca_file = loopback_tls(Path(self._folder.name))
        scheme = "https" if self._tls else "http"
        for listener, port in (("hub", self._port), ("cdn", 0), ("elsewhere", 0)):
            server = HubListener(self, cast(Listener, listener), port, context)
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), name=f"fake {listener}", daemon=True)
            thread.start()
            self._servers.append(server)
            self._threads.append(thread)
        ports = [server.server_address[1] for server in self._servers]
        self.endpoint, self.cdn = (f"{scheme}://127.0.0.1:{port}" for port in ports[:2])
        self.elsewhere = f"{scheme}://localhost:{ports[2]}"
        return self

    def stop(self) -> None:
        """End every connection and listener; returns once none is left."""
        self.stopping.set()
        for server in self._servers:
            server.shutdown()
            server.end_connections()
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.server_close()
            thread.join()
        self._servers.clear()
        self._threads.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def add(self, repository: FakeRepository) -> FakeRepository:
        """Publish a repository, in place of one of the same id."""
        with self._lock:
            self._repositories[repository.id] = repository
        return repository

    def find(self, repository: str) -> FakeRepository | None:
        """The repository of this id."""
        with self._lock:
            return self._repositories.get(repository)

    def all(self) -> list[FakeRepository]:
        """Every repository."""
        with self._lock:
            return list(self._repositories.values())

    def add_token(self, user: str, role: str = "read", *, may_read_gated: bool = True) -> str:
        """A new access token for `user`; gives its value."""
        with self._lock:
            value = f"hf_{user.capitalize()}Fake{len(self._tokens):04d}" + "x" * 16
            self._tokens[value] = FakeToken(value, user, role, may_read_gated)
        return value

    def revoke_token(self, value: str) -> None:
        """From now on it does not hold."""
        with self._lock:
            self._tokens.pop(value, None)

    def set_gate_state(self, repository: str, user: str, standing: GateState) -> None:
        """Where `user` stands before the gate of `repository`, from now on."""
        with self._lock:
            self._repositories[repository].gate_states[user] = standing

    def inject(self, *faults: Fault) -> None:
        """Have these go wrong; see `faults.Fault`."""
        self.faults.add(faults)

    def expire_links(self) -> None:
        """Every address of the CDN that was given out so far answers 403 from now on."""
        self.epoch += 1

    def drop_connections(self) -> None:
        """Cut every connection that is open now, as a changed network does."""
        for server in self._servers:
            server.end_connections()

    def requests(self, listener: Listener | None = None, path: str = "") -> list[RecordedRequest]:
        """What came in so far, in order."""
        with self._lock:
            return [each for each in self.seen if listener in (None, each.listener) and path in each.target]

    def sent(self, listener: Listener = "cdn", path: str = "") -> int:
        """Bytes of bodies that went out so far."""
        return sum(each.sent for each in self.requests(listener, path))

    def forget_requests(self) -> None:
        """Begin counting anew."""
        with self._lock:
            self.seen.clear()

    def caller(self, authorization: str | None) -> Caller:
        """Who sent this Authorization header."""
        if authorization is None:
            return Caller()
        with self._lock:
            token = self._tokens.get(authorization.removeprefix("Bearer ").strip())
        return Caller(token, bad=token is None)

    def page(self, request: FakeRequest) -> FakeResponse | None:
        """A page for a browser in place of the Hub's own answer; None for none."""

    def record_request(self, seen: RecordedRequest) -> None:
        """Remember a request."""
        with self._lock:
            self.seen.append(seen)
