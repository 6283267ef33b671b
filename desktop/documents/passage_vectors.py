"""Search in collections by what passages mean: their vectors made in the background, and the nearest to a question's.

Where there is no embedding model, or it may not be used, or fails, nothing is found by meaning and the words alone
count: `problem` says why. What is here follows from passages and model: a change of the model makes all vectors anew.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from desktop.documents.embedding_model import SearchModel, SearchModelRunner
from desktop.documents.passage_search import TextsOf
from desktop.documents.passage_sentences import sentence_ranges
from desktop.documents.rank_fusion import COVERING, Ranking, coverage, fused
from desktop.documents.reranker import MOST_RANKED, Reranker
from desktop.engine.message_bounds import MOST_EMBEDDED_TEXTS
from desktop.errors import EngineError, StoppedError, UserError
from desktop.storage.collection_contents import CollectionContents
from desktop.storage.vector_store import VectorStore

if TYPE_CHECKING:
    from desktop.documents.vector_matrix import VectorMatrix

_AT_ONCE = 8  # texts of one request: a question waits for no more than these
_QUESTION_S = 20.0  # also for loading the model
_KEPT_QUESTIONS = 32
_MOST_MARKED = 6  # passages of an answer to a search whose best sentence is looked for
_ENOUGH = 0.9
_ANSWER_PAUSE_S = 0.5
_HALVES = 2
_log = logging.getLogger(__name__)


class PassageVectorIndex:
    """The passages of `contents` by meaning: a `PassageVectors`. Any thread may use it; one at a time makes vectors.

    `choose` gives the embedding model and raises UserError where there is none. `wait` waits so many seconds, less
    where there is a reason to look again.
    """

    def __init__(
        self,
        contents: CollectionContents,
        store: VectorStore,
        choose: Callable[[], SearchModel],
        runner: SearchModelRunner,
        reranker: Reranker,
        *,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._contents, self._store = contents, store
        self._choose, self._runner, self._reranker = choose, runner, reranker
        self._wait = wait or threading.Event().wait
        self._lock = threading.Lock()
        self._matrix: VectorMatrix | None = None
        self._matrix_model, self._last_row = 0, 0
        self._questions: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._failure: UserError | None = None

    # --- what there is -------------------------------------------------------------------------------------------

    def problem(self) -> UserError | None:
        """Why passages are not found by meaning now; None where they are, as far as their vectors are made."""
        try:
            self._choose()
        except UserError as error:
            return error
        return self._failure

    def coverage(self, collection: int) -> float:
        """Which part of a collection's passages, 0 to 1, can be found by meaning."""
        try:
            number = self._store.find_model(self._choose().key)
        except UserError:
            return 0.0
        made, passages = self._store.counts(number, collection)
        return made / passages if passages else 0.0

    def ready(self, collection: int) -> bool:
        """Whether (nearly) all passages of this collection can be found by meaning."""
        try:
            number = self._store.find_model(self._choose().key)
        except UserError:
            return False
        return self._store.is_complete(number, collection) or self.coverage(collection) >= _ENOUGH

    # --- search --------------------------------------------------------------------------------------------------

    def nearest(self, collections: Sequence[int], question: str, limit: int) -> list[tuple[int, float]]:
        """The passages of these collections nearest to the question, the best first: id and cosine; [] where meaning
        cannot be asked for now."""
        try:
            model = self._choose()
            vector = self._question_vector(model, question)
            with self._lock:
                matrix = self._current_matrix(model)
                found = matrix.nearest(vector, collections, limit) if matrix is not None else []
            self._failure = None
            return found
        except UserError as error:
            self._note(error)
            return []

    def fuse(
        self, question: str, lexical: Ranking, nearest: Ranking, texts: TextsOf, limit: int
    ) -> list[tuple[int, float]]:
        """One ranking of both, its first put in order by a reranker where one is here: ids and scores."""
        if not nearest:
            ranking = list(lexical)
        else:
            first = [passage for passage, _ in lexical[:COVERING]]
            ranking = fused(lexical, nearest, coverage(question, [*texts(first).values()] if first else []))
        if self._reranker.model() is None:
            return ranking[:limit]
        ids = [passage for passage, _ in ranking]
        ordered = self._reranker.rank(question, ids, texts(ids[:MOST_RANKED]))
        # Scores compare within a search: those of the places, so that they fall from the first one to the last.
        return list(zip(ordered, [score for _, score in ranking], strict=True))[:limit]

    def sentence_marks(self, question: str, texts: Sequence[str]) -> list[tuple[tuple[int, int], ...]]:
        """For each text the range of characters of the sentence that is nearest to the question; () for all but the
        first few, and where that cannot be asked for."""
        ranges = [sentence_ranges(text) for text in texts[:_MOST_MARKED]]
        flat = [text[begin:end] for text, found in zip(texts, ranges, strict=False) for begin, end in found]
        marks: list[tuple[tuple[int, int], ...]] = [()] * len(texts)
        try:
            model = self._choose()
            wanted = self._question_vector(model, question)
            vectors = iter(self._vectors(model, flat, lambda: False, _QUESTION_S))
        except UserError as error:
            self._note(error)
            return marks
        for number, found in enumerate(ranges):
            near = [(float(next(vectors) @ wanted), each) for each in found]
            marks[number] = (max(near)[1],) if near else ()
        return marks

    # --- the vectors are made ------------------------------------------------------------------------------------

    def catch_up(
        self,
        collections: Sequence[int],
        is_cancelled: Callable[[], bool],
        on_progress: Callable[[int], None] = lambda collection: None,
    ) -> None:
        """Make the vectors that passages of these collections lack, one after another; `on_progress` gets the
        collection whose vectors became more. An answer of a chat model comes first.

        Returns where there is no model or it fails (`problem` says why). Raises StoppedError where `is_cancelled` says
        so, and what `Database` raises.
        """
        try:
            model = self._choose()
            self._failure = None
            for collection in collections:
                self._catch_up(model, collection, is_cancelled, on_progress)
        except EngineError as error:
            self._note(error)
        except UserError as error:
            if self.problem() is None:  # not for want of a model that may be used
                raise
            self._note(error)

    def _catch_up(
        self,
        model: SearchModel,
        collection: int,
        is_cancelled: Callable[[], bool],
        on_progress: Callable[[int], None],
    ) -> None:
        number = self._store.find_model(model.key)
        after = -1 if number is None else self._store.last_passage(number, collection)
        while found := self._contents.passages_after(collection, after, _AT_ONCE):
            self._let_answers_go_first(is_cancelled)
            made = self._passage_vectors(model, [text for _, text in found], is_cancelled)
            if number is None:
                number = self._store.begin_model(model.key, len(made[0]))
            if not self._store.add(number, [(key, _stored(each)) for (key, _), each in zip(found, made, strict=True)]):
                return  # another process has another model
            after = found[-1][0]
            on_progress(collection)

    def _let_answers_go_first(self, is_cancelled: Callable[[], bool]) -> None:
        while True:
            if is_cancelled():
                raise StoppedError
            if not self._runner.is_answering():
                return
            self._wait(_ANSWER_PAUSE_S)

    def _passage_vectors(self, model: SearchModel, texts: list[str], is_cancelled: Callable[[], bool]) -> list[Any]:
        """Their vectors. Where the engine fails with all of them, one after another; zeros for one that it fails with
        alone. Raises EngineError where it fails with each."""
        given = [model.prefixes.passage + text for text in texts]
        try:
            return self._vectors(model, given, is_cancelled)
        except EngineError as error:
            _log.warning("vectors are asked for one by one: %s %s", error, error.technical)
        found: list[Any] = []
        failure: EngineError | None = None
        for text in given:
            try:
                found += self._vectors(model, [text], is_cancelled)
            except EngineError as error:
                failure = error
                found.append(None)
        usable = next((each for each in found if each is not None), None)
        if usable is None:
            assert failure is not None
            raise failure
        return [usable * 0 if each is None else each for each in found]

    # --- below ---------------------------------------------------------------------------------------------------

    def _question_vector(self, model: SearchModel, question: str) -> Any:
        key = (model.key, question)
        with self._lock:
            if key in self._questions:
                self._questions.move_to_end(key)
                return self._questions[key]
        (vector,) = self._vectors(model, [model.prefixes.query + question], lambda: False, _QUESTION_S)
        with self._lock:
            self._questions[key] = vector
            while len(self._questions) > _KEPT_QUESTIONS:
                self._questions.popitem(last=False)
        return vector

    def _vectors(
        self,
        model: SearchModel,
        texts: Sequence[str],
        is_cancelled: Callable[[], bool],
        seconds: float | None = None,
    ) -> list[Any]:
        """The vectors of texts, of length 1; of one that the model cannot read whole, the mean of its halves'."""
        import numpy as np

        found: list[Any] = []
        for begin in range(0, len(texts), MOST_EMBEDDED_TEXTS):
            part = texts[begin : begin + MOST_EMBEDDED_TEXTS]
            result = self._runner.vectors(model, part, is_cancelled, seconds)
            vectors = list(np.asarray(result.vectors, np.float32))
            for place in result.truncated:
                text, middle = part[place], len(part[place]) // _HALVES
                halves = self._runner.vectors(model, [text[:middle], text[middle:]], is_cancelled, seconds)
                mean = np.asarray(halves.vectors, np.float32).sum(axis=0)
                vectors[place] = mean / max(float(np.linalg.norm(mean)), 1e-6)
            found += vectors
        return found

    def _current_matrix(self, model: SearchModel) -> "VectorMatrix | None":
        """All vectors that are stored now. Under the lock."""
        from desktop.documents.vector_matrix import VectorMatrix

        number = self._store.find_model(model.key)
        if number is None:
            return None
        if self._matrix is None or self._matrix_model != number:
            self._matrix, self._matrix_model, self._last_row = None, number, 0
        more = True
        while more:
            rows = self._store.rows_after(number, self._last_row)
            if rows.passages:
                if self._matrix is None:
                    self._matrix = VectorMatrix(rows.length)
                self._matrix.append(rows.passages, rows.vectors)
            self._last_row, more = rows.last, rows.more
        if self._matrix is not None and len(self._matrix) > self._store.count(number):
            self._matrix.keep(self._store.passages(number))  # others are gone: they would take the first places
        return self._matrix

    def _note(self, error: UserError) -> None:
        if str(error) != str(self._failure):  # indexing asks again and again
            _log.warning("no search by meaning: %s %s", error, error.technical)
        self._failure = error


def _stored(vector: Any) -> bytes:
    from desktop.documents.vector_matrix import stored_vector

    return stored_vector(vector)
