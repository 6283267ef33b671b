"""Says when the folders of watched collections are to be looked through again.

They are looked at now and then, and what the system tells of changes is not used: it tells nothing of network drives,
knows limits that a large folder exceeds, and needs a library for each system. A look costs a stat of each file (0.1 s
of CPU for 20,000); the time between two is so long that at most one hundredth of a processor goes into it.
"""

import time
from collections.abc import Callable

from desktop.storage.collection_store import CollectionStore

_LEAST_S = 30.0
_SHARE = 0.01


class CollectionWatcher:
    """For one thread. `clock` counts seconds."""

    def __init__(self, store: CollectionStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._next: dict[int, float] = {}

    def note_look(self, collection: int, seconds: float) -> None:
        """A collection's folders were looked through just now, which took so long."""
        self._next[collection] = self._clock() + max(_LEAST_S, seconds / _SHARE)

    def ask_for_looks(self) -> None:
        """Have the folders of those watched collections looked through whose time has come. Raises what `Database`
        raises."""
        watched = [each.number for each in self._store.collections() if each.watched and not each.paused]
        self._next = {number: self._next.get(number, 0.0) for number in watched}
        if due := [number for number, at in self._next.items() if at <= self._clock()]:
            self._store.look_again(due)

    def seconds_left(self) -> float:
        """Until the next of them is due; infinite where none is watched."""
        return max(min(self._next.values(), default=float("inf")) - self._clock(), 0.0)
