"""A database of conversations in the memory of this process: nothing of it reaches the disk."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from desktop.errors import NotFoundError
from desktop.storage.database import CONVERSATIONS_SCHEMA, Database
from desktop.storage.migration import MIGRATIONS, migrate
from desktop.storage.search_terms import add_functions
from desktop.translation import tr

_MEMORY = Path(":memory:")


class MemoryDatabase(Database):
    """For any number of threads of this process, one at a time. `close` forgets everything; what is asked for later
    raises NotFoundError."""

    def __init__(self, *, migrations: Sequence[Path] = MIGRATIONS) -> None:
        super().__init__(_MEMORY, CONVERSATIONS_SCHEMA, migrations=migrations)
        self._turn = threading.RLock()
        self._held: sqlite3.Connection | None = None
        self._forgotten = False

    def disconnect(self) -> None:
        """Nothing: with its connection it would be gone."""

    def close(self) -> None:
        """Forget everything. Any thread may call this; what is under way is finished first."""
        with self._turn:
            self._forgotten = True
            if self._held is not None:
                self._held.close()
                self._held = None

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            if self._held is None:
                self._held = self._made()
            yield self._held

    def _made(self) -> sqlite3.Connection:
        if self._forgotten:
            raise NotFoundError(tr("This temporary chat is over."), tr("Nothing of it is kept."))
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        add_functions(connection)
        # What SQLite sorts or sets aside goes to files of its own otherwise.
        for pragma in ("temp_store = MEMORY", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        migrate(connection, _MEMORY, self._migrations)
        return connection
