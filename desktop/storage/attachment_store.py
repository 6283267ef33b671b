"""The files that messages name by their sha256, each as a file of its own beside the database: images as they are, and
what was read of documents.

Who stores a message that names one adds the file inside the transaction that stores the message, and what no message
names is removed inside one too (see `remove_unused_attachments`): as a database has one writer at a time, no process
takes away what another one is about to name.
"""

import errno
import hashlib
import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection

from desktop.atomic_file import read_bounded, write_atomically, write_error
from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.storage.database import Database
from desktop.translation import tr

LARGEST_ATTACHMENT = 256 << 20
"""Bytes that one of them has at most."""
_STAGING, _ABANDONED_S = ".import-", 86_400.0
_NAME = re.compile(r"[0-9a-f]{64}")
_NAMED = re.compile(r'"sha256"\s*:\s*"([0-9a-f]{64})"')


class AttachmentStore:
    """Files by the sha256 of their bytes (64 hexadecimal digits) under `folder`, for this person alone. Making one
    touches nothing; the folder is made with the first file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, data: bytes) -> str:
        """Keep `data`; its sha256. Where it is kept already, and is whole, nothing is written. ResourceError where it
        cannot be."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        try:
            if self._bytes(path) == data:
                return sha256
        except OSError:
            pass  # not there, or not to be read: it is written
        try:
            for folder in reversed([each for each in path.parents if not each.exists()]):
                folder.mkdir(mode=0o700, exist_ok=True)  # those above as well, which `parents` makes for all
            write_atomically(path, data)
        except OSError as error:
            raise _unsaved(path, error) from error
        return sha256

    def adopt(self, other: "AttachmentStore", sha256: str) -> bool:
        """Take one over from a store on the same disk, where it is gone then; False where it is not there.
        ResourceError where it cannot be."""
        if not other.contains(sha256):
            return False
        path = self.path(sha256)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            other.path(sha256).replace(path)
        except OSError as error:
            raise _unsaved(path, error) from error
        return True

    def read(self, sha256: str) -> bytes:
        """The bytes of one. NotFoundError where it is not there, IntegrityError where the file holds something else,
        ResourceError where it cannot be read."""
        path = self.path(sha256)
        try:
            data = self._bytes(path)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(
                tr("This attachment is not here."), tr("None is kept under {id}.").format(id=sha256)
            ) from None
        except OSError as error:
            if error.errno in (errno.EFBIG, errno.EINVAL, errno.ELOOP):
                raise _damaged(path) from error
            raise ResourceError(
                tr("This attachment could not be read."),
                tr("Reading {file} failed: {reason}.").format(file=path, reason=error.strerror or error),
                tr("Look at its rights, and at the disk."),
            ) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _damaged(path)
        return data

    def contains(self, sha256: str) -> bool:
        """Whether there is one with this sha256; it is not read."""
        return _NAME.fullmatch(sha256) is not None and self.path(sha256).is_file()

    def path(self, sha256: str) -> Path:
        """Where one lies, or would. NotFoundError where `sha256` is no such name: it may come from a file of others."""
        if not _NAME.fullmatch(sha256):
            raise NotFoundError(tr("This attachment is not here."), tr("Nothing can be kept under such a name."))
        return self.folder / sha256[:2] / sha256

    def ids(self) -> Iterator[str]:
        """The sha256 of each that is kept, in order. OSError where the folder cannot be read."""
        for path in self._files():
            if _NAME.fullmatch(path.name) and path.parent.name == path.name[:2]:
                yield path.name

    def remove_unused(self, used: Collection[str]) -> tuple[str, ...]:
        """Remove all that are not in `used`, and what a write that was cut off left; the sha256 of those removed. What
        cannot be removed stays, and is tried again the next time."""
        gone = []
        with suppress(OSError):
            for path in self._files():
                if path.name in used:
                    continue
                with suppress(OSError):
                    if _NAME.fullmatch(path.name):
                        path.unlink()
                        gone.append(path.name)
                    elif path.name.startswith(".latchkey-"):
                        path.unlink()
        return tuple(gone)

    def staging(self, name: str) -> "AttachmentStore":
        """A store of its own inside this one, for what comes before the messages that name it; `remove` it at the end.
        What a process that died left of one goes with a later `remove_unused_attachments`."""
        return AttachmentStore(self.folder / f"{_STAGING}{name}")

    def remove(self) -> None:
        """Remove all of it. Raises nothing: what cannot be removed stays."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_abandoned(self, before: float) -> None:
        """Remove the stagings that nothing was added to since `before`, in seconds since 1970."""
        with suppress(OSError):
            for folder in self.folder.glob(f"{_STAGING}*"):
                if not folder.is_symlink() and folder.stat().st_mtime < before:
                    AttachmentStore(folder).remove()

    def _files(self) -> Iterator[Path]:
        with suppress(FileNotFoundError):
            for folder in sorted(self.folder.iterdir()):
                if len(folder.name) == 2 and folder.is_dir() and not folder.is_symlink():
                    yield from sorted(folder.iterdir())

    @staticmethod
    def _bytes(path: Path) -> bytes:
        return read_bounded(path, LARGEST_ATTACHMENT)


def named_attachments(connection: Connection) -> set[str]:
    """The sha256 of all that messages name, in branches that were deleted and in the bin too; those of parts that this
    version does not know among them."""
    rows = connection.execute("""SELECT parts FROM messages WHERE parts LIKE '%"sha256"%'""")
    return {found for (parts,) in rows for found in attachments_named(parts)}


def attachments_named(parts: str) -> list[str]:
    """The sha256 of all that the JSON of parts names, each as often as it does."""
    return _NAMED.findall(parts)


def remove_unused_attachments(database: Database, attachments: AttachmentStore) -> tuple[str, ...]:
    """Remove those that no message names any more; their sha256. Raises what `Database` raises."""
    attachments.remove_abandoned(time.time() - _ABANDONED_S)
    try:
        kept = set(attachments.ids())
    except OSError:
        return ()
    if not kept:
        return ()
    with database.read() as connection:
        if kept <= named_attachments(connection):
            return ()
    with database.write(durable=False) as connection:
        return attachments.remove_unused(named_attachments(connection))


def _unsaved(path: Path, error: OSError) -> ResourceError:
    remedy = tr("Free some space, or see to the folder's rights.")
    return write_error(tr("An attachment was not saved."), path, error, remedy)


def _damaged(path: Path) -> IntegrityError:
    return IntegrityError(
        tr("This attachment is damaged."),
        tr("{file} does not hold what was stored.").format(file=path),
        tr("Put a backup of it in its place."),
    )
