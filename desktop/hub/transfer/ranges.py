"""Which bytes of a file are there: spans [start, end), sorted, apart from each other."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

Span = tuple[int, int]


class Ranges:
    """A set of byte positions, kept as few spans. Not for several threads at once."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._total = 0
        for start, end in spans:
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Take in the bytes from `start` up to, not including, `end`; spans that touch become one."""
        if start < 0 or end < start:
            raise ValueError(f"no span: {start} to {end}")
        if start == end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        swallowed = sum(self._ends[i] - self._starts[i] for i in range(first, last))
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]
        self._total += end - start - swallowed

    @property
    def spans(self) -> tuple[Span, ...]:
        return tuple(zip(self._starts, self._ends, strict=True))

    @property
    def total(self) -> int:
        """How many bytes are in it."""
        return self._total

    @property
    def prefix(self) -> int:
        """Up to where everything from the file's first byte on is there."""
        return self._ends[0] if self._starts and self._starts[0] == 0 else 0

    def within(self, size: int) -> "Ranges":
        """What of it lies in a file of `size` bytes."""
        return Ranges((start, min(end, size)) for start, end in self.spans if start < size)

    def gaps(self, size: int) -> list[Span]:
        """The spans of a file of `size` bytes that are missing, first ones first."""
        missing, at = [], 0
        for start, end in self.spans:
            if start >= size:
                break
            if start > at:
                missing.append((at, start))
            at = max(at, end)
        if at < size:
            missing.append((at, size))
        return missing
