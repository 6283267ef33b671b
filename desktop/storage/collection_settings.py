"""What a person decided about collections, without what was read of their files: it goes into backups, and from there
the index is made again.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from desktop.storage.collection_store import (
    CollectionNameError,
    clean_collection_name,
    name_key,
    path_bytes,
    path_from_bytes,
)
from desktop.storage.database import Database


class SourceSetting(msgspec.Struct, frozen=True):
    """A folder, or a file, that was put into a collection."""

    path: str
    folder: bool


class CollectionSettings(msgspec.Struct, frozen=True):
    """A collection. `left_out` are the paths of files in it that were left out. A path that is no text has escapes in
    it, and leads nowhere when it is restored."""

    name: str
    created_at: float
    watched: bool = False
    paused: bool = False
    sources: tuple[SourceSetting, ...] = ()
    left_out: tuple[str, ...] = ()


def read_collection_settings(database: Database) -> tuple[CollectionSettings, ...]:
    """All collections that are not in the bin. Raises what `Database` raises."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT number, name, created_at, watched, paused FROM collections WHERE removed_at IS NULL ORDER BY number"
        ).fetchall()
        return tuple(
            CollectionSettings(name, created_at, bool(watched), bool(paused), *_paths(connection, number))
            for number, name, created_at, watched, paused in rows
        )


def restore_collection_settings(database: Database, settings: Sequence[CollectionSettings], now: float) -> int:
    """Make the collections that are not here, and put into those of the same name what they lack; how many were made or
    got something. What has no usable name or path is passed over. Raises what `Database` raises."""
    with database.write() as connection:
        return sum(_restore(connection, each, now) for each in settings)


def _paths(connection: sqlite3.Connection, number: int) -> tuple[tuple[SourceSetting, ...], tuple[str, ...]]:
    sources = connection.execute("SELECT path, folder FROM sources WHERE collection = ? ORDER BY number", (number,))
    left_out = connection.execute(
        "SELECT path FROM files WHERE collection = ? AND left_out_at IS NOT NULL ORDER BY path", (number,)
    )
    return (
        tuple(SourceSetting(_text(path), bool(folder)) for path, folder in sources),
        tuple(_text(path) for (path,) in left_out),
    )


def _text(path: bytes) -> str:
    return str(path_from_bytes(path)).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _restore(connection: sqlite3.Connection, settings: CollectionSettings, now: float) -> bool:
    try:
        name = clean_collection_name(settings.name)
    except CollectionNameError:
        return False
    row = connection.execute(
        "SELECT number FROM collections WHERE key = ? AND removed_at IS NULL", (name_key(name),)
    ).fetchone()
    if row is None:
        number = connection.execute(
            "INSERT INTO collections (name, key, created_at, watched, paused) VALUES (?, ?, ?, ?, ?)",
            (name, name_key(name), settings.created_at, settings.watched, settings.paused),
        ).lastrowid
    else:
        number = row[0]
    before = connection.total_changes
    connection.executemany(
        "INSERT OR IGNORE INTO sources (collection, path, folder) VALUES (?, ?, ?)",
        [(number, key, each.folder) for each in settings.sources if (key := _usable(each.path))],
    )
    if row is None:
        connection.executemany(
            "INSERT OR IGNORE INTO files (collection, path, size, stamp, state, left_out_at)"
            " VALUES (?, ?, 0, '', 'waiting', ?)",
            [(number, key, now) for each in settings.left_out if (key := _usable(each))],
        )
    return row is None or connection.total_changes > before


def _usable(path: str) -> bytes | None:
    if "\0" in path or not Path(path).is_absolute():
        return None
    return path_bytes(Path(path))
