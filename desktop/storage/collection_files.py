"""The files of collections: which there are, how each stands, and which one is read next."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from desktop.errors import NotFoundError, UserError
from desktop.file_stamp import FileStamp
from desktop.storage.collection_store import NOTE_ERASED, path_bytes, path_from_bytes
from desktop.storage.database import Database
from desktop.translation import tr

StoredFileState = Literal["waiting", "read", "changed", "encrypted", "unreadable", "missing"]

_COLUMNS = (
    "files.number, files.collection, files.path, files.size, files.stamp, files.state, files.error, files.read_at,"
    " files.left_out_at, files.content, coalesce(contents.pages * contents.paged, 0)"
)
_FROM = "FROM files LEFT JOIN contents ON contents.number = files.content"
_FILES_AT_ONCE = 2000
_READ_NEXT = 100
_TO_READ = "files.state IN ('waiting', 'changed') AND files.left_out_at IS NULL"


@dataclass(frozen=True)
class FileRecord:
    """A file of a collection. `stamp` is the file's as it was read or last seen, None where that is not known;
    `content` is the number of what was read of it, None where nothing was."""

    number: int
    collection: int
    path: Path
    size: int
    stamp: FileStamp | None
    state: StoredFileState
    error: UserError | None
    read_at: float | None
    left_out_at: float | None
    content: int | None
    pages: int


@dataclass(frozen=True)
class CollectionCount:
    """How much is in a collection. `waiting` files are to be read, of `waiting_bytes`; `unread` ones are encrypted,
    unreadable or missing. Files that are left out do not count."""

    files: int = 0
    pages: int = 0
    passages: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    read_bytes: int = 0
    unread: int = 0


class CollectionFiles:
    """The files of all collections in `database`. Every method raises what `Database` raises."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def files(self, collection: int) -> tuple[FileRecord, ...]:
        """All of a collection, by path."""
        with self.database.read() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} {_FROM} WHERE files.collection = ? ORDER BY files.path", (collection,)
            ).fetchall()
        return tuple(map(_file, rows))

    def file(self, collection: int, number: int) -> FileRecord:
        """One of a collection. NotFoundError."""
        with self.database.read() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} {_FROM} WHERE files.number = ? AND files.collection = ?", (number, collection)
            ).fetchone()
        if row is None:
            raise NotFoundError(tr("The collection has no such file."), "", tr("It may have been taken out meanwhile."))
        return _file(row)

    def next_to_read(self, collections: Sequence[int] | None = None) -> tuple[FileRecord, ...]:
        """Some files that are read next, of these collections or of all, but for those that are paused or removed:
        small ones first, so that much can be found soon. None where there is nothing to read."""
        with self.database.read() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} {_FROM} JOIN collections ON collections.number = files.collection"
                f" WHERE {_TO_READ} AND removed_at IS NULL AND NOT paused"
                " AND (:given IS NULL OR files.collection IN (SELECT value FROM json_each(:given)))"
                " ORDER BY files.size, files.number LIMIT :limit",
                {"given": None if collections is None else json.dumps(list(collections)), "limit": _READ_NEXT},
            ).fetchall()
        return tuple(map(_file, rows))

    def is_wanted(self, number: int) -> bool:
        """Whether a file is still to be read."""
        with self.database.read() as connection:
            row = connection.execute(
                "SELECT 1 FROM files JOIN collections ON collections.number = files.collection"
                f" WHERE files.number = ? AND {_TO_READ} AND removed_at IS NULL AND NOT paused",
                (number,),
            ).fetchone()
        return row is not None

    def counts(self) -> dict[int, CollectionCount]:
        """How much is in each collection that has files, by its number."""
        with self.database.read() as connection:
            files = connection.execute(
                "SELECT collection, count(*),"
                " sum(state IN ('waiting', 'changed')),"
                " sum(CASE WHEN state IN ('waiting', 'changed') THEN size ELSE 0 END),"
                " sum(CASE WHEN state = 'read' THEN size ELSE 0 END),"
                " sum(state IN ('encrypted', 'unreadable', 'missing'))"
                " FROM files WHERE left_out_at IS NULL GROUP BY collection"
            ).fetchall()
            contents = connection.execute(
                "SELECT collection, sum(pages * paged), sum(passages) FROM contents WHERE number IN"
                " (SELECT content FROM files WHERE left_out_at IS NULL AND state <> 'missing') GROUP BY collection"
            ).fetchall()
        read = {collection: (pages, passages) for collection, pages, passages in contents}
        return {
            collection: CollectionCount(
                count, *read.get(collection, (0, 0)), waiting, waiting_bytes, read_bytes, unread
            )
            for collection, count, waiting, waiting_bytes, read_bytes, unread in files
        }

    def forget_before(self, before: float) -> None:
        """Forget what was read of files that are left out or missing since then; taken back, they are read again."""
        with self.database.write(durable=False) as connection:
            connection.execute(
                "UPDATE files SET content = NULL, read_at = NULL,"
                " state = CASE state WHEN 'missing' THEN state ELSE 'waiting' END"
                " WHERE content IS NOT NULL"
                " AND (left_out_at < :before OR (state = 'missing' AND missing_at < :before))",
                {"before": before},
            )

    def note_seen(self, collection: int, seen: Iterable[tuple[Path, FileStamp]]) -> int:
        """Files that a look through a collection's folders found: new ones are to be read, changed ones again, missing
        ones are back. How many are to be read because of it; none where the collection is gone."""
        due, rest = 0, iter(seen)
        while some := list(islice(rest, _FILES_AT_ONCE)):
            with self.database.write(durable=False) as connection:
                if not connection.execute("SELECT 1 FROM collections WHERE number = ?", (collection,)).fetchone():
                    return due
                due += sum(_note_seen(connection, collection, path, stamp) for path, stamp in some)
        return due

    def note_missing(self, numbers: Sequence[int], at: float) -> None:
        """Files that are no longer there. What was read of them is kept for a while, and not found."""
        with self.database.write(durable=False) as connection:
            connection.executemany(
                "UPDATE files SET state = 'missing', missing_at = ? WHERE number = ? AND state <> 'missing'",
                [(at, number) for number in numbers],
            )

    def note_unread(self, number: int, state: Literal["encrypted", "unreadable"], error: UserError) -> None:
        """A file that could not be read, and why. What was read of it before is forgotten: it holds no more."""
        words = json.dumps([error.title, error.detail, error.remedy])
        with self.database.write(durable=False) as connection:
            connection.execute(
                "UPDATE files SET state = ?, error = ?, content = NULL WHERE number = ?", (state, words, number)
            )

    def note_read(self, number: int, content: int, stamp: FileStamp, at: float) -> None:
        """A file was read as it was at `stamp`: `content` is what it says."""
        with self.database.write(durable=False) as connection:
            connection.execute("UPDATE contents SET complete = 1 WHERE number = ?", (content,))
            connection.execute(
                "UPDATE files SET state = 'read', error = '', content = ?, stamp = ?, size = ?, read_at = ?,"
                " missing_at = NULL WHERE number = ?",
                (content, _stamp_json(stamp), stamp.size, at, number),
            )

    def read_again(self, number: int) -> None:
        """Have a file read again."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE files SET state = CASE WHEN content IS NULL THEN 'waiting' ELSE 'changed' END, error = ''"
                " WHERE number = ?",
                (number,),
            )

    def retry_unreadable(self, collection: int) -> None:
        """Have the files of a collection that could not be read tried again."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE files SET state = 'waiting', error = '' WHERE collection = ? AND state = 'unreadable'",
                (collection,),
            )

    def leave_out(self, number: int, at: float | None) -> None:
        """Leave a file out of its collection since `at`, or with None take it back."""
        with self.database.write() as connection:
            connection.execute("UPDATE files SET left_out_at = ? WHERE number = ?", (at, number))

    def leave_unread_out(self, collection: int, at: float) -> int:
        """Leave out the files of a collection that were never read and wait for their turn; how many."""
        with self.database.write() as connection:
            return connection.execute(
                "UPDATE files SET left_out_at = ? WHERE collection = ? AND state = 'waiting' AND content IS NULL"
                " AND left_out_at IS NULL",
                (at, collection),
            ).rowcount

    def forget_within(self, collection: int, taken_out: Sequence[Path], kept: Sequence[Path]) -> None:
        """Forget the files of folders that were taken out of a collection, but for those in folders that are `kept`."""
        gone = [
            (each.number,)
            for each in self.files(collection)
            if _lies_in(each.path, taken_out) and not _lies_in(each.path, kept)
        ]
        with self.database.write(durable=False) as connection:
            connection.executemany("DELETE FROM files WHERE number = ?", gone)
            connection.execute(NOTE_ERASED)


def _note_seen(connection: sqlite3.Connection, collection: int, path: Path, stamp: FileStamp) -> int:
    key, words = path_bytes(path), _stamp_json(stamp)
    row = connection.execute(
        "SELECT number, state, stamp, content FROM files WHERE collection = ? AND path = ?", (collection, key)
    ).fetchone()
    if row is None:
        connection.execute(
            "INSERT INTO files (collection, path, size, stamp, state) VALUES (?, ?, ?, ?, 'waiting')",
            (collection, key, stamp.size, words),
        )
        return 1
    number, state, known, content = row
    if state == "missing" and known == words and content is not None:
        connection.execute("UPDATE files SET state = 'read', missing_at = NULL WHERE number = ?", (number,))
        return 0
    if known == words and state != "missing":
        return 0
    connection.execute(
        "UPDATE files SET state = ?, stamp = ?, size = ?, missing_at = NULL, error = '' WHERE number = ?",
        ("waiting" if content is None else "changed", words, stamp.size, number),
    )
    return 1


def _lies_in(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _stamp_json(stamp: FileStamp) -> str:
    return msgspec.json.encode(stamp).decode("ascii")


def _file(
    row: tuple[int, int, bytes, int, str, StoredFileState, str, float | None, float | None, int | None, int],
) -> FileRecord:
    number, collection, path, size, stamp, state, error, read_at, left_out_at, content, pages = row
    return FileRecord(
        number,
        collection,
        path_from_bytes(path),
        size,
        msgspec.json.decode(stamp, type=FileStamp) if stamp else None,
        state,
        UserError(*json.loads(error)) if error else None,
        read_at,
        left_out_at,
        content,
        pages,
    )
