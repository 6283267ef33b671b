"""The vectors of passages, as an embedding model gave them: kept for one model at a time.

They follow from the passages and the model, so that whatever is wrong with them, they can be made again. Every method
raises what `Database` raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from desktop.storage.collection_contents import passage_range
from desktop.storage.database import Database

_AT_ONCE = 2000
_NUMBER_BYTES = 2


@dataclass(frozen=True)
class VectorRows:
    """Vectors in the order in which they were stored: ids of passages, and the bytes of all vectors, one behind the
    other, of so many numbers each (`length`). `last` is to be given to have those stored later, `more` says that there
    are some now."""

    passages: tuple[int, ...]
    vectors: bytes
    length: int
    last: int
    more: bool


class VectorStore:
    """The vectors in `database`. A model goes by a key: the same key, the same vectors of the same text."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_model(self, key: str) -> int | None:
        """The number of the model with this key, None where no vector of its was ever stored."""
        with self._database.read() as connection:
            row = connection.execute("SELECT number FROM vector_models WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def begin_model(self, key: str, length: int) -> int:
        """The number of the model with this key, whose vectors have so many numbers. Those of all others go."""
        with self._database.write(durable=False) as connection:
            connection.execute("DELETE FROM vector_models WHERE key != ? OR length != ?", (key, length))
            connection.execute("INSERT OR IGNORE INTO vector_models (key, length) VALUES (?, ?)", (key, length))
            (number,) = connection.execute("SELECT number FROM vector_models WHERE key = ?", (key,)).fetchone()
        return int(number)

    def add(self, model: int, vectors: Sequence[tuple[int, bytes]]) -> bool:
        """Store the vectors of passages, given by id; those of passages that are gone meanwhile are left out. False
        where the model is gone: another process began with another one."""
        with self._database.write(durable=False) as connection:
            if connection.execute("SELECT 1 FROM vector_models WHERE number = ?", (model,)).fetchone() is None:
                return False
            connection.executemany(
                "INSERT OR IGNORE INTO vectors (model, passage, vector) SELECT ?, id, ? FROM passages WHERE id = ?",
                [(model, vector, passage) for passage, vector in vectors],
            )
        return True

    def last_passage(self, model: int, collection: int) -> int:
        """The greatest id of a passage of the collection that has a vector, else the id before all of them."""
        first, last = passage_range(collection)
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT max(passage) FROM vectors WHERE model = ? AND passage BETWEEN ? AND ?", (model, first, last)
            ).fetchone()
        return first - 1 if row[0] is None else int(row[0])

    def is_complete(self, model: int | None, collection: int) -> bool:
        """Whether the newest passage of the collection has a vector, as all before it had their turn. Quick."""
        between = passage_range(collection)
        with self._database.read() as connection:
            (newest,) = connection.execute("SELECT max(id) FROM passages WHERE id BETWEEN ? AND ?", between).fetchone()
            row = connection.execute(
                "SELECT 1 FROM vectors WHERE model = ? AND passage = ?", (model, newest)
            ).fetchone()
        return row is not None

    def counts(self, model: int | None, collection: int) -> tuple[int, int]:
        """How many passages of the collection have a vector of the model, and how many there are."""
        between = passage_range(collection)
        with self._database.read() as connection:
            (passages,) = connection.execute(
                "SELECT count(*) FROM passages WHERE id BETWEEN ? AND ?", between
            ).fetchone()
            (vectors,) = connection.execute(
                "SELECT count(*) FROM vectors WHERE model = ? AND passage BETWEEN ? AND ?", (model, *between)
            ).fetchone()
        return int(vectors), int(passages)

    def count(self, model: int) -> int:
        """How many passages have a vector of the model."""
        with self._database.read() as connection:
            (vectors,) = connection.execute("SELECT count(*) FROM vectors WHERE model = ?", (model,)).fetchone()
        return int(vectors)

    def passages(self, model: int) -> list[int]:
        """The ids of the passages that have a vector of the model."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT passage FROM vectors WHERE model = ?", (model,)).fetchall()
        return [int(passage) for (passage,) in rows]

    def rows_after(self, model: int, last: int) -> VectorRows:
        """The next vectors of the model, after those up to `last` (0: the first ones)."""
        with self._database.read() as connection:
            found = connection.execute("SELECT length FROM vector_models WHERE number = ?", (model,)).fetchone()
            rows = connection.execute(
                "SELECT number, passage, vector FROM vectors WHERE model = ? AND number > ? ORDER BY number LIMIT ?",
                (model, last, _AT_ONCE),
            ).fetchall()
        length = int(found[0]) if found is not None else 0
        whole = [row for row in rows if len(row[2]) == _NUMBER_BYTES * length]  # whatever else was written there
        return VectorRows(
            tuple(row[1] for row in whole),
            b"".join(row[2] for row in whole),
            length,
            rows[-1][0] if rows else last,
            len(rows) == _AT_ONCE,
        )
