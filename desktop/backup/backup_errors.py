"""What can be wrong with a backup, in words that a person can act on."""

import errno
from pathlib import Path

from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.translation import tr

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class NewerBackupError(IntegrityError):
    """A newer Latchkey wrote the backup: it is whole, and only that one can read it."""


def damaged_backup(file: Path, reason: str) -> IntegrityError:
    """The backup does not hold; `reason` is for the log, or a whole sentence."""
    return IntegrityError(
        tr("The backup {file} is damaged, or it is none.").format(file=file),
        tr("Nothing was changed."),
        tr("Take another backup: “latchkey doctor” says where the automatic ones are."),
        technical=reason,
    )


def newer_backup(file: Path, version: str) -> NewerBackupError:
    """The backup is of a newer Latchkey."""
    return NewerBackupError(
        tr("A newer Latchkey made the backup {file}.").format(file=file),
        tr("It was made with version {version}. Nothing was changed.").format(version=version),
        tr("Install the newer Latchkey, and restore it there."),
    )


def missing_backup(file: Path) -> NotFoundError:
    """There is no such file."""
    return NotFoundError(tr("There is no file {file}.").format(file=file), "", tr("Check its name and folder."))


def unreadable_backup(file: Path, error: OSError) -> ResourceError:
    """The system refuses to read it, or it is no file."""
    return ResourceError(
        tr("The backup {file} cannot be read.").format(file=file),
        tr("The system says: {reason}.").format(reason=error.strerror or error),
        tr("Check that it is a file, and that you may read it."),
    )


def no_room(folder: Path, needed: str, free: str) -> ResourceError:
    """The disk has not as much room as will be needed; both sizes in words."""
    return ResourceError(
        tr("The disk has no room for it."),
        tr("In {folder}, {needed} may be needed and {free} are free.").format(folder=folder, needed=needed, free=free),
        tr("Free some space, or choose another disk. Nothing was changed."),
    )


def unwritable(title: str, file: Path, error: OSError) -> ResourceError:
    """A file could not be written: `title` says what is not done."""
    full = error.errno in _NO_ROOM
    return ResourceError(
        title,
        tr("The disk is full.")
        if full
        else tr("Writing {file} failed: {reason}.").format(file=file, reason=error.strerror or error),
        tr("Free some space and try again.") if full else tr("Choose a folder that you may write to."),
        technical=str(error),
    )


def restore_busy() -> ResourceError:
    """Another process backs up or restores just now."""
    return ResourceError(
        tr("Another Latchkey backs up or restores just now."), "", tr("Wait until it is done, and try again.")
    )
