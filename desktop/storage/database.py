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
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from desktop.atomic_file import open_regular
from desktop.errors import IntegrityError, UserError
from desktop.storage.database_errors import (
    DatabaseErrors,
    DatabaseErrorTexts,
    conversation_error_texts,
    document_error_texts,
    ledger_error_texts,
    network_error_texts,
)
from desktop.storage.journal_mode import (
    is_shared,
    lacks_shared_memory,
    leave_shared_memory,
    use_rollback_journal,
    use_write_ahead_log,
)
from desktop.storage.migration import (
    DOCUMENT_MIGRATIONS,
    LEDGER_MIGRATIONS,
    MIGRATIONS,
    NETWORK_MIGRATIONS,
    migrate,
    schema_version,
)
from desktop.storage.search_terms import add_functions
from desktop.storage.write_ahead_log import first_page_in_log, wal_path

APPLICATION_ID = 0x4C6B6579
"""SQLite's application_id of the file of conversations ("Lkey")."""
LEDGER_ID = 0x4C6B6C67
"""SQLite's application_id of the ledger ("Lklg"), so that neither file is taken for the other."""
NETWORK_ID = 0x4C6B6E77
"""SQLite's application_id of the request log ("Lknw")."""
DOCUMENTS_ID = 0x4C6B646F
"""SQLite's application_id of the collections of documents ("Lkdo")."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_BUSY_TIMEOUT_S = 5.0
_WAL_LIMIT_BYTES = 4 * 1024 * 1024
_log = logging.getLogger(__name__)


def inspect_header(failures: DatabaseErrors, application_id: int, known_version: int) -> bool:
    """Whether there is a database at the path of `failures` already, marked `application_id` or not yet. Reads only.

    Not to be called while this process has the file open through SQLite: closing it here would drop SQLite's locks.
    Raises IntegrityError where what lies there is damaged, not ours, or of a version above `known_version`, and
    ResourceError where it cannot be read.
    """
    path = failures.path
    try:
        with os.fdopen(open_regular(path, follow_link=True), "rb") as file:
            header = file.read(_HEADER_BYTES)
        # What a program that was killed left in the log counts as well, and SQLite would move it into the file.
        header = header and (first_page_in_log(path, _HEADER_BYTES) or header)
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
        return wal_path(path).stat().st_size > 0
    except OSError:
        return False


@dataclass(eq=False)
class _ThreadConnection:
    """A thread's connection. `uses` counts the blocks that use it now; `kept` says whether it stays open after them."""

    connection: sqlite3.Connection
    thread: threading.Thread
    uses: int = 0
    kept: bool = True


@dataclass(frozen=True)
class DatabaseSchema:
    """What a database file holds: the mark in its header, the steps to its schema, the texts of its errors."""

    application_id: int
    migrations: Sequence[Path]
    wording: Callable[[], DatabaseErrorTexts]


CONVERSATIONS_SCHEMA = DatabaseSchema(APPLICATION_ID, MIGRATIONS, conversation_error_texts)
LEDGER_SCHEMA = DatabaseSchema(LEDGER_ID, LEDGER_MIGRATIONS, ledger_error_texts)
NETWORK_SCHEMA = DatabaseSchema(NETWORK_ID, NETWORK_MIGRATIONS, network_error_texts)
DOCUMENTS_SCHEMA = DatabaseSchema(DOCUMENTS_ID, DOCUMENT_MIGRATIONS, document_error_texts)


class Database:
    """One SQLite file, for any number of threads of this process, and other processes at the same time.

    Building it touches nothing: the file is opened at the first use, or by `open`. Every method raises
    IntegrityError where the file is damaged, not ours or newer, and ResourceError where it cannot be read or written.
    """

    def __init__(
        self, path: Path, holding: DatabaseSchema = CONVERSATIONS_SCHEMA, *, migrations: Sequence[Path] | None = None
    ) -> None:
        self.path = path
        self._application_id = holding.application_id
        self._migrations = holding.migrations if migrations is None else migrations
        self._failures = DatabaseErrors(path, holding.wording)
        self._identity: tuple[int, int] | None = None
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._all: list[_ThreadConnection] = []
        self._closed = False
        self._damage: IntegrityError | None = None
        self._without_log = False

    def open(self) -> None:
        """Open the file now, make it where it is missing, and bring it up to date.

        Where it was found damaged before, it may have been replaced since: it is opened anew and looked through.
        """
        if self._damage is None:
            with self._use():
                return
        self.disconnect()
        self._damage = None
        if found := self.check():
            self._damage = self._failures.damaged(found[0])
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
        with self._errors(), self._use() as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(20)")]
        return [] if found == ["ok"] else found

    def snapshot(self, target: Path) -> None:
        """Write one state of the file to `target`, which must not exist: for this person alone, without what was erased
        and without a journal. ResourceError where the disk there is full."""
        reached = DatabaseErrors(target, self._failures.wording)
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise reached.from_system(error) from error
        with self._errors(reached), self._use() as connection:
            connection.execute("VACUUM INTO ?", (str(target),))

    def truncate_wal(self) -> None:
        """Move everything into the file itself and cut the journal to nothing, so that nothing deleted stays in it."""
        with self._errors(), self._use() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def replaced(self) -> bool:
        """Whether the file that was opened is no longer the one at `path`. What is written to it would be lost."""
        with self._lock:
            return self._identity is not None and self._identity != _identity_of(self.path)

    def disconnect(self) -> None:
        """Close the connections, as `close` does. The next use opens the file anew and keeps it open."""
        with self._lock:
            self._mine = threading.local()
            self._identity = None
            for each in [*self._all]:
                each.kept = False
                if not each.uses:
                    self._end(each)

    def close(self) -> None:
        """Close every connection; one in use is closed by its thread when it is done with it. Any thread may call this.

        Work that comes late still reaches the file, and leaves nothing open.
        """
        self._closed = True
        self.disconnect()

    @contextmanager
    def _transaction(self, begin: str, synchronous: str) -> Iterator[sqlite3.Connection]:
        with self._errors(), self._use() as connection:
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _errors(self, writing_to: DatabaseErrors | None = None) -> Iterator[None]:
        if self._damage is not None:
            raise self._damage
        try:
            yield
        except sqlite3.Error as error:
            known = self._failures.from_sqlite(error)
            if writing_to is not None and not isinstance(known, IntegrityError):
                known = writing_to.from_sqlite(error)
            if known is None:
                raise
            if isinstance(known, IntegrityError):
                self._damage = known  # no write may follow on a file that does not hold
            raise known from error

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, which nobody closes meanwhile."""
        with self._lock:
            held: _ThreadConnection | None = getattr(self._mine, "held", None)
            if held is None:
                self._close_orphans()
                held = _ThreadConnection(self._connect(), threading.current_thread(), kept=not self._closed)
                self._all.append(held)
                self._mine.held = held
            held.uses += 1
        try:
            yield held.connection
        finally:
            with self._lock:
                held.uses -= 1
                if not (held.uses or held.kept):
                    self._end(held)

    def _close_orphans(self) -> None:
        """Close the connections of threads that ended: a download has threads of its own, for its time."""
        running = threading.enumerate()
        for each in [*self._all]:
            if each.thread not in running:
                self._end(each)

    def _end(self, held: _ThreadConnection) -> None:
        self._all.remove(held)
        if getattr(self._mine, "held", None) is held:
            del self._mine.held
        try:
            held.connection.close()
        except sqlite3.Error:
            _log.exception("closing %s", self.path)

    def _connect(self) -> sqlite3.Connection:
        # Where a connection is open already, looking at the file would drop the locks of this process on it (POSIX
        # drops all of them when any descriptor is closed), and another process would take itself for the last one.
        if not self._all:
            if not inspect_header(self._failures, self._application_id, len(self._migrations)):
                self._make_file()
            self._without_log = self._without_log or is_shared(self.path.parent)
        if not (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)):
            raise self._failures.unwritable()
        # Used by one thread at a time; `close` may come from another.
        connection = sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            if lacks_shared_memory(error) and not (self._without_log or self._all):
                self._without_log = True
                return self._connect()
            raise self._failures.from_sqlite(error) or error from error
        except OSError as error:
            connection.close()
            raise self._failures.from_system(error) from error
        except UserError:
            connection.close()
            raise
        if self._identity is None or not self._all:
            self._identity = _identity_of(self.path)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self._without_log and not self._all:
            leave_shared_memory(connection, self.path)
        # In one transaction: another process may be making the file right now.
        connection.execute("BEGIN")
        application_id = int(connection.execute("PRAGMA application_id").fetchone()[0])
        version = schema_version(connection)
        anything = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
        connection.execute("COMMIT")
        if application_id != self._application_id:
            if application_id or version or anything:
                raise self._failures.not_ours(f"application_id {application_id:#x}")
            connection.execute(f"PRAGMA application_id = {self._application_id}")
        if version > len(self._migrations):
            raise self._failures.newer(version, len(self._migrations))
        add_functions(connection)
        for pragma in ("foreign_keys = ON", "secure_delete = ON", f"journal_size_limit = {_WAL_LIMIT_BYTES}"):
            connection.execute(f"PRAGMA {pragma}")
        (use_rollback_journal if self._without_log else use_write_ahead_log)(connection)
        if version < len(self._migrations):
            migrate(connection, self.path, self._migrations)

    def _make_file(self) -> None:
        """An empty file, in a folder, that only this person can read; SQLite gives its journals the file's rights."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise self._failures.from_system(error) from error


def _identity_of(path: Path) -> tuple[int, int] | None:
    """What tells one file from another that took its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
