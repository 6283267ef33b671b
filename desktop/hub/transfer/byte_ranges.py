"""Which bytes of a file are there, as spans [start, end), sorted and apart, and which others are being fetched."""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

ByteSpan = tuple[int, int]
MIN_RANGE_BYTES = 1 << 20
"""What is worth a request of its own, in bytes: less is not split any further."""


class ByteRanges:
    """A set of byte positions, kept as few spans. Not for several threads at once."""

    def __init__(self, spans: Iterable[ByteSpan] = ()) -> None:
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
    def spans(self) -> tuple[ByteSpan, ...]:
        return tuple(zip(self._starts, self._ends, strict=True))

    @property
    def total(self) -> int:
        """How many bytes are in it."""
        return self._total

    @property
    def prefix(self) -> int:
        """Up to where everything from the file's first byte on is there."""
        return self._ends[0] if self._starts and self._starts[0] == 0 else 0

    def within(self, size: int) -> "ByteRanges":
        """What of it lies in a file of `size` bytes."""
        return ByteRanges((start, min(end, size)) for start, end in self.spans if start < size)

    def gaps(self, size: int) -> list[ByteSpan]:
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


@dataclass(eq=False)
class RangeJob:
    """The bytes from `at` up to `end` that one connection fetches; what came before `at` is done or being written."""

    at: int
    end: int
    written: int


class RangePlan:
    """The state of a file of `size` bytes. For any number of threads."""

    def __init__(self, size: int, done: ByteRanges) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._done = done
        self._todo = done.gaps(size)
        self._jobs: list[RangeJob] = []

    def take(self, most: int) -> RangeJob | None:
        """The first bytes that nobody fetches yet, `most` of them at most; else the second half of what somebody
        has before it. None where nothing is worth it."""
        with self._lock:
            if self._todo:
                start, end = self._todo.pop(0)
                if end - start > most + MIN_RANGE_BYTES:
                    self._todo.insert(0, (start + most, end))
                    end = start + most
                return self._begin(start, end)
            longest = max(self._jobs, key=lambda job: job.end - job.at, default=None)
            if longest is None or longest.end - longest.at < 2 * MIN_RANGE_BYTES:
                return None
            middle = longest.at + (longest.end - longest.at) // 2
            end, longest.end = longest.end, middle
            return self._begin(middle, end)

    def take_all(self) -> None:
        """Nobody else gets anything from here on: somebody fetches all of it."""
        with self._lock:
            self._todo = []
            for job in self._jobs:
                job.end = job.at

    def reserve(self, job: RangeJob, count: int) -> int:
        """How many of the `count` bytes that came next are still this job's; they are from now on."""
        with self._lock:
            count = max(0, min(count, job.end - job.at))
            job.at += count
            return count

    def mark_written(self, start: int, end: int, job: RangeJob | None = None) -> None:
        """These bytes are in the file."""
        with self._lock:
            self._done.add(start, end)
            if job is not None:
                job.written = end

    def release(self, job: RangeJob) -> None:
        """Nobody fetches this job's bytes any more; those that are missing are for others."""
        with self._lock:
            if job in self._jobs:
                self._jobs.remove(job)
            self._refill()

    def missing(self, start: int, end: int) -> list[ByteSpan]:
        """What is not in the file of the bytes from `start` up to `end`."""
        with self._lock:
            return [(max(a, start), min(b, end)) for a, b in self._done.gaps(self.size) if a < end and b > start]

    @property
    def spans(self) -> tuple[ByteSpan, ...]:
        """What is in the file."""
        with self._lock:
            return self._done.spans

    @property
    def done(self) -> int:
        """How many bytes are in the file."""
        with self._lock:
            return self._done.total

    @property
    def prefix(self) -> int:
        """Up to where everything is in the file."""
        with self._lock:
            return self._done.prefix

    def _begin(self, start: int, end: int) -> RangeJob:
        job = RangeJob(start, end, start)
        self._jobs.append(job)
        return job

    def _refill(self) -> None:
        taken = ByteRanges(self._done.spans)
        for job in self._jobs:
            taken.add(job.written, max(job.end, job.at))
        self._todo = taken.gaps(self.size)
