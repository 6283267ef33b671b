"""The lock that says which process has the window of a data folder.

The operating system holds it, on a descriptor of the process: it ends with the process, however that ended, and what
an older file says of a machine, a process or a boot never counts. The file itself holds how the process is reached.
"""

import contextlib
import errno
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_LONGEST = 4096
_NAME = "window.lock"
# Windows keeps others from reading what is locked: a byte far behind the text.
_LOCKED_AT = 1 << 30
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP}
_TRIES = 5

Claim = Literal["held", "taken", "impossible"]


@dataclass(frozen=True)
class LockOwner:
    """What the process that holds the lock wrote of itself: its number, its machine, and the socket it listens at."""

    pid: int = 0
    host: str = ""
    socket: str = ""


class WindowLock:
    """The lock of the data folder `folder`. One process holds it at a time, until it ends or lets go."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._descriptor: int | None = None

    def claim(self) -> Claim:
        """Take the lock: "held" from now on, "taken" by another process, or "impossible" where no file can be locked.

        What lies in the place of the file and is none is set aside under another name, never removed.
        """
        for _ in range(_TRIES):
            try:
                descriptor = self._open()
            except FileNotFoundError:
                continue  # another start put it aside, or there is no such folder
            except OSError:
                return "impossible"
            answer = _lock(descriptor)
            if answer != "held" or self._is_ours(descriptor):
                break
            os.close(descriptor)  # it was put aside between opening and locking
        else:
            return "impossible"
        if answer == "held":
            self._descriptor = descriptor
        else:
            os.close(descriptor)
        return answer

    def write(self, holder: LockOwner) -> None:
        """Say how the process that holds the lock is reached. Where that cannot be written, it is not reached."""
        if self._descriptor is None:
            return
        text = json.dumps({"pid": holder.pid, "host": holder.host, "socket": holder.socket}).encode("ascii")
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, text)

    def read(self) -> LockOwner:
        """What the holder wrote; an empty LockOwner where that is not understood, or not written yet."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | _PLAIN_FILE)
        except OSError:
            return LockOwner()
        try:
            values = json.loads(os.read(descriptor, _LONGEST))
            return LockOwner(int(values["pid"]), str(values["host"]), str(values["socket"]))
        except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return LockOwner()
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Let the next process have it. The file stays: who has opened it meanwhile locks the same one."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
            if os.path.lexists(self._path) and not _is_plain_file(self._path):
                self._path.rename(self._path.with_name(f"{_NAME}.set-aside-{time.time_ns()}"))
            try:
                return os.open(self._path, flags | _PLAIN_FILE, 0o600)
            except PermissionError:
                if flags == os.O_RDONLY:
                    raise
        raise AssertionError

    def _is_ours(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except OSError:
            return False


_PLAIN_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _lock(descriptor: int) -> Claim:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCKED_AT, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # some network file systems know these only
    except OSError as error:
        return "impossible" if error.errno in _NO_LOCKS else "taken"
    return "held"
