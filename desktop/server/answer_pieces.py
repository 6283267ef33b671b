"""An answer in pieces that are told once: what a stream has sent cannot be taken back.

The engine may find at the end of thinking that the model had not opened that all of it was thinking, and restates the
answer. So the first words of a model that marks its thinking are held back for a moment. `CollectedAnswer` is for
answers that are told as a whole, where nothing has to be held.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from desktop.conversation import StopReason, TextPart, ThinkingPart, ToolCallPart
from desktop.engine.token_logprobs import TokenLogprob
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, Delta, DeltaReplacement, ToolCallDelta

_MOST_HELD = 200
"""Characters, as where an answer is written to a pipe."""


@dataclass(frozen=True)
class TextPiece:
    """More of the answer's text, with the log probabilities of its tokens where they were asked for."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class ThoughtPiece:
    """More of what the model thinks."""

    text: str


@dataclass(frozen=True)
class CallBegun:
    """The model calls a tool."""

    id: str
    name: str


@dataclass(frozen=True)
class CallArguments:
    """More of the arguments, JSON text, of the call that began last."""

    text: str


Piece = TextPiece | ThoughtPiece | CallBegun | CallArguments


@dataclass(frozen=True)
class AnswerEnd:
    """How an answer ended, and what it took, in tokens. `stop` is the text that it was to end before, "" where it ended
    otherwise."""

    reason: StopReason
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    tokens_per_s: float | None = None
    stop: str = ""


def answer_end(done: AnswerDone, stops: Sequence[str] = ()) -> AnswerEnd:
    """The end that the engine tells; `stops` are the texts that the request asked it to end before."""
    stop = done.stopped_by if done.stopped_by in stops else ""
    counts = done.prompt_tokens, done.cached_tokens, done.generated_tokens
    return AnswerEnd(done.stop_reason, *counts, done.tokens_per_s, stop)


class AnswerPieces:
    """Makes pieces of the engine's events. `holds` says that the first words may turn out to be thinking."""

    def __init__(self, *, holds: bool = False) -> None:
        self._holds = holds
        self._held: list[TextPiece] = []
        self._text = ""
        self._thinking = ""
        self._calls: list[str] = []

    @property
    def calls(self) -> int:
        """How many calls of tools have begun."""
        return len(self._calls)

    def take(self, event: AnswerEvent) -> list[Piece]:
        """The pieces that `event` makes tellable."""
        match event:
            case Delta(text="", logprobs=()):
                return []
            case Delta(thinking=True):
                self._holds = False
                self._thinking += event.text
                return [*self._release(), *self._thought(event.text)]
            case Delta():
                return self._said(TextPiece(event.text, event.logprobs))
            case ToolCallDelta():
                return [*self._release(), *self._called(event.call_id, event.name, event.arguments)]
            case DeltaReplacement():
                return self._replaced(event)
            case AnswerDone():
                return self._release()
            case _:
                return []

    def _said(self, piece: TextPiece) -> list[Piece]:
        if not self._holds:
            self._text += piece.text
            return [piece]
        self._held.append(piece)
        return self._release() if sum(len(each.text) for each in self._held) > _MOST_HELD else []

    def _release(self) -> list[Piece]:
        held, self._held, self._holds = self._held, [], False
        self._text += "".join(each.text for each in held)
        return [*held]

    def _thought(self, text: str) -> list[Piece]:
        return [ThoughtPiece(text)] if text else []

    def _called(self, call_id: str, name: str, arguments: str) -> Iterator[Piece]:
        if not self._calls or self._calls[-1] != call_id:
            self._calls.append(call_id)
            yield CallBegun(call_id, name)
        if arguments:
            yield CallArguments(arguments)

    def _replaced(self, event: DeltaReplacement) -> list[Piece]:
        """What of the whole answer was not told yet. What was told as text and is thinking now stays told."""
        self._held, self._holds = [], False
        thinking = "".join(part.text for part in event.parts if isinstance(part, ThinkingPart))
        text = "".join(part.text for part in event.parts if isinstance(part, TextPart))
        pieces = self._thought(_rest(thinking, self._thinking))
        if more := _rest(text, self._text):
            pieces.append(TextPiece(more, event.logprobs))
        self._thinking, self._text = thinking, text
        for part in event.parts:
            if isinstance(part, ToolCallPart) and part.id not in self._calls:
                pieces += self._called(part.id, part.name, part.arguments)
        return pieces


def _rest(whole: str, told: str) -> str:
    if whole.startswith(told):
        return whole[len(told) :]
    return "" if told.startswith(whole) else whole


@dataclass
class CollectedCall:
    """A call as a whole."""

    id: str
    name: str
    arguments: str = ""


@dataclass
class CollectedAnswer:
    """An answer as a whole, exactly as the engine has it at its end."""

    text: str = ""
    thinking: str = ""
    calls: list[CollectedCall] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)

    def take(self, event: AnswerEvent) -> None:
        """Add what `event` brings."""
        match event:
            case Delta(thinking=True):
                self.thinking += event.text
            case Delta():
                self.text += event.text
                self.logprobs += event.logprobs
            case ToolCallDelta():
                if not self.calls or self.calls[-1].id != event.call_id:
                    self.calls.append(CollectedCall(event.call_id, event.name))
                self.calls[-1].arguments += event.arguments
            case DeltaReplacement():
                self.text = "".join(part.text for part in event.parts if isinstance(part, TextPart))
                self.thinking = "".join(part.text for part in event.parts if isinstance(part, ThinkingPart))
                self.calls = [
                    CollectedCall(part.id, part.name, part.arguments)
                    for part in event.parts
                    if isinstance(part, ToolCallPart)
                ]
                self.logprobs = list(event.logprobs) if self.text else []
            case _:
                pass
