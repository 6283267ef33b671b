"""Indexing loses nothing and repeats little: after a kill, beside another process, with a changed analysis."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from desktop.document_content import DocumentContent, Passage
from desktop.documents.collection_service import CollectionService
from desktop.documents.collection_watcher import CollectionWatcher
from desktop.documents.passage_search import PassageRanking, rank_passages
from desktop.documents.passage_splitter import split_text
from desktop.errors import IntegrityError, ResourceError, StoppedError
from desktop.paths import Paths
from desktop.process_lock import process_lock
from desktop.storage.collection_contents import CollectionContents
from desktop.storage.database import DOCUMENTS_SCHEMA, Database
from tests.fakes.document_reading import TextReading
from tests.unit.documents.conftest import OpenService

LONG = "\f".join(f"Page {number} tells of apples. " + "Words follow here. " * 60 for number in range(300))


class KilledError(BaseException):
    """What ends a process, in this test."""


def counts(paths: Paths) -> tuple[int, ...]:
    """Rows of contents, pages, passages, and terms of the index."""
    with closing(sqlite3.connect(paths.documents_file)) as connection:
        return tuple(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("contents", "pages", "passages", "passage_vocabulary")
        )


def test_a_kill_in_the_middle_costs_one_file(
    service: CollectionService, open_service: OpenService, reading: TextReading, folder: Path, paths: Paths
) -> None:
    (folder / "a.txt").write_text("first apples", encoding="utf-8")
    (folder / "b.txt").write_text(LONG, encoding="utf-8")
    service.add("Mine", [folder])
    asked = 0

    def dies() -> bool:
        nonlocal asked
        asked += 1
        if asked > 250:
            raise KilledError
        return False

    with pytest.raises(KilledError):
        service.index("Mine", dies)
    assert counts(paths)[2] > 100  # some of the long file's passages are stored
    assert [each.file_name for each in service.search(["Mine"], "apples")] == ["a.txt"]
    service.close()
    again = open_service()
    again.index("Mine")
    assert [path.name for path in reading.read_paths] == ["a.txt", "b.txt", "b.txt"]
    state = again.collection("Mine")
    assert counts(paths)[:3] == (2, 301, state.passages)
    assert again.search(["Mine"], "page 299", 1)[0].page == 300


def test_everything_that_was_read_goes_with_its_file(service: CollectionService, folder: Path, paths: Paths) -> None:
    (folder / "a.txt").write_text(LONG, encoding="utf-8")
    service.add("Mine", [folder])
    service.index("Mine")
    assert counts(paths)[2] == 300
    service.take_out("Mine", folder)
    service.index("Mine")
    assert counts(paths) == (0, 0, 0, 0)


def test_one_process_indexes_at_a_time(
    service: CollectionService,
    open_service: OpenService,
    reading: TextReading,
    folder: Path,
    paths: Paths,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("desktop.documents.background_indexing._ASK_AGAIN_S", 0.0)
    asked = iter([False] * 50)
    (folder / "a.txt").write_text("apples", encoding="utf-8")
    service.add("Mine", [folder])
    with process_lock(paths.data / ".indexing.lock") as held:
        assert held
        with pytest.raises(StoppedError):
            service.index("Mine", lambda: next(asked, True))
        assert service.collection("Mine").state == "waiting"
    assert not reading.read_paths
    other = open_service()
    other.index("Mine")
    assert service.collection("Mine").state == "ready"
    assert service.search(["Mine"], "apples")


def test_the_background_reads_what_is_added_and_what_another_process_adds(
    open_service: OpenService, folder: Path
) -> None:
    changed = threading.Semaphore(0)
    service = open_service(on_change=changed.release)
    service.create("Mine")
    service.start()

    def wait_for(names: set[str]) -> None:
        while {each.name for each in service.files("Mine") if each.state == "read"} != names:
            assert changed.acquire(timeout=30)

    (folder / "a.txt").write_text("apples", encoding="utf-8")
    service.add("Mine", [folder])
    wait_for({"a.txt"})
    (folder / "b.txt").write_text("pears", encoding="utf-8")
    open_service().refresh("Mine")
    wait_for({"a.txt", "b.txt"})


def test_what_another_process_adds_while_the_background_ends_a_look_is_read(
    open_service: OpenService, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.documents.background_indexing._LOOK_S", 0.05)
    changed = threading.Semaphore(0)
    service, other = open_service(on_change=changed.release), open_service()
    service.create("Mine")
    (folder / "a.txt").write_text("apples", encoding="utf-8")
    indexer, run = service._indexing.indexer, service._indexing.indexer.run

    def run_and_add(*given: Any) -> None:
        run(*given)
        monkeypatch.setattr(indexer, "run", run)
        other.add("Mine", [folder / "a.txt"])

    monkeypatch.setattr(indexer, "run", run_and_add)
    service.start()
    while [each.state for each in service.files("Mine")] != ["read"]:
        assert changed.acquire(timeout=10)


def test_the_file_being_read_is_given_up_where_it_is_no_longer_wanted(service: CollectionService, folder: Path) -> None:
    class SlowReading(TextReading):
        def read(self, path: Path, **given: object) -> DocumentContent:
            if path.name == "b.txt":
                service.pause("Mine")
            return super().read(path, **given)  # type: ignore[arg-type]

    for number, name in enumerate("abc"):
        (folder / f"{name}.txt").write_text("apples " * (number + 1), encoding="utf-8")
    service._indexing.indexer._reader = SlowReading()
    service.add("Mine", [folder])
    service.index("Mine")
    assert [each.state for each in service.files("Mine")] == ["read", "waiting", "waiting"]


def test_a_bug_of_the_reader_costs_one_file(open_service: OpenService, folder: Path) -> None:
    class BuggyReading(TextReading):
        def read(self, path: Path, **given: object) -> DocumentContent:
            if path.name == "a.txt":
                raise KeyError("bug")
            return super().read(path, **given)  # type: ignore[arg-type]

    (folder / "a.txt").write_text("apples", encoding="utf-8")
    (folder / "b.txt").write_text("more apples", encoding="utf-8")
    service = open_service(BuggyReading())
    service.create("Mine")
    service.add("Mine", [folder])
    service.index("Mine")
    assert [each.state for each in service.files("Mine")] == ["unreadable", "read"]


def test_an_index_of_another_analysis_is_made_anew(service: CollectionService, folder: Path, paths: Paths) -> None:
    (folder / "a.txt").write_text(LONG, encoding="utf-8")
    service.add("Mine", [folder])
    service.index("Mine")
    service.close()
    database = Database(paths.documents_file, DOCUMENTS_SCHEMA)
    other = CollectionContents(database, lambda text: "everything", "another")
    steps = other.rebuild()
    next(steps)  # and the process ends here
    steps = CollectionContents(database, lambda text: "everything", "another").rebuild()
    assert sum(steps) + 200 == counts(paths)[2]
    assert counts(paths)[3] == 1
    assert not list(other.rebuild())
    database.close()
    service.index("Mine")
    assert service.search(["Mine"], "page 17", 1)[0].page == 18


def test_names_and_texts_that_are_no_unicode_are_kept(service: CollectionService, folder: Path) -> None:
    odd = folder / os.fsdecode(b"odd-\xff.txt")
    odd.write_bytes(b"first\x00 apples and \xed\xa0\x80 pears")
    (folder / os.fsdecode(b"bad-\xfe.txt")).write_text("BROKEN", encoding="utf-8")
    service.add("Mine", [folder])
    service.index("Mine")
    (best,) = service.search(["Mine"], "pears")
    assert best.path == odd
    assert best.text.startswith("first  apples")
    assert sorted(each.state for each in service.files("Mine")) == ["read", "unreadable"]


def test_a_damaged_file_is_told_and_left_alone(service: CollectionService, paths: Paths) -> None:
    service.close()
    paths.documents_file.write_bytes(b"no database at all")
    with pytest.raises(IntegrityError, match="collections cannot be read"):
        service.collections()
    assert paths.documents_file.read_bytes() == b"no database at all"


def test_a_locked_file_is_told(service: CollectionService, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.storage.database._BUSY_TIMEOUT_S", 0.05)
    service.close()
    with closing(sqlite3.connect(paths.documents_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ResourceError, match="another program holds their file"):
            service.create("Another")


def test_the_file_is_for_this_person_alone(service: CollectionService, paths: Paths) -> None:
    assert paths.documents_file.stat().st_mode & 0o777 == 0o600


def test_watched_folders_are_looked_at_now_and_then(service: CollectionService) -> None:
    """More seldom the longer a look takes: one hundredth of a processor at most."""
    now = 0.0
    store = service.store
    watcher = CollectionWatcher(store, lambda: now)
    number = store.find("Mine").number
    store.add_sources(number, [(Path("/papers"), True)])

    def asked() -> bool:
        (source,) = store.sources(number)
        store.mark_looked(source.number, now, 0)
        watcher.ask_for_looks()
        return store.sources(number)[0].looked_at is None

    assert not asked()
    store.set_watched("Mine", True)
    assert asked()
    watcher.note_look(number, 2.0)
    now = 150.0
    assert not asked()
    now = 210.0
    assert asked()


def test_a_file_in_memory_is_ranked_as_collections_are() -> None:
    text = LONG.replace("\f", "\n\n")
    passages = [Passage(1, start, end, text[start:end]) for start, end in split_text(text)]
    ranking = PassageRanking(passages)
    best = ranking.rank("Which page is 123?", 3)
    assert "Page 123" in best[0].passage.text
    assert passages[best[0].place] is best[0].passage
    assert [best[0].passage.text[start:end] for start, end in best[0].marks] == ["Page", "123"]
    assert rank_passages(passages, "Which page is 123?", 3) == best
    assert ranking.rank("zebra", 3) == ()
    ranking.close()
