"""What the operating system refused, in a sentence: no bug of Latchkey's, wherever it came from."""

import errno
from pathlib import Path

from desktop.cli.layout import shortened
from desktop.errors import NotFoundError, ResourceError
from desktop.paths import folder_gone
from desktop.translation import tr

_SHOWN = 60
_REFUSALS = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE,
    errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ELOOP, errno.ENOTDIR, errno.EISDIR,
    errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ETXTBSY, errno.EBUSY,
}  # fmt: skip


def refused_by_system(error: Exception) -> ResourceError | NotFoundError | None:
    """`error` as something a person can act on; None where it is a bug."""
    if isinstance(error, FileNotFoundError) and _is_folder_gone():
        return folder_gone()
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "new thread" in str(error)):
        return ResourceError(
            tr("This machine has no room for what Latchkey was to do: memory, or the number of processes, is used up."),
            "",
            tr("Close other programs and try again."),
        )
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return NotFoundError(
            tr("There is nothing of that name: it is too long for this system ({name}).").format(
                name=shortened(str(error.filename), _SHOWN)
            ),
            "",
            tr("Check it."),
        )
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    reason = error.strerror or str(error)
    title = (
        tr("The system refused it: {reason}: {file}.").format(reason=reason, file=error.filename)
        if error.filename
        else tr("The system refused it: {reason}.").format(reason=reason)
    )
    return ResourceError(title, "", tr("Look at the rights, the free space and the limits there, and try again."))


def _is_folder_gone() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False
