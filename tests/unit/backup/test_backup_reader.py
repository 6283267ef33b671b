"""What a file that anybody may have made can do to whoever reads it: nothing."""

from __future__ import annotations

import os
import random
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from desktop.backup import backup_reader
from desktop.backup.backup_errors import NewerBackupError
from desktop.backup.backup_manifest import MANIFEST, BackupCounts, BackupManifest, BackupMember
from desktop.backup.backup_reader import open_backup
from desktop.backup.backup_writer import write_backup
from desktop.errors import IntegrityError, NotFoundError, ResourceError
from tests.fakes.backups import OpenHome, furnish, rewrite, write_members

EMPTY = BackupManifest("latchkey-backup", 1, "0.1.0", 1.0, 3, 3, BackupCounts(), (), ())


@pytest.fixture
def backup(open_home: OpenHome, tmp_path: Path) -> Path:
    data = open_home("here")
    furnish(data)
    return write_backup(data, tmp_path / "b.zip").file


def read(file: Path, into: Path | None = None) -> None:
    with open_backup(file) as opened:
        opened.verify()
        if into is not None:
            opened.extract(into)


def test_flipped_bytes_anywhere_are_found_or_change_nothing(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    (tmp_path / "right").mkdir()
    read(backup, tmp_path / "right")
    right = contents(tmp_path / "right")
    chance = random.Random(7)
    places = {*range(120), *range(len(whole) - 900, len(whole)), *(chance.randrange(len(whole)) for _ in range(500))}
    changed, found = tmp_path / "changed.zip", 0
    for place in sorted(places):
        changed.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
        try:
            with open_backup(changed) as opened:
                opened.verify()
        except IntegrityError:
            found += 1
            continue
        into = tmp_path / f"at-{place}"
        into.mkdir()
        read(changed, into)
        assert contents(into) == right, place
    assert found > 0.8 * len(places)  # the rest are times and the like, which nobody reads


def contents(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_a_cut_file_is_none(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    for length in (0, 1, 4, 21, 22, len(whole) // 2, len(whole) - 22, len(whole) - 1):
        (tmp_path / "cut.zip").write_bytes(whole[:length])
        with pytest.raises(IntegrityError, match="damaged"):
            read(tmp_path / "cut.zip")


def named(name: str, mode: int = stat.S_IFREG | 0o600) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        member = BackupMember(name, 4, "b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78")
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(info, b"ABCD")
            archive.writestr(MANIFEST, msgspec.json.encode(msgspec.structs.replace(EMPTY, members=(member,))))

    return write


def twice(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(MANIFEST, msgspec.json.encode(EMPTY))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(MANIFEST, msgspec.json.encode(EMPTY))


def bomb(file: Path) -> None:
    """Zeros that pack a thousandfold."""
    size = 600 << 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    crc, block = 0, bytes(1 << 20)
    data = b""
    for _ in range(size >> 20):
        data += packer.compress(block)
        crc = zlib.crc32(block, crc)
    data += packer.flush()
    member = BackupMember("conversations.db", size, "0" * 64)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(MANIFEST, msgspec.json.encode(msgspec.structs.replace(EMPTY, members=(member,))))
        info = zipfile.ZipInfo("conversations.db")
        info.compress_type, info.CRC, info.file_size, info.compress_size = zipfile.ZIP_DEFLATED, crc, size, len(data)
        info.header_offset = archive.fp.tell()  # type: ignore[union-attr]
        archive.fp.write(info.FileHeader() + data)  # type: ignore[union-attr]
        archive.filelist.append(info)
        archive.start_dir = archive.fp.tell()  # type: ignore[union-attr]


def deep(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(MANIFEST, b"[" * 100_000)


def unnamed(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("conversations.db", b"")
        archive.writestr(MANIFEST, msgspec.json.encode(EMPTY))


HOSTILE: dict[str, Callable[[Path], object]] = {
    "upwards": named("../conversations.db"),
    "from the root": named("/etc/cron.d/x"),
    "with a drive": named("C:\\x.db"),
    "backslashes": named("attachments\\..\\..\\x"),
    "a token": named("config/tokens.vault"),
    "the ledger's key": named("config/ledger-key.json"),
    "an attachment's other name": named("attachments/" + "A" * 64),
    "a link": named("conversations.db", stat.S_IFLNK | 0o777),
    "a folder": named("attachments/"),
    "a device": named("conversations.db", stat.S_IFCHR | 0o600),
    "the manifest twice": twice,
    "a bomb": bomb,
    "deep JSON": deep,
    "a member that is not in the manifest": unnamed,
    "no manifest": lambda file: zipfile.ZipFile(file, "w").close(),
    "another program's": lambda file: file.write_bytes(b"PK\x03\x04" + os.urandom(5000)),
    "another format": lambda file: write_members(file, {}, msgspec.structs.replace(EMPTY, format="other")),
    "text": lambda file: file.write_text("Dear Sir, " * 1000),
    "a huge directory": lambda file: (
        file.write_bytes(b"\0" * 100 + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, 1 << 30, 0, 0)) and None
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_before_anything_is_unpacked(kind: str, tmp_path: Path) -> None:
    file, into = tmp_path / "b.zip", tmp_path / "into"
    into.mkdir()
    HOSTILE[kind](file)
    with pytest.raises(IntegrityError, match="damaged"):
        read(file, into)
    assert list(into.iterdir()) == []


def test_what_the_manifest_says_of_a_member_has_to_be_so(backup: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(backup) as archive:
        held = {info.filename: archive.read(info) for info in archive.infolist()}
    manifest = msgspec.json.decode(held.pop(MANIFEST), type=BackupManifest)
    lied = tuple(msgspec.structs.replace(each, sha256="0" * 64) for each in manifest.members)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
        archive.writestr(MANIFEST, msgspec.json.encode(msgspec.structs.replace(manifest, members=lied)))
    with pytest.raises(IntegrityError):
        read(tmp_path / "x.zip")


def test_a_newer_one_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    whole = msgspec.to_builtins(EMPTY) | {"version": 2, "app_version": "9.1", "members": "in another form"}
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(MANIFEST, msgspec.json.encode(whole))
    with pytest.raises(NewerBackupError, match=r"9\.1"):
        read(tmp_path / "b.zip")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    for file in (tmp_path / "pipe.zip", tmp_path):
        with pytest.raises(ResourceError):
            read(file)
    with pytest.raises(NotFoundError):
        read(tmp_path / "gone.zip")


def test_nothing_is_unpacked_onto_a_disk_that_is_too_small(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_reader, "free_space", lambda folder: 1 << 20)
    (tmp_path / "into").mkdir()
    with pytest.raises(ResourceError, match="no room"):
        read(backup, tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


def test_fields_of_a_manifest_to_come_are_no_damage(backup: Path, tmp_path: Path) -> None:
    rewrite(backup, tmp_path / "same.zip", lambda members: None)
    read(tmp_path / "same.zip")
