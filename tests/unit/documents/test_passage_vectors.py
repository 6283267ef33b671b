"""Search in collections by meaning: vectors made in the background, kept, made anew, and left out where they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from desktop.document_content import DocumentContent, DocumentPage
from desktop.documents.embedding_model import SearchModel
from desktop.documents.passage_search import FoundPassage, PassageSearch
from desktop.documents.passage_splitter import split_document
from desktop.documents.passage_vectors import PassageVectorIndex
from desktop.documents.reranker import Reranker
from desktop.documents.text_analysis import VERSION, index_terms
from desktop.errors import EngineError, LicenseError, NotFoundError, StoppedError, UserError
from desktop.file_stamp import stamp_at
from desktop.storage.collection_contents import CollectionContents
from desktop.storage.collection_files import CollectionFiles
from desktop.storage.collection_search import PassageIndex
from desktop.storage.collection_store import CollectionStore
from desktop.storage.database import DOCUMENTS_SCHEMA, Database
from desktop.storage.vector_store import VectorStore
from tests.fakes.meaning import MINI, OTHER, FakeRunner

TEXTS = {
    "tax": "Each automobile is taxed by its weight. The tax is due in May.",
    "health": "See a physician when the fever lasts. Drink enough.",
    "weather": "An umbrella helps in a shower. It folds.",
    "bank": "Cash is handed out at the counter.",
}


class Place:
    """A database of collections with a search whose models are fakes: `choice` is the model, or why there is none."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "documents.db", DOCUMENTS_SCHEMA)
        self.contents = CollectionContents(self.database, index_terms, VERSION)
        self.collections = CollectionStore(self.database)
        self.runner = FakeRunner()
        self.choice: SearchModel | UserError = MINI
        self.reranker: SearchModel | None = None
        self.waits: list[float] = []
        self.folder = folder

    def index(self) -> PassageVectorIndex:
        runner: Any = self.runner
        reranker = Reranker(self._reranker, runner)
        return PassageVectorIndex(
            self.contents, VectorStore(self.database), self._choose, runner, reranker, wait=self.waits.append
        )

    def _choose(self) -> SearchModel:
        if isinstance(self.choice, UserError):
            raise self.choice
        return self.choice

    def _reranker(self) -> SearchModel:
        if self.reranker is None:
            raise NotFoundError("none")
        return self.reranker

    def add(self, collection: int, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        content = DocumentContent(name, "text/plain", name, len(text), (DocumentPage(1, text),))
        number = self.contents.add(collection, content, split_document(content))
        files, stamp = CollectionFiles(self.database), stamp_at(path)
        assert stamp is not None
        files.note_seen(collection, [(path, stamp)])
        (file,) = [each for each in files.files(collection) if each.path == path]
        files.note_read(file.number, number, stamp, 1.0)

    def search(self, index: PassageVectorIndex, question: str) -> list[FoundPassage]:
        names = {each.number: each.name for each in self.collections.collections()}
        return list(self.passage_search(index).search(names, question, 3))

    def passage_search(self, index: PassageVectorIndex) -> PassageSearch:
        return PassageSearch(PassageIndex(self.database), self.contents, index)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    with closing(made.database):
        made.collections.create("papers", 1.0)
        for name, text in TEXTS.items():
            made.add(1, name, text)
        yield made


def never() -> bool:
    return False


def made(place: Place) -> PassageVectorIndex:
    index = place.index()
    index.catch_up([1], never)
    return index


def test_a_passage_without_any_word_of_the_question_is_found_and_its_sentence_marked(place: Place) -> None:
    index = place.index()
    assert not index.ready(1)
    assert place.search(index, "vehicle") == []
    told: list[int] = []
    index.catch_up([1], never, told.append)
    assert (index.coverage(1), index.ready(1), index.problem(), set(told)) == (1.0, True, None, {1})
    first = place.search(index, "How much does a vehicle cost?")[0]
    assert first.file_name == "tax"
    assert first.marks == ()
    ((begin, end),) = place.passage_search(index).nearest_sentence("How much does a vehicle cost?", first.text)
    assert first.text[begin:end] == "Each automobile is taxed by its weight."
    place.choice = LicenseError("The license was revoked.")
    assert place.passage_search(index).nearest_sentence("vehicle", first.text) == ()
    place.choice = MINI
    (counter,) = [each for each in place.search(index, "counter") if each.file_name == "bank"]
    assert [counter.text[begin:end] for begin, end in counter.marks] == ["counter"]


def test_vectors_outlive_the_process_and_only_new_passages_are_computed(place: Place) -> None:
    made(place)
    place.add(1, "more", "A vehicle needs oil.")
    again, asked = place.index(), len(place.runner.asked)
    assert again.coverage(1) == pytest.approx(4 / 5)
    again.catch_up([1], never)
    assert place.runner.asked[asked:] == [["A vehicle needs oil."]]
    assert {each.file_name for each in place.search(again, "car")[:2]} == {"tax", "more"}


def test_another_model_makes_all_vectors_anew_with_its_own_prefixes(place: Place) -> None:
    index = made(place)
    assert place.search(index, "vehicle")[0].file_name == "tax"
    place.choice = OTHER
    assert index.coverage(1) == 0
    assert place.search(index, "vehicle") == []
    index.catch_up([1], never)
    assert all(text.startswith("passage: ") for text in place.runner.asked[-1])
    assert place.search(index, "vehicle")[0].file_name == "tax"
    assert len(index.nearest([1], "vehicle", 9)) == len(TEXTS), "none of the former model's is left"
    assert "query: vehicle" in [text for asked in place.runner.asked for text in asked]
    place.choice = MINI
    assert index.coverage(1) == 0, "vectors are kept for one model at a time"


@pytest.mark.parametrize(
    "error", [LicenseError("The license was revoked."), NotFoundError("No embedding model is here.")]
)
def test_where_the_model_may_not_be_used_words_alone_count_and_it_is_told(place: Place, error: UserError) -> None:
    index = made(place)
    asked = len(place.runner.asked)
    place.choice = error
    assert [each.file_name for each in place.search(index, "umbrella vehicle")] == ["weather"]
    assert (index.problem(), index.ready(1)) == (error, False)
    index.catch_up([1], never)
    assert len(place.runner.asked) == asked


def test_a_model_that_fails_leaves_the_words_and_is_asked_again_later(place: Place) -> None:
    index = made(place)
    failure = EngineError("The worker ended.")
    place.runner.failures = [failure]
    assert [each.file_name for each in place.search(index, "umbrella in any vehicle")] == ["weather"]
    assert index.problem() is failure
    assert "tax" in [each.file_name for each in place.search(index, "umbrella in any vehicle")]
    assert index.problem() is None


def test_while_vectors_are_made_a_failure_of_all_stops_and_of_one_is_passed_over(place: Place) -> None:
    index = place.index()
    place.runner.failures = [EngineError("The worker ended.")] * 5
    index.catch_up([1], never)
    assert (index.coverage(1), str(index.problem())) == (0.0, "The worker ended.")
    place.add(1, "bad", "A poison that ends the worker.")
    place.runner.poison = True
    index.catch_up([1], never)
    assert (index.coverage(1), index.problem()) == (1.0, None)
    assert len(index.nearest([1], "vehicle cash doctor rain", 9)) == len(TEXTS), "of the bad one nothing is known"


def test_a_revoked_license_in_the_middle_stops_it_without_an_error(place: Place) -> None:
    index = place.index()
    revoked = LicenseError("The license was revoked.")

    def revoke() -> None:
        place.choice = revoked
        place.runner.failures = [revoked]

    place.runner.before = revoke
    index.catch_up([1], never)
    assert (index.coverage(1), index.problem()) == (0.0, revoked)


def test_answers_go_first_and_it_can_be_stopped(place: Place) -> None:
    index = place.index()
    place.runner.answering = [True, True, False]
    index.catch_up([1], never)
    assert (len(place.waits), index.coverage(1)) == (2, 1.0)
    place.add(1, "more", "A vehicle needs oil.")
    place.runner.answering = [True, True, True]
    stops: Callable[[], bool] = iter([False, False, True]).__next__
    with pytest.raises(StoppedError):
        index.catch_up([1], stops)
    assert index.coverage(1) < 1


def test_what_is_longer_than_the_model_reads_counts_whole(place: Place) -> None:
    place.add(1, "long", "Nothing of note. " * 12 + "A doctor comes. " + "Nothing of note. " * 10)
    index = made(place)
    assert {each.file_name for each in place.search(index, "physician")[:2]} == {"long", "health"}
    assert [round(score, 1) for _, score in index.nearest([1], "physician", 2)] == [1.0, 0.7]


def test_passages_that_are_gone_take_their_vectors_along(place: Place) -> None:
    index = made(place)
    files = CollectionFiles(place.database)
    gone = [each.number for each in files.files(1) if each.path.name == "tax"]
    with place.database.write() as connection:
        connection.executemany("DELETE FROM files WHERE number = ?", [(number,) for number in gone])
    for _ in place.contents.purge():
        pass
    with place.database.read() as connection:
        (count,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
    assert count == 3
    assert "tax" not in [each.file_name for each in place.search(index, "vehicle")]
    assert "tax" not in [each.file_name for each in place.search(place.index(), "vehicle")]


def test_collections_are_kept_apart(place: Place) -> None:
    place.collections.create("other", 1.0)
    place.add(2, "elsewhere", "A car of another collection.")
    index = place.index()
    index.catch_up([1, 2], never)
    found = index.nearest([2], "vehicle", 5)
    assert len(found) == 1
    assert {passage >> 32 for passage, _ in index.nearest([1], "vehicle", 5)} == {1}


def test_a_reranker_decides_the_order_of_what_was_found(place: Place) -> None:
    index = made(place)
    place.reranker = OTHER
    found = place.search(index, "tax umbrella counter")
    assert [each.file_name for each in found] == ["bank", "weather", "health"], "the shortest first, as the fake has it"
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    place.runner.failures = [EngineError("The worker ended.")] * 2
    assert len(place.search(index, "tax umbrella counter")) == 3


def test_a_file_that_is_changed_again_and_again_is_still_found_by_its_meaning(place: Place) -> None:
    index = made(place)
    for version in range(60):
        place.add(1, "tax", f"Each automobile is taxed. Version {version}.")
        list(place.contents.purge())
        index.catch_up([1], never)
        assert index.nearest([1], "vehicle", 3)
    assert place.search(index, "vehicle")[0].text == "Each automobile is taxed. Version 59."


def test_why_nothing_is_found_by_meaning_is_logged_once(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.choice = NotFoundError("no embedding model is here")
    index = place.index()
    for _ in range(3):
        index.catch_up([1], never)
    assert [record.getMessage() for record in caplog.records].count(
        "no search by meaning: no embedding model is here "
    ) == 1
