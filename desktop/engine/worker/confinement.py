"""On Linux the worker gives up what it does not need, before it opens a stranger's file.

Seccomp takes sockets, new processes and other ways out; Landlock leaves it the model's files and its own libraries to
read and its cache to write. Both are the kernel's, need no rights, and cannot be undone. Where a kernel lacks one, the
worker runs without it and says so.

Landlock binds the calling thread and those it starts later, so both are applied while there is only one thread.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

# From the kernel's headers: linux/landlock.h, linux/seccomp.h, linux/filter.h, linux/audit.h, linux/prctl.h.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_RIGHTS_OF_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_ALL_NETWORK, _ALL_SCOPES = 0b11, 0b11
_NO_NEW_PRIVILEGES = 38
_SET_MODE_FILTER, _TSYNC = 1, 1
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _SET, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_CLONE_THREAD = 0x10000
_X32 = 0x40000000

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP_NUMBER = {"x86_64": 317, "aarch64": 277}
# Refused outright: sockets, programs, other processes' memory, mounts, kernel modules, keys, io_uring (which would get
# around this filter), and the like.
_REFUSED = {
    "x86_64": (
        41, 42, 43, 49, 50, 53, 288,  # socket connect accept bind listen socketpair accept4
        57, 58, 59, 322,  # fork vfork execve execveat
        101, 310, 311, 129, 297, 200, 424, 434, 438,  # ptrace process_vm_* rt_*sigqueueinfo tkill pidfd_*
        155, 161, 165, 166, 272, 308, 304,  # pivot_root chroot mount umount2 unshare setns open_by_handle_at
        169, 175, 176, 313, 246, 320,  # reboot init_module delete_module finit_module kexec_*
        248, 249, 250, 298, 321, 323, 425, 426, 427,  # add_key request_key keyctl perf bpf userfaultfd io_uring_*
    ),
    "aarch64": (
        198, 203, 202, 200, 201, 199, 242,
        221, 281,
        117, 270, 271, 138, 240, 130, 424, 434, 438,
        41, 51, 40, 39, 97, 268, 265,
        142, 105, 106, 273, 104, 294,
        217, 218, 219, 241, 280, 282, 425, 426, 427,
    ),
}  # fmt: skip
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_TO_SELF_ONLY = {"x86_64": (62, 234), "aarch64": (129, 131)}  # kill tgkill

_SYSTEM_READABLE = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/localtime",
    "/dev/null", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu",
    "/sys/devices/system/node", "/proc/self/cgroup", "/sys/fs/cgroup",
)  # fmt: skip


class ConfinementError(Exception):
    """The kernel refused; the text says why."""


def confine_calls() -> str:
    """Give up dangerous system calls, for all threads. "seccomp", or "no seccomp: …" with the reason."""
    try:
        _apply_seccomp()
    except (ConfinementError, OSError) as error:
        return f"no seccomp: {error}"
    return "seccomp"


def confine_files(readable: Iterable[Path], writable: Iterable[Path]) -> str:
    """Give up all files but these (and what they hold), for this thread and those it starts.

    "landlock", or "no landlock: …" with the reason. Also gives up TCP where the kernel can.
    """
    try:
        _apply_landlock(readable, writable)
    except (ConfinementError, OSError) as error:
        return f"no landlock: {error}"
    return "landlock"


def own_files() -> list[Path]:
    """What this program reads while it runs: Python, its packages, the system's libraries and clock."""
    folders = {Path(folder) for folder in sys.path if folder}
    folders |= {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {Path(__file__).resolve().parents[2]}
    folders.discard(Path.home())
    kept = [folder for folder in folders if folder != Path("/") and folder not in Path.home().parents]
    return [*kept, *(Path(path) for path in _SYSTEM_READABLE)]


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    """A system call by number. Raises OSError."""
    result = int(_libc().syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _no_new_privileges() -> None:
    zero = ctypes.c_ulong(0)
    if _libc().prctl(_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero) != 0:
        raise ConfinementError("the kernel does not allow it")


def _apply_landlock(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    if not sys.platform.startswith("linux"):
        raise ConfinementError(f"not on {sys.platform}")
    zero = ctypes.c_size_t(0)
    try:
        abi = _call(_CREATE_RULESET, None, zero, ctypes.c_uint32(_VERSION_FLAG))
    except OSError as error:
        raise ConfinementError(_missing(error)) from error
    handled = _RIGHTS_OF_ABI.get(abi, _RIGHTS_OF_ABI[5])
    fields = [handled]
    if abi >= 4:
        fields.append(_ALL_NETWORK)
    if abi >= 6:
        fields.append(_ALL_SCOPES)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        for path in readable:
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        for path in writable:
            _allow(ruleset, path, handled & ~_EXECUTE)
        _no_new_privileges()
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Add a rule for `path`; one that is not there needs none."""
    try:
        opened = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not path.is_dir():
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, opened)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(opened)


def _apply_seccomp() -> None:
    if not sys.platform.startswith("linux"):
        raise ConfinementError(f"not on {sys.platform}")
    machine = platform.machine()
    if machine not in _MACHINES:
        raise ConfinementError(f"not for {machine}")
    program = _program(machine)
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    descriptor = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    _no_new_privileges()
    try:
        _call(_SECCOMP_NUMBER[machine], ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_TSYNC), descriptor)
    except OSError as error:
        raise ConfinementError(_missing(error)) from error


def _missing(error: OSError) -> str:
    if error.errno in (errno.ENOSYS, errno.EINVAL):
        return "this kernel does not have it"
    if error.errno == errno.EOPNOTSUPP:
        return "it is switched off in this kernel"
    return (error.strerror or str(error)).lower()


def _program(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter as BPF instructions (code, jump if true, jump if false, value)."""
    refuse, absent = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    lines = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, _MACHINES[machine]),
        (_RETURN, 0, 0, refuse),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, refuse)]
    for number in _REFUSED[machine]:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    # glibc asks for clone3 first and falls back to clone, whose flags a filter can see: threads pass, processes do not.
    lines += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, absent)]
    lines += _by_argument(_CLONE[machine], (_SET, 1, 0, _CLONE_THREAD), refuse)
    for number in _TO_SELF_ONLY[machine]:
        lines += _by_argument(number, (_EQUAL, 1, 0, os.getpid()), refuse)
    lines.append((_RETURN, 0, 0, _ALLOW))
    return lines


def _by_argument(number: int, test: tuple[int, int, int, int], otherwise: int) -> Sequence[tuple[int, int, int, int]]:
    """For call `number`: allowed where its first argument passes `test`, else `otherwise`."""
    return (
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        test,
        (_RETURN, 0, 0, otherwise),
        (_RETURN, 0, 0, _ALLOW),
    )
