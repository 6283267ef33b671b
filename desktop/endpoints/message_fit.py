"""Which messages fit a context whose tokens only its endpoint counts: estimated, and corrected by what it counted."""

from collections.abc import Sequence

from desktop.conversation import ChatMessage, ImagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.answer_room import answer_room

_BYTES_PER_TOKEN = 3.0  # of UTF-8: an ideograph, or three quarters of an English word's usual token
_PER_MESSAGE, _PER_IMAGE = 8, 1000
_LEAST, _MOST = 0.5, 8.0


class TokenEstimate:
    """About how many tokens messages take. Learns from every count that the endpoint gives."""

    def __init__(self) -> None:
        self._bytes_per_token = _BYTES_PER_TOKEN

    def tokens(self, messages: Sequence[ChatMessage]) -> int:
        """About how many tokens `messages` take."""
        beside = sum(_PER_MESSAGE + _PER_IMAGE * _images(each) for each in messages)
        return round(_size(messages) / self._bytes_per_token) + beside

    def learn(self, messages: Sequence[ChatMessage], tokens: int) -> None:
        """The endpoint counted `tokens` for `messages`."""
        size, beside = _size(messages), sum(_PER_IMAGE * _images(each) for each in messages)
        if tokens > beside and size > 200:
            self._bytes_per_token = min(_MOST, max(_LEAST, size / (tokens - beside)))


def fitting_messages(
    messages: Sequence[ChatMessage], limit: int, estimate: TokenEstimate, drop: int = 0
) -> tuple[tuple[ChatMessage, ...], int]:
    """`messages` without the oldest that do not fit into `limit` tokens, `drop` of them at least, and how many those
    are.

    The system's message, pinned ones, and the last question with all that follows it stay. An answer does not stay
    without its question.
    """
    last = max((at for at, each in enumerate(messages) if each.role == "user"), default=0)
    free = [at for at, each in enumerate(messages[:last]) if each.role != "system" and not each.pinned]
    dropped = 0
    while dropped < len(free):
        left = free[dropped:]
        begins_whole = messages[left[0]].role == "user" or dropped == 0
        kept = _without(messages, free[:dropped])
        if begins_whole and dropped >= min(drop, len(free)) and estimate.tokens(kept) <= limit:
            return kept, dropped
        dropped += 1
    return _without(messages, free), len(free)


def prompt_limit(context_length: int, max_tokens: int | None) -> int:
    """How many tokens of a context a prompt may take."""
    return context_length - answer_room(context_length, max_tokens)


def _without(messages: Sequence[ChatMessage], places: Sequence[int]) -> tuple[ChatMessage, ...]:
    gone = set(places)
    return tuple(each for at, each in enumerate(messages) if at not in gone)


def _size(messages: Sequence[ChatMessage]) -> int:
    return sum(_part_size(part) for message in messages for part in message.parts)


def _part_size(part: object) -> int:
    match part:
        case TextPart(text):
            return len(text.encode(errors="replace"))
        case ToolCallPart():
            return len(part.name) + len(part.arguments.encode(errors="replace"))
        case ToolResultPart():
            return sum(_part_size(each) for each in part.content)
        case _:
            return 0


def _images(message: ChatMessage) -> int:
    return sum(isinstance(part, ImagePart) for part in message.parts)
