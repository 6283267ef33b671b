"""One scripted answer of the fake engine, and how it is told: the same events as a real one, faults included."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from desktop.conversation import StopReason, ThinkingPart, ToolCallPart
from desktop.engine.engine_errors import failure_event
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    DeltaReplacement,
    GenerateRequest,
    PromptPrepared,
    PromptProgress,
    ToolCallDelta,
)
from desktop.errors import EngineError, UserError

_PIECE = re.compile(r"\s*\S+|\s+")
_PROMPT_PIECE = 512


@dataclass(frozen=True)
class FakeAnswer:
    """One scripted answer. Counts are in pieces (a word with the space before it); times in seconds.

    `delay_s` passes before the prompt is read, `prompt_s` while it is. `tokens_per_s` None is as fast as can be.
    `error` fails the answer after `fails_after` pieces; `dies_after` ends the engine there as a killed process would;
    `hangs_after` stops saying anything until cancelled. A cancel takes `cancel_s` to be obeyed. `crashes_after` is
    where the worker crashes and, `restart_s` later, another goes on: the answer's end says `notice`. `unopened` is
    told as answer first, and then anew as thinking. `calls` are those of tools that it ends with.
    """

    text: str = "This is a scripted answer."
    thinking: str = ""
    tokens_per_s: float | None = None
    delay_s: float = 0.0
    prompt_s: float = 0.0
    prompt_tokens: int = 12
    cached_tokens: int = 0
    dropped_messages: int = 0
    stop_reason: StopReason = "end"
    error: UserError | None = None
    fails_after: int = 0
    dies_after: int | None = None
    hangs_after: int | None = None
    cancel_s: float = 0.0
    crashes_after: int | None = None
    restart_s: float = 0.0
    notice: str = "The engine stopped while it used flash attention, so it now runs without it."
    unopened: str = ""
    calls: tuple[ToolCallPart, ...] = ()
    stopped_by: str = ""


Script = Sequence[FakeAnswer] | Callable[[GenerateRequest], FakeAnswer]


class FakeAnswerHost(Protocol):
    """What an answer needs of the engine that tells it."""

    def cancelled_within(self, seconds: float, request_id: int) -> bool:
        """Whether `request_id` was cancelled within `seconds` (or the engine closed)."""

    def die(self) -> None:
        """Be as if the process had ended."""


class FakeAnswerRun:
    """One answer being told."""

    def __init__(
        self,
        engine: FakeAnswerHost,
        request: GenerateRequest,
        answer: FakeAnswer,
        context: int,
        on_event: Callable[[AnswerEvent], None],
    ) -> None:
        self._engine, self._request, self._answer, self._context = engine, request, answer, context
        self._on_event = on_event
        self._started = time.monotonic()
        self._first: float | None = None
        self._said = 0
        self._notice = ""

    def run(self) -> None:
        answer, request = self._answer, self._request
        if self._pause(answer.delay_s):
            return
        self._on_event(
            PromptPrepared(
                request.id, answer.prompt_tokens, answer.cached_tokens, answer.dropped_messages, self._context
            )
        )
        to_read = answer.prompt_tokens - answer.cached_tokens
        pieces = max(1, -(-to_read // _PROMPT_PIECE))
        for piece in range(1, pieces + 1):
            if self._pause(answer.prompt_s / pieces):
                return
            done = answer.cached_tokens + min(to_read, piece * _PROMPT_PIECE)
            self._on_event(PromptProgress(request.id, done, answer.prompt_tokens))
        words = [(word, True) for word in _PIECE.findall(answer.thinking)]
        words += [(word, False) for word in _PIECE.findall(answer.unopened)]
        closes = len(words) if answer.unopened else -1
        words += [(word, False) for word in _PIECE.findall(answer.text)]
        for word, thinking in words:
            if self._fault() or self._pause(1 / answer.tokens_per_s if answer.tokens_per_s else 0):
                return
            if request.options.max_tokens is not None and self._said >= request.options.max_tokens:
                self._done("length")
                return
            self._send_text(word, thinking)
            if self._said == closes:
                parts = (ThinkingPart(answer.thinking + answer.unopened),)
                self._on_event(DeltaReplacement(request.id, parts, self._said, self._speed()))
        for call in answer.calls:
            self._on_event(ToolCallDelta(request.id, call.id, call.name, "", self._said))
            for word in _PIECE.findall(call.arguments):
                self._said += 1
                self._on_event(ToolCallDelta(request.id, call.id, call.name, word, self._said))
        if not self._fault():
            self._done("tool-calls" if answer.calls else answer.stop_reason)

    def _send_text(self, word: str, thinking: bool) -> None:
        self._first = self._first or time.monotonic()
        self._said += 1
        self._on_event(Delta(self._request.id, word, thinking, self._said, self._speed()))

    def _fault(self) -> bool:
        """Whether the answer ends here by a scripted fault."""
        answer = self._answer
        if answer.crashes_after == self._said:
            self._notice = answer.notice
            if self._pause(answer.restart_s):
                return True
        if answer.hangs_after == self._said:
            return self._pause(10**6)
        if answer.dies_after == self._said:
            self._engine.die()
            killed = "Its process was ended by the signal SIGKILL."
            death = EngineError("The engine stopped unexpectedly.", killed, "Ask again.")
            self._on_event(failure_event(self._request.id, death, died=True))
            return True
        if answer.error is not None and answer.fails_after == self._said:
            self._on_event(failure_event(self._request.id, answer.error))
            return True
        return False

    def _pause(self, seconds: float) -> bool:
        """Whether the answer was cancelled meanwhile; then it is over."""
        if not self._engine.cancelled_within(seconds, self._request.id):
            return False
        if self._answer.cancel_s:
            time.sleep(self._answer.cancel_s)
        self._done("cancelled")
        return True

    def _speed(self) -> float | None:
        elapsed = time.monotonic() - (self._first or 0)
        return (self._said - 1) / elapsed if self._first and self._said > 1 and elapsed > 0 else None

    def _done(self, reason: StopReason) -> None:
        answer, request = self._answer, self._request
        seed = request.options.sampling.seed
        seed = 42 if seed is None else seed
        self._on_event(
            AnswerDone(
                id=request.id,
                stop_reason=reason,
                prompt_tokens=answer.prompt_tokens,
                cached_tokens=answer.cached_tokens,
                generated_tokens=self._said,
                time_to_first_token_s=self._first - self._started if self._first else None,
                tokens_per_s=self._speed(),
                prompt_tokens_per_s=None,
                seed=seed,
                context_length=self._context,
                dropped_messages=answer.dropped_messages,
                notice=self._notice,
                stopped_by=answer.stopped_by,
            )
        )
