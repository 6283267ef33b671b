"""When a reader that does not get on, or takes too much, is ended."""

import time
from dataclasses import dataclass
from typing import Literal

from desktop.documents.reader_process import ReaderProcess

_LOOK_S = 0.25


@dataclass(frozen=True)
class ReaderLimits:
    """How much a reader may take, in bytes and seconds.

    `memory` ends it. Nothing new for `silent_cpu` seconds of computing, or for `silent` seconds at all, ends it too.
    One that has become larger than `kept_memory` is not given another file, and one without work ends after `idle`.
    """

    memory: int = 2 * 1024**3
    silent_cpu: float = 60.0
    silent: float = 600.0
    kept_memory: int = 300 * 1024**2
    idle: float = 30.0


class ReaderWatch:
    """Watches over a reader that was just given something to do."""

    def __init__(self, process: ReaderProcess, limits: ReaderLimits) -> None:
        self._process, self._limits = process, limits
        self._look_at = 0.0
        self.heard()

    def heard(self) -> None:
        """It said something."""
        self._heard_at = time.monotonic()
        self._computed: float | None = None

    def fault(self) -> Literal["", "memory", "stalled"]:
        """Why it has to be ended now, or ""."""
        now = time.monotonic()
        if now < self._look_at:
            return ""
        self._look_at = now + _LOOK_S
        if self._process.resident_bytes() > self._limits.memory:
            return "memory"
        computed = self._process.cpu_seconds()
        if self._computed is None:
            self._computed = computed
        stalled = computed - self._computed > self._limits.silent_cpu or now - self._heard_at > self._limits.silent
        return "stalled" if stalled else ""
