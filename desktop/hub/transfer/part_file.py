"""The lock of an unfinished file: one process at a time fetches it, the others wait.

The system itself lets go of a lock with its process.
"""

import contextlib
import errno
import os
import sys
from pathlib import Path

from desktop.hub.transfer.disk import disk_error

_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)

if sys.platform == "win32":
    import msvcrt

    def _take(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """A lock on `path`, which is made for it and gone afterwards. Where the file system knows no locks there is none:
    the hash at the end finds out what two processes did to each other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def acquire(self) -> bool:
        """Whether it is ours now. Raises ResourceError where nothing can be written there."""
        while self._file < 0:
            try:
                file = os.open(self._path, _FLAGS, 0o666)
            except OSError as error:
                if sys.platform == "win32" and isinstance(error, PermissionError) and self._path.exists():
                    return False  # its holder is just deleting it
                raise disk_error(self._path.parent, error) from error
            try:
                _take(file)
            except OSError as error:
                if error.errno in _HELD:
                    os.close(file)
                    return False
            if self._is_there(file):
                self._file = file
            else:  # whoever had it before has deleted it since we opened it
                os.close(file)
        return True

    def release(self) -> None:
        """Let others have it. Leaving it twice does no harm."""
        if self._file < 0:
            return
        file, self._file = self._file, -1
        if sys.platform == "win32":  # which deletes no file that is open
            os.close(file)
        with contextlib.suppress(OSError):
            self._path.unlink()
        if sys.platform != "win32":
            os.close(file)

    def _is_there(self, file: int) -> bool:
        try:
            named, opened = self._path.stat(), os.fstat(file)
        except OSError:
            return False
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)
