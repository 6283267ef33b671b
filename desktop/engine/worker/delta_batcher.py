"""Text on its way to the app: the first of an answer at once, later text in batches of 16 to 33 ms.

Normally the decode loop itself flushes. Where a token takes longer than a batch should wait, a small thread flushes
in its place; it sleeps unless something waits.
"""

import threading
import time
from collections.abc import Callable, Sequence

from desktop.conversation import AnswerPart, TextPart, ThinkingPart, ToolCallPart
from desktop.engine.token_logprobs import TokenLogprob
from desktop.engine.worker.answer_text import ShownText, TextReplacement
from desktop.engine.worker.call_reader import CallPiece
from desktop.engine.worker_messages import Delta, ToolCallDelta
from desktop.engine.worker_messages import DeltaReplacement as RestatedEvent

AnswerDelta = Delta | ToolCallDelta | RestatedEvent
_BATCH_S = 0.016
_LATEST_S = 0.033


class LateFlush:
    """A thread that flushes batchers whose answer is not doing it in time. One for the life of the worker."""

    def __init__(self) -> None:
        self._waiting = threading.Event()
        self._batchers: list[DeltaBatcher] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="late-flush", daemon=True).start()

    def watch(self, batcher: "DeltaBatcher") -> None:
        """Flush `batcher` where it still holds text in a while."""
        with self._lock:
            if batcher not in self._batchers:
                self._batchers.append(batcher)
        self._waiting.set()

    def _run(self) -> None:
        while True:
            self._waiting.wait()
            time.sleep(_LATEST_S - _BATCH_S)
            with self._lock:
                watched, self._batchers = self._batchers, []
                self._waiting.clear()
            late = [batcher for batcher in watched if not batcher.flush_late()]
            with self._lock:
                self._batchers += [batcher for batcher in late if batcher not in self._batchers]
                if self._batchers:
                    self._waiting.set()


class DeltaBatcher:
    """Collects the text of answer `request_id` and sends it as Delta events.

    `tokens` is the list that its tokens are added to; those in it by now were sent. `logprobs` gets an entry for each
    token from then on, or none at all.
    """

    def __init__(
        self,
        send: Callable[[AnswerDelta], None],
        late_flush: LateFlush,
        request_id: int,
        tokens: Sequence[int],
        logprobs: Sequence[TokenLogprob] = (),
    ) -> None:
        self._send, self._late_flush = send, late_flush
        self._id, self._tokens, self._logprobs = request_id, tokens, logprobs
        self._count = self._sent = self._begun = len(tokens)
        self._lock = threading.Lock()
        self._watched = False
        self._parts: list[ShownText] = []
        self._speed: float | None = None
        self._due = 0.0

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
                elif isinstance(each, CallPiece):
                    if isinstance(last, CallPiece) and last.call_id == each.call_id:
                        parts[-1] = CallPiece(last.call_id, last.name, last.arguments + each.arguments)
                    else:
                        parts.append(each)
                elif isinstance(last, tuple) and last[1] == each[1]:
                    parts[-1] = (last[0] + each[0], each[1])
                else:
                    parts.append(each)
            if now >= self._due:
                self._flush(now)
            elif fresh and not self._watched:
                self._watched = True
                self._late_flush.watch(self)

    def finish(self, held: Sequence[ShownText], speed: float | None) -> None:
        """Send what waits, then the text that was held back to the answer's end, without tokens; the log probabilities
        of tokens that gave no text stand with the last of it."""
        with self._lock:
            self._flush(time.perf_counter())
            rest = tuple(self._logprobs[self._sent - self._begun : len(self._tokens) - self._begun])
            told = [*held] or ([("", False)] if rest else [])
            for index, each in enumerate(told, 1):
                logprobs = rest if index == len(told) else ()
                self._send(self._event(each, len(self._tokens), speed, (), logprobs))

    def _flush(self, now: float) -> None:
        last = len(self._parts) - 1
        for index, each in enumerate(self._parts):
            tokens = tuple(self._tokens[self._sent : self._count]) if index == last else ()
            logprobs = self._logprobs[self._sent - self._begun : self._count - self._begun] if tokens else ()
            self._send(self._event(each, self._count, self._speed, tokens, tuple(logprobs)))
        if self._parts:
            self._sent = self._count
        self._parts = []
        self._due = now + _BATCH_S

    def _event(
        self,
        shown: ShownText,
        count: int,
        speed: float | None,
        tokens: tuple[int, ...],
        logprobs: tuple[TokenLogprob, ...] = (),
    ) -> AnswerDelta:
        if isinstance(shown, TextReplacement):
            return RestatedEvent(self._id, tuple(map(_part, shown.parts)), count, speed, tokens, logprobs)
        if isinstance(shown, CallPiece):
            return ToolCallDelta(self._id, shown.call_id, shown.name, shown.arguments, count, speed, tokens, logprobs)
        text, thinking = shown
        return Delta(self._id, text, thinking, count, speed, tokens, logprobs)

    def flush_late(self) -> bool:
        """Send what has waited too long; whether nothing waits any more."""
        with self._lock:
            now = time.perf_counter()
            if self._parts and now >= self._due + _LATEST_S - _BATCH_S:
                self._flush(now)
            self._watched = bool(self._parts)
            return not self._parts


def _part(shown: tuple[str, bool] | CallPiece) -> AnswerPart:
    if isinstance(shown, CallPiece):
        return ToolCallPart(shown.call_id, shown.name, shown.arguments)
    text, thinking = shown
    return ThinkingPart(text) if thinking else TextPart(text)
