"""What a write-ahead log says of its database, read without SQLite, which would change the files by looking.

The format is described in https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

from desktop.atomic_file import open_regular

_MAGIC = (0x377F0682, 0x377F0683)
_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_LARGEST_PAGE = 1 << 16


def wal_path(database: Path) -> Path:
    """Where the log of `database` lies."""
    return database.with_name(database.name + "-wal")


def first_page_in_log(database: Path, size: int) -> bytes | None:
    """The first `size` bytes of the database's first page as the last transaction in its log left them; None where no
    transaction in it changed that page, or there is no log. Raises OSError."""
    try:
        descriptor = open_regular(wal_path(database), follow_link=True)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return _first_page(file, size)


def _first_page(file: BinaryIO, size: int) -> bytes | None:
    """Frames that an earlier round of the log left behind the present ones carry other salts. Checksums are not looked
    at: a process that is killed leaves no frame but whole ones and a cut one, which is the last."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, _, page_size, _, *salts, _, _ = _HEADER.unpack(header)
    if magic not in _MAGIC or not size <= page_size <= _LARGEST_PAGE:
        return None
    committed = written = None
    end = os.fstat(file.fileno()).st_size
    at = _HEADER.size
    while at + _FRAME.size + page_size <= end:
        file.seek(at)
        number, pages_after, *own, _, _ = _FRAME.unpack(file.read(_FRAME.size))
        if own != salts:
            break
        if number == 1:
            written = file.read(size)
        if pages_after:  # the last frame of a transaction
            committed = written
        at += _FRAME.size + page_size
    return committed
