"""Text on its way to the app: the first of an answer at once, later text in batches of 16 to 33 ms.

Normally the decode loop itself flushes. Where a token takes longer than a batch should wait, a small thread flushes
in its place; it sleeps unless something waits.
"""

import threading
import time
from collections.abc import Callable

from desktop.engine.messages import Delta

_BATCH_S = 0.016
_LATEST_S = 0.033


class Outbox:
    """Collects text and sends it as Delta events. One for the life of the worker; `start` begins an answer."""

    def __init__(self, send: Callable[[Delta], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._waiting = threading.Event()
        self._parts: list[tuple[str, bool]] = []
        self._id = 0
        self._count = 0
        self._speed: float | None = None
        self._due = 0.0
        threading.Thread(target=self._flush_late, name="late-flush", daemon=True).start()

    def start(self, request_id: int) -> None:
        with self._lock:
            self._id, self._parts, self._count, self._speed, self._due = request_id, [], 0, None, 0.0

    def put(self, text: str, thinking: bool, count: int, speed: float | None, now: float) -> None:
        """Add text; sends what waits where it is due. `count` tokens were generated so far, at `speed` per second."""
        with self._lock:
            self._count, self._speed = count, speed
            parts = self._parts
            if parts and parts[-1][1] == thinking:
                parts[-1] = (parts[-1][0] + text, thinking)
            else:
                parts.append((text, thinking))
            if now >= self._due:
                self._flush(now)
            elif len(parts) == 1 and not self._waiting.is_set():
                self._waiting.set()

    def flush(self) -> None:
        with self._lock:
            self._flush(time.perf_counter())

    def _flush(self, now: float) -> None:
        for text, thinking in self._parts:
            self._send(Delta(self._id, text, thinking, self._count, self._speed))
        self._parts = []
        self._due = now + _BATCH_S

    def _flush_late(self) -> None:
        while True:
            self._waiting.wait()
            time.sleep(_LATEST_S - _BATCH_S)
            with self._lock:
                now = time.perf_counter()
                if self._parts and now >= self._due + _LATEST_S - _BATCH_S:
                    self._flush(now)
                if not self._parts:
                    self._waiting.clear()
