"""How much of the context a prompt may take: the rest is the answer's."""

_ANSWER_SHARE = 4  # a quarter of the context is kept for the answer and for turns to come
_SMALLEST_ROOM = 16


def answer_room(context_length: int, max_tokens: int | None) -> int:
    """The tokens of a context of `context_length` that are kept free of the prompt for an answer of at most
    `max_tokens` (None: until the model ends it)."""
    most = context_length if max_tokens is None else max_tokens
    return max(_SMALLEST_ROOM, min(most, context_length // _ANSWER_SHARE))


def spacious_length(context_length: int, max_tokens: int | None) -> int:
    """The longest prompt of which something was left out: shorter than need be, so that the turns to come fit without
    leaving out others, and what stays at the beginning can be kept from turn to turn."""
    return context_length - answer_room(context_length, max_tokens) - context_length // _ANSWER_SHARE
