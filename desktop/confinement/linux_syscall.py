"""System calls by number, for what no library wraps; and the error where a kernel lacks confinement."""

import ctypes
import errno
import os

_NO_NEW_PRIVILEGES = 38  # linux/prctl.h


class ConfinementError(Exception):
    """The kernel refused; the text says why."""


def syscall(number: int, *arguments: object) -> int:
    """What system call `number` gives. Raises OSError."""
    result = int(_libc().syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def no_new_privileges() -> None:
    """Have this process gain no rights any more: then it may confine itself. Raises ConfinementError."""
    zero = ctypes.c_ulong(0)
    if _libc().prctl(_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero) != 0:
        raise ConfinementError("the kernel does not allow it")


def missing_reason(error: OSError) -> str:
    """Why the kernel does not have what was asked for, as a sentence's end."""
    if error.errno in (errno.ENOSYS, errno.EINVAL):
        return "this kernel does not have it"
    if error.errno == errno.EOPNOTSUPP:
        return "it is switched off in this kernel"
    return (error.strerror or str(error)).lower()


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
