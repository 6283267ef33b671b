"""What a model said so far in an answer, as parts; round after round, where it calls tools in between."""

from collections.abc import Iterable
from typing import Literal

from desktop.chat.answer_continuation import continued_parts
from desktop.conversation import AnswerPart, MessagePart, TextPart, ThinkingPart, ToolCallPart
from desktop.engine.worker_messages import Delta, DeltaReplacement, ToolCallDelta

_PartKind = Literal["text", "thinking"] | tuple[str, str]
"""Of what was said: text, thinking, or a call by its id and its tool's name."""


class SaidParts:
    """`earlier` is what stands before what the model says now: of an answer that is gone on with, and of rounds that
    ended with calls, these and their results."""

    def __init__(self, earlier: tuple[MessagePart, ...] = ()) -> None:
        self.earlier = earlier
        self._said: list[tuple[_PartKind, list[str]]] = []
        self._round: tuple[MessagePart, ...] = ()
        self._calls: tuple[MessagePart, ...] = ()

    def append(self, delta: Delta | ToolCallDelta | DeltaReplacement) -> None:
        """Go on with `delta`; or with all that is said now, where it is sent anew."""
        match delta:
            case DeltaReplacement():
                self._said = [_said(part) for part in delta.parts]
            case ToolCallDelta():
                self._add((delta.call_id, delta.name), delta.arguments)
            case Delta() if delta.text:
                self._add("thinking" if delta.thinking else "text", delta.text)

    def _add(self, kind: _PartKind, text: str) -> None:
        if not self._said or self._said[-1][0] != kind:
            self._said.append((kind, []))
        self._said[-1][1].append(text)

    def parts(self, thinking_s: float | None = None) -> tuple[MessagePart, ...]:
        """All of it; what the model thought now took `thinking_s`."""
        return continued_parts((*self.earlier, *self._round, *self._calls), _parts(self._said, thinking_s))

    def end_round(self, thinking_s: float | None, taken: Iterable[str]) -> tuple[ToolCallPart, ...]:
        """The model waits for results: the calls that it ended with, under ids that are none of `taken`."""
        used = set(taken)
        calls: list[ToolCallPart] = []
        others: list[MessagePart] = []
        for part in _parts(self._said, thinking_s):
            if isinstance(part, ToolCallPart):
                calls.append(_with_own_id(part, used))
            else:
                others.append(part)
        self._said = []
        self._round, self._calls = continued_parts(self.earlier, tuple(others)), tuple(calls)
        self.earlier = ()
        return tuple(calls)

    def take_calls(self, parts: tuple[MessagePart, ...]) -> None:
        """The calls of the round, and the results there are."""
        self._calls = parts

    def begin_round(self) -> None:
        """All calls have their results: the model goes on."""
        self.earlier = (*self._round, *self._calls)
        self._round = self._calls = ()


def _with_own_id(call: ToolCallPart, used: set[str]) -> ToolCallPart:
    """`call` under an id of its own: some models count anew with each answer."""
    own, number = call.id, 2
    while own in used or not own:
        own, number = f"{call.id}-{number}", number + 1
    used.add(own)
    return ToolCallPart(own, call.name, call.arguments)


def _said(part: AnswerPart) -> tuple[_PartKind, list[str]]:
    match part:
        case ToolCallPart():
            return (part.id, part.name), [part.arguments]
        case ThinkingPart():
            return "thinking", [part.text]
        case TextPart():
            return "text", [part.text]


def _parts(said: Iterable[tuple[_PartKind, list[str]]], thinking_s: float | None) -> tuple[MessagePart, ...]:
    parts: list[MessagePart] = []
    for kind, pieces in said:
        text = "".join(pieces)
        if kind == "thinking":
            parts.append(ThinkingPart(text, thinking_s))
            thinking_s = None
        elif kind == "text":
            parts.append(TextPart(text))
        else:
            parts.append(ToolCallPart(*kind, text))
    return tuple(parts)
