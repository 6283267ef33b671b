"""The files of an export: archives, folders and lone files, and those that were made to do harm."""

from __future__ import annotations

import io
import json
import os
import random
import sys
import zipfile
from pathlib import Path

import pytest

from desktop.chat.importers import export_files
from desktop.chat.importers.export_files import ExportFiles
from desktop.errors import IntegrityError, NotFoundError, ResourceError, UserError

CHATS = json.dumps([{"title": "ä"}, {"title": "b"}]).encode()


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def everything(files: ExportFiles) -> dict[str, bytes]:
    return {name: bytes(files.read(name)) for name in files.names()}


# --- what can be read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_members_of_an_archive_are_read(tmp_path: Path, compression: int) -> None:
    members = {"conversations.json": CHATS, "images/cat é.png": b"\x89PNG", "empty.json": b""}
    with ExportFiles(archive(tmp_path / "a.zip", members, compression)) as files:
        assert files.names() == tuple(members)
        assert everything(files) == members
        assert files.head("conversations.json", 5) == CHATS[:5]
        assert [json.loads(value) for _, value in files.values("conversations.json")] == json.loads(CHATS)
        assert files.total_bytes == sum(map(len, members.values()))
        assert files.unread == ()
        files.check_unchanged()
        with pytest.raises(NotFoundError):
            files.read("other.json")


def test_an_archive_written_to_a_pipe_and_a_large_one_are_read(tmp_path: Path) -> None:
    """With sizes behind the data, and with sizes of 64 bits."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file, file.open("a.json", "w", force_zip64=True) as member:
        member.write(CHATS)
    path = tmp_path / "piped.zip"
    path.write_bytes(pipe.data)
    with ExportFiles(path) as files:
        assert everything(files) == {"a.json": CHATS}


def test_a_lone_file_and_a_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "threads" / "one").mkdir(parents=True)
    (tmp_path / "threads" / "one" / "thread.json").write_bytes(CHATS)
    (tmp_path / "b.json").write_bytes(CHATS)
    with ExportFiles(tmp_path / "b.json") as files:
        assert everything(files) == {"b.json": CHATS}
        assert files.shown("b.json") == "b.json"
    with ExportFiles(tmp_path) as files:
        assert everything(files) == {"b.json": CHATS, "threads/one/thread.json": CHATS}
        assert files.shown("b.json") == f"{tmp_path.name}/b.json"


@pytest.mark.skipif(sys.platform == "win32", reason="no links and pipes as here")
def test_a_folder_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    deep = folder.joinpath(*"abcdefghijkl")
    deep.mkdir(parents=True)
    (deep / "deep.json").write_bytes(CHATS)
    (tmp_path / "outside.json").write_bytes(b"secret")
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.json")
    (folder / "a.json").write_bytes(CHATS)
    with ExportFiles(folder) as files:
        assert files.names() == ("a.json",)
    link = tmp_path / "linked.json"
    link.symlink_to(folder / "a.json")
    with ExportFiles(link) as files:  # the person's own choice
        assert everything(files) == {"linked.json": CHATS}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_texts_come_as_utf_8_and_nothing_else_is_changed(tmp_path: Path, encoding: str) -> None:
    text = '[{"title":"ä🔑"}]'
    members = {"a.json": text.encode(encoding), "a.bin": text.encode(encoding)}
    with ExportFiles(archive(tmp_path / "a.zip", members)) as files:
        assert files.read("a.json") == text.encode()
        assert files.head("a.json").startswith(b'[{"title"')
        assert files.read("a.bin") == members["a.bin"]


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'[{"title":"caf\xe9"}]')
    with ExportFiles(tmp_path / "a.json") as files:
        assert [json.loads(value) for _, value in files.values("a.json")] == [{"title": "caf\ufffd"}]
        assert [each.name for each in files.unread] == ["a.json"]


# --- what does harm --------------------------------------------------------------------------------------------------


def test_names_that_lead_elsewhere_links_and_doubles_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as file:
        for name in ("a.json", "../up.json", "/etc/passwd", "C:\\x.json", "x/../../y.json", "folder/"):
            file.writestr(name, name)
        file.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.json", "other")
    with ExportFiles(path) as files:
        assert everything(files) == {"a.json": b"a.json"}
        left = {each.name: each.why for each in files.unread}
    assert set(left) == {"../up.json", "/etc/passwd", "C:/x.json", "x/../../y.json", "link", "a.json"}
    assert all(why.endswith(".") for why in left.values())


def test_an_encrypted_member_is_left_out(tmp_path: Path) -> None:
    data = bytearray(archive(tmp_path / "a.zip", {"a.json": CHATS, "b.json": CHATS}).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag of the first member in the directory
    (tmp_path / "a.zip").write_bytes(data)
    with ExportFiles(tmp_path / "a.zip") as files:
        assert files.names() == ("b.json",)
        assert [each.why for each in files.unread] == ["It is encrypted."]


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_files, "_FREE_BYTES", 100_000)
    path = archive(
        tmp_path / "a.zip", {"a.json": b'["' + b"x" * 5_000_000 + b'"]', "b.json": b"[" + b"0," * 9_000 + b"0]"}
    )
    with ExportFiles(path) as files:
        assert len(list(files.values("b.json"))) == 9_001
        for use in (lambda: files.read("a.json"), lambda: list(files.values("a.json"))):
            with pytest.raises(IntegrityError, match="not read on"):
                use()


def test_what_is_too_large_is_not_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_files, "LARGEST_READ", 100)
    path = archive(tmp_path / "a.zip", {"a.json": b"x" * 101}, zipfile.ZIP_STORED)
    (tmp_path / "b.json").write_bytes(b"x" * 101)
    for each, name in ((path, "a.json"), (tmp_path / "b.json", "b.json")):
        with ExportFiles(each) as files, pytest.raises(ResourceError, match="too large"):
            files.read(name)


def test_archives_and_folders_of_very_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_files, "MOST_FILES", 20)
    (tmp_path / "folder").mkdir()
    for number in range(21):
        (tmp_path / "folder" / f"{number}.json").touch()
    path = archive(tmp_path / "a.zip", {f"{number}.json": b"" for number in range(21)})
    for each in (path, tmp_path / "folder"):
        with pytest.raises(IntegrityError, match="too many"):
            ExportFiles(each)
    monkeypatch.setattr(export_files, "_LARGEST_DIRECTORY", 200)
    with pytest.raises(IntegrityError):
        ExportFiles(path)


def test_an_archive_that_is_cut_or_changed_anywhere_is_an_error_and_nothing_else(tmp_path: Path) -> None:
    members = {"conversations.json": CHATS * 3, "b.json": CHATS}
    data = archive(tmp_path / "a.zip", members).read_bytes()
    chosen, path = random.Random(3), tmp_path / "b.zip"
    changed = [data[:cut] for cut in range(0, len(data), 5)]
    for _ in range(400):
        bytes_ = bytearray(data)
        for _ in range(chosen.randint(1, 4)):
            bytes_[chosen.randrange(len(data))] = chosen.randrange(256)
        changed.append(bytes(bytes_))
    for each in changed:
        path.write_bytes(each)
        try:
            with ExportFiles(path) as files:
                for name in files.names():
                    files.read(name)
                    list(files.values(name))
        except UserError:
            pass  # one sentence, and no other exception
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(IntegrityError):
        ExportFiles(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no devices and pipes as here")
def test_what_is_no_file_is_refused_and_nothing_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(IntegrityError):
            ExportFiles(path)
    for name in ("none", "none/at/all", "x\0y", "a" * 300):
        with pytest.raises(NotFoundError):
            ExportFiles(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="rights do not bind here")
def test_what_may_not_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(CHATS)
    (tmp_path / "a.json").chmod(0)
    with pytest.raises(ResourceError):
        ExportFiles(tmp_path / "a.json")


def test_a_file_that_is_written_to_meanwhile_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[" + b'{"a":1},' * 300_000 + b"{}]")
    with ExportFiles(path) as files:
        values = files.values("a.json")
        next(values)
        path.write_bytes(b"[")
        with pytest.raises(IntegrityError, match="middle"):
            list(values)
        with pytest.raises(IntegrityError, match="changed"):
            files.check_unchanged()


def test_every_step_of_reading_is_told_and_can_end_it(tmp_path: Path) -> None:
    told: list[int] = []
    with ExportFiles(archive(tmp_path / "a.zip", {"a.json": CHATS}), told.append) as files:
        list(files.values("a.json"))
    assert sum(told) == len(CHATS)
