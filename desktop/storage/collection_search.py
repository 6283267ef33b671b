"""Passages by the terms they hold: SQLite's full-text index (FTS5) with its BM25, on the disk for collections and in
memory for a file that is attached.

Nothing of a question reaches FTS5 but terms in quotation marks: none of its operators does.
"""

import json
import sqlite3
import threading
from collections.abc import Sequence

from desktop.storage.collection_contents import VISIBLE, passage_range
from desktop.storage.database import Database

_MOST_TERMS = 64
_NAME_WEIGHT = 0.5
_COMMON = 0.25
_FEW = 200


class PassageIndex:
    """The index over all collections in `database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, collections: Sequence[int], terms: Sequence[str], limit: int) -> list[tuple[int, float]]:
        """The passages of these collections that hold any of `terms`, the best first: id and BM25, which is higher for
        better ones. Raises what `Database` raises."""
        with self._database.read() as connection:
            total = connection.execute("SELECT count(*) FROM passages").fetchone()[0]
            match = _match(connection, "passage_vocabulary", terms, total)
            if not match or not collections:
                return []
            visible = {content for (content,) in connection.execute(VISIBLE)}
            found: list[tuple[int, float]] = []
            for collection in collections:
                found += _best(connection, collection, match, visible, limit)
        found.sort(key=lambda each: -each[1])
        return found[:limit]


class MemoryPassageIndex:
    """An index in the memory of this process. `terms` are those of each passage, which is found by its place in them.
    For one thread at a time; `close` forgets it."""

    def __init__(self, terms: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._total = len(terms)
        self._connection.execute("PRAGMA temp_store = MEMORY")
        self._connection.execute("CREATE VIRTUAL TABLE terms USING fts5 (text, content = '', tokenize = 'ascii')")
        self._connection.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab ('terms', 'row')")
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO terms (rowid, text) VALUES (?, ?)", list(enumerate(terms)))
        self._connection.execute("COMMIT")

    def search(self, terms: Sequence[str], limit: int) -> list[tuple[int, float]]:
        """The passages that hold any of `terms`, the best first: place and BM25."""
        with self._lock:
            match = _match(self._connection, "vocabulary", terms, self._total)
            if not match:
                return []
            rows = self._connection.execute(
                "SELECT rowid, -rank FROM terms WHERE terms MATCH ? ORDER BY rank, rowid LIMIT ?", (match, limit)
            )
            return rows.fetchall()

    def close(self) -> None:
        self._connection.close()


def _match(connection: sqlite3.Connection, vocabulary: str, terms: Sequence[str], total: int) -> str:
    """What FTS5 is to look for: those of `terms` that it has, the rarest. Terms that a quarter of all passages have
    tell little and cost most: they count only where there is nothing else."""
    wanted = list(dict.fromkeys(terms))
    rows = connection.execute(
        f"SELECT term, doc FROM {vocabulary} JOIN json_each(?) AS given ON term = given.value",
        (json.dumps(wanted),),
    ).fetchall()
    rows.sort(key=lambda row: (row[1], row[0]))
    rare = [row for row in rows if row[1] <= max(total * _COMMON, _FEW)]
    return " OR ".join('"' + term.replace('"', '""') + '"' for term, _ in (rare or rows[:2])[:_MOST_TERMS])


def _best(
    connection: sqlite3.Connection, collection: int, match: str, visible: set[int], limit: int
) -> list[tuple[int, float]]:
    least, greatest = passage_range(collection)
    rows = connection.execute(
        f"SELECT rowid, -bm25(passage_terms, 1.0, {_NAME_WEIGHT}) AS score FROM passage_terms"
        " WHERE passage_terms MATCH ? AND rowid BETWEEN ? AND ? ORDER BY score DESC, rowid",
        (match, least, greatest),
    )
    best: list[tuple[int, float]] = []
    while len(best) < limit and (some := rows.fetchmany(limit)):
        ids = json.dumps([key for key, _ in some])
        contents = dict(
            connection.execute("SELECT id, content FROM passages WHERE id IN (SELECT value FROM json_each(?))", (ids,))
        )
        best += [(key, score) for key, score in some if contents.get(key) in visible]
    return best[:limit]
