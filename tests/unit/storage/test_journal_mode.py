"""Where several machines may write to a file, or processes cannot share memory, there is no write-ahead log."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from desktop.conversation import Conversation
from desktop.storage import database as database_module
from desktop.storage import database_errors
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.database_errors import DatabaseErrors, conversation_error_texts
from desktop.storage.journal_mode import is_shared


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    database = Database(home / "data" / "latchkey.db")
    yield database
    database.close()


def journal_mode(database: Database) -> str:
    with database.read() as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


@pytest.mark.parametrize(
    ("described", "shared"),
    [
        ("nfs4 server:/home rw,vers=4.2", True),
        ("cifs //server/home rw", True),
        ("9p drvfs rw", True),
        ("fuse.sshfs ada@server: rw", True),
        ("ext4 /dev/sda1 rw", False),
        ("fuse gocryptfs rw", False),
        ("tmpfs nfs4 rw", False),
    ],
)
def test_what_the_system_says_of_the_folder(tmp_path: Path, described: str, shared: bool) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "21 1 9999:1 / / rw - nfs4 other:/ rw\n"
        f"36 35 {os.major(device)}:{os.minor(device)} / /a\\040b rw,noatime shared:1 - {described}\n"
    )
    assert is_shared(tmp_path, mounts) is shared


def test_a_system_that_says_nothing_of_it(tmp_path: Path) -> None:
    assert not is_shared(tmp_path, tmp_path / "none")
    assert not is_shared(tmp_path / "none")


def test_a_database_on_a_file_server_has_no_log_and_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ConversationStore(database).create(Conversation("c", title="Kept"))
    assert journal_mode(database) == "wal"
    with closing(sqlite3.connect(database.path)) as killed:  # what a log holds that nobody moved
        killed.execute("PRAGMA wal_autocheckpoint = 0")
        database.disconnect()
        killed.execute("UPDATE conversations SET title = 'Changed'")
        killed.commit()
        log = database.path.with_name("latchkey.db-wal").read_bytes()
        whole = database.path.read_bytes()
    database.path.write_bytes(whole)
    database.path.with_name("latchkey.db-wal").write_bytes(log)

    monkeypatch.setattr(database_module, "is_shared", lambda folder: True)
    moved = Database(database.path)
    assert journal_mode(moved) == "delete"
    assert [each.title for each in ConversationStore(moved).conversations()] == ["Changed"]
    assert [each.name for each in database.path.parent.iterdir()] == ["latchkey.db"]
    with closing(sqlite3.connect(database.path, timeout=0)) as other:  # nobody is kept out
        other.execute("UPDATE conversations SET title = 'By another'")
        other.commit()
    assert [each.title for each in ConversationStore(moved).conversations()] == ["By another"]
    moved.close()

    monkeypatch.undo()
    assert journal_mode(database) == "wal"


def test_a_disk_on_which_processes_share_no_memory(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(connection: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR_SHMMAP, "SQLITE_IOERR_SHMMAP"
        raise error

    monkeypatch.setattr(database_module, "use_write_ahead_log", refused)
    ConversationStore(database).create(Conversation("c", title="Kept"))
    assert journal_mode(database) == "delete"


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR_LOCK])
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_not_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, number: int
) -> None:
    fcntl = pytest.importorskip("fcntl")
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE"
    failures = DatabaseErrors(tmp_path / "latchkey.db", conversation_error_texts)
    assert "locked where they lie" not in str(failures.from_sqlite(error))

    def no_locks(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "lockf", no_locks)
    assert "no file can be locked where they lie" in str(failures.from_sqlite(error))
    assert list(tmp_path.iterdir()) == []


def test_a_file_server_that_lost_the_file_is_no_matter_of_rights(tmp_path: Path) -> None:
    failures = database_errors.DatabaseErrors(tmp_path / "latchkey.db", conversation_error_texts)
    assert "the disk reports an error" in str(failures.from_system(OSError(errno.ESTALE, "Stale file handle")))
    assert "not writable" in str(failures.from_system(OSError(errno.EACCES, "Permission denied")))
