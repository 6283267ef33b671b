"""Collections of documents as they are kept: their names, what a person put into them, and the bin they are removed to.

The files of a collection are in `collection_files`, what was read of them in `collection_contents`. Every method raises
what `Database` raises.
"""

import os
import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.errors import NotFoundError, UserError
from desktop.safe_text import repair_surrogates, without_unseen
from desktop.storage.database import Database
from desktop.translation import tr

LONGEST_COLLECTION_NAME = 100
NOTE_ERASED = "INSERT INTO facts (name, value) VALUES ('erased', '') ON CONFLICT (name) DO NOTHING"
"""Has the next purge leave nothing in the file of what it takes out."""
_BLANKS = re.compile(r"\s+")
_COLUMNS = "number, name, created_at, watched, paused, removed_at"


class CollectionNameError(UserError):
    """A name that no collection can have: it is blank, too long, or another one has it."""


@dataclass(frozen=True)
class CollectionRecord:
    """A collection. `number` is its own as long as the file lives; times are in seconds since 1970."""

    number: int
    name: str
    created_at: float
    watched: bool
    paused: bool
    removed_at: float | None


@dataclass(frozen=True)
class CollectionSource:
    """A folder or file that a person put into a collection. `looked_at` is None where it is to be looked through;
    `skipped` counts the files in it that are of other kinds; `problem` says why it could not be looked through."""

    number: int
    collection: int
    path: Path
    folder: bool
    looked_at: float | None
    skipped: int
    problem: str


def clean_collection_name(name: str) -> str:
    """`name` as a collection has it, on one line. Raises CollectionNameError."""
    cleaned = unicodedata.normalize("NFC", _BLANKS.sub(" ", without_unseen(repair_surrogates(name)))).strip()
    if not cleaned:
        raise CollectionNameError(tr("A collection needs a name."), "", tr("Give it one that can be seen."))
    if len(cleaned) > LONGEST_COLLECTION_NAME:
        raise CollectionNameError(
            tr("The name is too long: collections have at most {count} characters in theirs.").format(
                count=LONGEST_COLLECTION_NAME
            ),
            "",
            tr("Choose a shorter one."),
        )
    return cleaned


def name_key(name: str) -> str:
    """What two names have in common that are the same for a person: capitals and blanks do not count."""
    plain = unicodedata.normalize("NFKC", _BLANKS.sub(" ", repair_surrogates(name)).strip())
    return unicodedata.normalize("NFKC", plain.casefold())


def path_bytes(path: Path) -> bytes:
    """A path as the system knows it, which need not be text."""
    return os.fsencode(path)


def path_from_bytes(data: bytes) -> Path:
    """The path that `path_bytes` made."""
    return Path(os.fsdecode(data))


class CollectionStore:
    """The collections in `database`, which is of DOCUMENTS_SCHEMA."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def collections(self) -> tuple[CollectionRecord, ...]:
        """Those that are not in the bin, by name."""
        return self._several("removed_at IS NULL")

    def removed(self) -> tuple[CollectionRecord, ...]:
        """Those in the bin, the last removed first."""
        found = self._several("removed_at IS NOT NULL")
        return tuple(sorted(found, key=lambda each: -(each.removed_at or 0.0)))

    def find(self, name: str) -> CollectionRecord:
        """The collection that is called `name`, or once was and no other is now. NotFoundError."""
        with self.database.read() as connection:
            return _find(connection, name)

    def find_removed(self, name: str) -> CollectionRecord:
        """The collection of this name that went into the bin last. NotFoundError."""
        with self.database.read() as connection:
            return _find_removed(connection, name)

    def create(self, name: str, now: float) -> CollectionRecord:
        """A new collection. Raises CollectionNameError."""
        cleaned = clean_collection_name(name)
        with self.database.write() as connection:
            _require_free(connection, cleaned)
            connection.execute(
                "INSERT INTO collections (name, key, created_at) VALUES (?, ?, ?)", (cleaned, name_key(cleaned), now)
            )
            return _find(connection, cleaned)

    def rename(self, old: str, new: str) -> CollectionRecord:
        """Give a collection another name; it is still found by the old one, as chats may name it. Raises NotFoundError
        and CollectionNameError."""
        cleaned = clean_collection_name(new)
        with self.database.write() as connection:
            record = _find(connection, old)
            _require_free(connection, cleaned, besides=record.number)
            connection.execute(
                "INSERT INTO former_names (key, collection) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET collection = excluded.collection",
                (name_key(record.name), record.number),
            )
            connection.execute(
                "UPDATE collections SET name = ?, key = ? WHERE number = ?",
                (cleaned, name_key(cleaned), record.number),
            )
            return _find(connection, cleaned)

    def remove(self, name: str, now: float) -> CollectionRecord:
        """Put a collection into the bin; it as it was. NotFoundError."""
        with self.database.write() as connection:
            record = _find(connection, name)
            connection.execute("UPDATE collections SET removed_at = ? WHERE number = ?", (now, record.number))
        return record

    def restore(self, name: str) -> CollectionRecord:
        """Bring back the collection of this name that was removed last. NotFoundError where none is in the bin,
        CollectionNameError where another one is called so by now."""
        with self.database.write() as connection:
            record = _find_removed(connection, name)
            _require_free(connection, record.name)
            connection.execute("UPDATE collections SET removed_at = NULL WHERE number = ?", (record.number,))
            return _find(connection, record.name)

    def erase(self, number: int) -> None:
        """Forget a collection that is in the bin, with its files. What was read of them is taken out of the index by
        `CollectionContents.purge`, and then nothing of it is left in the file."""
        with self.database.write() as connection:
            connection.execute("DELETE FROM collections WHERE number = ? AND removed_at IS NOT NULL", (number,))
            connection.execute(NOTE_ERASED)

    def set_paused(self, name: str, paused: bool) -> None:
        """NotFoundError."""
        self._set(name, "paused", paused)

    def set_watched(self, name: str, watched: bool) -> None:
        """NotFoundError."""
        self._set(name, "watched", watched)

    def _set(self, name: str, column: str, value: bool) -> None:
        with self.database.write() as connection:
            number = _find(connection, name).number
            connection.execute(f"UPDATE collections SET {column} = ? WHERE number = ?", (value, number))

    def _several(self, condition: str) -> tuple[CollectionRecord, ...]:
        with self.database.read() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM collections WHERE {condition} ORDER BY key").fetchall()
        return tuple(map(_record, rows))

    # --- what was put in -----------------------------------------------------------------------------------------

    def sources(self, collection: int | None = None) -> tuple[CollectionSource, ...]:
        """The folders and files of a collection, or of all that are not in the bin, in the order they were added."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT sources.number, collection, path, folder, looked_at, skipped, problem FROM sources"
                " JOIN collections ON collections.number = collection"
                " WHERE CASE WHEN :collection IS NULL THEN removed_at IS NULL ELSE collection = :collection END"
                " ORDER BY sources.number",
                {"collection": collection},
            ).fetchall()
        return tuple(CollectionSource(a, b, path_from_bytes(c), bool(d), e, f, g) for a, b, c, d, e, f, g in rows)

    def add_sources(self, collection: int, paths: Sequence[tuple[Path, bool]]) -> None:
        """Put folders (True) and files into a collection; they are to be looked through, also where they are in it."""
        rows = [(collection, path_bytes(path), folder) for path, folder in paths]
        with self.database.write() as connection:
            connection.executemany(
                "INSERT INTO sources (collection, path, folder) VALUES (?, ?, ?)"
                " ON CONFLICT (collection, path) DO UPDATE SET looked_at = NULL, folder = excluded.folder",
                rows,
            )

    def remove_source(self, source: int) -> None:
        """Take a folder or file out of its collection; what was read of it goes at the next look."""
        with self.database.write() as connection:
            connection.execute("DELETE FROM sources WHERE number = ?", (source,))

    def look_again(self, collections: Sequence[int]) -> None:
        """Have the folders and files of these collections looked through again."""
        with self.database.write(durable=False) as connection:
            connection.executemany(
                "UPDATE sources SET looked_at = NULL WHERE collection = ?", [(each,) for each in collections]
            )

    def mark_looked(self, source: int, at: float, skipped: int, problem: str = "") -> None:
        """A source was looked through."""
        with self.database.write(durable=False) as connection:
            connection.execute(
                "UPDATE sources SET looked_at = ?, skipped = ?, problem = ? WHERE number = ?",
                (at, skipped, problem, source),
            )


def _find_removed(connection: sqlite3.Connection, name: str) -> CollectionRecord:
    """The collection of this name that went into the bin last. NotFoundError."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM collections WHERE removed_at IS NOT NULL AND key = ? ORDER BY removed_at DESC LIMIT 1",
        (name_key(name),),
    ).fetchone()
    if row is None:
        raise NotFoundError(tr("There is no removed collection “{name}”.").format(name=name), "", tr("Check the name."))
    return _record(row)


def _find(connection: sqlite3.Connection, name: str) -> CollectionRecord:
    key = name_key(name)
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM collections WHERE removed_at IS NULL AND key = ?", (key,)
    ).fetchone()
    if row is None:
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM collections WHERE removed_at IS NULL"
            " AND number = (SELECT collection FROM former_names WHERE former_names.key = ?)",
            (key,),
        ).fetchone()
    if row is None:
        raise NotFoundError(
            tr("There is no collection “{name}”.").format(name=name),
            "",
            tr("“latchkey collections list” names those there are."),
        )
    return _record(row)


def _require_free(connection: sqlite3.Connection, name: str, besides: int = 0) -> None:
    taken = connection.execute(
        "SELECT 1 FROM collections WHERE key = ? AND removed_at IS NULL AND number <> ?", (name_key(name), besides)
    ).fetchone()
    if taken:
        raise CollectionNameError(
            tr("There is a collection “{name}” already.").format(name=name), "", tr("Choose another name.")
        )


def _record(row: tuple[int, str, float, int, int, float | None]) -> CollectionRecord:
    number, name, created_at, watched, paused, removed_at = row
    return CollectionRecord(number, name, created_at, bool(watched), bool(paused), removed_at)
