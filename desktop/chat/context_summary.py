"""A summary of what no longer fits the context: what it is to cover, and the requests that make it.

The engine counts tokens of whole prompts only. What a part of one takes is estimated by its characters, from the
prompt that did not fit.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from desktop.chat.engine_requests import chat_messages, newest_summary, pinned_rounds
from desktop.conversation import ChatMessage, Message, PassagePart, SummaryPart, TextPart
from desktop.engine.answer_room import spacious_length
from desktop.engine.engine_errors import error_from_event
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    DeltaReplacement,
    GenerateRequest,
    PromptProgress,
    RequestFailed,
)
from desktop.translation import tr

_SHARE = 8  # of the context, for the summary
_FEWEST, _MOST = 48, 512
_WORDS_PER_TOKEN = 0.6
_INSTRUCTION_TOKENS = 120
_CAUTION = 0.75  # of a piece's room: its tokens are estimated
_SMALLEST_PIECE = 64
_SENTENCE_ENDS = ".!?。！？…\n"

# Read by the model, in the language that models follow best.
_INSTRUCTION = (
    "Summarize the following conversation between a user and an assistant in at most {words} words. Keep names, "
    "numbers, facts, decisions and open questions. Use the language of the conversation. Write the summary alone."
)
_BEFORE = "What was said before it, in short: {summary}"


@dataclass(frozen=True)
class SummaryPlan:
    """What a summary is made of: it covers the first `covers` messages of the branch; `pieces` are their texts, each
    short enough for one request, `before` the summary that it goes on from ("": none).

    `most` is how many tokens it may take, `thinking` how many a model may think beside it.
    """

    covers: int
    pieces: tuple[str, ...]
    before: str
    most: int
    thinking: int


def plan_summary(
    path: Sequence[Message],
    system_prompt: str,
    *,
    needed_tokens: int,
    context_length: int,
    max_tokens: int | None,
    thinks: bool = False,
    passages: Sequence[PassagePart] = (),
) -> SummaryPlan | None:
    """What to cover so that the rest of `path`, which takes `needed_tokens` whole, fits with turns to come; None where
    nothing can be covered: the last turn of the person's stays with the `passages` found for it, and what is pinned.
    What is pinned is summarized all the same, as it may be pinned no longer some day."""
    earlier = newest_summary(path)
    covered = earlier.covers if earlier is not None else 0
    ends = [at for at, message in enumerate(path) if message.role == "user" and at > covered]
    if not ends:
        return None
    characters = sum(message.length for message in chat_messages(system_prompt, path, None, passages))
    tokens_each = needed_tokens / max(characters, 1)
    most = min(max(context_length // _SHARE, _FEWEST), _MOST)
    room = spacious_length(context_length, max_tokens) - most

    def fits(end: int) -> bool:
        rest = chat_messages(system_prompt, path, SummaryPart(" ", end), passages)
        return sum(message.length for message in rest) * tokens_each <= room

    covers = ends[min(bisect.bisect_left(ends, True, key=fits), len(ends) - 1)]
    if pinned_rounds(path[:covers]) >= frozenset(range(covered, covers)):
        return None
    texts = [_line(message) for at, message in enumerate(path[:covers]) if at >= covered]
    thinking = context_length // 4 if thinks else 0
    piece = max((context_length - 2 * most - thinking - _INSTRUCTION_TOKENS) * _CAUTION, _SMALLEST_PIECE)
    pieces = _pieces([text for text in texts if text], max(int(piece / tokens_each), 1))
    if not pieces:
        return None
    return SummaryPlan(covers, pieces, earlier.text if earlier is not None else "", most, thinking)


class SummaryRun:
    """A summary being made: `request` asks for the next piece, `take` is given what the engine says of it."""

    def __init__(self, plan: SummaryPlan) -> None:
        self._plan = plan
        self._summary = plan.before
        self._done = 0
        self._text: list[str] = []
        self._progress = 0.0
        self._error = ""
        self.stopped = False

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to ask for."""
        return bool(self._error) or self.stopped or self._done == len(self._plan.pieces)

    @property
    def fraction(self) -> float:
        """How far it is, from 0 to 1."""
        return (self._done + self._progress) / len(self._plan.pieces)

    @property
    def part(self) -> SummaryPart:
        """The summary, or why there is none."""
        if self._error:
            return SummaryPart("", error=self._error)
        return SummaryPart(self._summary, self._plan.covers)

    def request(self, request_id: int) -> GenerateRequest:
        """The request for the next piece."""
        plan = self._plan
        parts = [_INSTRUCTION.format(words=round(plan.most * _WORDS_PER_TOKEN))]
        if self._summary:
            parts.append(_BEFORE.format(summary=self._summary))
        parts.append(plan.pieces[self._done])
        options = GenerationOptions(
            SamplingParams(temperature=0.0), max_tokens=plan.most + plan.thinking, stop_on_repetition=True
        )
        return GenerateRequest(request_id, (ChatMessage.from_text("user", "\n\n".join(parts)),), options)

    def take(self, event: AnswerEvent) -> bool:
        """Whether the piece is over with `event`."""
        match event:
            case PromptProgress():
                self._progress = event.done / event.total / 2 if event.total else 0.0
            case Delta():
                if not event.thinking:
                    self._text.append(event.text)
                share = event.generated_tokens / (self._plan.most + self._plan.thinking)
                self._progress = 0.5 + min(share, 1.0) / 2
            case DeltaReplacement():
                self._text = [part.text for part in event.parts if isinstance(part, TextPart)]
            case AnswerDone():
                self._end_piece(event)
                return True
            case RequestFailed():
                self._error = error_from_event(event).title
                return True
        return False

    def _end_piece(self, done: AnswerDone) -> None:
        said = "".join(self._text).strip()
        self._text, self._progress = [], 0.0
        if done.stop_reason == "cancelled":
            self.stopped = True
        elif not said:
            self._error = tr("The model wrote none.")
        elif done.stop_reason == "repetition":
            self._error = tr("The model only repeated itself.")
        else:
            self._summary = said if done.stop_reason == "end" else _whole_sentences(said)
            self._done += 1


def _line(message: Message) -> str:
    text = message.text.strip()
    who = "User" if message.role == "user" else "Assistant"
    return f"{who}: {text}" if text and message.status != "streaming" else ""


def _pieces(texts: Sequence[str], longest: int) -> tuple[str, ...]:
    """`texts` in pieces of at most `longest` characters."""
    pieces: list[str] = []
    for text in texts:
        for start in range(0, len(text), longest):
            part = text[start : start + longest]
            if pieces and len(pieces[-1]) + len(part) + 2 <= longest:
                pieces[-1] += f"\n\n{part}"
            else:
                pieces.append(part)
    return tuple(pieces)


def _whole_sentences(text: str) -> str:
    """`text`, which was cut off, up to its last whole sentence where that is most of it."""
    end = max(text.rfind(mark) for mark in _SENTENCE_ENDS)
    return text[: end + 1].rstrip() if end > len(text) // 2 else text
