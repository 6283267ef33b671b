"""Landlock, the kernel's rules on files: a thread under them, and those it starts, reads and writes the named places
only.

Landlock binds the calling thread and those it starts later, so it is applied while there is only one.
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from desktop.confinement.linux_syscall import ConfinementError, missing_reason, no_new_privileges, syscall

# From the kernel's header linux/landlock.h.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_DEVICE_CONTROL = 1 << 15
_RIGHTS_OF_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_CONTROL
_ALL_NETWORK, _ALL_SCOPES = 0b11, 0b11
WHOLE = 3
"""From this version on nothing is written elsewhere: before, files could be moved (1) or cut to nothing (2)."""


def version() -> int:
    """Which version of Landlock this kernel has. Raises ConfinementError where it has none."""
    if not sys.platform.startswith("linux"):
        raise ConfinementError(f"not on {sys.platform}")
    try:
        return syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    except OSError as error:
        raise ConfinementError(missing_reason(error)) from error


def apply_landlock(
    readable: Iterable[Path],
    opened: Iterable[int],
    writable: Iterable[Path],
    *,
    executable: Iterable[Path] = (),
    network: bool = False,
) -> None:
    """Leave this thread and those it starts the `readable` places, the files that are `opened` (their descriptors), to
    be read, and the `writable` places. What lies in the `executable` places may be read and run as a program; TCP is
    left where `network` says so. Raises ConfinementError, OSError.
    """
    abi = version()
    handled = _RIGHTS_OF_ABI.get(abi, _RIGHTS_OF_ABI[5])
    fields = [handled]
    if abi >= 4:
        fields.append(0 if network else _ALL_NETWORK)
    if abi >= 6:
        fields.append(_ALL_SCOPES)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        for path in readable:
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        for path in executable:
            _allow(ruleset, path, _READ_FILE | _READ_DIR | _EXECUTE)
        for descriptor in opened:
            _allow_opened(ruleset, descriptor, _READ_FILE)
        for path in writable:
            _allow(ruleset, path, handled & ~_EXECUTE)
        no_new_privileges()
        syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Add a rule for `path`; one that is not there needs none."""
    try:
        opened = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
    except OSError:
        return
    try:
        _allow_opened(ruleset, opened, rights)
    finally:
        os.close(opened)


def _allow_opened(ruleset: int, opened: int, rights: int) -> None:
    if not stat.S_ISDIR(os.fstat(opened).st_mode):
        rights &= _FILE_RIGHTS
    rule = struct.pack("=Qi", rights, opened)
    syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
