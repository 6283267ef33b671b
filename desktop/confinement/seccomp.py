"""The filter of system calls: what is not in `ALLOWED_CALLS` or `BY_ARGUMENT` is refused, and the process lives on.

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

from desktop.confinement.linux_syscall import ConfinementError, missing_reason, no_new_privileges, syscall

Numbers = dict[str, tuple[int | None, int | None]]

ALLOWED_CALLS: Numbers = {
    # memory, locks, threads, time
    "futex": (202, 98), "sched_yield": (24, 124), "read": (0, 63), "write": (1, 64), "mmap": (9, 222),
    "munmap": (11, 215), "madvise": (28, 233), "mprotect": (10, 226), "brk": (12, 214), "mremap": (25, 216),
    "clock_gettime": (228, 113), "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "gettimeofday": (96, 169),
    "time": (201, None), "membarrier": (324, 283), "futex_waitv": (449, 449), "futex_wake": (454, 454),
    "futex_wait": (455, 455), "futex_requeue": (456, 456), "set_robust_list": (273, 99), "set_tid_address": (218, 96),
    "rseq": (334, 293), "gettid": (186, 178), "getpid": (39, 172), "getppid": (110, 173), "exit": (60, 93),
    "exit_group": (231, 94), "restart_syscall": (219, 128), "getcpu": (309, 168), "mlock": (149, 228),
    "mlock2": (325, 284), "munlock": (150, 229), "msync": (26, 227), "mseal": (462, 462),
    "map_shadow_stack": (453, 453), "arch_prctl": (158, None),
    # files that are open, and looking at others
    "close": (3, 57), "close_range": (436, 436), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "preadv": (295, 69), "preadv2": (327, 286), "pwrite64": (18, 68), "lseek": (8, 62), "fstat": (5, 80),
    "stat": (4, None), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291), "statfs": (137, 43),
    "fstatfs": (138, 44), "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439),
    "readlink": (89, None), "readlinkat": (267, 78), "getcwd": (79, 17), "getdents": (78, None),
    "getdents64": (217, 61), "fadvise64": (221, 223), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    # waiting, and signals within the process
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "pause": (34, None),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigsuspend": (130, 133), "rt_sigtimedwait": (128, 137), "sigaltstack": (131, 132),
    # what the process and the machine are
    "sched_getaffinity": (204, 123), "sched_getscheduler": (145, 120), "sched_getparam": (143, 121),
    "sched_getattr": (315, 275), "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126),
    "getpriority": (140, 141), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "getresuid": (118, 148), "getresgid": (120, 150), "getgroups": (115, 158),
    "getpgrp": (111, None), "getrandom": (318, 278), "uname": (63, 160), "sysinfo": (99, 179),
    "clock_getres": (229, 114), "getrusage": (98, 165), "times": (100, 153), "getrlimit": (97, 163),
    "setrlimit": (160, 164),
    # giving up more
    "landlock_create_ruleset": (444, 444), "landlock_add_rule": (445, 445), "landlock_restrict_self": (446, 446),
}  # fmt: skip
"""What computing takes, on whatever the arguments are. The commonest come first: a filter is read in this order."""

BY_ARGUMENT: Numbers = {
    "clone": (56, 220), "kill": (62, 129), "tgkill": (234, 131), "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122), "fcntl": (72, 25), "ioctl": (16, 29), "prctl": (157, 167), "open": (2, None),
    "openat": (257, 56),
}  # fmt: skip
"""Allowed with some arguments only: `seccomp` says which."""

ABSENT: Numbers = {
    "clone3": (435, 435), "openat2": (437, 437),
}  # fmt: skip
"""Said not to exist, so that the C library falls back to a call whose arguments a filter can see."""

FOR_A_GPU: Numbers = {
    "epoll_create": (213, None), "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None),
    "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441), "eventfd2": (290, 19), "pipe": (22, None),
    "pipe2": (293, 59), "get_mempolicy": (239, 236), "set_mempolicy": (238, 237), "mbind": (237, 235),
}  # fmt: skip
"""What drivers of GPUs take besides."""

FOR_A_DRIVERS_FOLDER: Numbers = {
    "mkdir": (83, None), "mkdirat": (258, 34), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "unlink": (87, None), "unlinkat": (263, 35), "rmdir": (84, None), "flock": (73, 32), "ftruncate": (77, 46),
    "fallocate": (285, 47), "fsync": (74, 82), "fdatasync": (75, 83),
}  # fmt: skip
"""What they take to keep compiled programs in a folder of their own."""

NEWEST = 471
"""The highest number in use, on both: a higher one is a call that this list does not know."""


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
class ArgumentRule:
    """A call passes where the 32 lower bits of an argument, and-ed with `mask`, are one of `values`; or are none."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    none_of: bool = False


def apply_seccomp(*, gpu: bool, landlock: bool) -> None:
    """Filter the calls of all threads of this process. Raises ConfinementError, OSError.

    `gpu` leaves what its drivers need. `landlock` says that Landlock will keep writing to the places that it allows.
    """
    machine = filtered_machine()
    load_filter(machine, bpf_program(machine, os.getpid(), gpu=gpu, landlock=landlock))


def filtered_machine() -> str:
    """The name of this kind of machine, which the numbers of calls belong to. Raises ConfinementError where they are
    not known."""
    if not sys.platform.startswith("linux"):
        raise ConfinementError(f"not on {sys.platform}")
    machine = platform.machine()
    if machine not in MACHINES:
        raise ConfinementError(f"not for {machine}")
    return machine


def load_filter(machine: str, lines: list[Instruction]) -> None:
    """Have the calls of all threads of this process pass through a filter. Raises ConfinementError, OSError."""
    code = b"".join(struct.pack("=HBBI", *line) for line in lines)
    buffer = ctypes.create_string_buffer(code, len(code))
    descriptor = struct.pack("@HP", len(lines), ctypes.addressof(buffer))
    no_new_privileges()
    try:
        left_out = syscall(_SECCOMP[machine], ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_TSYNC), descriptor)
    except OSError as error:
        raise ConfinementError(missing_reason(error)) from error
    if left_out:
        raise ConfinementError(f"it does not take thread {left_out}")


def bpf_program(machine: str, process: int, *, gpu: bool, landlock: bool) -> list[Instruction]:
    """The filter for `machine`, as BPF; `process` is the one that it is for."""
    lines = machine_check(machine)
    for number in call_numbers(ALLOWED_CALLS, machine):
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    rules = _rules(process, gpu=gpu, landlock=landlock)
    for name in BY_ARGUMENT:
        for number in call_numbers({name: BY_ARGUMENT[name]}, machine):
            lines += rule_lines(number, rules[name])
    if gpu:
        more = FOR_A_GPU | (FOR_A_DRIVERS_FOLDER if landlock else {})
        for number in call_numbers(more, machine):
            lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    for number in call_numbers(ABSENT, machine):
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, SAY_ABSENT)]
    return [*lines, (ABOVE, 0, 1, NEWEST), (RETURN, 0, 0, SAY_ABSENT), (RETURN, 0, 0, REFUSE)]


def machine_check(machine: str) -> list[Instruction]:
    """How every filter begins: calls of another kind of machine are refused; then the call's number is there."""
    lines: list[Instruction] = [
        (LOAD, 0, 0, _MACHINE_AT),
        (EQUAL, 1, 0, MACHINES[machine]),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, _NUMBER_AT),
    ]
    return lines + ([(AT_LEAST, 0, 1, _X32), (RETURN, 0, 0, REFUSE)] if machine == "x86_64" else [])


def _rules(process: int, *, gpu: bool, landlock: bool) -> dict[str, tuple[ArgumentRule, ...]]:
    """By call, what its arguments may be: any one of the rules suffices."""
    if not gpu:
        opening: tuple[tuple[int, tuple[int, ...]], ...] = ((_WRITING, (0,)),)
    elif landlock:
        opening = ((0, (0,)),)
    else:  # devices are opened for reading and writing; nothing is made
        opening = ((_WRITING, (0,)), (_WRITING, (_READ_WRITE,)))
    itself = (ArgumentRule(0, (process,)),)
    drivers = (ArgumentRule(1, (_TERMINALS, _SOCKETS), _IOCTL_KIND, none_of=True),) if gpu else ()
    return {
        "clone": (ArgumentRule(0, (_THREAD,), _THREAD | _NO_THREAD),),
        "kill": itself,
        "tgkill": itself,
        "prlimit64": (ArgumentRule(0, (0, process)),),
        "sched_setaffinity": (ArgumentRule(0, (0,)),),
        "fcntl": (ArgumentRule(1, _FCNTL),),
        "ioctl": (ArgumentRule(1, _IOCTL), *drivers),
        "prctl": (ArgumentRule(0, _PRCTL),),
        "open": tuple(ArgumentRule(1, values, mask) for mask, values in opening),
        "openat": tuple(ArgumentRule(2, values, mask) for mask, values in opening),
    }


def call_numbers(calls: Numbers, machine: str) -> Iterable[int]:
    """The numbers of `calls` on `machine`, as far as it has them."""
    column = list(MACHINES).index(machine)
    return [number for numbers in calls.values() if (number := numbers[column]) is not None]


def rule_lines(number: int, rules: Iterable[ArgumentRule]) -> list[Instruction]:
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
