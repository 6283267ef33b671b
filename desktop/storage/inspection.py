"""What can be told of a database file from its first hundred bytes, before SQLite opens it and may write to it.

Opening a file is enough for SQLite to replay or delete the journal beside it. So a file that is newer, foreign or no
database is refused here. (One that was cut short SQLite refuses by itself, and leaves as it is.) Offsets are those of
SQLite's file format, section 1.3, "The Database Header".
"""

import struct
from pathlib import Path

from desktop.storage.failures import damaged, from_system, newer, not_ours

APPLICATION_ID = 0x4C6B6579
"""Marks our files ("Lkey"), for `file` and for us."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100


def inspect(path: Path, known_version: int) -> bool:
    """Whether there is a database at `path` already. Reads only.

    Raises IntegrityError where what lies there is damaged, not ours, or of a version above `known_version`, and
    ResourceError where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        if _has_journal(path):
            raise damaged(path, "a write-ahead log without its database") from None
        return False
    except OSError as error:
        raise from_system(error, path) from error
    if not header:
        if _has_journal(path):
            raise damaged(path, "an empty database with a write-ahead log") from None
        return False
    if not header.startswith(_MAGIC):
        raise not_ours(path, "no SQLite header") if not _MAGIC.startswith(header) else damaged(path, "header cut short")
    if len(header) < _HEADER_BYTES:
        raise damaged(path, "header cut short")
    _check_header(path, header, known_version)
    return True


def _check_header(path: Path, header: bytes, known_version: int) -> None:
    application_id, version = _u32(header, 68), _u32(header, 60)
    if application_id not in (0, APPLICATION_ID):
        raise not_ours(path, f"application_id {application_id:#x}")
    if application_id and version > known_version:
        raise newer(path, version, known_version)


def _u32(header: bytes, offset: int) -> int:
    return int(struct.unpack_from(">I", header, offset)[0])


def _has_journal(path: Path) -> bool:
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:
        return False
