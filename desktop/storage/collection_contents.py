"""What was read of the files of collections: pages, passages, and the index of the passages' terms.

A content is written in several transactions, each short, as others wait for it; it counts when a file names it
(`CollectionFiles.note_read`). What no file names is taken out by `purge`: what a process left that was killed in the
middle, and what a changed file said before. Every method raises what `Database` raises.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.document_content import DocumentContent, DocumentPage, Passage
from desktop.errors import NotFoundError, StoppedError
from desktop.storage.collection_store import path_from_bytes
from desktop.storage.database import Database
from desktop.translation import tr

Analyze = Callable[[str], str]
"""The terms of a text with a blank between two, of letters and digits alone: always the same for the same text."""

_SHIFT = 32
_PASSAGES_AT_ONCE = 200
_MERGED_AT_ONCE = 500  # pages of 4 KiB
VISIBLE = "SELECT content FROM files WHERE left_out_at IS NULL AND state IN ('read', 'changed')"
"""A SELECT of the numbers of the contents that are found."""


@dataclass(frozen=True)
class StoredPassage:
    """A passage with where it stands: its file's path, name and sha256, and the page with its own label. `start` and
    `end` are characters of that page's text. `paged` says whether the format has pages."""

    id: int
    collection: int
    path: Path
    sha256: str
    page: int
    label: str
    paged: bool
    start: int
    end: int
    text: str


def passage_range(collection: int) -> tuple[int, int]:
    """The least and the greatest id that a passage of this collection can have."""
    return collection << _SHIFT, (collection + 1 << _SHIFT) - 1


class CollectionContents:
    """The contents of all collections in `database`. `analyze` makes the terms of its index, `version` says which
    ones: where another version made the index, it is made anew (`rebuild`)."""

    def __init__(self, database: Database, analyze: Analyze, version: str) -> None:
        self.database = database
        self._analyze = analyze
        self._version = version

    # --- written -------------------------------------------------------------------------------------------------

    def find(self, collection: int, sha256: str) -> int | None:
        """The number of what was read of a file with this hash, whole, None where nothing was."""
        with self.database.read() as connection:
            row = connection.execute(
                "SELECT number FROM contents WHERE collection = ? AND sha256 = ? AND complete", (collection, sha256)
            ).fetchone()
        return None if row is None else int(row[0])

    def has_size(self, collection: int, size: int) -> bool:
        """Whether a file of `size` bytes was read."""
        with self.database.read() as connection:
            row = connection.execute(
                "SELECT 1 FROM contents WHERE collection = ? AND size = ? AND complete LIMIT 1", (collection, size)
            ).fetchone()
        return row is not None

    def add(
        self,
        collection: int,
        content: DocumentContent,
        passages: Sequence[Passage],
        *,
        go_on: Callable[[], None] = lambda: None,
    ) -> int:
        """Store a content with its passages; its number. `go_on` is called after each of them, and may raise: what is
        stored then is purged later, as where the collection is erased meanwhile: StoppedError."""
        with self.database.write(durable=False) as connection:
            number = _insert_content(connection, collection, content, len(passages))
        name = self._analyze(content.name)
        for begin in range(0, max(len(passages), 1), _PASSAGES_AT_ONCE):
            part = passages[begin : begin + _PASSAGES_AT_ONCE]
            terms = []
            for each in part:
                terms.append(self._analyze(each.text))
                go_on()
            with self.database.write(durable=False) as connection:
                _insert_passages(connection, collection, number, part, terms, name)
        return number

    # --- read ----------------------------------------------------------------------------------------------------

    def content(self, number: int) -> DocumentContent:
        """What was read of a file. NotFoundError where it was purged meanwhile."""
        with self.database.read() as connection:
            row = connection.execute(
                "SELECT name, media_type, sha256, size, paged, notes FROM contents WHERE number = ?", (number,)
            ).fetchone()
            pages = connection.execute(
                "SELECT number, text, label FROM pages WHERE content = ? ORDER BY number", (number,)
            ).fetchall()
        if row is None:
            raise NotFoundError(
                tr("What was read of this file is no longer here."), "", tr("It is read again if it is still there.")
            )
        name, media_type, sha256, size, paged, notes = row
        return DocumentContent(
            name,
            media_type,
            sha256,
            size,
            tuple(DocumentPage(*page) for page in pages),
            bool(paged),
            tuple(json.loads(notes)),
        )

    def passages(self, ids: Sequence[int]) -> dict[int, StoredPassage]:
        """Those of these passages that can be found, by id: neither their file nor their collection is gone. Of files
        with the same bytes the first by path is named."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT passages.id, contents.collection,"
                " (SELECT min(path) FROM files WHERE content = contents.number AND left_out_at IS NULL"
                "  AND state IN ('read', 'changed')) AS shown,"
                " contents.sha256, passages.page, pages.label, contents.paged, passages.start, passages.end,"
                " substr(pages.text, passages.start + 1, passages.end - passages.start)"
                " FROM json_each(:ids) AS given JOIN passages ON passages.id = given.value"
                " JOIN contents ON contents.number = passages.content"
                " JOIN collections ON collections.number = contents.collection"
                " JOIN pages ON pages.content = contents.number AND pages.number = passages.page"
                " WHERE shown IS NOT NULL AND removed_at IS NULL",
                {"ids": json.dumps(list(ids))},
            ).fetchall()
        return {
            number: StoredPassage(number, a, path_from_bytes(b), c, page, label, bool(paged), start, end, text)
            for number, a, b, c, page, label, paged, start, end, text in rows
        }

    def passages_after(self, collection: int, after: int, limit: int) -> list[tuple[int, str]]:
        """The next passages of a collection by id, above `after`, with their texts: for an index of another kind that
        catches up. Ids grow with time, and none is used twice."""
        _, last = passage_range(collection)
        with self.database.read() as connection:
            return connection.execute(
                "SELECT passages.id, substr(pages.text, passages.start + 1, passages.end - passages.start)"
                " FROM passages JOIN pages ON pages.content = passages.content AND pages.number = passages.page"
                " WHERE passages.id > ? AND passages.id <= ? ORDER BY passages.id LIMIT ?",
                (after, last, limit),
            ).fetchall()

    # --- kept in order -------------------------------------------------------------------------------------------

    def rebuild(self) -> Iterator[int]:
        """Where the index was made with other terms than `analyze` makes now, make it anew, a part at each step; the
        passages of it. A process that goes on where another one ended begins behind what that one made."""
        while True:
            with self.database.write(durable=False) as connection:
                count = self._rebuild_some(connection)
            if count is None:
                return
            yield count

    def _rebuild_some(self, connection: sqlite3.Connection) -> int | None:
        facts = dict(connection.execute("SELECT name, value FROM facts"))
        if facts.get("analysis") == self._version:
            return None
        if facts.get("rebuilding") != self._version:
            connection.execute("INSERT INTO passage_terms (passage_terms) VALUES ('delete-all')")
            _set_fact(connection, "rebuilding", self._version)
            facts["rebuilt"] = "-1"
        rows = connection.execute(
            "SELECT passages.id, contents.name, substr(pages.text, passages.start + 1, passages.end - passages.start)"
            " FROM passages JOIN pages ON pages.content = passages.content AND pages.number = passages.page"
            " JOIN contents ON contents.number = passages.content"
            " WHERE passages.id > ? ORDER BY passages.id LIMIT ?",
            (int(facts["rebuilt"]), _PASSAGES_AT_ONCE),
        ).fetchall()
        connection.executemany(
            "INSERT INTO passage_terms (rowid, text, name) VALUES (?, ?, ?)",
            [(key, self._analyze(text), self._analyze(name)) for key, name, text in rows],
        )
        if rows:
            _set_fact(connection, "rebuilt", str(rows[-1][0]))
        else:
            _set_fact(connection, "analysis", self._version)
            connection.execute("DELETE FROM facts WHERE name IN ('rebuilding', 'rebuilt')")
        return len(rows)

    def purge(self) -> Iterator[int]:
        """Take out what no file names, a part at each step; the passages taken out. Nobody may add meanwhile.

        An index of other terms is made anew before: taking out what it does not hold would damage it.
        """
        yield from self.rebuild()
        after: int | None = 0
        while after is not None:
            with self.database.write(durable=False) as connection:
                count, after = self._purge_part(connection, after)
            if count:
                yield count
        with self.database.read() as connection:
            erased = connection.execute("SELECT 1 FROM facts WHERE name = 'erased'").fetchone()
        if erased:
            yield from self._drop_erased_terms()

    def _drop_erased_terms(self) -> Iterator[int]:
        """Have the index forget the terms of passages that were taken out: it only notes that these are gone until its
        pieces are merged into one."""
        pages = -_MERGED_AT_ONCE  # negative once: all pieces are to become one
        while True:
            with self.database.write(durable=False) as connection:
                before = connection.total_changes
                connection.execute("INSERT INTO passage_terms (passage_terms, rank) VALUES ('merge', ?)", (pages,))
                done = connection.total_changes - before < 2
                if done:
                    connection.execute("DELETE FROM facts WHERE name = 'erased'")
            if done:
                break
            pages = _MERGED_AT_ONCE
            yield 0
        self.database.truncate_wal()

    def _purge_part(self, connection: sqlite3.Connection, after: int) -> tuple[int, int | None]:
        """Take out about as many passages as are written at once; how many, and the number of the content to go on
        with, None where none is left."""
        count = 0
        while count < _PASSAGES_AT_ONCE:
            row = connection.execute(
                "SELECT number, name FROM contents WHERE number >= ?"
                " AND NOT EXISTS (SELECT 1 FROM files WHERE files.content = contents.number) ORDER BY number LIMIT 1",
                (after,),
            ).fetchone()
            if row is None:
                return count, None
            after = row[0]
            count += self._purge_some(connection, *row)
        return count, after

    def _purge_some(self, connection: sqlite3.Connection, number: int, name: str) -> int:
        rows = connection.execute(
            "SELECT passages.id, substr(pages.text, passages.start + 1, passages.end - passages.start)"
            " FROM passages JOIN pages ON pages.content = passages.content AND pages.number = passages.page"
            " WHERE passages.content = ? LIMIT ?",
            (number, _PASSAGES_AT_ONCE),
        ).fetchall()
        of_name = self._analyze(name)
        connection.executemany(
            "INSERT INTO passage_terms (passage_terms, rowid, text, name) VALUES ('delete', ?, ?, ?)",
            [(key, self._analyze(text), of_name) for key, text in rows],
        )
        connection.executemany("DELETE FROM passages WHERE id = ?", [(key,) for key, _ in rows])
        if len(rows) < _PASSAGES_AT_ONCE:
            connection.execute("DELETE FROM pages WHERE content = ?", (number,))
            connection.execute("DELETE FROM contents WHERE number = ?", (number,))
        return len(rows)


def _set_fact(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute(
        "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def _insert_content(connection: sqlite3.Connection, collection: int, content: DocumentContent, passages: int) -> int:
    number = connection.execute(
        "INSERT INTO contents (collection, sha256, size, name, media_type, paged, notes, pages, passages)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            collection,
            content.sha256,
            content.size,
            content.name,
            content.media_type,
            content.paged,
            json.dumps(content.notes),
            len(content.pages),
            passages,
        ),
    ).lastrowid
    connection.executemany(
        "INSERT INTO pages (content, number, label, text) VALUES (?, ?, ?, ?)",
        [(number, page.number, page.label, page.text) for page in content.pages],
    )
    assert number is not None
    return number


def _insert_passages(
    connection: sqlite3.Connection,
    collection: int,
    content: int,
    passages: Sequence[Passage],
    terms: Sequence[str],
    name: str,
) -> None:
    row = connection.execute(
        "UPDATE collections SET next_passage = next_passage + ? WHERE number = ? RETURNING next_passage - ?",
        (len(passages), collection, len(passages)),
    ).fetchone()
    if row is None:  # another process erased it
        raise StoppedError
    first = int(row[0]) + (collection << _SHIFT)
    connection.executemany(
        "INSERT INTO passages (id, content, page, start, end) VALUES (?, ?, ?, ?, ?)",
        [(first + at, content, each.page, each.start, each.end) for at, each in enumerate(passages)],
    )
    connection.executemany(
        "INSERT INTO passage_terms (rowid, text, name) VALUES (?, ?, ?)",
        [(first + at, each, name) for at, each in enumerate(terms)],
    )
