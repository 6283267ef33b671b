"""What a person does with collections: fill, search, change, leave out, remove and bring back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop.documents.collection_service import CollectionService
from desktop.errors import NotFoundError, ResourceError
from desktop.paths import Paths
from desktop.storage.collection_store import CollectionNameError
from tests.fakes.document_reading import TextReading
from tests.unit.documents.conftest import OpenService


def index(service: CollectionService, *paths: Path) -> None:
    """Add, where there are paths, and read."""
    if paths:
        assert not service.add("Mine", paths).refused
    service.index("Mine")


def states(service: CollectionService) -> dict[str, str]:
    return {each.name: each.state for each in service.files("Mine")}


def found(service: CollectionService, text: str) -> list[str]:
    return [each.file_name for each in service.search(["Mine"], text)]


def test_a_folder_gives_its_documents_and_nothing_else(service: CollectionService, folder: Path, paths: Paths) -> None:
    for name in (
        "a.txt",
        "sub/b.MD",
        ".hidden/c.txt",
        ".d.txt",
        "node_modules/e.txt",
        "f.exe",
        "~$g.docx",
        "no suffix",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"words of {name}", encoding="utf-8")
    (folder / "sub" / "round").symlink_to(folder)
    (folder / "link.txt").symlink_to(folder / "a.txt")
    os.mkfifo(folder / "pipe.txt")
    added = service.add("Mine", [folder, folder / "none", paths.data, folder / "no suffix"])
    service.index("Mine")
    assert states(service) == {"a.txt": "read", "b.MD": "read", "no suffix": "read"}
    assert [(path.name, type(error)) for path, error in added.refused] == [
        ("none", NotFoundError),
        ("data", ResourceError),
    ]
    state = service.collection("Mine")
    assert (state.files, state.pages, state.skipped, state.unread, state.state) == (3, 0, 5, 0, "ready")


def test_latchkeys_own_folders_are_not_read_within_another(
    open_service: OpenService, tmp_path: Path, folder: Path
) -> None:
    service = open_service()
    service.create("Mine")
    (tmp_path / "home" / "config").mkdir()
    (tmp_path / "home" / "config" / "settings.txt").write_text("secret", encoding="utf-8")
    (folder / "a.txt").write_text("a", encoding="utf-8")
    index(service, tmp_path)
    assert states(service) == {"a.txt": "read"}


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(
    service: CollectionService, folder: Path, paths: Paths
) -> None:
    (folder / "a.txt").write_text("BROKEN", encoding="utf-8")
    (folder / "b.txt").write_text("LOCKED sesame secret words", encoding="utf-8")
    (folder / "c.txt").write_text("plain words", encoding="utf-8")
    index(service, folder)
    assert states(service) == {"a.txt": "unreadable", "b.txt": "encrypted", "c.txt": "read"}
    broken, locked, _ = service.files("Mine")
    assert broken.error is not None
    assert broken.error.title == "a.txt is damaged."
    assert service.collection("Mine").unread == 2
    service.enter_password("Mine", locked.id, "wrong")
    index(service)
    assert states(service)["b.txt"] == "encrypted"
    service.enter_password("Mine", locked.id, "sesame")
    index(service)
    assert found(service, "secret") == ["b.txt"]
    assert service.content("Mine", locked.id).pages[0].text == "secret words"
    service.close()
    kept = b"".join(each.read_bytes() for each in paths.data.iterdir())
    assert b"sesame" not in kept


def test_changes_are_noticed_and_what_is_known_is_not_read_again(
    service: CollectionService, reading: TextReading, folder: Path
) -> None:
    for name in ("changed", "renamed", "gone", "same"):
        (folder / f"{name}.txt").write_text(f"{name} apples", encoding="utf-8")
    index(service, folder)
    before = service.collection("Mine").passages
    (folder / "changed.txt").write_text("pears instead", encoding="utf-8")
    (folder / "renamed.txt").rename(folder / "other.txt")
    (folder / "copy.txt").write_text("same apples", encoding="utf-8")
    (folder / "gone.txt").rename(folder.parent / "gone.txt")
    reading.read_paths.clear()
    service.refresh("Mine")
    index(service)
    assert [path.name for path in reading.read_paths] == ["changed.txt"]
    assert states(service)["gone.txt"] == "missing"
    assert found(service, "pears") == ["changed.txt"]
    assert sorted(found(service, "apples")) == ["copy.txt", "other.txt"]  # of two with the same bytes one
    assert service.collection("Mine").passages == before - 1
    (folder.parent / "gone.txt").rename(folder / "gone.txt")
    service.refresh("Mine")
    index(service)
    assert "gone.txt" in found(service, "apples")
    assert len(reading.read_paths) == 1


def test_files_of_a_folder_that_cannot_be_reached_stay(service: CollectionService, folder: Path) -> None:
    """A drive that is not plugged in takes nothing with it."""
    (folder / "a.txt").write_text("apples", encoding="utf-8")
    index(service, folder)
    folder.rename(folder.with_name("away"))
    service.refresh("Mine")
    index(service)
    assert found(service, "apples") == ["a.txt"]
    assert "cannot be reached" in service.collection("Mine").problems[0]


def test_what_is_left_out_cancelled_or_paused_is_not_read(
    service: CollectionService, reading: TextReading, folder: Path
) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text(f"{name} apples", encoding="utf-8")
    index(service, folder)
    first = service.files("Mine")[0]
    service.leave_out("Mine", first.id)
    assert found(service, "apples") == ["b.txt"]
    assert states(service) == {"a.txt": "left-out", "b.txt": "read"}
    service.take_back("Mine", first.id)
    assert sorted(found(service, "apples")) == ["a.txt", "b.txt"]

    service.pause("Mine")
    (folder / "c.txt").write_text("c apples", encoding="utf-8")
    service.refresh("Mine")
    index(service)
    assert states(service)["c.txt"] == "waiting"
    assert service.collection("Mine").state == "paused"
    service.resume("Mine")
    service.cancel("Mine")
    index(service)
    assert states(service)["c.txt"] == "left-out"
    assert len(reading.read_paths) == 2


def test_a_folder_is_taken_out_and_added_again(service: CollectionService, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "a.txt").write_text("apples", encoding="utf-8")
    (folder / "sub" / "b.txt").write_text("more apples", encoding="utf-8")
    index(service, folder, folder / "sub")
    service.take_out("Mine", folder)
    index(service)
    assert found(service, "apples") == ["b.txt"]
    index(service, folder)
    assert sorted(found(service, "apples")) == ["a.txt", "b.txt"]
    with pytest.raises(NotFoundError):
        service.take_out("Mine", folder / "none")


def test_a_collection_is_removed_brought_back_and_erased(
    service: CollectionService, folder: Path, paths: Paths
) -> None:
    (folder / "a.txt").write_text("pomegranate " * 50, encoding="utf-8")
    index(service, folder)
    service.remove("mine")
    assert service.collections() == ()
    assert [each.name for each in service.removed()] == ["Mine"]
    with pytest.raises(NotFoundError):
        service.search(["Mine"], "pomegranate")
    service.create("Mine")
    with pytest.raises(CollectionNameError):
        service.restore("Mine")
    service.rename("Mine", "Other")
    service.restore("Mine")
    assert found(service, "pomegranate") == ["a.txt"]
    service.remove("Mine")
    service.erase("Mine")
    service.finish_erasing()
    service.close()
    kept = b"".join(each.read_bytes() for each in paths.data.iterdir())
    assert b"pomegran" not in kept


def test_what_is_in_the_bin_goes_after_thirty_days(open_service: OpenService, folder: Path) -> None:
    now = 1_000_000.0
    service = open_service(now=lambda: now)
    for name in ("Mine", "Kept"):
        service.create(name)
    (folder / "a.txt").write_text("apples", encoding="utf-8")
    service.add("Mine", [folder])
    service.index("Mine")
    service.remove("Mine")
    now += 29 * 86400
    service.index("Kept")
    assert len(service.removed()) == 1
    now += 2 * 86400
    service.index("Kept")
    assert not service.removed()


def test_names(service: CollectionService) -> None:
    for taken in ("", " \t", "mine", "ＭＩＮＥ", "x" * 101, "\u200b"):
        with pytest.raises(CollectionNameError):
            service.create(taken)
    service.rename("Mine", "  Yours  truly ")
    assert service.collection("yours TRULY").name == "Yours truly"
    assert service.collection("Mine").name == "Yours truly"  # a chat may name it so
    service.create("Mine")
    assert service.collection("Mine").name == "Mine"


@pytest.mark.parametrize(
    "question",
    ['"', "a* OR NEAR(b c)", "text:apples", "{name} : x", "^", "' ; DROP", "\x00", "\ud800", "🎉", "", "()-"],
)
def test_no_question_is_an_operator(service: CollectionService, folder: Path, question: str) -> None:
    (folder / "a.txt").write_text("apples and pears", encoding="utf-8")
    index(service, folder)
    assert found(service, question + " pears") == ["a.txt"]
    service.search(["Mine"], question)


def test_a_very_long_question_is_bounded(service: CollectionService, folder: Path) -> None:
    """What is asked stands at the beginning or the end of what was pasted."""
    (folder / "a.txt").write_text("apples", encoding="utf-8")
    (folder / "b.txt").write_text("pears", encoding="utf-8")
    index(service, folder)
    assert sorted(found(service, f"apples {'lorem ipsum 12 ' * 70_000} pears")) == ["a.txt", "b.txt"]


def test_a_passage_is_found_with_its_place(service: CollectionService, folder: Path) -> None:
    other = folder / "notes.txt"
    other.write_text("Nothing of use here.", encoding="utf-8")
    (folder / "lease.txt").write_text(
        "First page.\fThe rent is due monthly.\n\nNotice has to be given in writing.", encoding="utf-8"
    )
    index(service, folder)
    service.create("Empty")
    best = service.search(["Empty", "Mine"], "How is notice given?")[0]
    assert (best.collection, best.file_name, best.page, best.path) == ("Mine", "lease.txt", 2, folder / "lease.txt")
    content = next(each for each in service.files("Mine") if each.name == "lease.txt")
    page = service.content("Mine", content.id).pages[1]
    assert page.text[best.start : best.end] == best.text
    assert [best.text[start:end] for start, end in best.marks] == ["Notice", "given"]
