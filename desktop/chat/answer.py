"""One answer as it grows: what was said so far, and the message that this makes."""

from collections.abc import Iterable

import msgspec

from desktop.chat.events import Phase
from desktop.conversation import Message, ModelReference, Part, Status, StopReason, TextPart, ThinkingPart, Timing
from desktop.engine.messages import Delta, Done, Prompted, Restated


class Answer:
    """An answer that waits or is in progress. Lives on the main thread.

    `message` is the empty turn it fills. `request_id` is None until the engine was asked. `stopped` says that the
    person stopped it, whatever the engine makes of that.
    """

    def __init__(self, message: Message, system_prompt: str) -> None:
        self.message = message
        self.system_prompt = system_prompt
        self.request_id: int | None = None
        self.stopped = False
        self.phase: Phase | None = None
        self.prompted: Prompted | None = None
        self.model: ModelReference | None = None
        self.sampling: dict[str, float | int | str | None] | None = None
        self._generated = 0
        self._tokens_per_s: float | None = None
        self._said: list[tuple[bool, list[str]]] = []

    @property
    def conversation_id(self) -> str:
        return self.message.conversation_id

    @property
    def used_tokens(self) -> int:
        """What prompt and answer take of the context so far."""
        return (self.prompted.prompt_tokens if self.prompted else 0) + self._generated

    @property
    def tokens_per_s(self) -> float | None:
        return self._tokens_per_s

    def take(self, delta: Delta | Restated) -> None:
        """Go on with `delta`; or with the whole answer so far, where it is told anew."""
        self._generated = max(self._generated, delta.generated_tokens)
        if delta.tokens_per_s is not None:
            self._tokens_per_s = delta.tokens_per_s
        if isinstance(delta, Restated):
            self._said = [(part.thinking, [part.text]) for part in delta.parts]
            return
        if not delta.text:
            return
        if not self._said or self._said[-1][0] != delta.thinking:
            self._said.append((delta.thinking, []))
        self._said[-1][1].append(delta.text)

    def so_far(self) -> Message:
        """The message with what was said so far, still streaming."""
        return self._message("streaming", _parts(self._said, None), None, "")

    def ended(self, status: Status, done: Done | None, error: str = "") -> Message:
        """The message as it stays. Without `done` (the engine failed) the timing is what is known."""
        timing = None
        if done is not None:
            timing = timing_of(done)
        elif self.prompted is not None:
            timing = self._known_timing("cancelled" if status == "stopped" else "end")
        thinking_s = done.thinking_s if done is not None else None
        return self._message(status, _parts(self._said, thinking_s), timing, error)

    def _message(self, status: Status, parts: tuple[Part, ...], timing: Timing | None, error: str) -> Message:
        return msgspec.structs.replace(
            self.message,
            parts=parts,
            status=status,
            model=self.model,
            sampling=self.sampling,
            timing=timing,
            error=error,
        )

    def _known_timing(self, stop_reason: StopReason) -> Timing | None:
        prompted = self.prompted
        if prompted is None:
            return None
        return Timing(
            prompt_tokens=prompted.prompt_tokens,
            cached_tokens=prompted.cached_tokens,
            generated_tokens=self._generated,
            tokens_per_s=self._tokens_per_s,
            stop_reason=stop_reason,
            context_length=prompted.context_length,
            dropped_messages=prompted.dropped_messages,
        )


def _parts(said: Iterable[tuple[bool, list[str]]], thinking_s: float | None) -> tuple[Part, ...]:
    parts: list[Part] = []
    for thinking, pieces in said:
        text = "".join(pieces)
        if thinking:
            parts.append(ThinkingPart(text, thinking_s))
            thinking_s = None
        else:
            parts.append(TextPart(text))
    return tuple(parts)


def timing_of(done: Done) -> Timing:
    """How an answer went, as it is stored with it."""
    return Timing(
        prompt_tokens=done.prompt_tokens,
        cached_tokens=done.cached_tokens,
        generated_tokens=done.generated_tokens,
        time_to_first_token_s=done.time_to_first_token_s,
        tokens_per_s=done.tokens_per_s,
        stop_reason=done.stop_reason,
        seed=done.seed,
        context_length=done.context_length,
        dropped_messages=done.dropped_messages,
    )
