"""The unfinished file on the disk: written at any place by several threads, read back, and put under its own name.

And the disk around it: folders, free space, and what its failures are called.
"""

import contextlib
import errno
import os
import shutil
import threading
from pathlib import Path

from desktop.atomic_file import sync_folder
from desktop.byte_size import size_text
from desktop.errors import ResourceError, UserError
from desktop.translation import tr

MARGIN = 64 << 20
"""What has to stay free, in bytes: a disk without any room left troubles everything else on this machine."""

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG}
_WITHOUT_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EINVAL, errno.EXDEV}
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class PartFile:
    """A file that is being filled. For any number of threads. Raises ResourceError where the disk does not do it."""

    def __init__(self, path: Path, *, anew: bool) -> None:
        """Open or make it; `anew` drops what was in it."""
        self.path = path
        self._lock = threading.Lock()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY | (os.O_TRUNC if anew else 0), 0o666)
        except OSError as error:
            raise disk_error(path.parent, error) from error

    @property
    def size(self) -> int:
        """Its bytes up to the last one written."""
        return os.fstat(self._file).st_size

    def write(self, at: int, data: memoryview) -> None:
        """Put `data` at byte `at`."""
        try:
            while data:
                count = self._write(at, data)
                at, data = at + count, data[count:]
        except OSError as error:
            raise disk_error(self.path.parent, error, missing=len(data)) from error

    def read(self, at: int, buffer: memoryview) -> int:
        """Fill `buffer` with what stands at byte `at`; how many bytes there were."""
        try:
            return self._read(at, buffer)
        except OSError as error:
            raise disk_error(self.path.parent, error) from error

    def flush(self) -> None:
        """Have what was written so far reach the disk itself."""
        getattr(os, "fdatasync", os.fsync)(self._file)

    def truncate_and_sync(self, size: int) -> None:
        """Cut off what lies behind `size`, and have all of it reach the disk."""
        try:
            if self.size != size:
                os.ftruncate(self._file, size)
            os.fsync(self._file)
        except OSError as error:
            raise disk_error(self.path.parent, error) from error

    def empty(self) -> None:
        """Drop all of it."""
        try:
            os.ftruncate(self._file, 0)
        except OSError as error:
            raise disk_error(self.path.parent, error) from error

    def close(self) -> None:
        """Nothing can be done with it afterwards. Closing twice does no harm."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    if hasattr(os, "pwrite"):

        def _write(self, at: int, data: memoryview) -> int:
            return os.pwrite(self._file, data, at)

        def _read(self, at: int, buffer: memoryview) -> int:
            return os.preadv(self._file, [buffer], at) if hasattr(os, "preadv") else self._read_copied(at, buffer)

        def _read_copied(self, at: int, buffer: memoryview) -> int:
            data = os.pread(self._file, len(buffer), at)
            buffer[: len(data)] = data
            return len(data)

    else:  # Windows has one place in each open file

        def _write(self, at: int, data: memoryview) -> int:
            with self._lock:
                os.lseek(self._file, at, os.SEEK_SET)
                return os.write(self._file, data)

        def _read(self, at: int, buffer: memoryview) -> int:
            with self._lock:
                os.lseek(self._file, at, os.SEEK_SET)
                data = os.read(self._file, len(buffer))
            buffer[: len(data)] = data
            return len(data)


def publish_file(part: Path, target: Path) -> None:
    """Give a finished file its own name, in one step and never over another file. Raises ResourceError."""
    try:
        try:
            os.link(part, target)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno not in _WITHOUT_LINKS:
                raise
            # A file system without links, where nothing better is to be had than to look first.
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
            part.rename(target)
        else:
            part.unlink()
    except FileExistsError as error:
        raise target_exists_error(target) from error
    except OSError as error:
        raise disk_error(target.parent, error) from error
    sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Raises ResourceError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error


def check_space(folder: Path, missing: int) -> None:
    """Raise ResourceError where `missing` bytes and some room do not fit any more."""
    free = free_space(folder)
    if free is not None and missing and missing + MARGIN > free:
        raise _full(folder, missing + MARGIN, free)


def delete_files(*paths: Path) -> None:
    """Delete what is there of them. Raises ResourceError where something resists."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(path.parent, error) from error


def target_exists_error(target: Path) -> UserError:
    """A file of this name is there already, and it is not the one that was to be fetched."""
    return ResourceError(
        tr("Another file is there already: {path}.").format(path=target),
        tr("It has the name of the file that was to be fetched, but other contents. It was left as it is."),
        tr("Move or delete it, then try again."),
    )


def disk_error(folder: Path, error: OSError, *, missing: int = 0) -> UserError:
    """The UserError for a failure of the disk."""
    if error.errno in _FULL:
        return _full(folder, missing, free_space(folder))
    reason = error.strerror or str(error)
    if error.errno == errno.ENOENT:
        reason = tr("the folder is not there any more")
    return ResourceError(
        tr("The file cannot be kept in {folder}.").format(folder=folder),
        tr("The disk says: {reason}.").format(reason=reason),
        tr("Check the folder and its disk, then try again: what is there already is not fetched twice."),
        technical=repr(error),
    )


def _full(folder: Path, needed: int, free: int | None) -> ResourceError:
    more = size_text(needed, "gigabytes")
    if free is None:
        detail = tr("{needed} more are needed in {folder}.").format(needed=more, folder=folder)
    else:
        detail = tr("{needed} more are needed, and {free} are free in {folder}.").format(
            needed=more, free=size_text(free, "gigabytes"), folder=folder
        )
    return ResourceError(
        tr("The disk is full."),
        detail,
        tr("Free some space, then go on: what is there already is not fetched twice."),
    )


def free_space(folder: Path) -> int | None:
    """The bytes that are free for us where `folder` is, or would be made; None where that cannot be told."""
    for place in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(place).free
    return None
