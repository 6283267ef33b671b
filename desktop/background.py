"""Runs work off the main thread, and calls back on the main thread with its result.

Two executors: a serial one for the database, so that its changes keep their order, and a small pool for everything
else. A result comes back through `post`, which runs a function on the main thread (in the window: a queued signal;
in the command and in tests: at once).
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

from desktop.child_process_command import program_replaced_error
from desktop.errors import StoppedError, UserError
from desktop.translation import tr

T = TypeVar("T")
CallOnMainThread = Callable[[Callable[[], None]], None]
_log = logging.getLogger(__name__)


class Background:
    """The two executors. `post` runs a function on the main thread. `close` waits for database work that was already
    asked for.

    `failure` gets the UserError that work raised, or one that says that the work was stopped (StoppedError) or that it
    met a bug (any other exception, which goes to the log): every call ends in `success` or in `failure`.
    """

    def __init__(self, post: CallOnMainThread) -> None:
        self._post = post
        self._database = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="background")

    def call_on_main_thread(self, function: Callable[[], None]) -> None:
        """Run `function` on the main thread, soon."""
        self._post(function)

    def run_shielded(self, function: Callable[[], None]) -> None:
        """Run `function` now. A bug of its own is raised on the main loop, not in the middle of whoever calls this."""
        try:
            function()
        except Exception as bug:  # noqa: BLE001 - raised again, later
            caught = bug

            def again() -> None:
                raise caught

            self._post(again)

    def database(
        self,
        work: Callable[[], T],
        success: Callable[[T], None] | None = None,
        failure: Callable[[UserError], None] | None = None,
    ) -> Future[T]:
        """Run `work` after all database work asked for before it; `success` or `failure` then on the main thread."""
        return self._run(self._database, work, success, failure)

    def pool(
        self,
        work: Callable[[], T],
        success: Callable[[T], None] | None = None,
        failure: Callable[[UserError], None] | None = None,
    ) -> Future[T]:
        """Run `work` beside everything else; `success` or `failure` then on the main thread."""
        return self._run(self._pool, work, success, failure)

    def thread(
        self,
        work: Callable[[], T],
        success: Callable[[T], None] | None = None,
        failure: Callable[[UserError], None] | None = None,
    ) -> None:
        """Run `work` in a thread of its own, as it may wait for long: nothing waits for it, the program's end neither;
        `success` or `failure` then on the main thread."""
        job = self._job(work, success, failure)

        def run() -> None:
            with suppress(Exception):  # which `failure` was told, and the log
                job()

        threading.Thread(target=run, name="background-own", daemon=True).start()

    def close(self) -> None:
        """Finish the database work; drop what waits in the pool."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._database.shutdown(wait=True)

    def _run(
        self,
        executor: ThreadPoolExecutor,
        work: Callable[[], T],
        success: Callable[[T], None] | None,
        failure: Callable[[UserError], None] | None,
    ) -> Future[T]:
        return executor.submit(self._job(work, success, failure))

    def _job(
        self,
        work: Callable[[], T],
        success: Callable[[T], None] | None,
        failure: Callable[[UserError], None] | None,
    ) -> Callable[[], T]:
        def job() -> T:
            try:
                result = work()
            except UserError as error:
                _log.warning("background work: %s %s", error, error.technical)
                if failure is not None:
                    handler, caught = failure, error
                    self._post(lambda: handler(caught))
                raise
            except StoppedError:
                if failure is not None:
                    ended = failure
                    self._post(lambda: ended(UserError(tr("It was stopped."))))
                raise
            except BaseException as bug:
                _log.exception("background work failed")
                if failure is not None:
                    report, mistake = failure, _bug_error(bug)
                    self._post(lambda: report(mistake))
                raise
            if success is not None:
                follow = success
                self._post(lambda: follow(result))
            return result

        return job


def _bug_error(bug: BaseException) -> UserError:
    return program_replaced_error(repr(bug)) or UserError(
        tr("Latchkey made a mistake."),
        tr("This could not be done; the log says where it failed."),
        tr("Try again. If it happens once more, please report it with the log."),
        technical=repr(bug),
    )


class MainThreadQueue(Generic[T]):
    """`put` on any thread; `handle` is called on the main thread with all that waits, in order."""

    def __init__(self, post: CallOnMainThread, handle: Callable[[list[T]], None]) -> None:
        self._post = post
        self._handle = handle
        self._lock = threading.Lock()
        self._waiting: list[T] = []

    def put(self, item: T) -> None:
        with self._lock:
            self._waiting.append(item)
            first = len(self._waiting) == 1
        if first:
            self._post(self._drain)

    def _drain(self) -> None:
        with self._lock:
            items, self._waiting = self._waiting, []
        if items:
            self._handle(items)
