"""A lock that processes take for the time of a change: what they read of a file, change and write again is then not
written over by each other."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_S = 3.0
_PAUSE_S = 0.005
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_NAME = ".latchkey.lock"  # on Windows, which opens no folder

if sys.platform == "win32":
    import msvcrt

    def _open(folder: Path) -> int:
        return os.open(folder / _NAME, os.O_RDWR | os.O_CREAT, 0o600)

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _open(folder: Path) -> int:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Have the files in `folder` to oneself, as far as others ask for this lock too. Not to be taken twice at once.

    It ends with the process, however that ends. Nobody waits longer than three seconds for it, as its holder may have
    been halted, nor where the file system knows no locks or the folder is not there and cannot be made: the change is
    made all the same, each file being written as a whole. Raises nothing of its own.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = _open(folder)
            held.callback(os.close, descriptor)
            _wait_for(descriptor)
        yield


def _wait_for(descriptor: int) -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            _take(descriptor)
        except OSError as error:
            if error.errno not in _HELD or time.monotonic() > end:
                return
            time.sleep(_PAUSE_S)
        else:
            return
