"""The prompt cache's folder: bounded, private, gone with its conversations, and never in anybody's way."""

import errno
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.engine import prompt_cache_folder
from desktop.engine.prompt_cache_folder import PromptCacheFolder, ScratchFile

KEY, OTHER_KEY = "a" * 64, "b" * 64


def never() -> bool:
    return False


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "prompt-cache"


@pytest.fixture
def folder(place: Path) -> PromptCacheFolder:
    return PromptCacheFolder(place, lambda: 1000, lambda: "build 1")


def scratch_of(folder: PromptCacheFolder, data: bytes = b"") -> ScratchFile:
    scratch = folder.open_scratch()
    assert scratch is not None
    os.pwrite(scratch.descriptor, data, 0)
    return scratch


def keep(folder: PromptCacheFolder, conversation: str, data: bytes, key: str = KEY) -> bool:
    return folder.keep(conversation, key, scratch_of(folder, data), len(data), never)


def fetched(folder: PromptCacheFolder, conversation: str, key: str = KEY) -> bytes:
    scratch = scratch_of(folder)
    size = folder.fetch(conversation, key, scratch, never)
    return os.pread(scratch.descriptor, 10_000, 0)[:size]


def set_used(folder: PromptCacheFolder, *conversations: str) -> None:
    """Have them be used in this order, long ago."""
    for number, conversation in enumerate(conversations):
        os.utime(folder._path(conversation, KEY), (1000 + number, 1000 + number))


def test_a_state_comes_back_for_its_conversation_and_key_alone(folder: PromptCacheFolder) -> None:
    assert keep(folder, "one", b"state of one")
    assert keep(folder, "two", b"state of two")
    assert fetched(folder, "one") == b"state of one"
    assert fetched(folder, "one", OTHER_KEY) == b""
    assert fetched(folder, "three") == b""
    assert folder.holds("two", KEY)
    assert not folder.holds("two", OTHER_KEY)


def test_a_saved_state_replaces_the_one_before(folder: PromptCacheFolder) -> None:
    keep(folder, "one", b"a long state")
    keep(folder, "one", b"short")
    assert fetched(folder, "one") == b"short"
    assert folder.use().files == 1


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_nobody_else_reads_it(folder: PromptCacheFolder, place: Path) -> None:
    keep(folder, "one", b"state")
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    (file,) = place.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "one" not in file.name


def test_a_scratch_file_has_no_name(folder: PromptCacheFolder, place: Path) -> None:
    scratch_of(folder, b"secret")
    assert list(place.iterdir()) == []


def test_those_least_recently_used_make_room(folder: PromptCacheFolder) -> None:
    for name in ("a", "b", "c"):
        keep(folder, name, b"x" * 300)
    set_used(folder, "a", "b", "c")
    assert fetched(folder, "a"), "that counts as using it"
    assert keep(folder, "d", b"x" * 300)
    assert [name for name in "abcd" if folder.holds(name, KEY)] == ["a", "c", "d"]
    assert folder.use().size == 900


def test_what_is_larger_than_the_budget_is_not_kept_and_drives_nothing_out(folder: PromptCacheFolder) -> None:
    keep(folder, "a", b"x" * 300)
    assert not keep(folder, "b", b"x" * 1001)
    assert folder.holds("a", KEY)


def test_a_budget_of_nothing_keeps_nothing(place: Path) -> None:
    folder = PromptCacheFolder(place, lambda: 0)
    assert folder.open_scratch() is None
    assert not folder.holds("a", KEY)
    assert not place.exists()


def test_a_lower_budget_holds_at_the_next_start(folder: PromptCacheFolder, place: Path) -> None:
    for name in ("a", "b", "c"):
        keep(folder, name, b"x" * 300)
    set_used(folder, "a", "b", "c")
    later = PromptCacheFolder(place, lambda: 400, lambda: "build 1")
    later.open_scratch()
    assert [name for name in "abc" if later.holds(name, KEY)] == ["c"]


def test_the_automatic_budget_is_a_share_of_what_is_free(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 10_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("", (), {"free": free})())
    folder = PromptCacheFolder(place)
    assert folder.budget() == 500
    keep(folder, "a", b"x" * 400)
    free = 9_600
    assert folder.budget() == 500, "what it holds itself does not count as taken"
    free = 1 << 50
    assert folder.budget() == 4 << 30


def test_states_of_another_build_and_leftovers_go_at_the_start(folder: PromptCacheFolder, place: Path) -> None:
    keep(folder, "a", b"state")
    old, new = place / ".latchkey-dead.part", place / ".latchkey-live.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    later = PromptCacheFolder(place, lambda: 1000, lambda: "build 2")
    later.open_scratch()
    assert later.use().files == 0
    assert list(place.iterdir()) == [new], "another process may be copying it just now"


def test_a_deleted_conversation_leaves_nothing(folder: PromptCacheFolder, place: Path) -> None:
    keep(folder, "one", b"state")
    keep(folder, "one", b"state", OTHER_KEY)
    keep(folder, "two", b"state")
    folder.discard("one")
    assert folder.use().files == 1
    assert not keep(folder, "one", b"just being saved"), "not even what was on its way"
    assert not any(each.suffix == ".part" for each in place.iterdir())
    assert not folder.holds("one", KEY), "asked for again, as after an undo"
    assert keep(folder, "one", b"again")


def test_only_what_is_still_there_keeps_its_states(folder: PromptCacheFolder) -> None:
    for name in ("a", "b", "c"):
        keep(folder, name, b"state")
    folder.discard_others(["b"])
    assert [name for name in "abc" if folder.holds(name, KEY)] == ["b"]


def test_clearing_takes_states_and_nothing_else(folder: PromptCacheFolder, place: Path) -> None:
    keep(folder, "a", b"state")
    (place / "notes.txt").write_text("mine")
    folder.clear()
    assert [each.name for each in place.iterdir()] == ["notes.txt"]


def test_what_is_given_up_half_way_leaves_the_former_state(folder: PromptCacheFolder, place: Path) -> None:
    keep(folder, "a", b"former")
    assert not folder.keep("a", KEY, scratch_of(folder, b"newer"), 5, lambda: True)
    assert fetched(folder, "a") == b"former"
    assert len(list(place.iterdir())) == 1


def test_a_full_disk_keeps_the_former_state(
    folder: PromptCacheFolder, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(folder, "a", b"former")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(prompt_cache_folder, "_copy", full)
    assert not keep(folder, "a", b"newer")
    monkeypatch.undo()
    assert "No space left" in folder.use().problem
    assert fetched(folder, "a") == b"former"
    assert len(list(place.iterdir())) == 1


@pytest.mark.parametrize("way", ["file", "link", "gone"])
def test_a_folder_that_cannot_be_used_is_no_cache_and_no_error(tmp_path: Path, place: Path, way: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.parent.mkdir()
    if way == "file":
        place.write_text("in the way")
    elif way == "link":
        place.symlink_to(elsewhere)
    else:
        place.parent.rmdir()
        place.parent.write_text("in the way")
    folder = PromptCacheFolder(place, lambda: 1000)
    assert folder.open_scratch() is None
    assert folder.use().problem
    folder.discard("a")
    folder.clear()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links take rights there")
def test_what_others_put_into_the_folder_is_not_followed(
    folder: PromptCacheFolder, place: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    keep(folder, "a", b"state")
    name = folder._path("b", KEY)
    name.symlink_to(secret)
    assert fetched(folder, "b") == b""
    assert keep(folder, "b", b"own")
    assert secret.read_bytes() == b"secret"
    assert not name.is_symlink()
    name.unlink()
    os.mkfifo(name)
    assert fetched(folder, "b") == b"", "a pipe would never end"
    folder._path("c", KEY).mkdir()
    assert fetched(folder, "c") == b""
    assert not keep(folder, "c", b"state")
    assert folder.use().files == 1


def test_two_processes_share_it(folder: PromptCacheFolder, place: Path) -> None:
    other = PromptCacheFolder(place, lambda: 1000, lambda: "build 1")
    keep(folder, "a", b"from one")
    assert fetched(other, "a") == b"from one"
    other.clear()
    assert fetched(folder, "a") == b""
    assert keep(folder, "a", b"again")


def refused(number: int) -> Callable[..., int]:
    def copy_file_range(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return copy_file_range


@pytest.mark.parametrize("number", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP])
def test_where_the_kernel_does_not_copy_it_is_copied_plainly(
    folder: PromptCacheFolder, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "copy_file_range", refused(number), raising=False)
    monkeypatch.setattr(prompt_cache_folder, "_CHUNK", 7)
    assert keep(folder, "a", bytes(range(200)))
    assert fetched(folder, "a") == bytes(range(200))
