"""The database file: opened, checked, brought up to date, and handed out one connection to a thread.

Nothing is ever overwritten, renamed or deleted here: a file that is damaged, foreign or newer is refused and left
as it is. A refusal is tried again at the next use, so that freeing the disk or moving the file needs no restart.

Commits are of two kinds. A durable one reaches the disk before it returns (`synchronous=FULL`): what a person typed,
and every finished answer. The others, the drafts of an answer in progress, outlive the death of the process but
perhaps not that of the machine (`synchronous=NORMAL`): one fsync a second would be felt on a slow disk.
"""

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from desktop.errors import IntegrityError, UserError
from desktop.storage.failures import as_user_error, damaged, from_system, newer, not_ours, unwritable
from desktop.storage.inspection import APPLICATION_ID, inspect
from desktop.storage.migration import MIGRATIONS, migrate, version_of

_BUSY_TIMEOUT_S = 5.0
_WAL_LIMIT_BYTES = 4 * 1024 * 1024
_log = logging.getLogger(__name__)


class Database:
    """One SQLite file, for any number of threads of this process, and other processes at the same time.

    Building it touches nothing: the file is opened at the first use, or by `open`. Every method raises
    IntegrityError where the file is damaged, not ours or newer, and ResourceError where it cannot be read or written.
    """

    def __init__(self, path: Path, *, migrations: Sequence[Path] = MIGRATIONS) -> None:
        self.path = path
        self._migrations = migrations
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._all: list[sqlite3.Connection] = []
        self._damage: IntegrityError | None = None

    def open(self) -> None:
        """Open the file now, make it where it is missing, and bring it up to date.

        Where it was found damaged before, it may have been replaced since: it is opened anew and looked through.
        """
        if self._damage is None:
            self._connection()
            return
        self.close()
        self._damage = None
        if found := self.check():
            self._damage = damaged(self.path, found[0])
            raise self._damage

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with, seeing one state of the file throughout."""
        with self._transaction("BEGIN", "NORMAL") as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A connection to write with: everything done with it is stored at the end, or nothing where it raises."""
        with self._transaction("BEGIN IMMEDIATE", "FULL" if durable else "NORMAL") as connection:
            yield connection

    def check(self) -> list[str]:
        """What a full look through the file finds wrong, as SQLite says it; nothing where it is sound. Takes long."""
        with self._errors():
            found = [str(row[0]) for row in self._connection().execute("PRAGMA quick_check(20)")]
        return [] if found == ["ok"] else found

    def empty_journal(self) -> None:
        """Move everything into the file itself and cut the journal to nothing, so that nothing deleted stays in it."""
        with self._errors():
            self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection; no thread may be using one. The file can be opened again afterwards."""
        with self._lock:
            connections, self._all = self._all, []
            self._mine = threading.local()
        for connection in connections:
            try:
                connection.close()
            except sqlite3.Error:
                _log.exception("closing %s", self.path)

    @contextmanager
    def _transaction(self, begin: str, synchronous: str) -> Iterator[sqlite3.Connection]:
        with self._errors():
            connection = self._connection()
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        if self._damage is not None:
            raise self._damage
        try:
            yield
        except sqlite3.Error as error:
            known = as_user_error(error, self.path)
            if known is None:
                raise
            if isinstance(known, IntegrityError):
                self._damage = known  # no write may follow on a file that does not hold
            raise known from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            with self._lock:
                connection = self._connect()
                self._all.append(connection)
            self._mine.connection = connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        if not inspect(self.path, len(self._migrations)):
            _make_file(self.path)
        if not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)):
            raise unwritable(self.path)
        # Used by one thread at a time; `close` may come from another.
        connection = sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            raise as_user_error(error, self.path) or error from error
        except OSError as error:
            connection.close()
            raise from_system(error, self.path) from error
        except UserError:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        application_id = int(connection.execute("PRAGMA application_id").fetchone()[0])
        version = version_of(connection)
        if application_id != APPLICATION_ID:
            if application_id or version or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                raise not_ours(self.path, f"application_id {application_id:#x}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        if version > len(self._migrations):
            raise newer(self.path, version, len(self._migrations))
        for pragma in ("foreign_keys = ON", "secure_delete = ON", f"journal_size_limit = {_WAL_LIMIT_BYTES}"):
            connection.execute(f"PRAGMA {pragma}")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = WAL")
        if version < len(self._migrations):
            migrate(connection, self.path, self._migrations)


def _make_file(path: Path) -> None:
    """An empty file, in a folder, that only this person can read; SQLite gives its journals the file's rights."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise from_system(error, path) from error
