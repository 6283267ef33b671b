"""A file read forwards in bounded pieces: nothing is read for a length before it is known to be in the file."""

import struct
from pathlib import Path
from typing import BinaryIO

from desktop.errors import EngineError
from desktop.translation import tr

_CHUNK = 1 << 20
_LONGEST_STRING = 64 << 20  # some files carry a whole tokenizer as one text
_LONGEST_KEPT = 64 << 10
_LONGEST_ITEM = 1 << 20
_LARGEST_HEADER = 128 << 20  # a vocabulary of 256,000 tokens and its merges take 20 MB
_MOST_KEPT = 16 << 20


def damaged_file_error(path: Path, detail: str) -> EngineError:
    """The file is no sound GGUF: `detail` says what is wrong with it."""
    return EngineError(
        tr("{file} is damaged or not a sound model file.").format(file=path.name),
        detail,
        tr("Download it again, or choose another file."),
    )


class TruncatedFileError(EngineError):
    """The file ends before all is in it that its header tells of."""


class MoreBytesNeededError(EngineError):
    """The file on this disk is shorter than the whole one: more of it has to be there to read on."""


class BoundedFile:
    """`file`, of `size` bytes, from its beginning. Every method raises EngineError where the file ends too soon.

    What is stored of it takes a few times 16 MB of memory at most: `count_kept` counts it.
    """

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path, self.size = path, size
        self._file = file
        self._buffer = b""
        self._at = 0
        self._before = 0
        self._kept = 0

    @property
    def position(self) -> int:
        """How many bytes were taken."""
        return self._before + self._at

    def _need(self, count: int) -> None:
        """Make `count` bytes available at `_at`. Raises EngineError where the file ends before."""
        if len(self._buffer) - self._at >= count:
            return
        position = self._before + self._at
        if position + count > self.size:
            missing = position + count - self.size
            raise TruncatedFileError(
                tr("{file} is incomplete.").format(file=self.path.name),
                tr("It ends inside its header: at least {count} bytes are missing.").format(count=f"{missing:,}"),
                tr("Download it again."),
            )
        if position + count > _LARGEST_HEADER:
            raise damaged_file_error(
                self.path, tr("Its header is larger than {size} MB.").format(size=_LARGEST_HEADER >> 20)
            )
        rest = self._buffer[self._at :]
        self._before, self._at = position, 0
        self._buffer = rest + self._file.read(max(_CHUNK, count) - len(rest))
        if len(self._buffer) < count:
            error = damaged_file_error(self.path, tr("It became shorter while it was read."))
            raise MoreBytesNeededError(error.title, error.detail, error.remedy)

    def read(self, count: int) -> bytes:
        self._need(count)
        taken = self._buffer[self._at : self._at + count]
        self._at += count
        return taken

    def skip(self, count: int) -> None:
        position = self._before + self._at + count
        if self._at + count <= len(self._buffer):
            self._at += count
        elif position > self.size:
            self._need(count)
        else:
            if position > _LARGEST_HEADER:
                raise damaged_file_error(
                    self.path, tr("Its header is larger than {size} MB.").format(size=_LARGEST_HEADER >> 20)
                )
            self._file.seek(position)
            self._buffer, self._at, self._before = b"", 0, position

    def number(self, layout: str) -> int:
        return int(struct.unpack(layout, self.read(struct.calcsize(layout)))[0])

    def string(self, longest: int = _LONGEST_STRING) -> str:
        """A text; only the beginning, 64 KB, of one that is longer."""
        length = self.number("<Q")
        if length > longest:
            raise damaged_file_error(
                self.path, tr("It holds a text of {count} bytes where none can be.").format(count=f"{length:,}")
            )
        text = self.read(min(length, _LONGEST_KEPT)).decode("utf-8", "replace")
        self.skip(length - min(length, _LONGEST_KEPT))
        self.count_kept(len(text) + 32)
        return text

    def count_kept(self, count: int) -> None:
        """Count what is kept in memory, in bytes. Raises EngineError where it becomes too much."""
        self._kept += count
        if self._kept > _MOST_KEPT:
            raise damaged_file_error(
                self.path, tr("What it says of itself takes more than {size} MB.").format(size=_MOST_KEPT >> 20)
            )

    def walk_strings(self, count: int, *, distinct: bool) -> str | None:
        """Pass over `count` strings. With `distinct`: one that comes twice (empty ones may), else None.

        The one loop here that runs hundreds of thousands of times, so it is kept flat.
        """
        seen: set[int] = set()  # hashes of 64 bits: half the memory, and two that are equal by chance do not come
        add, unpack = seen.add, struct.Struct("<Q").unpack_from
        repeated: bytes | None = None
        while count:
            self._need(8)
            buffer, at, last = self._buffer, self._at, len(self._buffer) - 8
            begun = count
            while count and at <= last:
                end = at + 8 + unpack(buffer, at)[0]
                if end > last + 8:
                    break
                if distinct and end > at + 8:
                    text = buffer[at + 8 : end]
                    mark = hash(text)
                    if mark in seen:
                        repeated = text
                    add(mark)
                at = end
                count -= 1
            self._at = at
            if count == begun:
                self._need(8 + self._peek_length())
        return None if repeated is None else repeated.decode("utf-8", "replace")

    def _peek_length(self) -> int:
        """The length of the string that comes next, within bounds."""
        length = int(struct.unpack_from("<Q", self._buffer, self._at)[0])
        if length > _LONGEST_ITEM:
            raise damaged_file_error(
                self.path, tr("It holds a text of {count} bytes where none can be.").format(count=f"{length:,}")
            )
        return length
