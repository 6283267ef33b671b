"""Which turns of a conversation fit the context, and which are left out.

What is left out are whole rounds, the oldest first: a round is a turn of the person's with all that follows it up to
their next one, so that roles alternate as templates want them and no result of a tool loses its call. The system's
message stays, the last round, and each round in which a message is pinned.
"""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from desktop.conversation import ChatMessage
from desktop.engine.answer_room import answer_room, spacious_length
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import ContextFullError, EngineError
from desktop.translation import tr


@dataclass(frozen=True)
class TokenizedTurns:
    """Tokens of some turns, and the end of their text."""

    tokens: list[int]
    tail: str


class ContextFit:
    """Fits conversations into `context_length` tokens. Remembers for each how many messages were left out."""

    def __init__(self, context_length: int) -> None:
        self._limit = context_length
        self._dropped: dict[str, int] = {}

    def fit(
        self, request: GenerateRequest, render: Callable[[Sequence[ChatMessage]], TokenizedTurns]
    ) -> tuple[TokenizedTurns, int]:
        """As many messages as fit with room for an answer, and the number left out. `render` makes tokens of turns.

        Once some have to go, more go than need to (see `spacious_length`), and the same ones the next time. Raises
        ContextFullError where `request` wants none left out, EngineError where the rest is too long by itself.
        """
        turns, most = request.messages, request.options.max_tokens
        longest = self._limit - answer_room(self._limit, most)
        whole = render(turns)
        if len(whole.tokens) <= longest:
            self._dropped.pop(request.conversation, None)
            return whole, 0
        choices = droppable_counts(turns)
        if not choices:
            return self._checked(whole, turns), 0
        if request.options.context_full == "stop":
            raise _context_full(len(whole.tokens), self._limit)
        before = request.dropped_messages or self._dropped.get(request.conversation, 0)
        if before in choices:
            kept = render(without_oldest(turns, before))
            if len(kept.tokens) <= longest:
                self._dropped[request.conversation] = before
                return kept, before
        spacious = spacious_length(self._limit, most)
        made: dict[int, TokenizedTurns] = {}

        def fits(dropped: int) -> bool:
            made[dropped] = render(without_oldest(turns, dropped))
            return len(made[dropped].tokens) <= spacious

        index = min(bisect.bisect_left(choices, True, key=fits), len(choices) - 1)
        dropped = choices[index]
        rendered = made.get(dropped) or render(without_oldest(turns, dropped))
        self._dropped[request.conversation] = dropped
        return self._checked(rendered, turns), dropped

    def _checked(self, rendered: TokenizedTurns, turns: Sequence[ChatMessage]) -> TokenizedTurns:
        if len(rendered.tokens) >= self._limit:
            raise too_long(len(rendered.tokens), self._limit, beside_pinned=any(turn.pinned for turn in turns))
        return rendered


def droppable_counts(turns: Sequence[ChatMessage]) -> list[int]:
    """How many messages may be left out: those of the oldest round that may go, of the two oldest, and so on."""
    counts, count = [], 0
    for round_ in _rounds(turns)[:-1]:
        if not any(turn.pinned for turn in round_):
            count += len(round_)
            counts.append(count)
    return counts


def without_oldest(turns: Sequence[ChatMessage], dropped: int) -> list[ChatMessage]:
    """`turns` without the oldest `dropped` messages of rounds that may go; `dropped` is one of `droppable_counts`."""
    kept = list(turns[: _first_turn(turns)])
    for round_ in _rounds(turns):
        if dropped > 0 and not any(turn.pinned for turn in round_):
            dropped -= len(round_)
        else:
            kept += round_
    return kept


def too_long(count: int, limit: int, *, beside_pinned: bool = False) -> EngineError:
    """What has to stay takes `count` tokens, and the context holds `limit`."""
    remedy = tr("Shorten it, or choose a longer context in Settings.")
    if beside_pinned:
        remedy = tr("Shorten it, unpin messages, or choose a longer context in Settings.")
    return EngineError(
        tr("This message is too long for the model's context."),
        tr("It takes {count} tokens with everything around it; the context holds {limit}.").format(
            count=f"{count:,}", limit=f"{limit:,}"
        ),
        remedy,
    )


def _context_full(count: int, limit: int) -> ContextFullError:
    return ContextFullError(
        tr("The context is full."),
        tr("The conversation takes {count} tokens; the context holds {limit}, with room for an answer.").format(
            count=f"{count:,}", limit=f"{limit:,}"
        ),
        tr("Leave out the oldest messages, begin a new chat, or choose a longer context in Settings."),
        needed_tokens=count,
    )


def _first_turn(turns: Sequence[ChatMessage]) -> int:
    return 1 if turns[0].role == "system" else 0


def _rounds(turns: Sequence[ChatMessage]) -> list[list[ChatMessage]]:
    """The turns after the system's, each of the person's with what follows it."""
    rounds: list[list[ChatMessage]] = []
    for turn in turns[_first_turn(turns) :]:
        if turn.role == "user" or not rounds:
            rounds.append([])
        rounds[-1].append(turn)
    return rounds
