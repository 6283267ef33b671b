"""Numbered migrations to the present schema. A file that holds data is copied before the first migration; the newest
copies are kept."""

import filecmp
import logging
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from desktop.atomic_file import PART_PREFIX, PART_SUFFIX

_FOLDER = Path(__file__).with_name("migrations")
_LEDGER = Path(__file__).with_name("migrations_ledger")
_NETWORK = Path(__file__).with_name("migrations_network")
_DOCUMENTS = Path(__file__).with_name("migrations_documents")
KEPT_COPIES = 3
"""So many copies of one file stay beside it."""
_log = logging.getLogger(__name__)

MIGRATIONS: tuple[Path, ...] = (
    _FOLDER / "0001_conversations.sql",
    _FOLDER / "0002_context.sql",
    _FOLDER / "0003_order.sql",
    _FOLDER / "0004_origin.sql",
    _FOLDER / "0005_signs.sql",
)
"""The steps in order; the first leads to version 1. A step that was ever released is never changed again."""

LEDGER_MIGRATIONS: tuple[Path, ...] = (
    _LEDGER / "0001_ledger.sql",
    _LEDGER / "0002_segments.sql",
    _LEDGER / "0003_restored.sql",
)
"""The same for the ledger, which lives in a file of its own."""

NETWORK_MIGRATIONS: tuple[Path, ...] = (_NETWORK / "0001_requests.sql",)
"""The same for the log of requests, which anybody may delete without losing anything else."""

DOCUMENT_MIGRATIONS: tuple[Path, ...] = (
    _DOCUMENTS / "0001_collections.sql",
    _DOCUMENTS / "0002_vectors.sql",
)
"""The same for the collections of documents, in a file of their own as well."""


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Path]) -> None:
    """Bring the database to version `len(steps)`, each step whole or not at all.

    A database of version 1 or more is copied beside itself first. Raises sqlite3.Error and OSError; the database is
    then as it was before the step that failed.
    """
    version = schema_version(connection)
    if 0 < version < len(steps):
        _log.info(
            "database %s goes from version %d to %d; copy in %s",
            path,
            version,
            len(steps),
            _copy(connection, path, version),
        )
    while version < len(steps):
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = schema_version(connection)  # another process may have migrated it meanwhile
            if version < len(steps):
                for statement in _statements(steps[version].read_text(encoding="utf-8")):
                    connection.execute(statement)
                version += 1
                connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def schema_version(connection: sqlite3.Connection) -> int:
    """The schema's version; 0 where there is no schema yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _copy(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    """Copy the database beside itself; the copy. Where an attempt that was cut off left the same one, that is it."""
    descriptor, name = tempfile.mkstemp(prefix=PART_PREFIX, suffix=PART_SUFFIX, dir=path.parent)  # as private as itself
    os.close(descriptor)
    part = Path(name)
    try:
        connection.execute("VACUUM INTO ?", (name,))
        target, count = path.with_name(f"{path.stem}.version-{version}{path.suffix}"), 1
        while target.exists():
            if filecmp.cmp(part, target, shallow=False):
                return target
            count += 1
            target = path.with_name(f"{path.stem}.version-{version}-{count}{path.suffix}")
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    _remove_oldest_copies(path)
    return target


def _remove_oldest_copies(path: Path) -> None:
    """Leave the newest KEPT_COPIES of the copies that were made of the file at `path`. One that cannot be removed
    stays."""
    made = re.compile(rf"{re.escape(path.stem)}\.version-\d+(-\d+)?{re.escape(path.suffix)}")
    with suppress(OSError):
        copies = [each for each in path.parent.iterdir() if made.fullmatch(each.name) and each.is_file()]
        for each in sorted(copies, key=lambda copy: copy.stat().st_mtime_ns)[:-KEPT_COPIES]:
            each.unlink()


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
