"""The tool servers that run: started or greeted at their first use, ended when they were changed, removed, turned off
or denied, in whatever program that was done, when Latchkey goes offline, and at the end."""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from desktop.errors import NetworkError, ResourceError, StoppedError, UserError
from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient
from desktop.network.offline_switch import OfflineSwitch
from desktop.paths import Paths
from desktop.tools.http_server_channel import HttpServerChannel
from desktop.tools.server_channel import ServerChannel
from desktop.tools.tool_log import Outcome
from desktop.tools.tool_refusals import server_off
from desktop.tools.tool_server import ToolServer
from desktop.tools.tool_server_process import ToolServerProcess
from desktop.tools.unseen_files import unseen_path
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.tools.mcp_connection import McpConnection

_MOST_STARTS, _STARTS_WITHIN_S = 3, 60.0
_WATCH_S = 1.0
_POLL_S = 0.05
_INSTALLERS = ("uvx", "uv", "pipx", "npx", "npm", "pnpm", "bunx")


class TokenSource(Protocol):
    """Where access tokens are kept, by host (`desktop.credentials.access_tokens`)."""

    def get(self, host: str) -> AccessToken | None: ...


class ToolNetwork(Protocol):
    """What leads out of this machine (`desktop.library.network_services`)."""

    @property
    def switch(self) -> OfflineSwitch: ...
    @property
    def client(self) -> HttpClient: ...
    @property
    def tokens(self) -> TokenSource: ...


class ServerLog(Protocol):
    """Writes down what a server did. Raises ResourceError."""

    def __call__(self, server: str, outcome: Outcome, *, reason: str) -> None: ...


class RunningServers:
    """One connection a server. For any number of threads; the methods that reach a server wait for it."""

    def __init__(
        self, paths: Paths, network: ToolNetwork, permitted: Callable[[str], ToolServer], write: ServerLog
    ) -> None:
        """`permitted` gives a server as it is kept now, and raises UserError where it may not run; `write` logs."""
        self._paths, self._network, self._permitted, self._write = paths, network, permitted, write
        self._lock = threading.Lock()
        self._starting: dict[str, threading.Lock] = {}
        self._running: dict[str, tuple[ToolServer, McpConnection]] = {}
        self._starts: dict[str, deque[float]] = {}
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None

    def now(self) -> "dict[str, McpConnection]":
        """Those that run, by name. Starts none."""
        with self._lock:
            return {name: each for name, (_, each) in self._running.items() if each.usable}

    def connection(self, server: ToolServer, is_cancelled: Callable[[], bool]) -> "McpConnection":
        """The server, running and greeted. Raises NetworkError, AccessError, NotFoundError, ForbiddenError,
        StoppedError."""
        name = server.name
        with self._lock:
            starting = self._starting.setdefault(name, threading.Lock())
        while not starting.acquire(timeout=_POLL_S):
            if is_cancelled():
                raise StoppedError
        try:
            if server.url:
                self._network.switch.check()
            network = server.network and not self._network.switch.offline
            with self._lock:
                running = self._running.get(name)
            if running is not None:
                if _same(running[0], server) and running[1].usable and _has_network(running[1]) == network:
                    return running[1]
                self.stop(name)
            return self._start(server, is_cancelled, network=network)
        finally:
            starting.release()

    def _start(self, server: ToolServer, is_cancelled: Callable[[], bool], *, network: bool) -> "McpConnection":
        starts = self._starts.setdefault(server.name, deque(maxlen=_MOST_STARTS))
        if len(starts) == _MOST_STARTS and time.monotonic() - starts[0] < _STARTS_WITHIN_S:
            raise NetworkError(
                tr(
                    "The tool server “{name}” ended several times within a minute, so it is not started again yet."
                ).format(name=server.name),
                "",
                tr("“latchkey tools log {name}” shows what it did.").format(name=server.name),
            )
        from desktop.tools.mcp_connection import McpConnection  # brings half a second of imports along

        starts.append(time.monotonic())
        try:
            connection = McpConnection(
                server.name,
                self._channel(server, network=network),
                is_cancelled=lambda: is_cancelled() or self._closed.is_set(),
                refused=lambda method: self._note_refusal(server.name, method),
            )
        except StoppedError:
            starts.pop()  # it did not end by itself
            raise
        except UserError as error:
            self._write(server.name, "not-started", reason=error.title)
            raise _with_advice(error, server) from error
        try:
            self._write(server.name, "started", reason=connection.place)
            with self._lock:
                if self._closed.is_set():
                    raise StoppedError
                self._running[server.name] = (server, connection)
                if self._watch is None:
                    self._watch = threading.Thread(target=self._watch_permissions, name="tools-watch", daemon=True)
                    self._watch.start()
            if not _same(self._permitted(server.name), server):  # changed while it started
                raise server_off(server.name)
        except BaseException:
            with self._lock:
                self._running.pop(server.name, None)
            connection.close(at_once=True)
            raise
        return connection

    def _note_refusal(self, name: str, method: str) -> None:
        with suppress(ResourceError):  # nothing was done
            self._write(name, "refused", reason=method)

    def _channel(self, server: ToolServer, *, network: bool) -> ServerChannel:
        if not server.url:
            folder = self._paths.tool_folders / server.name
            return ToolServerProcess(server, folder, self._paths.tool_logs, network=network)
        token = self._network.tokens.get(server.host) if server.uses_token else None
        return HttpServerChannel(server, lambda: self._network.client, token)

    def _watch_permissions(self) -> None:
        """End those that have the network as soon as Latchkey is offline, and those that may run no more."""
        while not self._closed.wait(_WATCH_S):
            with self._lock:
                running = list(self._running.items())
            offline = self._network.switch.offline if running else False
            for name, (server, connection) in running:
                if (offline and _has_network(connection)) or not self._may_run(server):
                    self._end(name, connection)

    def _may_run(self, server: ToolServer) -> bool:
        try:
            return _same(self._permitted(server.name), server)
        except UserError:
            return False

    def _end(self, name: str, connection: "McpConnection") -> None:
        """End this one, unless another runs in its place by now."""
        with self._lock:
            running = self._running.get(name)
            if running is None or running[1] is not connection:
                return
            del self._running[name]
        connection.close(at_once=True)

    def stop(self, name: str, *, at_once: bool = False) -> None:
        """End a server, if it runs."""
        with self._lock:
            running = self._running.pop(name, None)
        if running is not None:
            running[1].close(at_once=at_once)

    def close(self) -> None:
        """End every server."""
        with self._lock:
            self._closed.set()
            names = list(self._running)
        for name in names:
            self.stop(name)
        if self._watch is not None:
            self._watch.join()


def _with_advice(error: UserError, server: ToolServer) -> UserError:
    """The same error; with what a person can do where the command first fetches and installs the server, or names a
    file that the server does not see."""
    name = Path(server.command).stem.lower()
    if not isinstance(error, NetworkError):
        return error
    if name in _INSTALLERS:
        advice = tr(
            "{command} installs a program and makes it executable, which a confined server cannot: install the server"
            " yourself (“uv tool install”, “npm install”), and add what was installed, with “--read” for its folder."
        ).format(command=name)
    elif unseen := unseen_path(server):
        advice = tr("It does not see {path}. Give it that folder: below its command, or with “--read”.").format(
            path=unseen
        )
    else:
        return error
    return NetworkError(error.title, error.detail, advice, technical=error.technical)


def _has_network(connection: "McpConnection") -> bool:
    return connection.confinement is None or connection.confinement.network == "shared"


def _same(one: ToolServer, other: ToolServer) -> bool:
    """Whether both are started in the same way; what was decided for tools does not matter."""
    return msgspec.structs.replace(one, tools={}) == msgspec.structs.replace(other, tools={})
