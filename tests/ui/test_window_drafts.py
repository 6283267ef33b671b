"""Drafts of several windows: none undoes what another one saved, and a temporary chat leaves none."""

import json
import threading
from pathlib import Path

import pytest

from desktop.errors import UserError
from desktop.ui.chat import composer_drafts
from desktop.ui.chat.composer_drafts import NEW, ComposerDrafts, edit_key, queue_key
from desktop.ui.chat.window_drafts import SharedDrafts, WindowDrafts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "drafts.json"


@pytest.fixture
def shared(file: Path) -> SharedDrafts:
    return SharedDrafts(ComposerDrafts(file))


@pytest.fixture
def two(shared: SharedDrafts) -> tuple[WindowDrafts, WindowDrafts]:
    views = shared.open_view(), shared.open_view()
    for view in views:
        view.get("c")
    return views


def test_a_window_that_changed_nothing_undoes_nothing(two: tuple[WindowDrafts, WindowDrafts]) -> None:
    one, other = two
    one.set("c", "written here")
    other.set("c", "")
    assert one.get("c") == "written here"
    other.get("c")
    one.set("c", "written anew")
    other.set("c", "written here")  # as it stands there still
    assert one.get("c") == "written anew"


def test_what_was_sent_takes_nothing_of_the_other_window_along(two: tuple[WindowDrafts, WindowDrafts]) -> None:
    one, other = two
    other.set("c", "sent in a moment")
    one.get("c")
    one.set("c", "sent in a moment, and more")
    other.set("c", "")
    assert one.get("c") == "sent in a moment, and more"


def test_of_two_texts_typed_at_once_both_are_kept(two: tuple[WindowDrafts, WindowDrafts]) -> None:
    one, other = two
    told: list[tuple[str, str, str]] = []
    other.follow(lambda *change: told.append(change))
    one.set("c", "this")
    other.set("c", "that")
    assert one.get("c") == "this\n\nthat"
    assert told[-1] == ("c", "that", "this\n\nthat")


def test_each_window_has_a_new_chat_of_its_own(shared: SharedDrafts, file: Path) -> None:
    one, other = shared.open_view(), shared.open_view()
    one.set(NEW, "first")
    other.set(NEW, "second")
    other.save()
    shared.close_view(other)
    assert one.get(NEW) == "first"
    assert shared.open_view().get(NEW) == "second", "the next second window has it"
    assert SharedDrafts(ComposerDrafts(file)).open_view().get(NEW) == "first\n\nsecond", "so has the next start"


def test_what_is_typed_in_a_temporary_chat_reaches_no_file(shared: SharedDrafts, file: Path) -> None:
    view = shared.open_view()
    view.set(NEW, "before")
    view.begin_temporary()
    assert view.get(NEW) == ""
    view.set(NEW, "secret")
    view.set("t", "secret too")
    view.save()
    view.end_temporary()
    view.save()
    assert view.get(NEW) == "before"
    assert view.get("t") == ""
    assert "secret" not in file.read_text()


def test_messages_that_wait_are_written_as_they_are(two: tuple[WindowDrafts, WindowDrafts]) -> None:
    one, other = two
    one.set(queue_key("c"), "[1]")
    other.set(queue_key("c"), "[1,2]")
    one.set(queue_key("c"), "[2]")
    assert other.get(queue_key("c")) == "[2]"


def test_text_given_back_to_an_ordinary_chat_is_kept_while_a_temporary_one_is_shown(
    shared: SharedDrafts, file: Path
) -> None:
    view = shared.open_view()
    view.begin_temporary()
    view.note_temporary("t")
    view.set("t", "secret")
    view.set(queue_key("t"), "[secret]")
    view.set("c", "could not be sent")
    view.save()
    view.end_temporary()
    assert view.get("c") == "could not be sent"
    assert "secret" not in file.read_text()


def test_what_a_newer_version_keeps_beside_the_texts_stays_in_the_file(file: Path) -> None:
    file.write_text(json.dumps({"c": "typed", "images": {"c": ["ab"]}, "d/queue": [1], "e": None}))
    drafts = ComposerDrafts(file)
    drafts.set("c", "typed on")
    drafts.save()
    assert json.loads(file.read_text()) == {"c": "typed on", "images": {"c": ["ab"]}, "d/queue": [1], "e": None}


@pytest.mark.parametrize("content", ["{", "[]", '"text"'])
def test_drafts_that_cannot_be_used_are_kept_under_another_name(file: Path, content: str) -> None:
    file.write_text(content)
    drafts = ComposerDrafts(file)
    assert file.read_text() == content
    drafts.set("c", "new")
    drafts.save()
    drafts.set("c", "newer")
    drafts.save()
    (aside,) = [each for each in file.parent.iterdir() if each != file]
    assert aside.name.startswith("drafts.damaged-")
    assert aside.read_text() == content
    assert ComposerDrafts(file).get("c") == "newer"


def test_only_the_drafts_of_a_deleted_conversation_leave_the_file(file: Path) -> None:
    """The bin may be given thousands at a time: the file is not written for each."""
    drafts = ComposerDrafts(file)
    drafts.set_deleted(("none",), True)
    drafts.save()
    assert not file.exists()
    drafts.set("c", "kept")
    drafts.set(queue_key("d"), "queued")
    drafts.save()
    written = file.stat().st_mtime_ns, file.read_bytes()
    drafts.set_deleted(("other",), True)
    drafts.save()
    assert (file.stat().st_mtime_ns, file.read_bytes()) == written
    drafts.set_deleted(("d",), True)
    drafts.save()
    assert ComposerDrafts(file).keys == ("c",)
    drafts.set_deleted(("d",), False)
    drafts.save()
    assert ComposerDrafts(file).keys == ("c", queue_key("d"))


def test_what_was_typed_in_a_chat_that_is_erased_goes_with_it_from_the_file_too(tmp_path: Path) -> None:
    drafts = ComposerDrafts(tmp_path / "drafts.json")
    shared = SharedDrafts(drafts)
    first, second = shared.open_view(), shared.open_view()
    first.set("gone", "typed here")
    first.set(queue_key("gone"), "[1]")
    first.set(edit_key("gone", "m"), "edited")
    first.set("kept", "stays")
    first.set_deleted(("gone",), True)
    second.get("gone")
    second.erase(["gone"])
    first.save()
    assert ComposerDrafts(tmp_path / "drafts.json").keys == ("kept",)
    assert not first.get("gone")
    assert not second.get("gone")


def test_a_disk_that_hangs_keeps_nobody_from_typing_and_gets_the_newest(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, answered, written, told = threading.Event(), threading.Event(), list[bytes](), list[UserError]()

    def write(path: Path, body: bytes) -> None:
        written.append(body)
        begun.set()
        assert answered.wait(30)

    monkeypatch.setattr(composer_drafts, "write_atomically", write)
    drafts = ComposerDrafts(file)
    for text in ("a", "ab", "abc", "abcd"):
        drafts.set("c", text)
        drafts.save_soon(told.append)
        assert begun.wait(30)
    answered.set()
    drafts.save()
    assert [json.loads(body)["c"] for body in written] == ["a", "abcd"]
    assert told == []


def test_a_draft_that_could_not_be_written_is_told_once_and_written_later(file: Path) -> None:
    told: list[UserError] = []
    file.mkdir()
    drafts = ComposerDrafts(file)
    for text in ("a", "ab"):
        drafts.set("c", text)
        drafts.save_soon(told.append)
        drafts.save()
    assert [each.title for each in told] == ["The draft could not be saved."]
    file.rmdir()
    drafts.save_soon(told.append)
    drafts.save()
    assert json.loads(file.read_text()) == {"c": "ab"}
    assert len(told) == 1


def test_a_window_that_was_closed_is_told_nothing(shared: SharedDrafts, file: Path) -> None:
    view = shared.open_view()
    view.set("c", "typed")
    file.mkdir()
    shared.close_view(view)
    told: list[UserError] = []
    view.save_soon(told.append)
    shared.drafts.save()
    assert told == []
