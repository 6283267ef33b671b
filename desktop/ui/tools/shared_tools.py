"""The tool servers, shared by all windows.

They are built when they are first needed, off the main thread; their modules are imported then, so that a start does
not wait for them.
"""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from desktop.atomic_file import temporary_folder
from desktop.background import Background
from desktop.errors import StoppedError, UserError
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.tools.server_channel import ServerConfinement
    from desktop.tools.tool_service import ToolService

T = TypeVar("T")
_MOST_AT_ONCE = 2
"""So many servers are waited for at once: each takes one of the threads that all windows share."""


class ServerTask:
    """Work that waits for a server. `cancel` ends it, or has it never begin."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End it soon."""
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether it is to end. Any thread."""
        return self._cancelled.is_set()


class SharedTools:
    """`make` builds the service (any thread). All methods but `service` and `confinement` are for the main thread."""

    def __init__(self, background: Background, make: "Callable[[], ToolService]", logs: Path) -> None:
        self._background, self._make, self._logs = background, make, logs
        self._lock = threading.Lock()
        self._built: ToolService | None = None
        self._confinements: dict[bool, ServerConfinement | str] = {}
        self._waiting: deque[Callable[[], None]] = deque()
        self._busy = 0
        self._closed = threading.Event()

    def run(
        self,
        work: "Callable[[ToolService], T]",
        success: Callable[[T], None] | None = None,
        failure: Callable[[UserError], None] | None = None,
    ) -> None:
        """Do `work`, which waits for no server, beside everything else; `success` or `failure` then on the main
        thread."""
        if not self._closed.is_set():
            self._background.pool(lambda: work(self.service()), success, failure)

    def run_task(
        self,
        work: "Callable[[ToolService, Callable[[], bool]], T]",
        success: Callable[[T], None],
        failure: Callable[[UserError], None],
    ) -> ServerTask:
        """Do `work`, which may wait for a server, as soon as fewer than two others do; it is given what says whether it
        was cancelled. `success` or `failure` then on the main thread."""
        task = ServerTask()

        def is_cancelled() -> bool:
            return task.is_cancelled or self._closed.is_set()

        def job() -> T:
            if is_cancelled():
                raise StoppedError
            return work(self.service(), is_cancelled)

        def done(result: T) -> None:
            self._next()
            success(result)

        def failed(error: UserError) -> None:
            self._next()
            failure(error)

        self._waiting.append(lambda: self._begin(job, done, failed))
        if self._busy < _MOST_AT_ONCE:
            self._busy += 1
            self._waiting.popleft()()
        return task

    def _begin(self, job: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[UserError], None]) -> None:
        self._background.pool(job, done, failed)

    def _next(self) -> None:
        if self._closed.is_set() or not self._waiting:
            self._busy -= 1
        else:
            self._waiting.popleft()()

    def service(self) -> "ToolService":
        """The service, built now where it was not. Not for the main thread. StoppedError once this is closed."""
        with self._lock:
            if self._closed.is_set():
                raise StoppedError
            if self._built is None:
                self._built = self._make()
            return self._built

    def confinement(self, *, network: bool) -> "ServerConfinement | str":
        """How a server is confined here, with or without the network; as a sentence where it would not be started.
        Starts a program that does nothing, the first time. Not for the main thread."""
        if network not in self._confinements:
            from desktop.tools.tool_server_process import probe_confinement

            found: ServerConfinement | str
            try:
                with temporary_folder() as folder:
                    found = probe_confinement(folder, self._logs, network=network)
            except UserError as error:
                found = error.detail or error.title or tr("It is not known how.")
            self._confinements[network] = found
        return self._confinements[network]

    def close(self) -> None:
        """End all servers. Tasks under way end, and what waits never begins."""
        self._closed.set()
        self._waiting.clear()
        with self._lock:
            built, self._built = self._built, None
        if built is not None:
            built.close()
