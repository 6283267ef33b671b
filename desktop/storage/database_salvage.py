"""Brings over what can be read of a damaged file of conversations.

Works on a copy. Tables are walked by row number, around pages that cannot be read; where the file's header is gone, it
is written anew on the copy. What is found is raw: `merge_conversations` judges it.
"""

import shutil
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.errors import IntegrityError
from desktop.storage.conversation_merge import READABLE_TEXT
from desktop.storage.conversation_rows import CONVERSATION_COLUMNS, MESSAGE_COLUMNS
from desktop.storage.database import APPLICATION_ID, CONVERSATIONS_SCHEMA, Database
from desktop.storage.database_errors import DatabaseErrors
from desktop.storage.folder_store import FOLDER_COLUMNS
from desktop.storage.search_terms import add_functions
from desktop.translation import tr

_HEADER_BYTES = 100
_PAGE_BYTES = 4096
"""What SQLite takes where nobody says anything, and Latchkey never did."""
_MOST_PROBES = 200_000
_LARGEST_NUMBER = (1 << 62) - 1
# What a column holds where an older version had none, or where it could not be read.
_DEFAULTS: dict[str, Any] = {
    "title": "", "title_by": "", "created_at": 0.0, "updated_at": 0.0, "system_prompt": "", "pinned": 0, "edited": 0,
    "error": "", "status": "stopped", "name": "", "position": 0, "folded": 0,
}  # fmt: skip


@dataclass
class SalvageCount:
    """What was read: rows by table, and how many rows are known to be there and could not be read, whole or in part."""

    conversations: int = 0
    messages: int = 0
    folders: int = 0
    lost: int = 0
    cut: int = 0
    headless: int = 0
    """Conversations of which only messages were found: they are called “Recovered”."""


def salvage_database(damaged: Path, target: Path) -> SalvageCount:
    """Write what can be read of the file at `damaged`, which is only read, to a new one at `target`, which must not
    exist; how much that was. `target` has a copy beside it for the time of it.

    Raises IntegrityError where nothing could be read at all, NotFoundError, ResourceError.
    """
    failures = DatabaseErrors(damaged, CONVERSATIONS_SCHEMA.wording)
    copy = target.with_name(f"{target.name}.copy")
    try:
        _copy(damaged, copy)
        with closing(_open(copy)) as source:
            return _Salvage(source, target).run()
    except OSError as error:
        raise failures.from_system(error) from error
    except sqlite3.DatabaseError as error:
        raise failures.damaged(str(error)) from error
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                copy.with_name(copy.name + suffix).unlink()


def is_open_elsewhere(path: Path) -> bool:
    """Whether a connection holds the file at `path`, of this process or another. What cannot be asked is not open."""
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # of a WAL too this takes the lock of the whole file
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    except sqlite3.DatabaseError:
        return False
    return False


def _copy(damaged: Path, copy: Path) -> None:
    for suffix in ("", "-wal", "-journal"):
        source = damaged.with_name(damaged.name + suffix)
        if suffix and not source.is_file():
            continue
        target = copy.with_name(copy.name + suffix)
        target.touch(mode=0o600)
        shutil.copyfile(source, target)
    with copy.open("r+b") as file:
        head = file.read(_HEADER_BYTES)
        if len(head) < _HEADER_BYTES or not head.startswith(b"SQLite format 3\x00"):
            made = _header(file.seek(0, 2))
            file.seek(0)
            file.write(made)


def _header(size: int) -> bytes:
    """A header for a file of `size` bytes that has lost its own (https://sqlite.org/fileformat.html)."""
    head = bytearray(_HEADER_BYTES)
    head[:16] = b"SQLite format 3\x00"
    struct.pack_into(">HBBBBBB", head, 16, _PAGE_BYTES, 1, 1, 0, 64, 32, 32)
    struct.pack_into(">II", head, 24, 1, max(1, size // _PAGE_BYTES))
    struct.pack_into(">IIIIII", head, 40, 1, 4, 0, 0, 1, 0)
    struct.pack_into(">I", head, 68, APPLICATION_ID)
    return bytes(head)


def _open(copy: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(copy, isolation_level=None)
    connection.text_factory = READABLE_TEXT
    # With a writable schema SQLite goes on where a line of it cannot be read, an index among them.
    for pragma in ("writable_schema = ON", "cell_size_check = ON"):
        with suppress(sqlite3.Error):
            connection.execute(f"PRAGMA {pragma}")
    add_functions(connection)
    return connection


class _Salvage:
    def __init__(self, source: sqlite3.Connection, target: Path) -> None:
        self._source, self._target = source, target
        self.count = SalvageCount()

    def run(self) -> SalvageCount:
        if not self._columns("messages", MESSAGE_COLUMNS) and not self._columns("conversations", CONVERSATION_COLUMNS):
            raise IntegrityError(
                tr("Nothing of the conversations could be read: the list of tables in their file is gone."),
                tr("The file was left exactly as it is."),
                tr("Restore a backup: “latchkey restore FILE”."),
            )
        database = Database(self._target)
        try:
            with database.write(durable=False) as connection:
                # Rows come as they are found: a message before the conversation that it belongs to.
                connection.execute("PRAGMA defer_foreign_keys = ON")
                self._fill(connection)
        finally:
            database.close()
        return self.count

    def _fill(self, connection: sqlite3.Connection) -> None:
        count = self.count
        for table, columns in (("folders", FOLDER_COLUMNS), ("conversations", CONVERSATION_COLUMNS)):
            setattr(count, table, self._bring(connection, table, columns))
        count.messages = self._bring(connection, "messages", MESSAGE_COLUMNS)
        for row in self._tags():
            connection.execute(
                "INSERT OR IGNORE INTO tags SELECT ?, ? WHERE ? IN (SELECT id FROM conversations)", (*row, row[0])
            )
        heads = connection.execute(
            "INSERT INTO conversations (id, title, title_by, created_at, updated_at, system_prompt, pinned) "
            "SELECT conversation_id, ?, 'person', min(created_at), max(created_at), '', 0 FROM messages "
            "WHERE conversation_id NOT IN (SELECT id FROM conversations) GROUP BY conversation_id",
            (tr("Recovered"),),
        )
        count.headless = heads.rowcount
        # Whose place is gone finds one when it is merged.
        connection.execute(
            "UPDATE messages SET parent_id = 'gone' WHERE parent_id IS NOT NULL AND parent_id NOT IN "
            "(SELECT id FROM messages)"
        )
        connection.execute("UPDATE conversations SET folder_id = NULL WHERE folder_id NOT IN (SELECT id FROM folders)")
        self._relink(connection)

    def _relink(self, connection: sqlite3.Connection) -> None:
        """A message whose parent is lost follows the one written before it in its conversation."""
        connection.execute(
            "UPDATE messages SET parent_id = (SELECT id FROM messages AS before WHERE before.conversation_id = "
            "messages.conversation_id AND before.number < messages.number ORDER BY number DESC LIMIT 1) "
            "WHERE parent_id = 'gone'"
        )

    def _bring(self, connection: sqlite3.Connection, table: str, wanted: str) -> int:
        columns = self._columns(table, wanted)
        if not columns:
            return 0
        names = ", ".join(wanted.split(", "))
        insert = (
            f"INSERT OR IGNORE INTO {table} (number, {names}) VALUES (?, {', '.join('?' * len(wanted.split(', ')))})"
        )
        done = 0
        for number, values in self._rows(table, columns):
            row = [values.get(name, _DEFAULTS.get(name)) for name in wanted.split(", ")]
            try:
                found = connection.execute(insert, (number, *row)).rowcount
            except sqlite3.Error:  # a trigger may refuse a text that is none
                found = 0
            done += found
            self.count.lost += not found
        return done

    def _columns(self, table: str, wanted: str) -> list[str]:
        """Those of the `wanted` columns that this file has; none where the table is gone."""
        with suppress(sqlite3.DatabaseError):
            found = {row[1] for row in self._source.execute(f"PRAGMA table_info({table})")}
            return [name for name in wanted.split(", ") if name in found]
        return []

    def _tags(self) -> Iterator[tuple[Any, ...]]:
        with suppress(sqlite3.DatabaseError):
            yield from self._source.execute("SELECT conversation_id, tag FROM tags")

    # --- rows around what cannot be read ----------------------------------------------------------------------------

    def _rows(self, table: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row that can be read, in the order of their numbers."""
        names = ", ".join(columns)
        at = 0  # SQLite numbers rows from 1
        while True:
            try:
                query = f"SELECT number, {names} FROM {table} WHERE number > ? ORDER BY number"
                for number, *values in self._source.execute(query, (at,)):
                    at = number
                    yield number, dict(zip(columns, values, strict=True))
                return
            except sqlite3.DatabaseError:
                pass
            after = self._next_readable(table, at)
            last = at + _MOST_PROBES if after is None else min(after - 1, at + _MOST_PROBES)
            for number in range(at + 1, (last if after is not None else self._highest(table, at)) + 1):
                if (found := self._row(table, columns, number)) is not None:
                    yield number, found
            if after is None:
                return
            at = after - 1

    def _next_readable(self, table: str, at: int) -> int | None:
        """The lowest number behind the gap after `at` from which rows can be read again; None where there is none."""
        step, low = 1, at
        while at + step <= _LARGEST_NUMBER:
            found = self._number_after(table, at + step)
            if found is not None:
                break
            low, step = at + step, step * 2
        else:
            return None
        if found < 0:  # nothing lies there: the end may be nearer, or what is before it unreadable
            found = None
        high = at + step
        while high - low > 1:
            middle = (low + high) // 2
            nearer = self._number_after(table, middle)
            if nearer is None:
                low = middle
            else:
                high, found = middle, nearer if nearer >= 0 else found
        return found

    def _number_after(self, table: str, number: int) -> int | None:
        """The first number above `number`, −1 where there is none, None where that cannot be read."""
        with suppress(sqlite3.DatabaseError):
            row = self._source.execute(
                f"SELECT number FROM {table} WHERE number > ? ORDER BY number LIMIT 1", (number,)
            ).fetchone()
            return -1 if row is None else int(row[0])
        return None

    def _highest(self, table: str, at: int) -> int:
        """The highest number that is known of, by the table or one of its indexes."""
        highest = at
        queries = [f"SELECT max(number) FROM {table}"]
        with suppress(sqlite3.DatabaseError):
            indexes = self._source.execute(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND name NOT LIKE 'sqlite%' "
                "AND sql NOT LIKE '%WHERE%'",
                (table,),
            )
            queries += [f"SELECT max(number) FROM {table} INDEXED BY {name}" for (name,) in indexes.fetchall()]
        for query in queries:
            with suppress(sqlite3.DatabaseError):
                highest = max(highest, int(self._source.execute(query).fetchone()[0] or at))
        return min(highest, at + _MOST_PROBES)

    def _row(self, table: str, columns: Sequence[str], number: int) -> dict[str, Any] | None:
        """One row; of one that can be read in part, what can. None where there is none with this number."""
        with suppress(sqlite3.DatabaseError):
            row = self._source.execute(
                f"SELECT {', '.join(columns)} FROM {table} WHERE number = ?", (number,)
            ).fetchone()
            return None if row is None else dict(zip(columns, row, strict=True))
        found: dict[str, Any] = {}
        for name in columns:
            with suppress(sqlite3.DatabaseError):
                row = self._source.execute(f"SELECT {name} FROM {table} WHERE number = ?", (number,)).fetchone()
                if row is not None:
                    found[name] = row[0]
        if not found.get("id"):
            self.count.lost += 1
            return None
        self.count.cut += 1
        if "text" in columns and "text" not in found:
            found |= {"text": tr("(This could not be read: the file was damaged here.)"), "parts": None}
        return found
