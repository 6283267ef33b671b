"""What can be told of a database file from its first hundred bytes, before SQLite opens it and may write to it.

Opening a file is enough for SQLite to replay or delete the journal beside it. So a file that is newer, foreign or no
database is refused here. (One that was cut short SQLite refuses by itself, and leaves as it is.) Offsets are those of
SQLite's file format, section 1.3, "The Database Header".
"""

import os
import struct
from pathlib import Path

from desktop.storage.failures import Failures
from desktop.whole_file import open_regular

APPLICATION_ID = 0x4C6B6579
"""Marks the file of conversations ("Lkey"), for `file` and for us."""
LEDGER_ID = 0x4C6B6C67
"""Marks the ledger ("Lklg"), so that neither file can stand in the other's place."""
NETWORK_ID = 0x4C6B6E77
"""Marks the log of requests ("Lknw")."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100


def inspect(failures: Failures, application_id: int, known_version: int) -> bool:
    """Whether there is a database at the path of `failures` already, marked `application_id` or not yet. Reads only.

    Not to be called while this process has the file open through SQLite: closing it here would drop SQLite's locks.
    Raises IntegrityError where what lies there is damaged, not ours, or of a version above `known_version`, and
    ResourceError where it cannot be read.
    """
    path = failures.path
    try:
        with os.fdopen(open_regular(path, follow_link=True), "rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        if _has_journal(path):
            raise failures.damaged("a write-ahead log without its database") from None
        return False
    except OSError as error:
        raise failures.from_system(error) from error
    if not header:
        if _has_journal(path):
            raise failures.damaged("an empty database with a write-ahead log") from None
        return False
    if not header.startswith(_MAGIC):
        begun = _MAGIC.startswith(header)
        raise failures.damaged("header cut short") if begun else failures.not_ours("no SQLite header")
    if len(header) < _HEADER_BYTES:
        raise failures.damaged("header cut short")
    marked, version = _u32(header, 68), _u32(header, 60)
    if marked not in (0, application_id):
        raise failures.not_ours(f"application_id {marked:#x}")
    if marked and version > known_version:
        raise failures.newer(version, known_version)
    return True


def _u32(header: bytes, offset: int) -> int:
    return int(struct.unpack_from(">I", header, offset)[0])


def _has_journal(path: Path) -> bool:
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:
        return False
