"""How far the indexing of collections is: what part is done, and how long the rest will take."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from desktop.documents.collection_indexer import IndexingStep
from desktop.documents.document_collection import CollectionWork
from desktop.storage.collection_files import CollectionCount
from desktop.storage.collection_store import CollectionRecord

_TELLING_S = 2.0
_SMALLEST = 4096  # what a file costs beside its bytes, as bytes


@dataclass(frozen=True)
class WorkLeft:
    """What is done with a collection, which `fraction` (0 to 1) is done, and the seconds that are left, None where
    that cannot be told."""

    state: CollectionWork
    fraction: float
    seconds_left: float | None


class CollectionProgress:
    """Follows the indexing of this process. Any thread may use it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._step: IndexingStep | None = None
        self._begun = 0.0
        self._left_at_begin: int | None = None

    @property
    def current(self) -> IndexingStep | None:
        """What is being done now, None where nothing is."""
        with self._lock:
            return self._step

    def step(self, step: IndexingStep) -> None:
        with self._lock:
            if self._step is None or self._step.collection != step.collection:
                self._begun, self._left_at_begin = self._clock(), None
            self._step = step

    def end(self) -> None:
        with self._lock:
            self._step = None

    def work(self, record: CollectionRecord, count: CollectionCount, unlooked: bool) -> WorkLeft:
        """How far the indexing of this collection is. `unlooked`: some of its folders are to be looked through."""
        with self._lock:
            step = self._step if self._step is not None and self._step.collection == record.number else None
            left = count.waiting_bytes + count.waiting * _SMALLEST
            if record.paused and left:
                return WorkLeft("paused", _part(count), None)
            if step is not None and step.file is None and count.files and not left:
                return WorkLeft("ready", 1.0, None)  # a look for changes, as watched folders get every half minute
            if step is None:
                return WorkLeft("waiting" if left or unlooked else "ready", _part(count, unlooked), None)
            if self._left_at_begin is None or left > self._left_at_begin:
                self._begun, self._left_at_begin = self._clock(), left
            passed, done = self._clock() - self._begun, float(self._left_at_begin - left)
            if step.pages and count.waiting:
                done += left / count.waiting * min(step.done / step.pages, 1.0)
            whole = self._left_at_begin
            seconds = (whole - done) * passed / done if done > 0 and passed > _TELLING_S else None
            return WorkLeft("indexing", min(done / whole, 1.0) if whole else 0.0, seconds)


def _part(count: CollectionCount, unlooked: bool = False) -> float:
    if not count.waiting:
        return 0.0 if unlooked and not count.files else 1.0
    whole = count.read_bytes + count.waiting_bytes + count.files * _SMALLEST
    return 1.0 - (count.waiting_bytes + count.waiting * _SMALLEST) / whole
