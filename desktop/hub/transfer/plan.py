"""Which bytes are fetched by whom: what is missing, shared out from the front so that hashing can follow closely."""

import threading
from dataclasses import dataclass

from desktop.hub.transfer.ranges import Ranges, Span

SMALLEST = 1 << 20
"""What is worth a request of its own, in bytes: less is not split any further."""


@dataclass(eq=False)
class Job:
    """The bytes from `at` up to `end` that one connection fetches; what came before `at` is done or being written."""

    at: int
    end: int
    written: int


class Plan:
    """The state of a file of `size` bytes. For any number of threads."""

    def __init__(self, size: int, done: Ranges) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._done = done
        self._todo = done.gaps(size)
        self._jobs: list[Job] = []

    def take(self, most: int) -> Job | None:
        """The first bytes that nobody fetches yet, `most` of them at most; else the second half of what somebody
        has before it. None where nothing is worth it."""
        with self._lock:
            if self._todo:
                start, end = self._todo.pop(0)
                if end - start > most + SMALLEST:
                    self._todo.insert(0, (start + most, end))
                    end = start + most
                return self._begin(start, end)
            longest = max(self._jobs, key=lambda job: job.end - job.at, default=None)
            if longest is None or longest.end - longest.at < 2 * SMALLEST:
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

    def reserve(self, job: Job, count: int) -> int:
        """How many of the `count` bytes that came next are still this job's; they are from now on."""
        with self._lock:
            count = max(0, min(count, job.end - job.at))
            job.at += count
            return count

    def wrote(self, start: int, end: int, job: Job | None = None) -> None:
        """These bytes are in the file."""
        with self._lock:
            self._done.add(start, end)
            if job is not None:
                job.written = end

    def leave(self, job: Job) -> None:
        """Nobody fetches this job's bytes any more; those that are missing are for others."""
        with self._lock:
            if job in self._jobs:
                self._jobs.remove(job)
            self._refill()

    def missing(self, start: int, end: int) -> list[Span]:
        """What is not in the file of the bytes from `start` up to `end`."""
        with self._lock:
            return [(max(a, start), min(b, end)) for a, b in self._done.gaps(self.size) if a < end and b > start]

    @property
    def spans(self) -> tuple[Span, ...]:
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

    def _begin(self, start: int, end: int) -> Job:
        job = Job(start, end, start)
        self._jobs.append(job)
        return job

    def _refill(self) -> None:
        taken = Ranges(self._done.spans)
        for job in self._jobs:
            taken.add(job.written, max(job.end, job.at))
        self._todo = taken.gaps(self.size)
