"""Puts the best passages that were found in order, by a model that reads question and passage together."""

import time
from collections.abc import Callable, Mapping, Sequence

from desktop.documents.embedding_model import SearchModel, SearchModelRunner
from desktop.errors import UserError

MOST_RANKED = 30
"""Passages that are put in order: further ones follow as they were."""
_TOGETHER = 6
_SECONDS = 4.0


class Reranker:
    """Ranks with the model that `choose` gives; it raises UserError where there is none, and the order stays then.

    All of it takes `seconds` at most: what was not read by then follows, as it was, on what was read.
    """

    def __init__(
        self,
        choose: Callable[[], SearchModel],
        runner: SearchModelRunner,
        *,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._choose, self._runner = choose, runner
        self._seconds, self._clock = seconds, clock

    def model(self) -> SearchModel | None:
        """The model that is used, None where there is none."""
        try:
            return self._choose()
        except UserError:
            return None

    def rank(self, question: str, ranked: Sequence[int], texts: Mapping[int, str]) -> list[int]:
        """The ids `ranked`, the best first, in the order of how well their `texts` answer the question."""
        model = self.model()
        asked = [each for each in ranked[:MOST_RANKED] if each in texts]
        if model is None or len(asked) < 2:
            return list(ranked)
        scores: dict[int, float] = {}
        until = self._clock() + self._seconds
        for begin in range(0, len(asked), _TOGETHER):
            part = asked[begin : begin + _TOGETHER]
            left = until - self._clock()
            try:
                if left <= 0:
                    break
                found = self._runner.scores(model, question, [texts[each] for each in part], left)
            except UserError:
                break
            scores.update(zip(part, found, strict=True))
        read = sorted(scores, key=lambda each: -scores[each])
        return [*read, *(each for each in ranked if each not in scores)]
