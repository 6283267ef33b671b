"""What is changed while files are read, by the person or by another process: nothing breaks, and nothing stays."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from desktop.document_content import DocumentContent
from desktop.documents import collection_indexer
from desktop.documents.collection_service import CollectionService
from desktop.documents.document_reading import ReaderNotStartedError
from desktop.documents.folder_walk import FolderWalk, walk_folder
from desktop.errors import UserError
from desktop.paths import Paths
from desktop.storage.collection_contents import CollectionContents
from desktop.storage.collection_search import PassageIndex
from desktop.storage.database import DOCUMENTS_SCHEMA, Database
from tests.fakes.document_reading import TextReading
from tests.unit.documents.conftest import OpenService

LONG = "\f".join(f"Page {number} tells of apples. " + "Words follow here. " * 60 for number in range(250))


def rows(paths: Paths) -> dict[str, int]:
    """How much is in the file."""
    with closing(sqlite3.connect(paths.documents_file)) as connection:
        tables = ("collections", "files", "contents", "pages", "passages", "passage_vocabulary")
        return {each: connection.execute(f"SELECT count(*) FROM {each}").fetchone()[0] for each in tables}


class ReadingAnd(TextReading):
    """Does something when a file was read."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self._then = then

    def read(self, path: Path, **given: object) -> DocumentContent:
        content = super().read(path, **given)  # type: ignore[arg-type]
        self._then()
        return content


def test_a_collection_that_another_process_erases_is_gone_and_the_rest_is_read(
    service: CollectionService, open_service: OpenService, folder: Path, paths: Paths
) -> None:
    def erase() -> None:
        if "Mine" in [each.name for each in service.collections()]:
            service.remove("Mine")
            service.erase("Mine")

    (folder / "a.txt").write_text(LONG, encoding="utf-8")
    other = open_service(ReadingAnd(erase))
    other.create("Other")
    service.add("Mine", [folder])
    service.add("Other", [folder])
    other._indexing.indexer.run(collection_indexer.IndexingCalls())
    assert [(each.name, each.files) for each in other.collections()] == [("Other", 1)]
    assert other.search(["Other"], "apples")
    assert rows(paths)["contents"] == 1


@pytest.mark.parametrize("erases", [True, False])
def test_what_is_taken_out_while_folders_are_looked_through_does_not_come_back(
    service: CollectionService, folder: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch, erases: bool
) -> None:
    def walk(*given: object) -> FolderWalk:
        found = walk_folder(*given)  # type: ignore[arg-type]
        monkeypatch.undo()
        service.take_out("Mine", folder)
        if erases:
            service.remove("Mine")
            service.erase("Mine")
        return found

    (folder / "a.txt").write_text("apples", encoding="utf-8")
    service.add("Mine", [folder])
    monkeypatch.setattr(collection_indexer, "walk_folder", walk)
    service._indexing.indexer.run(collection_indexer.IndexingCalls())
    assert rows(paths) == dict.fromkeys(rows(paths), 0) | {"collections": 0 if erases else 1}


@pytest.mark.parametrize("steps", [0, 1])
def test_erasing_leaves_a_whole_index_where_that_is_being_made_anew(
    service: CollectionService, folder: Path, paths: Paths, steps: int
) -> None:
    (folder / "a.txt").write_text(LONG, encoding="utf-8")
    service.add("Mine", [folder])
    service.index("Mine")
    service.create("Other")
    (folder.parent / "b.txt").write_text("pears", encoding="utf-8")
    service.add("Other", [folder.parent / "b.txt"])
    service.index("Other")
    service.remove("Mine")
    service.erase("Mine")
    service.close()
    with closing(Database(paths.documents_file, DOCUMENTS_SCHEMA)) as database:
        newer = CollectionContents(
            database, lambda text: " ".join(f"x{each}" for each in re.findall(r"\w+", text)), "2"
        )
        for _ in zip(range(steps), newer.rebuild(), strict=False):
            pass  # and the process ends here
        list(newer.purge())
        list(newer.rebuild())
        assert PassageIndex(database).search([2], ["xpears"], 1)
        with database.write() as connection:
            connection.execute("INSERT INTO passage_terms (passage_terms) VALUES ('integrity-check')")
            terms = connection.execute("SELECT term, doc FROM passage_vocabulary").fetchall()
            (size,) = connection.execute("SELECT block FROM passage_terms_data WHERE id = 1").fetchone()
    assert terms == [("xb", 1), ("xpears", 1), ("xtxt", 1)]
    assert size == bytes([1, 1, 2])  # passages, and terms of their text and of their files' names


def test_a_password_waits_for_the_one_who_has_it_while_another_process_reads(
    service: CollectionService, open_service: OpenService, folder: Path, paths: Paths
) -> None:
    (folder / "a.txt").write_text("LOCKED sesame secret words", encoding="utf-8")
    service.add("Mine", [folder])
    service.index("Mine")
    (locked,) = service.files("Mine")
    assert isinstance(locked.error, UserError)
    service.enter_password("Mine", locked.id, "sesame")
    open_service().index("Mine")  # another process, which does not know the password
    assert [each.state for each in service.files("Mine")] == ["encrypted"]
    service.index("Mine")
    assert [each.state for each in service.files("Mine")] == ["read"]


def test_nothing_is_kept_of_what_was_taken_out_and_nothing_else_is_lost(
    service: CollectionService, folder: Path, paths: Paths
) -> None:
    (folder / "a.txt").write_text(LONG + " zebra", encoding="utf-8")
    (folder.parent / "b.txt").write_text("pears", encoding="utf-8")
    service.add("Mine", [folder, folder.parent / "b.txt"])
    service.index("Mine")
    service.take_out("Mine", folder)
    service.index("Mine")
    assert [each.file_name for each in service.search(["Mine"], "pears")] == ["b.txt"]
    service.close()
    kept = b"".join(each.read_bytes() for each in paths.data.glob("documents.db*"))
    assert b"zebra" not in kept
    assert b"pear" in kept


def test_a_disk_that_does_not_answer_keeps_nobody_from_closing(
    open_service: OpenService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.documents.background_indexing._CLOSING_S", 0.0)
    reads, answers, waited = threading.Event(), threading.Event(), list[bool]()

    def read_slowly() -> None:
        reads.set()
        waited.append(answers.wait(30))

    service = open_service(ReadingAnd(read_slowly))
    service.create("Mine")
    (folder / "a.txt").write_text("apples", encoding="utf-8")
    service.add("Mine", [folder])
    service.start()
    assert reads.wait(30)
    service.close()
    assert not waited
    answers.set()


def test_where_nothing_can_be_read_no_file_is_to_blame(
    open_service: OpenService, service: CollectionService, folder: Path
) -> None:
    def fail() -> None:
        raise ReaderNotStartedError("The process that reads files cannot be started.")

    (folder / "a.txt").write_text("apples", encoding="utf-8")
    service.add("Mine", [folder])
    with pytest.raises(ReaderNotStartedError):
        open_service(ReadingAnd(fail)).index("Mine")
    assert [each.state for each in service.files("Mine")] == ["waiting"]
    service.index("Mine")
    assert [each.state for each in service.files("Mine")] == ["read"]


def test_a_mistake_with_one_text_costs_one_file(
    service: CollectionService, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def analyze(text: str) -> str:
        if "poison" in text:
            raise KeyError(text)
        return "apples"

    monkeypatch.setattr(service.contents, "_analyze", analyze)
    (folder / "a.txt").write_text("poison", encoding="utf-8")
    (folder / "b.txt").write_text("some more apples", encoding="utf-8")
    service.add("Mine", [folder])
    service.index("Mine")
    assert [each.state for each in service.files("Mine")] == ["unreadable", "read"]
    assert "KeyError" in caplog.text
    assert "poison" not in caplog.text.replace('if "poison" in text', "")  # a log quotes no document
