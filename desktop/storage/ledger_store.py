"""The ledger's file: rows of records, license texts and the seal, as they stand.

What is here knows nothing of hashes: it stores what it is given and returns what it finds, also where somebody changed
it by other means. `desktop.licenses` judges it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from desktop.errors import IntegrityError
from desktop.storage.database import LEDGER_SCHEMA, Database
from desktop.storage.database_errors import DatabaseErrors, ledger_error_texts
from desktop.storage.migration import LEDGER_MIGRATIONS, migrate

RECORD_COLUMNS = (
    "event",
    "model",
    "model_name",
    "repository",
    "commit",
    "file_sha256",
    "license",
    "text_sha256",
    "person",
    "organization",
    "purpose",
    "note",
    "seq",
    "time",
    "os_user",
    "app_version",
    "previous",
    "hash",
)
"""A row's columns in the order in which rows come and go."""

LedgerRow = tuple[Any, ...]
_NAMES = ", ".join(f'"{name}"' for name in RECORD_COLUMNS)
_RECORDS = f"SELECT {_NAMES} FROM ledger ORDER BY seq"
_ADD = f"INSERT INTO ledger ({_NAMES}) VALUES ({', '.join('?' * len(RECORD_COLUMNS))})"
_TEXTS = "SELECT CAST(sha256 AS BLOB), CAST(bytes AS BLOB) FROM license_texts ORDER BY number"
_KEPT = "SELECT CAST(bytes AS BLOB) FROM license_texts WHERE sha256 = ? ORDER BY number"
_SEGMENT_SEALS = "SELECT seq, hash, key_id, kept_in, mac FROM segment_seals ORDER BY number"
_OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite@_%' ESCAPE '@'"
_TEXT_AND_NUMBER = {str, int}


class SealRow(NamedTuple):
    """The seal as it stands: of which record, by which key, where that key is kept, and the code."""

    seq: int
    hash: str
    key_id: str
    kept_in: str
    mac: str


class LedgerReadTransaction:
    """One state of the ledger's file. Every value is text, numbers of records aside; what was stored as anything else
    comes as a text that says so, which no hash will match."""

    def __init__(self, connection: sqlite3.Connection, failures: DatabaseErrors) -> None:
        self._connection = connection
        self._failures = failures
        self._looked_at = False

    def records(self) -> list[LedgerRow]:
        """Every row, by `seq`."""
        return self._rows(_RECORDS)

    def last(self) -> LedgerRow | None:
        """The row with the highest `seq`."""
        rows = self._rows(f"{_RECORDS} DESC LIMIT 1")
        return rows[0] if rows else None

    def seal(self) -> SealRow | None:
        """The seal, where there is one."""
        rows = self._rows("SELECT seq, hash, key_id, kept_in, mac FROM seal")
        return SealRow(*rows[0]) if len(rows) == 1 else None

    def segment_seals(self) -> list[SealRow]:
        """The seals of segments that ended, the oldest first."""
        return [SealRow(*row) for row in self._rows(_SEGMENT_SEALS)]

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Every text that is kept, with the hash it is kept under; one hash may come twice."""
        self._ensure_tables()
        for sha256, data in self._connection.execute(_TEXTS):
            yield sha256.decode(errors="replace"), data

    def texts_under(self, sha256: str) -> list[bytes]:
        """What is kept under a hash."""
        self._ensure_tables()
        return [data for (data,) in self._connection.execute(_KEPT, (sha256,))]

    def triggers_intact(self) -> bool:
        """Whether the triggers stand as they were made, and nothing else was added."""
        return self._objects() == _expected()

    def version(self) -> object:
        """A value that changes when any other connection, of any process, has written."""
        return id(self._connection), self._connection.execute("PRAGMA data_version").fetchone()[0]

    def _objects(self) -> dict[tuple[str, str], str]:
        return {(kind, name): sql for kind, name, sql in self._connection.execute(_OBJECTS)}

    def _ensure_tables(self) -> None:
        """Raise IntegrityError where the tables are not those that Latchkey made."""
        if self._looked_at:
            return
        found = self._objects()
        for (kind, name), sql in _expected().items():
            if kind == "table" and found.get((kind, name)) != sql:
                raise self._failures.damaged(f"table {name}")
        self._looked_at = True

    def _rows(self, query: str) -> list[LedgerRow]:
        self._ensure_tables()
        try:
            rows = self._connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) is not None:
                raise
            rows = self._rows_of_bytes(query)  # text that is no UTF-8, which Python's sqlite3 refuses without a code
        return [row if _TEXT_AND_NUMBER.issuperset(map(type, row)) else tuple(map(_plain, row)) for row in rows]

    def _rows_of_bytes(self, query: str) -> list[LedgerRow]:
        factory, self._connection.text_factory = self._connection.text_factory, _StoredText
        try:
            return self._connection.execute(query).fetchall()
        finally:
            self._connection.text_factory = factory


class LedgerWriteTransaction(LedgerReadTransaction):
    """The same, to write to as well: all of it is stored at the end, or nothing."""

    def add(self, row: LedgerRow) -> None:
        """Add the row that follows the last one."""
        self._connection.execute(_ADD, row)

    def add_text(self, sha256: str, data: bytes) -> None:
        """Keep a text under its hash, for ever."""
        self._connection.execute(
            "INSERT INTO license_texts (number, sha256, bytes) "
            "SELECT coalesce(max(number), 0) + 1, ?, ? FROM license_texts",
            (sha256, data),
        )

    def set_seal(self, seal: SealRow) -> None:
        """Replace the seal."""
        self._connection.execute(
            "INSERT OR REPLACE INTO seal (id, seq, hash, key_id, kept_in, mac) VALUES (1, ?, ?, ?, ?, ?)", seal
        )

    def add_segment_seal(self, seal: SealRow) -> None:
        """Keep the seal of a segment that ends, for ever."""
        self._connection.execute(
            "INSERT INTO segment_seals (number, seq, hash, key_id, kept_in, mac) "
            "SELECT coalesce(max(number), 0) + 1, ?, ?, ?, ?, ? FROM segment_seals",
            seal,
        )

    def restore_triggers(self) -> None:
        """Make the triggers as they were, and remove what was added to them."""
        found, expected = self._objects(), _expected()
        for (kind, name), sql in found.items():
            if expected.get((kind, name)) != sql:
                quoted = name.replace('"', '""')
                self._connection.execute(f'DROP {kind} IF EXISTS "{quoted}"')
        left = self._objects()
        for each, sql in expected.items():
            if each not in left:
                self._connection.execute(sql)


class LedgerStore:
    """The ledger's file at `path`, for one thread at a time and any number of processes.

    Reading never creates it. Every method raises what `Database` raises, NewerDatabaseError among it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, LEDGER_SCHEMA)
        self._failures = DatabaseErrors(path, ledger_error_texts)

    def exists(self) -> bool:
        """Whether there is anything at its place. A file without a byte in it is none."""
        return _mark(self.path) is not None or _mark(self._journal) is not None

    @contextmanager
    def read(self) -> Iterator[LedgerReadTransaction]:
        """One state of the file, from the disk and not from what this process remembers of it."""
        self._use()
        with self._unreadable(), self._database.read() as connection:
            connection.execute("PRAGMA shrink_memory")
            yield LedgerReadTransaction(connection, self._failures)

    @contextmanager
    def write(self) -> Iterator[LedgerWriteTransaction]:
        """The file, locked against other writers. What was written is on the disk when this returns."""
        self._use()
        with self._unreadable(), self._database.write() as connection:
            self._ensure_in_place()
            yield LedgerWriteTransaction(connection, self._failures)
            self._ensure_in_place()
        self._ensure_in_place()

    def stamp(self, reading: LedgerReadTransaction) -> object:
        """A value that differs whenever the file was written to, by whomever. Cheap."""
        return self.file_stamps(), reading.last(), reading.seal()

    def file_stamps(self) -> object:
        """The part of a mark for which the file need not be opened; None where there is none."""
        return (_mark(self.path), _mark(self._journal)) if self.exists() else None

    def stamp_unless_written(self, version: object) -> object:
        """The mark, where nobody else has written since `version` was read; None otherwise."""
        with self.read() as reading:
            mark = self.stamp(reading)
            return mark if reading.version() == version else None

    def set_aside(self, now: float) -> Path:
        """Give a file that cannot be used, and its journal, another name beside it; that name."""
        self._database.disconnect()
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
        count, target = 1, self.path.with_name(f"{self.path.stem}.set-aside-{stamp}{self.path.suffix}")
        while target.exists():
            count += 1
            target = self.path.with_name(f"{self.path.stem}.set-aside-{stamp}-{count}{self.path.suffix}")
        try:
            # The log first: without its database it is refused, the other way round it would be replayed into the next
            # one. A rollback journal without its database is dropped.
            for suffix in ("-wal", "-shm", "", "-journal"):
                source = self.path.with_name(self.path.name + suffix)
                if source.exists():
                    source.rename(target.with_name(target.name + suffix))
        except OSError as error:
            raise self._failures.from_system(error) from error
        return target

    def close(self) -> None:
        """Close the file, from any thread. What uses it afterwards leaves it closed again."""
        self._database.close()

    @property
    def _journal(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def _use(self) -> None:
        if self._database.replaced():
            self._database.disconnect()
        self._database.open()

    @contextmanager
    def _unreadable(self) -> Iterator[None]:
        """What Python's sqlite3 itself cannot read (text that is no UTF-8) it reports without a code."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) is not None:
                raise
            raise self._failures.damaged(str(error)) from error

    def _ensure_in_place(self) -> None:
        if self._database.replaced():
            raise IntegrityError(*self._failures.damaged().args[:2], technical="replaced while it was open")


class _StoredText(bytes):
    """Text as its bytes lie in the file."""


def _plain(value: object) -> str | int:
    if isinstance(value, str | int):
        return value
    if isinstance(value, _StoredText):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return f"(no text: {value.hex()})"
    return f"(bytes: {value.hex()})" if isinstance(value, bytes) else f"(number: {value})"


def _mark(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns) if found.st_size else None


@cache
def _expected() -> dict[tuple[str, str], str]:
    """The schema as the migrations make it."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection, Path(), LEDGER_MIGRATIONS)
        return {(kind, name): sql for kind, name, sql in connection.execute(_OBJECTS)}
    finally:
        connection.close()
