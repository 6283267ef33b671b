"""The files of one export: a single file, the members of a zip archive, or a folder; read within bounds.

Whoever made an export may not be who it claims to be. Nothing of it is unpacked to the disk; what has a name that leads
elsewhere, is a link or is encrypted is left out and named; and of an archive no more is read than fits its own size.
"""

import errno
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, BinaryIO, NoReturn

from desktop.atomic_file import open_regular
from desktop.chat.importers.json_stream import MalformedJsonError, in_utf8, json_lines, json_values, repaired
from desktop.errors import IntegrityError, NotFoundError, ResourceError, UserError
from desktop.safe_text import one_line
from desktop.translation import tr

LARGEST_READ = 256 << 20
"""Bytes of a member that are read at once."""
MOST_FILES = 100_000
"""Files that an archive or a folder has at most."""
_LARGEST_DIRECTORY = 24 << 20
_LARGEST_MEMBER = 8 << 30
_FREE_BYTES = 64 << 20
_HIGHEST_RATIO = 250
_DEEPEST_FOLDER = 8
_TEXT_ENDINGS = (".json", ".jsonl", ".ndjson", ".txt", ".md")
_ZIP_START = (b"PK\x03\x04", b"PK\x05\x06")
_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, RuntimeError, ValueError, OverflowError
)  # fmt: skip


@dataclass(frozen=True)
class UnreadMember:
    """A file of an export that is not read: its `name`, and `why`, one sentence."""

    name: str
    why: str


class ExportFiles(AbstractContextManager["ExportFiles"]):
    """`path` opened to be read: a zip archive by its members, a folder by the files in it, any other file as the one
    member of its own name.

    Raises NotFoundError where nothing is there, IntegrityError where it is a damaged archive or no file, ResourceError
    where the system does not let it be read; so do the methods that read.
    """

    def __init__(self, path: Path, on_read: Callable[[int], None] | None = None) -> None:
        """`on_read` is told how many bytes each step of reading gave; what it raises ends the reading."""
        self.path, self._on_read = path, on_read
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo | Path] = {}
        self._unread: list[UnreadMember] = []
        self._broken: set[str] = set()
        self._stamp: tuple[int, int] | None = None
        if stat.S_ISDIR(_mode(path, follow_link=True)):
            self._list_folder()
            return
        self._file = self._open(path)
        try:
            self._stamp = _stamp(self._file)
            begin = self._file.read(4)
            self._file.seek(0)
            if begin in _ZIP_START:
                self._list_archive()
            else:
                self._members[path.name] = path
        except BaseException:
            self._file.close()
            raise

    def names(self) -> tuple[str, ...]:
        """The members' names with "/" between folders, in their order."""
        return tuple(self._members)

    def size(self, name: str) -> int:
        """How many bytes a member has, as the archive says. NotFoundError where there is none of this name."""
        member = self._member(name)
        if isinstance(member, zipfile.ZipInfo):
            return member.file_size
        if self._stamp is not None:
            return self._stamp[0]
        try:
            return member.stat().st_size
        except OSError as error:
            raise self._unreadable(member, error) from error

    def head(self, name: str, size: int = 65_536) -> bytes:
        """The first `size` bytes of a member, a text in UTF-8."""
        with self._reader(name) as read:
            data = read(size)
        return in_utf8(data) if _is_text(name) else data

    def read(self, name: str) -> bytes | mmap:
        """All of a member, a text in UTF-8. ResourceError where it has more than 256 MB: `values` and `lines` read what
        is larger."""
        with self._reader(name) as read:
            data = read(LARGEST_READ + 1)
        if len(data) > LARGEST_READ:
            raise ResourceError(
                tr("{file} is too large.").format(file=self.shown(name)),
                tr("It has more than {size} MB.").format(size=LARGEST_READ >> 20),
            )
        return in_utf8(data) if _is_text(name) else data

    def values(self, name: str, *expanded: str) -> Iterator[tuple[str, bytes]]:
        """The values of a member that is one JSON document of any size, as `json_values` gives them, each of them JSON
        text that any parser takes. IntegrityError where it is no JSON or ends in the middle, after what came before."""
        with self._reader(name) as read, self._json(name):
            for key, value in json_values(read, *expanded):
                yield key, self._repaired(name, value)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member that has a JSON value in each (JSONL), but for blank ones. Raises as `values`."""
        with self._reader(name) as read, self._json(name):
            for line in json_lines(read):
                yield self._repaired(name, line)

    @property
    def unread(self) -> tuple[UnreadMember, ...]:
        """What is in it and has no name here, or was read with broken characters."""
        why = tr("It holds characters in an unknown encoding; “�” stands in their place.")
        return (*self._unread, *(UnreadMember(name, why) for name in sorted(self._broken)))

    @property
    def total_bytes(self) -> int:
        """How many bytes all members have together, as the archive says; 0 for a folder."""
        if self._zip is not None:
            return sum(each.file_size for each in self._members.values() if isinstance(each, zipfile.ZipInfo))
        return self._stamp[0] if self._stamp is not None else 0

    def check_unchanged(self) -> None:
        """IntegrityError where the file was written to since it was opened: what was read may be half old, half new."""
        if self._stamp is not None and _stamp(self._file) != self._stamp:
            raise IntegrityError(
                tr("{file} changed while it was read.").format(file=one_line(self.path.name)),
                tr("Another program wrote to it."),
                tr("Import it again once that is done."),
            )

    def shown(self, name: str) -> str:
        """A member's name as a person finds it: that of a lone file, or the archive's with the member's."""
        return one_line(name if name == self.path.name else f"{self.path.name}/{name}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._zip is not None:
            self._zip.close()
        if self._stamp is not None:
            self._file.close()

    # --- inside --------------------------------------------------------------------------------------------------

    def _list_archive(self) -> None:
        with self._zip_errors():
            self._zip = zipfile.ZipFile(_BoundedFile(self._file))
            listed = self._zip.infolist()
        if len(listed) > MOST_FILES:
            raise self._too_many()
        for each in listed:
            name = each.filename.replace("\\", "/")
            if each.is_dir():
                continue
            if why := _refusal(each, name):
                self._unread.append(UnreadMember(one_line(name), why))
                continue
            if name in self._members:
                self._unread.append(UnreadMember(one_line(name), tr("The archive has two files of this name.")))
                continue
            self._members[name] = each

    def _list_folder(self) -> None:
        def failed(error: OSError) -> NoReturn:
            raise self._unreadable(self.path, error)

        for folder, folders, files in os.walk(self.path, onerror=failed):
            inside = Path(folder).relative_to(self.path)
            folders[:] = sorted(folders) if len(inside.parts) < _DEEPEST_FOLDER else []
            for each in sorted(files):
                path = Path(folder, each)
                if stat.S_ISREG(_mode(path)):
                    self._members[(inside / each).as_posix()] = path
            if len(self._members) > MOST_FILES:
                raise self._too_many()

    def _member(self, name: str) -> zipfile.ZipInfo | Path:
        member = self._members.get(name)
        if member is None:
            raise NotFoundError(tr("There is no {file} in the export.").format(file=self.shown(name)))
        return member

    @contextmanager
    def _reader(self, name: str) -> Iterator[Callable[[int], bytes]]:
        """What reads a member from its beginning, within bounds."""
        member = self._member(name)
        if isinstance(member, zipfile.ZipInfo):
            assert self._zip is not None
            with self._zip_errors():
                file = self._zip.open(member)
            with file:
                yield self._counted(lambda size: self._from_archive(file, member, size))
        elif self._stamp is not None:
            with os.fdopen(os.dup(self._file.fileno()), "rb") as own:
                own.seek(0)
                yield self._counted(lambda size: self._from_disk(own, member, size))
        else:
            with self._open(member, follow_link=False) as own:
                yield self._counted(lambda size: self._from_disk(own, member, size))

    def _counted(self, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def counted(size: int) -> bytes:
            data = read(size)
            if self._on_read is not None:
                self._on_read(len(data))
            return data

        return counted

    def _from_archive(self, file: IO[bytes], member: zipfile.ZipInfo, size: int) -> bytes:
        with self._zip_errors():
            data = file.read(size)
            there = file.tell()
        if there > _LARGEST_MEMBER or there > max(_FREE_BYTES, _HIGHEST_RATIO * member.compress_size):
            raise IntegrityError(
                tr("{file} was not read on.").format(file=self.shown(member.filename)),
                tr("It is packed so that it grows far beyond its size."),
            )
        return data

    def _from_disk(self, file: BinaryIO, path: Path, size: int) -> bytes:
        try:
            return file.read(size)
        except OSError as error:
            raise self._unreadable(path, error) from error

    def _open(self, path: Path, *, follow_link: bool = True) -> BinaryIO:
        try:
            return os.fdopen(open_regular(path, follow_link=follow_link), "rb")
        except (OSError, ValueError) as error:
            raise self._unreadable(path, error) from error

    @contextmanager
    def _zip_errors(self) -> Iterator[None]:
        try:
            yield
        except _BROKEN_ZIP as error:
            raise IntegrityError(
                tr("{file} is damaged.").format(file=one_line(self.path.name)),
                tr("The archive was cut off, or holds something else than it says."),
                tr("Export or download it again."),
                technical=repr(error),
            ) from error
        except OSError as error:
            raise self._unreadable(self.path, error) from error

    @contextmanager
    def _json(self, name: str) -> Iterator[None]:
        try:
            yield
        except MalformedJsonError as error:
            raise IntegrityError(
                tr("{file} is damaged: {reason}.").format(file=self.shown(name), reason=error),
                "",
                tr("Export or download it again."),
            ) from error

    def _repaired(self, name: str, value: bytes) -> bytes:
        value, broken = repaired(value)
        if broken:
            self._broken.add(self.shown(name))
        return value

    def _too_many(self) -> IntegrityError:
        return IntegrityError(
            tr("{file} holds too many files.").format(file=one_line(self.path.name)),
            tr("There are more than {count}.").format(count=MOST_FILES),
        )

    def _unreadable(self, path: Path, error: OSError | ValueError) -> UserError:
        shown, code = one_line(path.name), getattr(error, "errno", None)
        if isinstance(error, ValueError) or code in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return NotFoundError(tr("There is no file {file}.").format(file=shown), "", tr("Check its name."))
        if code in (errno.EINVAL, errno.ENXIO, errno.ELOOP):
            return IntegrityError(
                tr("{file} is no file that holds chats.").format(file=shown), "", tr("Choose another.")
            )
        return ResourceError(
            tr("{file} could not be read: {reason}.").format(
                file=shown, reason=getattr(error, "strerror", "") or error
            ),
            "",
            tr("Look at its rights, and at the disk."),
        )


class _BoundedFile:
    """A file for `zipfile`, which reads an archive's directory at once, of whatever size that says to be: one that is
    larger than this gives ends in the middle."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, _LARGEST_DIRECTORY) if size >= 0 else _LARGEST_DIRECTORY)


def _refusal(member: zipfile.ZipInfo, name: str) -> str:
    """Why a member of an archive is not read, one sentence; "" where it is."""
    if member.flag_bits & 0x1:
        return tr("It is encrypted.")
    if stat.S_ISLNK(member.external_attr >> 16):
        return tr("It is a link.")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in name:
        return tr("Its name leads out of the archive.")
    return ""


def _is_text(name: str) -> bool:
    return name.lower().endswith(_TEXT_ENDINGS)


def _stamp(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _mode(path: Path, *, follow_link: bool = False) -> int:
    with suppress(OSError, ValueError):
        return path.stat(follow_symlinks=follow_link).st_mode
    return 0
