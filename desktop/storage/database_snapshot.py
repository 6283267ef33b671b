"""A file of conversations that comes from elsewhere, out of a backup say: looked through, and brought up to date."""

import sqlite3
from contextlib import closing
from pathlib import Path

from desktop.errors import IntegrityError
from desktop.storage.database import CONVERSATIONS_SCHEMA, Database, inspect_header
from desktop.storage.database_errors import DatabaseErrors
from desktop.storage.migration import MIGRATIONS, migrate, schema_version
from desktop.storage.search_terms import add_functions

CONVERSATIONS_VERSION = len(MIGRATIONS)
"""The version of the schema that this Latchkey writes."""

_OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite@_%' ESCAPE '@'"
_INDEX_TABLES = (
    "title_words_",
    "message_words_",
    "message_bigrams_",
    "message_signs_",
)  # SQLite words their SQL as its version does


def prepare_snapshot(path: Path) -> None:
    """Bring the file at `path`, which is nobody else's, to the present version.

    Raises IntegrityError where it is damaged, holds anything that Latchkey did not make, or is newer (and is then left
    as it is); ResourceError where there is no room.
    """
    failures = DatabaseErrors(path, CONVERSATIONS_SCHEMA.wording)
    if not inspect_header(failures, CONVERSATIONS_SCHEMA.application_id, CONVERSATIONS_VERSION):
        raise failures.damaged("an empty file")
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            version = schema_version(connection)
            if not 0 < version <= CONVERSATIONS_VERSION or _objects(connection) != _expected(version):
                raise failures.damaged("tables or triggers that Latchkey did not make")
            add_functions(connection)
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
            if found != ["ok"]:
                raise failures.damaged(found[0])
    except sqlite3.Error as error:
        known = failures.from_sqlite(error)
        if known is None:
            raise failures.damaged(str(error)) from error
        raise known from error
    database = Database(path)
    try:
        database.open()
    finally:
        database.close()


def count_conversations(path: Path) -> tuple[int, int, int]:
    """How many conversations, messages and folders a sound file of the present version holds. IntegrityError."""
    failures = DatabaseErrors(path, CONVERSATIONS_SCHEMA.wording)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            conversations, messages, folders = (
                int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
                for table in ("conversations", "messages", "folders")
            )
    except sqlite3.Error as error:
        known = failures.from_sqlite(error)
        if not isinstance(known, IntegrityError):
            raise
        raise known from error
    return conversations, messages, folders


def _objects(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """What there is by kind and name; the SQL of all that could act: of tables the name alone."""
    return {
        (kind, name): sql if kind != "table" else ""
        for kind, name, sql in connection.execute(_OBJECTS)
        if kind != "table" or not name.startswith(_INDEX_TABLES)
    }


def _expected(version: int) -> dict[tuple[str, str], str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        add_functions(connection)
        migrate(connection, Path(), MIGRATIONS[:version])
        return _objects(connection)
