"""The vectors of many passages in memory, and the nearest of them to a question's: a scan over all of them.

They stand as 16-bit floats and are multiplied in blocks as 32-bit ones, so that little memory is taken besides.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from desktop.storage.collection_contents import passage_range

_BLOCK = 1024  # rows multiplied at once: their 32-bit floats stay in the processor's cache
STORED = np.dtype("<f2")
"""How a number of a stored vector is written."""


class VectorMatrix:
    """Vectors of `length` numbers, and the ids of the passages that they are of. For one thread at a time."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._count = 0
        self._rows: Any = np.empty((0, length), STORED)
        self._passages: Any = np.empty(0, np.int64)

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return int(self._rows.nbytes + self._passages.nbytes)

    def append(self, passages: Sequence[int], vectors: bytes) -> None:
        """Add the vectors of these passages. ValueError where they are not as long as they should be."""
        rows = np.frombuffer(vectors, STORED).reshape(len(passages), self.length)
        needed = self._count + len(passages)
        if needed > len(self._passages):
            room = max(needed, len(self._passages) * 5 // 4)
            grown, ids = np.empty((room, self.length), STORED), np.empty(room, np.int64)
            grown[: self._count], ids[: self._count] = self._rows[: self._count], self._passages[: self._count]
            self._rows, self._passages = grown, ids
        self._rows[self._count : needed] = rows
        self._passages[self._count : needed] = passages
        self._count = needed

    def keep(self, passages: Sequence[int]) -> None:
        """Drop the vectors of all passages but these."""
        kept = np.isin(self._passages[: self._count], np.asarray(passages, np.int64))
        self._rows, self._passages = self._rows[: self._count][kept], self._passages[: self._count][kept]
        self._count = len(self._passages)

    def nearest(self, vector: Any, collections: Sequence[int], limit: int) -> list[tuple[int, float]]:
        """The passages of these collections whose vectors are nearest to `vector`, the best first: id and cosine.

        Of vectors that hold anything but numbers nothing is found.
        """
        scores = np.empty(self._count, np.float32)
        for begin in range(0, self._count, _BLOCK):
            end = min(begin + _BLOCK, self._count)
            scores[begin:end] = self._rows[begin:end].astype(np.float32) @ vector
        passages = self._passages[: self._count]
        wanted = np.zeros(self._count, bool)
        for first, last in map(passage_range, collections):
            wanted |= (passages >= first) & (passages <= last)
        places = np.flatnonzero(wanted & np.isfinite(scores) & (scores > 0))
        if len(places) > limit:
            best = np.argpartition(scores[places], -limit)[-limit:]
            places = places[best]
        places = places[np.lexsort((passages[places], -scores[places]))]
        return [(int(passages[place]), float(scores[place])) for place in places[:limit]]


def stored_vector(vector: Sequence[float]) -> bytes:
    """A vector of length 1 as it is stored."""
    return np.asarray(vector, np.float32).astype(STORED).tobytes()
