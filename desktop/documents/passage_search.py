"""Finds passages for a question: in collections, and in the content of one file.

Lexical search is BM25 over the terms of `text_analysis`. Where there is an embedding model, what means the same is
found as well, and both rankings are fused (`PassageVectors`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from desktop.document_content import Passage
from desktop.documents.text_analysis import index_terms, matched_ranges, question_terms
from desktop.errors import UserError
from desktop.storage.collection_contents import CollectionContents, StoredPassage
from desktop.storage.collection_search import MemoryPassageIndex, PassageIndex

_LONGEST_QUESTION = 8000
_CANDIDATES = 50


@dataclass(frozen=True)
class FoundPassage:
    """A passage that search found in a collection. `page` counts from 1 (0: the format has no pages), `label` is the
    page's own name; `start` and `end` are characters of the page's text; `marks` are the ranges of `text` that hold
    words of the question. `score` is higher for better ones, and only compares within one search."""

    collection: str
    file_name: str
    path: Path
    file_sha256: str
    page: int
    label: str
    text: str
    start: int
    end: int
    score: float
    marks: tuple[tuple[int, int], ...]


class PassageVectors(Protocol):
    """Finds passages by what they mean. Passages go by the ids of `CollectionContents`; ids that are gone may still be
    given, whoever asks leaves them out. Any thread may call it; what it cannot do now it does not raise: it finds
    nothing then."""

    def ready(self, collection: int) -> bool:
        """Whether passages of this collection can be found by meaning now."""

    def coverage(self, collection: int) -> float:
        """Which part of a collection's passages, 0 to 1, can be found by meaning."""

    def problem(self) -> UserError | None:
        """Why passages are not found by meaning now, None where they are."""

    def nearest(self, collections: Sequence[int], question: str, limit: int) -> list[tuple[int, float]]:
        """The passages of these collections that are nearest to the question, the best first: id and likeness."""

    def fuse(
        self,
        question: str,
        lexical: Sequence[tuple[int, float]],
        nearest: Sequence[tuple[int, float]],
        texts: "TextsOf",
        limit: int,
    ) -> list[tuple[int, float]]:
        """One ranking of both, reranked where a model for it is here: id and score."""

    def sentence_marks(self, question: str, texts: Sequence[str]) -> list[tuple[tuple[int, int], ...]]:
        """For each text the range of its sentence that is nearest to the question; () where that cannot be told."""

    def catch_up(
        self,
        collections: Sequence[int],
        is_cancelled: Callable[[], bool],
        on_progress: Callable[[int], None] = lambda collection: None,
    ) -> None:
        """Make ready what can be of the passages of these collections that is not yet: called in the background, when
        all files are read. Raises StoppedError where `is_cancelled` says so, and what `Database` raises."""


class TextsOf(Protocol):
    """Gives the texts of passages by id; those that are gone are left out."""

    def __call__(self, ids: Sequence[int]) -> dict[int, str]: ...


class PassageSearch:
    """Searches collections. Any thread may use it; it raises what `Database` raises."""

    def __init__(
        self, index: PassageIndex, contents: CollectionContents, vectors: PassageVectors | None = None
    ) -> None:
        self._index = index
        self._contents = contents
        self._vectors = vectors

    def by_meaning(self, collection: int) -> bool:
        """Whether this collection is searched by meaning as well."""
        return self._vectors is not None and self._vectors.ready(collection)

    def search(self, names: dict[int, str], question: str, limit: int) -> tuple[FoundPassage, ...]:
        """The best passages for `question` in the collections whose numbers and names are given, the best first."""
        asked = bounded_question(question)
        terms = question_terms(asked)
        collections = tuple(names)
        ranked = self._index.search(collections, terms, max(limit, _CANDIDATES))
        if self._vectors is not None and asked.strip():
            meant = tuple(each for each in collections if self._vectors.ready(each))
            nearest = self._vectors.nearest(meant, asked, max(limit, _CANDIDATES)) if meant else []
            ranked = self._vectors.fuse(asked, ranked, nearest, self._texts, limit)
        stored = self._contents.passages([key for key, _ in ranked])
        found = [(stored[key], score) for key, score in ranked if key in stored][:limit]
        return tuple(_found(names[each.collection], each, score, terms) for each, score in found)

    def nearest_sentence(self, question: str, text: str) -> tuple[tuple[int, int], ...]:
        """The range of the sentence of a passage's `text` that means most what the question does, for one without
        marks; () where that cannot be told."""
        return self._vectors.sentence_marks(bounded_question(question), [text])[0] if self._vectors is not None else ()

    def _texts(self, ids: Sequence[int]) -> dict[int, str]:
        return {key: each.text for key, each in self._contents.passages(ids).items()}


@dataclass(frozen=True)
class RankedPassage:
    """A passage of a file's content, its place among those given, its score and the ranges that hold words of the
    question."""

    passage: Passage
    place: int
    score: float
    marks: tuple[tuple[int, int], ...]


class PassageRanking:
    """The passages of one file, ranked for questions by the same BM25 as collections are searched by. Held in memory,
    for one thread at a time; `close` forgets it."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = tuple(passages)
        self._index = MemoryPassageIndex([index_terms(each.text) for each in self._passages])

    def rank(self, question: str, limit: int) -> tuple[RankedPassage, ...]:
        """The passages that hold words of `question`, the best first."""
        terms = question_terms(bounded_question(question))
        return tuple(
            RankedPassage(self._passages[place], place, score, matched_ranges(self._passages[place].text, terms))
            for place, score in self._index.search(terms, limit)
        )

    def close(self) -> None:
        self._index.close()


def rank_passages(passages: Sequence[Passage], question: str, limit: int) -> tuple[RankedPassage, ...]:
    """The best of `passages` for one question; for several questions `PassageRanking` is quicker."""
    ranking = PassageRanking(passages)
    try:
        return ranking.rank(question, limit)
    finally:
        ranking.close()


def bounded_question(question: str) -> str:
    """`question`, of a long one its beginning and its end: what is asked stands before or after what was pasted."""
    if len(question) <= _LONGEST_QUESTION:
        return question
    half = _LONGEST_QUESTION // 2
    return f"{question[:half]}\n{question[-half:]}"


def _found(collection: str, stored: StoredPassage, score: float, terms: Sequence[str]) -> FoundPassage:
    return FoundPassage(
        collection,
        stored.path.name,
        stored.path,
        stored.sha256,
        stored.page if stored.paged else 0,
        stored.label,
        stored.text,
        stored.start,
        stored.end,
        score,
        matched_ranges(stored.text, terms),
    )
