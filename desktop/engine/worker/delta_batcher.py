"""Text on its way to the app: the first of an answer at once, later text in batches of 16 to 33 ms.

Normally the decode loop itself flushes. Where a token takes longer than a batch should wait, a small thread flushes
in its place; it sleeps unless something waits.
"""

import threading
import time
from collections.abc import Callable, Sequence

from desktop.conversation import TextPart, ThinkingPart
from desktop.engine.worker.answer_text import ShownText, TextReplacement
from desktop.engine.worker_messages import Delta
from desktop.engine.worker_messages import DeltaReplacement as RestatedEvent

_BATCH_S = 0.016
_LATEST_S = 0.033


class DeltaBatcher:
    """Collects text and sends it as Delta events. One for the life of the worker; `start` begins an answer."""

    def __init__(self, send: Callable[[Delta | RestatedEvent], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._waiting = threading.Event()
        self._parts: list[ShownText] = []
        self._id = 0
        self._tokens: Sequence[int] = ()
        self._count = 0
        self._sent = 0
        self._speed: float | None = None
        self._due = 0.0
        threading.Thread(target=self._flush_late, name="late-flush", daemon=True).start()

    def start(self, request_id: int, tokens: Sequence[int]) -> None:
        """Begin an answer. `tokens` is the list that its tokens are added to; those in it by now were sent."""
        with self._lock:
            self._id, self._parts, self._speed, self._due = request_id, [], None, 0.0
            self._tokens, self._count, self._sent = tokens, len(tokens), len(tokens)

    def add(self, told: Sequence[ShownText], speed: float | None, now: float) -> None:
        """Add all text that the tokens so far give, generated at `speed` per second; sends what waits where it is due.

        Text and the token that completed it are added at once, so that no Delta has one of them without the other.
        """
        with self._lock:
            self._count, self._speed = len(self._tokens), speed
            parts = self._parts
            fresh = not parts
            for each in told:
                last = parts[-1] if parts else None
                if isinstance(each, TextReplacement):
                    parts.clear()  # it holds them
                    parts.append(each)
                elif isinstance(last, tuple) and last[1] == each[1]:
                    parts[-1] = (last[0] + each[0], each[1])
                else:
                    parts.append(each)
            if now >= self._due:
                self._flush(now)
            elif fresh and not self._waiting.is_set():
                self._waiting.set()

    def finish(self, held: Sequence[ShownText], speed: float | None) -> None:
        """Send what waits, then the text that was held back to the answer's end, without tokens."""
        with self._lock:
            self._flush(time.perf_counter())
            for each in held:
                self._send(self._event(each, len(self._tokens), speed, ()))

    def _flush(self, now: float) -> None:
        last = len(self._parts) - 1
        for index, each in enumerate(self._parts):
            tokens = tuple(self._tokens[self._sent : self._count]) if index == last else ()
            self._send(self._event(each, self._count, self._speed, tokens))
        if self._parts:
            self._sent = self._count
        self._parts = []
        self._due = now + _BATCH_S

    def _event(
        self, shown: ShownText, count: int, speed: float | None, tokens: tuple[int, ...]
    ) -> Delta | RestatedEvent:
        if isinstance(shown, TextReplacement):
            parts = tuple(ThinkingPart(text) if thinking else TextPart(text) for text, thinking in shown.parts)
            return RestatedEvent(self._id, parts, count, speed, tokens)
        text, thinking = shown
        return Delta(self._id, text, thinking, count, speed, tokens)

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
