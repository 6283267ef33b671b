"""Pictures among the tokens of a prompt: what stands for a picture's embeddings, in the prompt and in the prompt cache.

The model computes with embeddings in their place. To the prompt cache a picture has to be a run of tokens that is the
same for the same picture and for no other: negative numbers, made of a hash of its pixels. They fit into 32 bits, as
tokens do wherever they are kept. The first one says that a picture begins, the second how many positions it takes: with
M-RoPE those are fewer than its embeddings. So a list of tokens says by itself where its pictures stand.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BEGINS, _VALUES = 1 << 30, (1 << 30) - 1


@dataclass(frozen=True)
class PictureSpan:
    """`count` tokens from number `start` on stand for a picture, which takes `positions` of the context."""

    start: int
    count: int
    positions: int

    @property
    def end(self) -> int:
        """The number of the first token behind it."""
        return self.start + self.count


def picture_tokens(content: bytes, count: int, positions: int) -> tuple[int, ...]:
    """The `count` tokens that stand for a picture, of which `content` says everything that its embeddings depend on."""
    digest = hashlib.shake_256(content).digest(4 * count)
    values = [int.from_bytes(digest[4 * at : 4 * at + 4], "big") & _VALUES for at in range(count)]
    values[0] |= _BEGINS
    if count > 1:
        values[1] = positions
    return tuple(-1 - value for value in values)


def picture_spans(tokens: Sequence[int]) -> Iterator[PictureSpan]:
    """Where pictures stand among `tokens`, in order. Of one that is cut, what there is of it."""
    start = None
    for at, token in enumerate(tokens):
        if start is not None and (token >= 0 or _begins(token)):
            yield _span(tokens, start, at)
            start = None
        if token < 0 and _begins(token):
            start = at
    if start is not None:
        yield _span(tokens, start, len(tokens))


def whole_length(tokens: Sequence[int], length: int) -> int:
    """`length`, or where it cuts a picture, how many tokens stand before that."""
    if not 0 < length < len(tokens) or tokens[length] >= 0 or _begins(tokens[length]):
        return length
    while length and not _begins(tokens[length]):
        length -= 1
    return length


def saved_positions(tokens: Sequence[int]) -> int:
    """How many positions fewer than tokens there are."""
    if not tokens or min(tokens) >= 0:
        return 0
    return sum(span.count - span.positions for span in picture_spans(tokens))


def text_tokens(tokens: Sequence[int]) -> list[int]:
    """Those that stand for text."""
    return [token for token in tokens if token >= 0]


def _begins(token: int) -> bool:
    return token < 0 and bool((-1 - token) & _BEGINS)


def _span(tokens: Sequence[int], start: int, end: int) -> PictureSpan:
    count = end - start
    return PictureSpan(start, count, min(-1 - tokens[start + 1], count) if count > 1 else count)
