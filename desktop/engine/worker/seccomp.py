"""The filter of system calls: what is not on the list of `system_calls` is refused, and the process lives on.

It holds alone where a kernel has no Landlock: no path is opened for writing and nothing is changed by name, so that
files can be read and nothing else.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from desktop.engine.worker.kernel_call import ConfinementError, call, missing, no_new_privileges
from desktop.engine.worker.system_calls import (
    ABSENT,
    ALLOWED,
    BY_ARGUMENT,
    FOR_A_DRIVERS_FOLDER,
    FOR_A_GPU,
    NEWEST,
    Numbers,
)

Instruction = tuple[int, int, int, int]
"""One of BPF: code, jump if true, jump if false, value."""

# From the kernel's headers: linux/seccomp.h, linux/filter.h, linux/audit.h.
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _TSYNC = 1, 1
ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
REFUSE, SAY_ABSENT = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
LOAD, EQUAL, AT_LEAST, ABOVE, AND, RETURN = 0x20, 0x15, 0x35, 0x25, 0x54, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT, _ARGUMENT_SIZE = 0, 4, 16, 8
_X32 = 0x40000000

# linux/sched.h. A thread of this process; no namespace, no other parent, no descriptor of it, no signal at its end.
_THREAD = 0x00000100 | 0x00000800 | 0x00010000  # CLONE_VM CLONE_SIGHAND CLONE_THREAD
_NO_THREAD = 0xFF | 0x7E020000 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x800000
# fcntl.h: O_ACCMODE O_CREAT O_TRUNC __O_TMPFILE, the same on both machines.
_WRITING = 0o3 | 0o100 | 0o1000 | 0o20000000
_READ_WRITE = 0o2
# F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_DUPFD_CLOEXEC F_GETPIPE_SZ. F_SETOWN would send any process a signal.
_FCNTL = (0, 1, 2, 3, 4, 1030, 1032)
# TCGETS TCGETS2 TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX: what `isatty` and the like ask.
_IOCTL = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# Terminals (TIOCSTI types as if a person did) and sockets (FIOSETOWN sends signals): the second byte of the number.
_IOCTL_KIND, _TERMINALS, _SOCKETS = 0xFF00, 0x5400, 0x8900
# PR_GET_DUMPABLE PR_SET_NAME PR_GET_NAME PR_GET_SECCOMP PR_CAPBSET_READ PR_SET_TIMERSLACK PR_GET_TIMERSLACK
# PR_SET_NO_NEW_PRIVS PR_GET_NO_NEW_PRIVS PR_SVE_GET_VL PR_SME_GET_VL PR_SET_VMA, by which memory is given names.
_PRCTL = (3, 15, 16, 21, 23, 29, 30, 38, 39, 51, 64, 0x53564D41)


@dataclass(frozen=True)
class Rule:
    """A call passes where the 32 lower bits of an argument, and-ed with `mask`, are one of `values`; or are none."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    none_of: bool = False


def apply_seccomp(*, gpu: bool, landlock: bool) -> None:
    """Filter the calls of all threads of this process. Raises ConfinementError, OSError.

    `gpu` leaves what its drivers need. `landlock` says that Landlock will keep writing to the places that it allows.
    """
    if not sys.platform.startswith("linux"):
        raise ConfinementError(f"not on {sys.platform}")
    machine = platform.machine()
    if machine not in MACHINES:
        raise ConfinementError(f"not for {machine}")
    lines = program(machine, os.getpid(), gpu=gpu, landlock=landlock)
    code = b"".join(struct.pack("=HBBI", *line) for line in lines)
    buffer = ctypes.create_string_buffer(code, len(code))
    descriptor = struct.pack("@HP", len(lines), ctypes.addressof(buffer))
    no_new_privileges()
    try:
        left_out = call(_SECCOMP[machine], ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_TSYNC), descriptor)
    except OSError as error:
        raise ConfinementError(missing(error)) from error
    if left_out:
        raise ConfinementError(f"it does not take thread {left_out}")


def program(machine: str, process: int, *, gpu: bool, landlock: bool) -> list[Instruction]:
    """The filter for `machine`, as BPF; `process` is the one that it is for."""
    lines: list[Instruction] = [
        (LOAD, 0, 0, _MACHINE_AT),
        (EQUAL, 1, 0, MACHINES[machine]),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, _NUMBER_AT),
    ]
    if machine == "x86_64":
        lines += [(AT_LEAST, 0, 1, _X32), (RETURN, 0, 0, REFUSE)]
    for number in _numbers(ALLOWED, machine):
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    rules = _rules(process, gpu=gpu, landlock=landlock)
    for name in BY_ARGUMENT:
        for number in _numbers({name: BY_ARGUMENT[name]}, machine):
            lines += _by_argument(number, rules[name])
    if gpu:
        more = FOR_A_GPU | (FOR_A_DRIVERS_FOLDER if landlock else {})
        for number in _numbers(more, machine):
            lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    for number in _numbers(ABSENT, machine):
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, SAY_ABSENT)]
    return [*lines, (ABOVE, 0, 1, NEWEST), (RETURN, 0, 0, SAY_ABSENT), (RETURN, 0, 0, REFUSE)]


def _rules(process: int, *, gpu: bool, landlock: bool) -> dict[str, tuple[Rule, ...]]:
    """By call, what its arguments may be: any one of the rules suffices."""
    if not gpu:
        opening: tuple[tuple[int, tuple[int, ...]], ...] = ((_WRITING, (0,)),)
    elif landlock:
        opening = ((0, (0,)),)
    else:  # devices are opened for reading and writing; nothing is made
        opening = ((_WRITING, (0,)), (_WRITING, (_READ_WRITE,)))
    itself = (Rule(0, (process,)),)
    drivers = (Rule(1, (_TERMINALS, _SOCKETS), _IOCTL_KIND, none_of=True),) if gpu else ()
    return {
        "clone": (Rule(0, (_THREAD,), _THREAD | _NO_THREAD),),
        "kill": itself,
        "tgkill": itself,
        "prlimit64": (Rule(0, (0, process)),),
        "sched_setaffinity": (Rule(0, (0,)),),
        "fcntl": (Rule(1, _FCNTL),),
        "ioctl": (Rule(1, _IOCTL), *drivers),
        "prctl": (Rule(0, _PRCTL),),
        "open": tuple(Rule(1, values, mask) for mask, values in opening),
        "openat": tuple(Rule(2, values, mask) for mask, values in opening),
    }


def _numbers(calls: Numbers, machine: str) -> Iterable[int]:
    column = list(MACHINES).index(machine)
    return [number for numbers in calls.values() if (number := numbers[column]) is not None]


def _by_argument(number: int, rules: Iterable[Rule]) -> list[Instruction]:
    """For call `number`: allowed by the first rule that it passes, refused where there is none."""
    tests: list[Instruction] = []
    for rule in rules:
        tests.append((LOAD, 0, 0, _FIRST_ARGUMENT_AT + _ARGUMENT_SIZE * rule.argument))
        tests.append((AND, 0, 0, rule.mask))
        for value in rule.values:
            tests += [(EQUAL, 0, 1, value), (RETURN, 0, 0, REFUSE if rule.none_of else ALLOW)]
        if rule.none_of:
            tests.append((RETURN, 0, 0, ALLOW))
    tests.append((RETURN, 0, 0, REFUSE))
    return [(EQUAL, 0, len(tests), number), *tests]
