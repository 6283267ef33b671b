"""What SQLite says, in the words that lead a person on."""

import os
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest

from desktop.storage.database_errors import DatabaseErrors, conversation_error_texts

Disk = namedtuple("Disk", "f_bavail f_frsize f_files f_favail")
ROOM, NO_BYTES, NO_FILES = Disk(1000, 4096, 100, 50), Disk(1, 4096, 100, 50), Disk(1000, 4096, 100, 0)
OWN_WAY = Disk(1000, 4096, 0, 0)  # some systems make room for files as they need it


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="Windows counts otherwise")
@pytest.mark.parametrize(
    ("code", "name", "disk", "word"),
    [
        (sqlite3.SQLITE_FULL, "SQLITE_FULL", ROOM, "full"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "SQLITE_IOERR_SHMSIZE", NO_BYTES, "full"),
        (sqlite3.SQLITE_CANTOPEN, "SQLITE_CANTOPEN", NO_FILES, "full"),
        (sqlite3.SQLITE_IOERR_READ, "SQLITE_IOERR_READ", ROOM, "error"),
        (sqlite3.SQLITE_CANTOPEN, "SQLITE_CANTOPEN", ROOM, "not writable"),
        (sqlite3.SQLITE_CANTOPEN, "SQLITE_CANTOPEN", OWN_WAY, "not writable"),
    ],
)
def test_a_disk_without_room_is_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, name: str, disk: Disk, word: str
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode, error.sqlite_errorname = code, name
    said = DatabaseErrors(tmp_path / "latchkey.db", conversation_error_texts).from_sqlite(error)
    assert said is not None
    assert word in said.title
