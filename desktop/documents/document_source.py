"""A file as it is given to the reader: opened and looked at by the app, hashed on the way, and the same at the end."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from desktop.byte_size import size_text
from desktop.documents.native_formats import HEAD_SIZE
from desktop.documents.reader_messages import DATA_SIZE, LARGEST_FILE
from desktop.errors import NotFoundError, UnreadableFileError, UserError
from desktop.file_stamp import FileStamp, stamp_at, stamp_from_stat
from desktop.safe_text import safe_line
from desktop.translation import tr

_LONGEST_NAME = 255
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def shown_name(name: str) -> str:
    """A file's name as it can be shown and kept: one line, without what turns text round or is none."""
    return safe_line(name, _LONGEST_NAME)


class BytesSource:
    """What is in memory already, under the `name` of a file. `head` is its beginning."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name, self.size, self.head = shown_name(name), len(data), data[:HEAD_SIZE]
        self._data = data
        if self.size > LARGEST_FILE:
            raise too_large_error(self.name, self.size)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in pieces that fit into one message."""
        for start in range(0, self.size, DATA_SIZE):
            yield self._data[start : start + DATA_SIZE]

    def sha256(self) -> str:
        return hashlib.sha256(self._data).hexdigest()

    def close(self) -> None:
        """Nothing is open."""


class OpenedFileSource:
    """The file at `path`, links followed. `head` is its beginning, once it was handed over.

    Raises UnreadableFileError where it is none that can be read, NotFoundError where there is nothing.
    """

    def __init__(self, path: Path) -> None:
        self.name, self.head = shown_name(path.name or str(path)), b""
        self._path = path
        self._hash = hashlib.sha256()
        try:
            _check_kind(self.name, path.stat())  # before it is opened: that alone makes some devices act
            self._descriptor = os.open(path, _FLAGS)
        except (OSError, ValueError) as error:
            raise _opening_error(self.name, error) from error
        try:
            status = os.fstat(self._descriptor)
            _check_kind(self.name, status)
            if status.st_size > LARGEST_FILE:
                raise too_large_error(self.name, status.st_size)
        except BaseException:
            os.close(self._descriptor)
            raise
        self.size = status.st_size
        self._stamp = stamp_from_stat(status)

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes, `size` of them, in pieces that fit into one message.

        Raises UnreadableFileError, after the last one too, where it changed or vanished meanwhile.
        """
        left = self.size
        while left:
            try:
                piece = os.read(self._descriptor, min(DATA_SIZE, left))
            except OSError as error:
                raise _opening_error(self.name, error) from error
            if not piece:
                raise self._changed_error(None)
            self._hash.update(piece)
            self.head = self.head or piece[:HEAD_SIZE]
            left -= len(piece)
            yield piece
        now = stamp_at(self._path)
        if now != self._stamp or stamp_from_stat(os.fstat(self._descriptor)) != self._stamp:
            raise self._changed_error(now)

    def sha256(self) -> str:
        """Of what `chunks` gave."""
        return self._hash.hexdigest()

    def close(self) -> None:
        os.close(self._descriptor)

    def _changed_error(self, now: FileStamp | None) -> UserError:
        if now is None and stamp_at(self._path) is None:
            return UnreadableFileError(
                tr("{name} vanished while it was read.").format(name=self.name), "", tr("Choose where it lies now.")
            )
        return UnreadableFileError(
            tr("{name} changed while it was read.").format(name=self.name),
            tr("Another program is writing to it."),
            tr("Read it again when that is done."),
        )


def too_large_error(name: str, size: int) -> UnreadableFileError:
    return UnreadableFileError(
        tr("{name} is too large: {size}.").format(name=name, size=size_text(size)),
        tr("Files of up to {most} are read.").format(most=size_text(LARGEST_FILE)),
        tr("Take the part of it that you need."),
    )


def _check_kind(name: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableFileError(
            tr("{name} is a folder.").format(name=name), "", tr("Choose the files in it, or make a collection of it.")
        )
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError(
            tr("{name} is no file but a device, a pipe or a socket.").format(name=name), "", tr("Choose a file.")
        )


def _opening_error(name: str, error: OSError | ValueError) -> UserError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotFoundError(
            tr("{name} is not there.").format(name=name),
            tr("It was moved, renamed or deleted, or it is a link that leads nowhere."),
            tr("Choose where it lies now."),
        )
    if isinstance(error, PermissionError):
        return UnreadableFileError(
            tr("{name} may not be read.").format(name=name),
            tr("Its permissions do not allow it."),
            tr("Change them, or ask whoever owns the file."),
            technical=str(error),
        )
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return UnreadableFileError(
        tr("{name} cannot be read: {reason}.").format(name=name, reason=reason),
        "",
        tr("Look whether the disk that it lies on is there, and try again."),
        technical=repr(error),
    )
