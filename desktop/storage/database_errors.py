"""SQLite's errors in words a person can act on. What is not named here is a bug, and raises as it is.

Four files have these troubles: the conversations, the ledger, the log of requests and the collections of documents.
Each has `DatabaseErrorTexts` that say what a person loses by them; the rest of the sentences is the same.
"""

import errno
import os
import shlex
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop.atomic_file import PART_PREFIX, PART_SUFFIX
from desktop.child_process_command import program_replaced_error
from desktop.errors import IntegrityError, ResourceError, UserError
from desktop.translation import tr

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_PERHAPS_FULL = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_LEAST_BYTES = 1 << 16  # a page of shared memory takes 32 KiB
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
_NOT_LOCKED = {sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_IOERR_RDLOCK, sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK}
_LOST_DISK = {errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ETIMEDOUT}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}


class NewerDatabaseError(IntegrityError):
    """A newer Latchkey wrote the file: it is whole, and only that one may write to it."""


@dataclass(frozen=True)
class DatabaseErrorTexts:
    """What a file's troubles are called, as whole sentences in the person's language. `unwritable` names {folder}, and
    `mend` and `begin_anew` may name the {file} as a shell takes it."""

    damaged: str
    not_ours: str
    newer: str
    unwritable: str
    full: str
    busy: str
    no_locks: str
    broken_disk: str
    mend: str
    begin_anew: str


def conversation_error_texts() -> DatabaseErrorTexts:
    """The words for the file of conversations."""
    return DatabaseErrorTexts(
        damaged=tr("The conversations cannot be read: their file is damaged."),
        not_ours=tr("The conversations cannot be read: their file is not a Latchkey database."),
        newer=tr("The conversations were written by a newer Latchkey."),
        unwritable=tr("Conversations cannot be saved: {folder} is not writable."),
        full=tr("Conversations cannot be saved: the disk is full."),
        busy=tr("Conversations cannot be saved: another program holds their file."),
        no_locks=tr("Conversations cannot be saved: no file can be locked where they lie."),
        broken_disk=tr("Conversations cannot be read or saved: the disk reports an error."),
        mend=tr("“latchkey restore {file}” brings over what can be read, and keeps this file."),
        begin_anew=tr(
            "Move it elsewhere; Latchkey then begins with an empty one. If it was one, “latchkey restore {file}” brings"
            " over what can be read."
        ),
    )


def ledger_error_texts() -> DatabaseErrorTexts:
    """The words for the ledger's file."""
    return DatabaseErrorTexts(
        damaged=tr("The ledger cannot be read: its file is damaged."),
        not_ours=tr("The ledger cannot be read: its file is not a Latchkey ledger."),
        newer=tr("The ledger was written by a newer Latchkey."),
        unwritable=tr("The ledger cannot be written: {folder} is not writable."),
        full=tr("The ledger cannot be written: the disk is full."),
        busy=tr("The ledger cannot be written: another program holds its file."),
        no_locks=tr("The ledger cannot be written: no file can be locked where it lies."),
        broken_disk=tr("The ledger cannot be read or written: the disk reports an error."),
        mend=tr("Put the newest copy of it back, or acknowledge afresh: the file is then kept under another name."),
        begin_anew=tr("Put the ledger back, or acknowledge afresh: the file is then kept under another name."),
    )


def network_error_texts() -> DatabaseErrorTexts:
    """The words for the log of requests."""
    return DatabaseErrorTexts(
        damaged=tr("The log of requests cannot be read: its file is damaged."),
        not_ours=tr("The log of requests cannot be read: its file is not one of Latchkey's."),
        newer=tr("The log of requests was written by a newer Latchkey."),
        unwritable=tr("Requests cannot be logged: {folder} is not writable."),
        full=tr("Requests cannot be logged: the disk is full."),
        busy=tr("Requests cannot be logged: another program holds the log's file."),
        no_locks=tr("Requests cannot be logged: no file can be locked where the log lies."),
        broken_disk=tr("The log of requests cannot be read or written: the disk reports an error."),
        mend=tr("Move it elsewhere; Latchkey then begins a new one."),
        begin_anew=tr("Move it elsewhere; Latchkey then begins a new one."),
    )


def document_error_texts() -> DatabaseErrorTexts:
    """The words for the file of collections."""
    begin = tr(
        "Move it elsewhere; Latchkey then begins a new one. Make the collections again from your files, which are as"
        " they were, or restore a backup."
    )
    return DatabaseErrorTexts(
        damaged=tr("The collections cannot be read: their file is damaged."),
        not_ours=tr("The collections cannot be read: their file is not one of Latchkey's."),
        newer=tr("The collections were written by a newer Latchkey."),
        unwritable=tr("Collections cannot be saved: {folder} is not writable."),
        full=tr("Collections cannot be saved: the disk is full."),
        busy=tr("Collections cannot be saved: another program holds their file."),
        no_locks=tr("Collections cannot be saved: no file can be locked where they lie."),
        broken_disk=tr("Collections cannot be read or saved: the disk reports an error."),
        mend=begin,
        begin_anew=begin,
    )


@dataclass(frozen=True)
class DatabaseErrors:
    """The errors of the file at `path`; `wording` is asked when one is made, as the language may change."""

    path: Path
    wording: Callable[[], DatabaseErrorTexts]

    def damaged(self, technical: str = "") -> IntegrityError:
        """The file is Latchkey's, and does not hold."""
        words = self.wording()
        return IntegrityError(words.damaged, self._left_alone(), self._naming(words.mend), technical=technical)

    def not_ours(self, technical: str = "") -> IntegrityError:
        """The file at our place is something else."""
        words = self.wording()
        return IntegrityError(words.not_ours, self._left_alone(), self._naming(words.begin_anew), technical=technical)

    def newer(self, version: int, known: int) -> NewerDatabaseError:
        """A newer Latchkey wrote the file."""
        return NewerDatabaseError(
            self.wording().newer,
            tr("{file} has version {version}; this Latchkey knows versions up to {known}. Nothing was changed.").format(
                file=self.path, version=version, known=known
            ),
            tr("Install the newer Latchkey again."),
        )

    def unwritable(self, technical: str = "") -> ResourceError:
        """The file or its folder cannot be written."""
        return ResourceError(
            self.wording().unwritable.format(folder=self.path.parent),
            tr("The file is {file}.").format(file=self.path.name),
            tr("Make the folder and the file writable, or set LATCHKEY_HOME to another folder."),
            technical=technical,
        )

    def full(self, technical: str = "") -> ResourceError:
        """The disk holds no more."""
        return ResourceError(
            self.wording().full,
            tr("Writing {file} failed; what was stored before is intact.").format(file=self.path),
            tr("Free some space and try again."),
            technical=technical,
        )

    def from_system(self, error: OSError) -> ResourceError:
        """The operating system's own refusal to make, read or write the file."""
        if replaced := program_replaced_error(str(error)):
            return replaced  # the steps to a schema are files of the program
        no_room = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if error.errno in _LOST_DISK:
            return self._broken_disk(str(error))
        return (self.full if error.errno in no_room else self.unwritable)(str(error))

    def from_sqlite(self, error: sqlite3.Error) -> UserError | None:
        """`error` as something a person can act on; None where it is a bug."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            return None
        technical = f"{error.sqlite_errorname}: {error}"
        primary = code & 0xFF
        if primary in _DAMAGED:
            return self.damaged(technical)
        # A full disk has several codes: SQLite's shared memory, its journal or a new file may find no room first.
        if primary == sqlite3.SQLITE_FULL or (primary in _PERHAPS_FULL and self._no_room()):
            return self.full(technical)
        if primary in _UNWRITABLE:
            return self.unwritable(technical)
        if (primary in _BUSY or code in _NOT_LOCKED) and not _knows_locks(self.path.parent):
            return ResourceError(
                self.wording().no_locks,
                tr("The file is {file}. Without locks two programs could spoil it.").format(file=self.path),
                tr("Have the file server lock files, or set LATCHKEY_HOME to a folder on another disk."),
                technical=technical,
            )
        if primary in _BUSY:
            return ResourceError(
                self.wording().busy,
                tr("{file} stayed locked for several seconds.").format(file=self.path),
                tr("Close the other program and try again."),
                technical=technical,
            )
        return self._broken_disk(technical) if primary == sqlite3.SQLITE_IOERR else None

    def _broken_disk(self, technical: str) -> ResourceError:
        return ResourceError(
            self.wording().broken_disk,
            tr("The file is {file}.").format(file=self.path),
            tr("Check the disk and its free space, then try again."),
            technical=technical,
        )

    def _no_room(self) -> bool:
        """Whether the disk takes no more: neither bytes nor, on most systems, files."""
        try:
            if hasattr(os, "statvfs"):
                found = os.statvfs(self.path.parent)
                return found.f_bavail * found.f_frsize < _LEAST_BYTES or bool(found.f_files and not found.f_favail)
            return shutil.disk_usage(self.path.parent).free < _LEAST_BYTES
        except OSError:
            return False

    def _naming(self, remedy: str) -> str:
        return remedy.format(file=shlex.quote(str(self.path)))

    def _left_alone(self) -> str:
        return tr("{file} was left exactly as it is.").format(file=self.path)


def _knows_locks(folder: Path) -> bool:
    """Whether files in `folder` can be locked: SQLite takes "no locks here" for a file that is locked.

    A file of its own is asked: closing the database's would drop the locks that this process has on it.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        with tempfile.TemporaryFile(prefix=PART_PREFIX, suffix=PART_SUFFIX, dir=folder) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    return True
