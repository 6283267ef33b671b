"""Backups carry collections: what a person decided, without what was read."""

from __future__ import annotations

from pathlib import Path

from desktop.backup.backup_reader import open_backup
from desktop.backup.backup_writer import write_backup
from desktop.backup.restore import restore_backup
from desktop.backup.restore_stage import RestoreChoices
from desktop.backup.restore_text import report_sentences
from desktop.documents.collection_service import CollectionService
from tests.fakes.backups import NOW, OpenHome
from tests.fakes.document_reading import TextReading


def test_collections_come_back_with_their_folders_and_are_read_again(open_home: OpenHome, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "a.txt").write_text("apples of the lease", encoding="utf-8")
    (folder / "b.txt").write_text("private apples", encoding="utf-8")
    here, there = open_home("here"), open_home("there")
    first = CollectionService(here.paths, TextReading(), database=here.documents)
    first.create("Papers")
    first.add("Papers", [folder])
    first.index("Papers")
    first.leave_out("Papers", first.files("Papers")[1].id)
    first.set_watched("Papers", True)
    first.create("Gone")
    first.remove("Gone")
    written = write_backup(here, tmp_path / "b.zip", now=NOW)
    assert written.manifest.counts.collections == 1
    with open_backup(written.file) as backup:
        backup.verify()
    assert b"apples" not in written.file.read_bytes()

    second = CollectionService(there.paths, TextReading(), database=there.documents)
    second.create("papers")
    report = restore_backup(there, written.file, RestoreChoices(), now=NOW + 1)
    assert report.collections == 1
    assert report.changed
    assert any("1 collection of documents" in sentence for sentence in report_sentences(report))
    second.index("Papers")
    assert [each.name for each in second.collections()] == ["papers"]
    again = restore_backup(there, written.file, RestoreChoices(), now=NOW + 2)
    assert again.collections == 0

    third = open_home("third")
    restore_backup(third, written.file, RestoreChoices(), now=NOW + 1)
    read = CollectionService(third.paths, TextReading(), database=third.documents)
    read.index("Papers")
    assert [(each.name, each.state) for each in read.files("Papers")] == [("a.txt", "read"), ("b.txt", "left-out")]
    assert read.collection("Papers").watched
    assert [each.file_name for each in read.search(["Papers"], "apples")] == ["a.txt"]
