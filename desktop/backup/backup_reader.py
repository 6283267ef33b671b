"""Reads a backup that anybody may have made: within bounds, and only what its manifest vouches for."""

import errno
import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from desktop.atomic_file import open_regular
from desktop.backup.backup_errors import damaged_backup, missing_backup, newer_backup, no_room, unreadable_backup
from desktop.backup.backup_manifest import (
    ATTACHMENTS,
    FORMAT,
    LARGEST_MANIFEST,
    MANIFEST,
    VERSION,
    BackupManifest,
    BackupMember,
    largest_member,
)
from desktop.byte_size import size_text
from desktop.errors import IntegrityError
from desktop.hub.transfer.disk import free_space

TellBytes = Callable[[int, int], None]
"""Is told how many bytes of how many are done. What it raises ends the work."""

_END = struct.Struct("<4s4H2LH")
_LARGEST_DIRECTORY = 128 << 20
_BLOCK = 1 << 20
_MOST_RATIO = 300  # text comes to 10, a database of nothing but blanks to 200
_SMALL = 256 << 20
_RESERVE = 64 << 20
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    OverflowError,
    msgspec.MsgspecError,
)


class _Head(msgspec.Struct, frozen=True):
    format: str
    version: int
    app_version: str = ""


class BackupReader:
    """A backup that is open: `manifest` is what it holds, which nothing was compared with yet. See `open_backup`."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        with _judged(path):
            self._size = os.fstat(file.fileno()).st_size
            _check_end(file, self._size)
            self._zip = zipfile.ZipFile(file)
            self._infos = self._checked_infos()
            self.manifest = self._read_manifest()
            self._compare()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._size

    @property
    def total(self) -> int:
        """Bytes of all members, unpacked."""
        return sum(each.size for each in self.manifest.members)

    def verify(self, progress: TellBytes = lambda done, total: None) -> None:
        """Read all of it, and compare it with the manifest. IntegrityError where anything differs."""
        done = 0
        for member in self.manifest.members:
            for block in self._blocks(member):
                done += len(block)
                progress(done, self.total)

    def extract(self, folder: Path, progress: TellBytes = lambda done, total: None) -> None:
        """Write every member under `folder`, which is empty, compared with the manifest on the way.

        Attachments lie as an `AttachmentStore` keeps them. IntegrityError where anything differs, ResourceError where
        there is no room; what was written by then stays, for whoever made the folder to remove.
        """
        free = free_space(folder)
        if free is not None and free < self.total + _RESERVE:
            raise no_room(folder, size_text(self.total), size_text(free))
        done = 0
        for member in self.manifest.members:
            target = folder / _place_of(member.name)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(descriptor, "wb") as out:
                for block in self._blocks(member):
                    out.write(block)
                    done += len(block)
                    progress(done, self.total)

    def _blocks(self, member: BackupMember) -> Iterator[bytes]:
        """The bytes of a member; raises before the last of them where it is not what the manifest says."""
        whole, left = hashlib.sha256(), member.size
        with _judged(self._path), self._zip.open(self._infos[member.name]) as packed:
            while left:
                block = packed.read(min(_BLOCK, left))
                if not block:
                    raise EOFError(member.name)
                whole.update(block)
                left -= len(block)
                if not left and (packed.read(1) or whole.hexdigest() != member.sha256):
                    raise zipfile.BadZipFile(f"{member.name} is not as it was written")
                yield block
            if not member.size and (packed.read(1) or whole.hexdigest() != member.sha256):
                raise zipfile.BadZipFile(f"{member.name} is not as it was written")

    def _checked_infos(self) -> dict[str, zipfile.ZipInfo]:
        found: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.filename in found or info.is_dir() or kind not in (0, stat.S_IFREG):
                raise zipfile.BadZipFile(f"member {info.filename!r} is there twice, or is no file")
            if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile(f"member {info.filename!r} is packed in another way")
            found[info.filename] = info
        return found

    def _read_manifest(self) -> BackupManifest:
        info = self._infos.get(MANIFEST)
        if info is None or info.file_size > LARGEST_MANIFEST:
            raise zipfile.BadZipFile("no manifest, or too large a one")
        with self._zip.open(info) as packed:
            data = packed.read(LARGEST_MANIFEST + 1)
        head = msgspec.json.decode(data, type=_Head)
        if head.format != FORMAT or len(data) > LARGEST_MANIFEST:
            raise zipfile.BadZipFile("another format")
        if head.version > VERSION:
            raise newer_backup(self._path, head.app_version)
        return msgspec.json.decode(data, type=BackupManifest)

    def _compare(self) -> None:
        """Whether the members are those that the manifest names, under names and of sizes that a backup can have."""
        members = self.manifest.members
        names = [member.name for member in members]
        if len(set(names)) != len(names) or {*names, MANIFEST} != self._infos.keys():
            raise zipfile.BadZipFile("members that the manifest does not name, or the other way round")
        for member in members:
            if not 0 <= member.size <= largest_member(member.name):
                raise zipfile.BadZipFile(f"member {member.name!r} has no place in a backup, or is too large")
            if self._infos[member.name].file_size != member.size:
                raise zipfile.BadZipFile(f"member {member.name!r} has another size")
        if self.total > _SMALL and self.total > self._size * _MOST_RATIO:
            raise zipfile.BadZipFile("it would unpack to far more than any backup does")


@contextmanager
def open_backup(path: Path) -> Iterator[BackupReader]:
    """The backup at `path`, for the time of the block.

    Raises NotFoundError, ResourceError where it cannot be read or is no file, NewerBackupError, and IntegrityError
    where it is no backup or is cut or changed, as far as that is seen without reading all of it.
    """
    try:
        descriptor = open_regular(path, follow_link=True)
    except (FileNotFoundError, NotADirectoryError):
        raise missing_backup(path) from None
    except OSError as error:
        raise unreadable_backup(path, error) from error
    with os.fdopen(descriptor, "rb") as file:
        yield BackupReader(path, file)


@contextmanager
def _judged(path: Path) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except OSError as error:
        if error.errno == errno.EINVAL:  # a place in the file that no file has
            raise damaged_backup(path, repr(error)) from error
        raise unreadable_backup(path, error) from error
    except (*_DAMAGE, RecursionError) as error:
        raise damaged_backup(path, repr(error)) from error


def _check_end(file: BinaryIO, size: int) -> None:
    """The end of central directory stands at the very end, and the directory is none that would fill the memory."""
    if size < _END.size:
        raise zipfile.BadZipFile("too short")
    file.seek(size - _END.size)
    mark, *_, directory, _place, comment = _END.unpack(file.read(_END.size))
    if mark != b"PK\x05\x06" or comment or directory > _LARGEST_DIRECTORY:
        raise zipfile.BadZipFile("no end of a ZIP file that is a backup")


def _place_of(name: str) -> str:
    if name.startswith(ATTACHMENTS):
        sha256 = name.removeprefix(ATTACHMENTS)
        return f"{ATTACHMENTS}{sha256[:2]}/{sha256}"
    return name
