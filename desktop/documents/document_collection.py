"""A collection of documents and its files, as window and command show them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from desktop.errors import UserError

CollectionWork = Literal["ready", "indexing", "paused", "waiting"]
"""What is done with a collection: nothing is left to do; it is being read here; a person paused it; its turn comes, or
another process reads it."""

FileState = Literal["read", "waiting", "encrypted", "unreadable", "missing", "changed", "left-out"]
"""A file of a collection: it was read as it is; its turn comes; it needs a password; it cannot be read; it is no longer
there; it was changed since it was read and its turn comes; a person left it out."""


@dataclass(frozen=True)
class CollectionState:
    """A collection. `files` counts those that are not left out, `pages` and `passages` what was read of them; `unread`
    those that are encrypted, unreadable or missing; `skipped` the files in its folders that are of other kinds.

    `fraction` (0 to 1) of what was to be read has been; `seconds_left` is None where nobody knows. `sources` are the
    folders and files that were added. `removed_at` (seconds since 1970) is when it went into the bin.
    """

    name: str
    files: int = 0
    pages: int = 0
    passages: int = 0
    search_by: Literal["lexical", "lexical-and-meaning"] = "lexical"
    state: CollectionWork = "ready"
    fraction: float = 1.0
    seconds_left: float | None = None
    unread: int = 0
    skipped: int = 0
    watched: bool = False
    sources: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()
    created_at: float = 0.0
    removed_at: float | None = None


@dataclass(frozen=True)
class CollectionFile:
    """A file of a collection. `size` in bytes; `pages` and `read_at` (seconds since 1970) are of the last time it was
    read, 0 and None before; `error` says what is wrong with it."""

    id: int
    path: Path
    name: str
    size: int
    pages: int
    read_at: float | None
    state: FileState
    error: UserError | None = None


@dataclass(frozen=True)
class AddedPaths:
    """What came of adding: the folders and files that were `taken`, and those that were not, each with why."""

    taken: tuple[Path, ...]
    refused: tuple[tuple[Path, UserError], ...] = ()
