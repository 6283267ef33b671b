"""Indexing on a thread of its own, and which of several processes does it.

One process at a time indexes, which a lock says; others leave it to that one. What another process puts into the file
of collections is noticed by the file itself: two looks at its size and times every few seconds, and no query.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from desktop.documents.collection_indexer import CollectionIndexer, IndexingCalls, IndexingStep
from desktop.documents.collection_progress import CollectionProgress
from desktop.documents.collection_watcher import CollectionWatcher
from desktop.errors import StoppedError, UserError
from desktop.file_stamp import FileStamp, stamp_at
from desktop.process_lock import process_lock

_YIELD_S = 0.001
_TELL_EVERY_S = 0.4
_LOOK_S = 3.0
_ASK_AGAIN_S = 0.2
_CLOSING_S = 5.0
_AFTER_PROBLEM_S = 30.0
_log = logging.getLogger(__name__)


class BackgroundIndexing:
    """Has `indexer` work for the collections in the database at `file`. `problem` says why nothing can be indexed now,
    None where it can; `on_change` is called, on any thread, when something was done. `catch_up` is work that follows
    when all is read and may take hours: another lock says which process does it, and it is stopped when there is more
    to read."""

    def __init__(
        self,
        file: Path,
        indexer: CollectionIndexer,
        watcher: CollectionWatcher,
        progress: CollectionProgress,
        on_change: Callable[[], None],
        catch_up: Callable[[Callable[[], bool]], None] = lambda is_cancelled: None,
    ) -> None:
        self.indexer = indexer
        self.problem: UserError | None = None
        self._catch_up = catch_up
        self._file, self._watcher, self._progress, self._on_change = file, watcher, progress, on_change
        self._lock_file = file.with_name(".indexing.lock")
        self._wake = threading.Event()
        self._ending = False
        self._thread: threading.Thread | None = None
        self._told_at = 0.0
        self._owing = False

    def start(self) -> None:
        """Index in the background from now on, until `close`."""
        if self._thread is None:
            self._wake.set()
            self._thread = threading.Thread(target=self._work, name="collections", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Something was changed: look at once what is to be done."""
        self.indexer.reconsider()
        self._wake.set()

    def index(
        self,
        collection: int,
        is_cancelled: Callable[[], bool],
        is_due: Callable[[], bool],
        on_progress: Callable[[], None],
    ) -> None:
        """Have all of a collection read before this returns: in the calling thread, or where another process indexes,
        by that one, as long as `is_due`. Raises StoppedError, and what `Database` raises."""
        calls = IndexingCalls(is_cancelled, lambda step: self._tell(step, on_progress))
        while True:
            with process_lock(self._lock_file) as held:
                if held:
                    try:
                        self.indexer.run(calls, [collection])
                    finally:
                        self._progress.end()
                    return
            if not is_due():
                return
            if is_cancelled():
                raise StoppedError
            on_progress()
            time.sleep(_ASK_AGAIN_S)

    def purge(self) -> None:
        """Take out what belongs to no file, in the calling thread. Where another process indexes, that one does it."""
        with process_lock(self._lock_file) as held:
            if held:
                self.indexer.purge(IndexingCalls())

    def close(self) -> None:
        """End the thread, soon; one that waits for a disk is left to the end of the process. What was not read is read
        the next time."""
        self._ending = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_CLOSING_S)

    def _work(self) -> None:
        _lower_priority()
        stamps: tuple[FileStamp | None, ...] = ()
        while not self._ending:
            woken = self._wake.is_set() or self._owing
            self._wake.clear()
            wait_s = _LOOK_S
            if woken or stamps != self._stamps() or self._watcher.seconds_left() == 0.0:
                stamps = self._stamps()  # before: what another process writes meanwhile is looked at once more
                wait_s = self._index_all()
            self._wake.wait(wait_s)

    def _index_all(self) -> float:
        """Index what is to be; the seconds until it makes sense to look again."""
        if not self._file.exists():
            return _LOOK_S
        calls = IndexingCalls(self._is_ending, self._tell, self._watcher.note_look, lambda: time.sleep(_YIELD_S))
        try:
            with process_lock(self._lock_file) as held:
                self._owing = not held
                if held:
                    self._watcher.ask_for_looks()
                    self.indexer.run(calls)
            self.problem = None
            self._on_change()
            with process_lock(self._file.with_name(".vectors.lock")) as held:
                if held:
                    self._catch_up(lambda: self._ending or self._wake.is_set())
        except StoppedError:
            return 0.0
        except UserError as error:
            _log.warning("indexing: %s %s", error, error.technical)
            self.problem = error
            return _AFTER_PROBLEM_S
        finally:
            self._progress.end()
            self._on_change()
        return _LOOK_S

    def _is_ending(self) -> bool:
        return self._ending

    def _stamps(self) -> tuple[FileStamp | None, ...]:
        return stamp_at(self._file), stamp_at(self._file.with_name(f"{self._file.name}-wal"))

    def _tell(self, step: IndexingStep, on_progress: Callable[[], None] = lambda: None) -> None:
        self._progress.step(step)
        now = time.monotonic()
        if now - self._told_at > _TELL_EVERY_S:
            self._told_at = now
            self._on_change()
            on_progress()


def _lower_priority() -> None:
    """Have the system prefer other threads to the calling one, where it can."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    except (AttributeError, OSError):
        return
