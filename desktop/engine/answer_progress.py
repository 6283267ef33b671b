"""One answer as the app follows it, across workers: where one dies, the next one continues it."""

import time
from collections.abc import Callable

import msgspec

from desktop.conversation import AnswerPart, ToolCallPart
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
from desktop.errors import EngineError
from desktop.translation import tr

_LONGEST_PROMPT = 10_000_000  # characters; a message on the pipe holds 64 MB
MOST_TEXT, MOST_TOKENS, MOST_HELD = 32_000_000, 4_000_000, 10_000  # characters, tokens and messages of one answer


_AnyDelta = Delta | ToolCallDelta | DeltaReplacement


class AnswerProgress:
    """The events of the answer to `request`: a worker's events go through `receive`, which passes them on to `tell`.

    `prompted` says that the prompt is rendered, so that what follows is computing; `too_long` that a worker has sent
    more than any answer can hold.
    """

    def __init__(self, request: GenerateRequest, tell: Callable[[AnswerEvent], None] = lambda _: None) -> None:
        self._request = request
        self._tell = tell
        self._first_prompted: PromptPrepared | None = None
        self._last_delta: _AnyDelta | None = None
        self._tokens: list[int] = []
        self._text = 0
        self._held: list[_AnyDelta] = []
        self._asked = self._waited_s = 0.0
        self._first_at: float | None = None
        self._thought_until: float | None = None
        self._thought = False
        self._several_workers = False
        self.prompted = False
        self.too_long = False

    def request(self) -> GenerateRequest:
        """What to ask the worker for now: the answer, from where it is. Raises EngineError where it is too long."""
        if sum(message.length for message in self._request.messages) > _LONGEST_PROMPT:
            raise EngineError(
                tr("This conversation is too long to be sent to the engine."), remedy=tr("Start a new conversation.")
            )
        now = time.monotonic()
        self._asked = self._asked or now
        self._waited_s = now - self._asked
        return msgspec.structs.replace(self._request, begun=(*self._request.begun, *self._tokens))

    def restart(self) -> None:
        """The worker died and another will go on. Text whose tokens did not come is sent again by that one."""
        self._held = []
        self.prompted = False
        self._several_workers = True

    def receive(self, event: AnswerEvent) -> None:
        """Pass on an event of the worker, all but the answer's end.

        PromptPrepared is passed on once, PromptProgress only until the first text. A Delta without tokens is held until
        the Delta that completes it.
        """
        match event:
            case Delta(text="", tokens=(), logprobs=()):
                pass
            case Delta() | ToolCallDelta() | DeltaReplacement():
                parts = event.parts if isinstance(event, DeltaReplacement) else (event,)
                self._text += sum(map(_length, parts))
                self.too_long = self._text > MOST_TEXT or len(self._tokens) > MOST_TOKENS or len(self._held) > MOST_HELD
                self._held.append(event)
                if event.tokens:
                    self._tokens += event.tokens
                    self.flush()
            case PromptPrepared():
                self.prompted = True
                if self._first_prompted is None:
                    self._first_prompted = event
                    self._tell(event)
            case PromptProgress():
                if self._last_delta is None:
                    self._tell(event)
            case _:
                self.flush()

    def flush(self) -> None:
        """Pass on the text that still waits for its tokens, as at the answer's end."""
        held, self._held = self._held, []
        for delta in held:
            self._note_times(delta)
            self._tell(delta)

    def cancelled(self) -> AnswerDone:
        """The end of the answer, where it was cancelled and no worker could say so, with what is known of it."""
        prompted, delta = self._first_prompted, self._last_delta
        return AnswerDone(
            id=self._request.id,
            stop_reason="cancelled",
            prompt_tokens=prompted.prompt_tokens if prompted else 0,
            cached_tokens=prompted.cached_tokens if prompted else 0,
            generated_tokens=delta.generated_tokens if delta else 0,
            time_to_first_token_s=self._time_to_first_token(),
            tokens_per_s=delta.tokens_per_s if delta else None,
            prompt_tokens_per_s=None,
            seed=self._request.options.sampling.seed or 0,
            context_length=prompted.context_length if prompted else 0,
            dropped_messages=prompted.dropped_messages if prompted else 0,
            thinking_s=self._thinking(),
        )

    def finish(self, done: AnswerDone, notice: str) -> AnswerDone:
        """`done` with `notice` before its own, and with what the last worker cannot know where there were several."""
        notice = " ".join(each for each in (notice, done.notice) if each)
        if not self._several_workers or self._first_prompted is None:
            first = done.time_to_first_token_s
            waited = None if first is None else first + self._waited_s
            return msgspec.structs.replace(done, notice=notice, time_to_first_token_s=waited)
        return msgspec.structs.replace(
            done,
            notice=notice,
            cached_tokens=self._first_prompted.cached_tokens,
            time_to_first_token_s=self._time_to_first_token(),
            thinking_s=self._thinking(),
        )

    def _note_times(self, delta: _AnyDelta) -> None:
        now = time.monotonic()
        self._last_delta = delta
        self._first_at = self._first_at or now
        thinking = isinstance(delta, Delta) and delta.thinking
        self._thought = self._thought or thinking or isinstance(delta, DeltaReplacement)
        if self._thought and not thinking and self._thought_until is None:
            self._thought_until = now

    def _time_to_first_token(self) -> float | None:
        return self._first_at - self._asked if self._first_at is not None else None

    def _thinking(self) -> float | None:
        """Seconds from the first thought to the answer's first word, as in AnswerDone."""
        return self._thought_until - self._first_at if self._thought_until and self._first_at else None


def _length(part: AnswerPart | Delta | ToolCallDelta) -> int:
    """Characters of what a part or a delta brings."""
    if isinstance(part, ToolCallPart | ToolCallDelta):
        return len(part.arguments) + len(part.name)
    return len(part.text)
