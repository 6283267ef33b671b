"""What passes between the app and a worker whose model turns texts into numbers: an embedding model, or a reranker."""

from typing import Annotated

import msgspec

from desktop.engine.message_bounds import MOST_EMBEDDED_TEXTS, Component, Count, Int64, Score

Scores = Annotated[tuple[Score, ...], msgspec.Meta(max_length=MOST_EMBEDDED_TEXTS)]


class EmbedRequest(msgspec.Struct, frozen=True, tag="embed"):
    """Ask for one vector for each of `texts`, of an embedding model loaded with `LoadParams.embedding`; with a `query`
    for one score each instead, of how well the text answers it, of a reranker loaded so."""

    id: int
    texts: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_EMBEDDED_TEXTS)]
    query: str | None = None


class EmbedResult(msgspec.Struct, frozen=True, tag="embedded"):
    """One vector for each text of the request, in its order, of length 1 (L2); zeros for a text that has no tokens.
    Where it had a query, one of `scores` for each instead: higher is better, the scale is the model's own.

    `truncated` are the numbers, counted from 0, of texts that were longer than the model reads and were cut at their
    end. `tokens` counts what was read of all of them.
    """

    id: Int64
    vectors: Annotated[tuple[tuple[Component, ...], ...], msgspec.Meta(max_length=MOST_EMBEDDED_TEXTS)] = ()
    truncated: Annotated[tuple[Count, ...], msgspec.Meta(max_length=MOST_EMBEDDED_TEXTS)] = ()
    tokens: Count = 0
    scores: Scores = ()
