"""SQLite's errors in words a person can act on. What is not named here is a bug, and raises as it is."""

import errno
import sqlite3
from pathlib import Path

from desktop.errors import IntegrityError, ResourceError, UserError
from desktop.translation import tr

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}


def damaged(path: Path, technical: str = "") -> IntegrityError:
    """The file is Latchkey's, and does not hold."""
    return IntegrityError(
        tr("The conversations cannot be read: their file is damaged."),
        tr("{file} was left exactly as it is.").format(file=path),
        tr("Put a backup of it in its place, or move it elsewhere to begin with an empty one."),
        technical=technical,
    )


def not_ours(path: Path, technical: str = "") -> IntegrityError:
    """The file at our place is something else."""
    return IntegrityError(
        tr("The conversations cannot be read: their file is not a Latchkey database."),
        tr("{file} was left exactly as it is.").format(file=path),
        tr("Move it elsewhere; Latchkey then begins with an empty one."),
        technical=technical,
    )


def newer(path: Path, version: int, known: int) -> IntegrityError:
    """A newer Latchkey wrote the file."""
    return IntegrityError(
        tr("The conversations were written by a newer Latchkey."),
        tr("{file} has version {version}; this Latchkey knows versions up to {known}. Nothing was changed.").format(
            file=path, version=version, known=known
        ),
        tr("Install the newer Latchkey again."),
    )


def unwritable(path: Path, technical: str = "") -> ResourceError:
    """The file or its folder cannot be written."""
    return ResourceError(
        tr("Conversations cannot be saved: {folder} is not writable.").format(folder=path.parent),
        tr("Latchkey keeps them in {file}.").format(file=path.name),
        tr("Make the folder and the file writable, or set LATCHKEY_HOME to another folder."),
        technical=technical,
    )


def full(path: Path, technical: str = "") -> ResourceError:
    """The disk holds no more."""
    return ResourceError(
        tr("Conversations cannot be saved: the disk is full."),
        tr("Writing {file} failed; what was stored before is intact.").format(file=path),
        tr("Free some space and try again."),
        technical=technical,
    )


def from_system(error: OSError, path: Path) -> ResourceError:
    """The operating system's own refusal to make, read or write the file."""
    return (full if error.errno in (errno.ENOSPC, errno.EDQUOT) else unwritable)(path, str(error))


def as_user_error(error: sqlite3.Error, path: Path) -> UserError | None:
    """`error` as something a person can act on; None where it is a bug."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    technical = f"{error.sqlite_errorname}: {error}"
    primary = code & 0xFF
    if primary in _DAMAGED:
        return damaged(path, technical)
    if primary == sqlite3.SQLITE_FULL:
        return full(path, technical)
    if primary in _UNWRITABLE:
        return unwritable(path, technical)
    if primary in _BUSY:
        return ResourceError(
            tr("Conversations cannot be saved: another program holds their file."),
            tr("{file} stayed locked for several seconds.").format(file=path),
            tr("Close the other program and try again."),
            technical=technical,
        )
    if primary == sqlite3.SQLITE_IOERR:
        return ResourceError(
            tr("Conversations cannot be read or saved: the disk reports an error."),
            tr("The file is {file}.").format(file=path),
            tr("Check the disk and its free space, then try again."),
            technical=technical,
        )
    return None
