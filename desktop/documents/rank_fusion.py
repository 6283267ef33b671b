"""One ranking out of two: of passages that hold a question's words, and of those that mean what it does.

Words are sure evidence where a passage holds all that was asked for, such as a part number, and none where it shares
one chance word with the question: so their ranking counts by how much of the question its first passages hold.
"""

from collections.abc import Sequence

from desktop.documents.text_analysis import index_terms, question_terms

Ranking = Sequence[tuple[int, float]]
"""Ids of passages with their scores, the best first."""

COVERING = 3
"""So many of the passages that words found are looked at for how much of the question they hold."""
_RANK_OFFSET = 60.0
_WORDS_WEIGHT = 2.0


def coverage(question: str, texts: Sequence[str]) -> float:
    """Which part (0 to 1) of the question's terms the one of `texts` holds that holds most of them."""
    asked = set(question_terms(question))
    held = (len(asked.intersection(index_terms(text).split())) for text in texts)
    return max(held, default=0) / len(asked) if asked else 0.0


def fused(lexical: Ranking, nearest: Ranking, covered: float) -> list[tuple[int, float]]:
    """The ranking that search gives. Scores of words are divided by the best one, those of meaning spread from 0 (the
    last) to 1 (the first); words count twice as much as meaning where they are `covered` (`coverage`) wholly, and less
    by the square of it.

    Of what was tried it found most on tests/data/recall (`packaging/recall.py`).
    """
    found = dict(_spread(nearest))
    weight = _WORDS_WEIGHT * covered**2
    best = max((score for _, score in lexical), default=0.0)
    for passage, score in lexical:
        found[passage] = found.get(passage, 0.0) + weight * (score / best if best > 0 else 0.0)
    return _sorted(found)


def reciprocal_ranks(*rankings: Ranking) -> list[tuple[int, float]]:
    """Fused by places alone (reciprocal rank fusion, Cormack, Clarke and Büttcher 2009): each ranking gives its place
    n, counted from 1, 1 / (60 + n)."""
    found: dict[int, float] = {}
    for ranking in rankings:
        for place, (passage, _) in enumerate(ranking, 1):
            found[passage] = found.get(passage, 0.0) + 1 / (_RANK_OFFSET + place)
    return _sorted(found)


def convex_combination(lexical: Ranking, nearest: Ranking, weight: float) -> list[tuple[int, float]]:
    """Fused by scores: those of words divided by the best one, those of meaning spread from 0 to 1, and added with
    `weight` (0 to 1) for meaning."""
    found = {passage: weight * score for passage, score in _spread(nearest)}
    best = max((score for _, score in lexical), default=0.0)
    for passage, score in lexical:
        found[passage] = found.get(passage, 0.0) + (1 - weight) * (score / best if best > 0 else 0.0)
    return _sorted(found)


def _spread(ranking: Ranking) -> list[tuple[int, float]]:
    """Scores from 0 for the last to 1 for the first: models differ in how far they spread them."""
    if not ranking:
        return []
    highest, lowest = ranking[0][1], ranking[-1][1]
    if highest == lowest:
        return [(passage, 1.0) for passage, _ in ranking]
    return [(passage, (score - lowest) / (highest - lowest)) for passage, score in ranking]


def _sorted(found: dict[int, float]) -> list[tuple[int, float]]:
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))
