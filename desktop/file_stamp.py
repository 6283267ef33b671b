"""How a changed file is noticed: by its SHA-256, or by size, times and inode, which no program can write to a file
without changing."""

import os
import re
from pathlib import Path

import msgspec

SHA256_PATTERN = "[0-9a-f]{64}"
"""A regular expression: a SHA-256 in hexadecimal, in small letters as everywhere here."""

_SHA256 = re.compile(SHA256_PATTERN)
_SIGNED = (1 << 63) - 1  # what a message carries


def is_sha256(text: str) -> bool:
    """Whether `text` is a SHA-256 in hexadecimal, in small letters, and nothing else."""
    return _SHA256.fullmatch(text) is not None


class FileStamp(msgspec.Struct, frozen=True, array_like=True):
    """Which file it is and when it last changed: size in bytes, times in nanoseconds since 1970.

    A program that writes to a file can put its modification time back, but not `changed_ns` (ctime), which the system
    sets at every change of contents, owner, mode, links or times. Windows has no such time: there it is when the file
    was made.
    """

    size: int
    modified_ns: int
    changed_ns: int
    inode: int
    device: int


def stamp_from_stat(status: os.stat_result) -> FileStamp:
    """The stamp in what `os.stat` or `os.fstat` gave."""
    return FileStamp(
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino & _SIGNED,
        status.st_dev & _SIGNED,
    )


def stamp_at(path: Path) -> FileStamp | None:
    """The stamp of what `path` leads to now, links followed; None where nothing can be seen there."""
    try:
        return stamp_from_stat(path.stat())
    except (OSError, ValueError):
        return None


class ModelFile(msgspec.Struct, frozen=True):
    """One file of a model: where it lies (absolute), its stamp, and its sha256 in hexadecimal, "" where not known."""

    path: str
    stamp: FileStamp
    sha256: str = ""
