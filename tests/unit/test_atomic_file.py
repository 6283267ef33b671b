"""What is written of Latchkey's own files touches no file of the person's; what is read of them always ends."""

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import get_ident

import pytest

from desktop.atomic_file import (
    DamagedFileError,
    open_atomically,
    read_bounded,
    read_json,
    read_struct,
    remove_leftovers,
    temporary_folder,
    write_atomically,
)
from desktop.errors import ResourceError
from desktop.settings import SettingsFile

DEEP = b'{"a":' * 200_000 + b"1" + b"}" * 200_000


def test_a_file_is_written_whole_for_this_person_alone(home: Path) -> None:
    target = home / "new" / "folder" / "file.json"
    write_atomically(target, b"one")
    write_atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_a_file_that_is_written_piece_by_piece_is_in_place_at_the_end_alone(home: Path) -> None:
    target = home / "file.csv"
    target.write_bytes(b"old")
    with open_atomically(target) as file:
        file.write(b"one\n")
        assert target.read_bytes() == b"old"
        file.write(b"two\n")
    assert target.read_bytes() == b"one\ntwo\n"
    with pytest.raises(TypeError), open_atomically(target) as file:
        file.writelines([b"three\n", None])  # type: ignore[list-item]
    assert target.read_bytes() == b"one\ntwo\n"
    assert list(home.glob(".latchkey-*")) == []
    with pytest.raises(FileNotFoundError), open_atomically(home / "no" / "folder"):
        pass


def test_nothing_that_lies_under_a_guessable_name_is_written_through(home: Path) -> None:
    """Names that a process number and a thread give, each a link to a file of the person's."""
    precious = home / "precious"
    precious.write_bytes(b"mine")
    folder = home / "data"
    folder.mkdir()
    for name in (f".file.json.{os.getpid()}.{get_ident()}.part", f".file.json.{os.getpid()}.part", "file.json"):
        (folder / name).symlink_to(precious)
    write_atomically(folder / "file.json", b"ours")
    assert precious.read_bytes() == b"mine"
    assert (folder / "file.json").read_bytes() == b"ours"
    assert not (folder / "file.json").is_symlink()


def test_a_link_that_is_to_be_kept_is_kept_and_its_file_written(home: Path) -> None:
    kept = home / "dotfiles" / "settings.json"
    kept.parent.mkdir()
    kept.write_bytes(b"old")
    (home / "config").mkdir()
    link = home / "config" / "settings.json"
    link.symlink_to(Path("..") / "dotfiles" / "settings.json")
    write_atomically(link, b"new", keep_link=True)
    assert link.is_symlink()
    assert kept.read_bytes() == b"new"
    kept.unlink()
    write_atomically(link, b"again", keep_link=True)
    assert kept.read_bytes() == b"again"


def test_a_link_to_a_device_or_a_pipe_is_not_replaced_by_a_file(home: Path) -> None:
    os.mkfifo(home / "pipe")
    link = home / "settings.json"
    link.symlink_to(home / "pipe")
    with pytest.raises(OSError, match="regular"):
        write_atomically(link, b"x", keep_link=True)
    assert stat.S_ISFIFO((home / "pipe").stat().st_mode)


def test_a_link_that_leads_round_in_a_circle_is_no_dead_end(home: Path) -> None:
    (home / "a").symlink_to(home / "b")
    (home / "b").symlink_to(home / "a")
    write_atomically(home / "a", b"x", keep_link=True)
    assert read_bounded(home / "a", 10, follow_link=True) == b"x"


def test_where_it_cannot_be_written_nothing_is_left_and_the_old_file_stays(home: Path) -> None:
    folder = home / "file.json"
    folder.mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - which one it is depends on the system
        write_atomically(folder, b"x")
    assert list(home.iterdir()) == [folder]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "folder", "link", "device", "nothing"])
def test_what_is_no_file_is_an_error_and_never_waited_for(home: Path, kind: str) -> None:
    path = home / "file.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to a pipe":
        os.mkfifo(home / "pipe")
        path.symlink_to(home / "pipe")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        (home / "other").write_bytes(b"{}")
        path.symlink_to(home / "other")
    elif kind == "device":
        path = Path("/dev/zero")
    for read in (lambda: read_bounded(path, 100), lambda: read_json(path), lambda: read_struct(path, dict)):
        with pytest.raises(OSError):  # noqa: PT011
            read()


def test_a_link_counts_where_people_may_make_one(home: Path) -> None:
    (home / "other").write_bytes(b'{"a": 1}')
    (home / "link").symlink_to(home / "other")
    assert read_json(home / "link", follow_link=True) == {"a": 1}


@pytest.mark.parametrize("data", [DEEP, b"[" * 100_000, b"{", b"\xff\xfe", b"", b"1" * 5000 + b"x"])
def test_what_is_no_json_is_one_kind_of_error(home: Path, data: bytes) -> None:
    path = home / "file.json"
    path.write_bytes(data)
    with pytest.raises(DamagedFileError) as caught:
        read_json(path)
    assert caught.value.strerror
    with pytest.raises(DamagedFileError):
        read_struct(path, dict)


def test_a_file_that_is_too_large_is_not_read_in(home: Path) -> None:
    path = home / "file.json"
    path.write_bytes(b" " * 100)
    assert read_bounded(path, 100) == b" " * 100
    with pytest.raises(OSError, match="large"):
        read_bounded(path, 99)
    with path.open("r+b") as file:
        file.truncate(1 << 40)  # it takes no room on the disk
    with pytest.raises(DamagedFileError):
        read_json(path)


def test_half_characters_of_a_broken_paste_are_kept(home: Path) -> None:
    path = home / "file.json"
    path.write_text(json.dumps({"text": "half \ud83d"}), encoding="ascii")
    assert read_json(path) == {"text": "half \ud83d"}


_KILLED = """
import os, signal, sys
from pathlib import Path
from desktop.atomic_file import open_atomically
with open_atomically(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_what_a_killed_process_left_half_written_goes_an_hour_later(home: Path) -> None:
    config, data = home / "config", home / "data"
    for folder in (config, data / "hub"):
        folder.mkdir(parents=True)
        subprocess.run([sys.executable, "-c", _KILLED, str(folder / "file.json")], check=False)
    left = [*config.iterdir(), *(data / "hub").iterdir()]
    assert len(left) == 2
    kept = [config / ".latchkey-theirs", data / "model.part", data / ".latchkey-folder.part", home / "outside"]
    for each in kept[:2]:
        each.write_text("no leftover")
    kept[2].mkdir()
    kept[3].write_text("a person's")
    (data / ".latchkey-link.part").symlink_to(kept[3])

    remove_leftovers(config, data, home / "nowhere")
    assert [each for each in left if each.exists()] == left  # somebody may be writing them
    for each in (*left, *kept):
        os.utime(each, (0, 0))
    remove_leftovers(config, data, home / "nowhere")
    assert [each for each in left if each.exists()] == []
    assert [each for each in kept if each.exists()] == kept


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_it_goes_when_the_folder_is_written_to_again(home: Path) -> None:
    """Such as a person's own, to which a chat was exported."""
    file = home / "Documents" / "chat.html"
    file.parent.mkdir()
    subprocess.run([sys.executable, "-c", _KILLED, str(file)], check=False)
    (left,) = file.parent.iterdir()
    write_atomically(file, b"whole")
    assert sorted(file.parent.iterdir()) == sorted([left, file])
    os.utime(left, (0, 0))
    write_atomically(file, b"again")
    assert list(file.parent.iterdir()) == [file]


_DYING = """
import os, signal, sys, tempfile
from pathlib import Path
import desktop.atomic_file
from desktop.settings import SettingsFile
step = sys.argv[2]
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if step == "opened":
    os.fdopen = die
elif step == "fsync":
    os.fsync = die
elif step == "before-rename":
    Path.replace = die
elif step == "after-rename":
    desktop.atomic_file.sync_folder = die
SettingsFile(Path(sys.argv[1])).change(theme="dark")
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
@pytest.mark.parametrize(
    ("step", "theme"),
    [("opened", "light"), ("fsync", "light"), ("before-rename", "light"), ("after-rename", "dark"), ("none", "dark")],
)
def test_settings_are_the_old_ones_or_the_new_ones_wherever_their_writer_was_killed(
    home: Path, step: str, theme: str
) -> None:
    file = home / "config" / "settings.json"
    SettingsFile(file).change(theme="light", system_prompt="kept")
    done = subprocess.run([sys.executable, "-c", _DYING, str(file), step], check=False)
    assert done.returncode == (0 if step == "none" else -9)
    found = SettingsFile(file)
    assert (found.problem, found.current.theme, found.current.system_prompt) == ("", theme, "kept")
    found.change(threads=2)  # nobody holds anything
    assert SettingsFile(file).current.threads == 2


def test_a_system_without_a_place_for_temporary_files_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_folder() as folder:
        (folder / "inside").mkdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()
    monkeypatch.setattr(tempfile, "tempdir", str(home / "none"))
    with pytest.raises(ResourceError, match="no folder for temporary files"), temporary_folder():
        pass
