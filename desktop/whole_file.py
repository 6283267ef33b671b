"""Small files of Latchkey's own: read within bounds, and put in place as a whole.

Other programs of the same person may write to the folders they lie in. So nothing is written through a link that
somebody left there, and what is read is a regular file of bounded size: no pipe that never ends, no device.
"""

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


def write_whole(target: Path, data: bytes, *, keep_link: bool = False) -> None:
    """Have `data` under `target`, for this person alone. Raises OSError, and leaves what was there.

    Who reads the file finds the former one or the new one, after a power cut as well. Processes and threads that write
    the same file do not meet: the last one's is kept. Where `target` is a link, the link is replaced and what it leads
    to is not touched; with `keep_link` the link stays, and the file that it leads to is written: for files that people
    keep elsewhere and link to.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if keep_link and target.is_symlink():
        target = Path(os.path.realpath(target))
        _refuse_special(target)
    # A new file under a name that nobody can know beforehand: no link, and no file of others, can lie in its place.
    descriptor, name = tempfile.mkstemp(prefix=".latchkey-", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    _sync_folder(target.parent)


def read_whole(path: Path, largest: int, *, follow_link: bool = False) -> bytes:
    """The contents of the regular file at `path`. Raises OSError where it is anything else, is larger than `largest`
    bytes, belongs to another person, or cannot be read; it never waits.

    A link is refused unless `follow_link` allows it, as for files that people write and may keep elsewhere.
    """
    with os.fdopen(open_regular(path, follow_link=follow_link), "rb") as file:
        if not follow_link and not _is_own(os.fstat(file.fileno()), path.parent):
            raise PermissionError(errno.EPERM, "It belongs to another person", str(path))
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def open_regular(path: Path, *, follow_link: bool = False) -> int:
    """A descriptor to read the regular file at `path` by; the caller closes it. Raises OSError for anything else, and
    never waits, as opening a pipe would. A link is refused unless `follow_link` allows it."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    if not follow_link:
        flags |= getattr(os, "O_NOFOLLOW", 0)
        if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_own(status: os.stat_result, folder: Path) -> bool:
    """Whether the file is this person's, or of whoever the folder belongs to anyway: some file systems know no owners,
    and an administrator may run this for somebody."""
    return not hasattr(os, "geteuid") or status.st_uid in (os.geteuid(), 0, folder.stat().st_uid)


def _refuse_special(target: Path) -> None:
    """Raise OSError where a pipe, a device or a folder lies at `target`: no file is put in its place. A link that leads
    round in a circle is."""
    with suppress(FileNotFoundError):
        mode = target.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OSError(errno.EINVAL, "Not a regular file", str(target))


def _sync_folder(folder: Path) -> None:
    """Have a new name reach the disk as well, where the system can: the file is in place whether it does or not."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
