"""The filter of system calls, run call by call as the kernel would: what passes on either machine."""

import errno
import re
from pathlib import Path

import pytest

from desktop.confinement import program_confinement, seccomp
from desktop.confinement.seccomp import ABSENT, ALLOWED_CALLS, BY_ARGUMENT, FOR_A_DRIVERS_FOLDER, FOR_A_GPU, NEWEST

MACHINES = tuple(seccomp.MACHINES)
SELF, PARENT = 4321, 1234
PASS, REFUSED, ABSENT_CALL = "pass", errno.EPERM, errno.ENOSYS
O_CREAT, O_TRUNC, O_APPEND, O_CLOEXEC, O_TMPFILE = 0o100, 0o1000, 0o2000, 0o2000000, 0o20200000
THREAD = 0x3D0F00  # what glibc's pthread_create asks for


def verdict(lines: list[seccomp.Instruction], architecture: int, number: int, *arguments: int) -> str | int:
    """What a filter says to a call: "pass", or the error."""
    words = {0: number & 0xFFFFFFFF, 4: architecture}
    for index, value in enumerate(arguments):
        words[16 + 8 * index], words[20 + 8 * index] = value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF
    at, accumulator = 0, 0
    while True:
        code, if_true, if_false, value = lines[at]
        at += 1
        if code == seccomp.LOAD:
            accumulator = words.get(value, 0)
        elif code == seccomp.AND:
            accumulator &= value
        elif code == seccomp.RETURN:
            return PASS if value == seccomp.ALLOW else value & 0xFFFF
        else:
            truth = {
                seccomp.EQUAL: accumulator == value,
                seccomp.AT_LEAST: accumulator >= value,
                seccomp.ABOVE: accumulator > value,
            }[code]
            at += if_true if truth else if_false


def ask(machine: str, name: str, *arguments: int, gpu: bool = False, landlock: bool = False) -> str | int:
    numbers = (ALLOWED_CALLS | BY_ARGUMENT | ABSENT | FOR_A_GPU | FOR_A_DRIVERS_FOLDER)[name]
    number = numbers[MACHINES.index(machine)]
    assert number is not None
    lines = seccomp.bpf_program(machine, SELF, gpu=gpu, landlock=landlock)
    return verdict(lines, seccomp.MACHINES[machine], number, *arguments)


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_on_the_list_passes_and_every_other_number_does_not(machine: str) -> None:
    column = MACHINES.index(machine)
    lines = seccomp.bpf_program(machine, SELF, gpu=False, landlock=True)
    listed = {numbers[column] for numbers in ALLOWED_CALLS.values()}
    by_argument = {numbers[column] for numbers in BY_ARGUMENT.values()}
    absent = {numbers[column] for numbers in ABSENT.values()}
    for number in {*range(1024), 0x3FFFFFFF}:
        said = verdict(lines, seccomp.MACHINES[machine], number, 2**64 - 1, 2**64 - 1, 2**64 - 1)
        expected = PASS if number in listed else ABSENT_CALL if number in absent or number > NEWEST else REFUSED
        assert said == expected, number
        assert not (number in by_argument and said == PASS), number


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_in_the_manner_of_another_machine_are_refused(machine: str) -> None:
    lines = seccomp.bpf_program(machine, SELF, gpu=True, landlock=True)
    own = seccomp.MACHINES[machine]
    for architecture in (0x40000003, 0x40000028, *seccomp.MACHINES.values()):  # i386, arm
        if architecture != own:
            assert all(verdict(lines, architecture, number) == REFUSED for number in range(500))
    if machine == "x86_64":
        assert all(verdict(lines, own, 0x40000000 | number) == REFUSED for number in range(600)), "x32"
        assert verdict(lines, own, -1) == REFUSED


@pytest.mark.parametrize(("machine", "call"), [("x86_64", "open"), *((machine, "openat") for machine in MACHINES)])
@pytest.mark.parametrize(
    ("flags", "cpu", "gpu", "gpu_with_landlock"),
    [
        (O_CLOEXEC, PASS, PASS, PASS),
        (1, REFUSED, REFUSED, PASS),
        (2, REFUSED, PASS, PASS),
        (2 | O_CLOEXEC, REFUSED, PASS, PASS),
        (3, REFUSED, REFUSED, PASS),
        (O_CREAT, REFUSED, REFUSED, PASS),
        (O_TRUNC, REFUSED, REFUSED, PASS),
        (2 | O_CREAT, REFUSED, REFUSED, PASS),
        (1 | O_APPEND, REFUSED, REFUSED, PASS),
        (2 | O_TMPFILE, REFUSED, REFUSED, PASS),
        (1 | 1 << 32, REFUSED, REFUSED, PASS),
    ],
)
def test_files_are_opened_for_reading(
    machine: str, call: str, flags: int, cpu: object, gpu: object, gpu_with_landlock: object
) -> None:
    arguments = (0, flags) if call == "open" else (0, 0, flags)
    assert ask(machine, call, *arguments) == ask(machine, call, *arguments, landlock=True) == cpu
    assert ask(machine, call, *arguments, gpu=True) == gpu
    assert ask(machine, call, *arguments, gpu=True, landlock=True) == gpu_with_landlock


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        ("clone", (THREAD,), PASS),
        ("clone", (THREAD | 0x400000,), PASS),  # as musl asks
        ("clone", (0x11,), REFUSED),
        ("clone", (0x4111,), REFUSED),  # vfork
        ("clone", (0x10000,), REFUSED),
        *(("clone", (THREAD | 1 << bit,), REFUSED) for bit in (4, 12, 13, 14, 15, 17, 23, 25, 26, 27, 28, 29, 30)),
        ("clone3", (), ABSENT_CALL),
        ("openat2", (), ABSENT_CALL),
        ("kill", (SELF,), PASS),
        *(("kill", (other,), REFUSED) for other in (0, -1, -SELF, PARENT, 1)),
        ("tgkill", (SELF, SELF + 1, 6), PASS),
        ("tgkill", (PARENT, PARENT, 9), REFUSED),
        ("prlimit64", (0, 9), PASS),
        ("prlimit64", (SELF, 9), PASS),
        ("prlimit64", (PARENT, 1), REFUSED),
        ("sched_setaffinity", (0,), PASS),
        ("sched_setaffinity", (PARENT,), REFUSED),
        *(("fcntl", (1, command), PASS) for command in (0, 1, 2, 3, 4, 1030, 1032)),
        # F_SETLK F_SETOWN F_SETSIG F_SETOWN_EX F_OFD_SETLK F_SETLEASE F_NOTIFY F_SETPIPE_SZ F_ADD_SEALS
        *(("fcntl", (1, command), REFUSED) for command in (6, 8, 10, 15, 37, 1024, 1026, 1031, 1033)),
        ("fcntl", (1, 8 | 1 << 40), REFUSED),
        ("ioctl", (0, 0x5401), PASS),
        # TIOCSTI TIOCLINUX TIOCCONS TIOCSETD TIOCSCTTY TIOCSPGRP TCSETS FIOASYNC FIOSETOWN SIOCSPGRP
        *(
            ("ioctl", (0, command), REFUSED)
            for command in (0x5412, 0x541C, 0x541D, 0x5423, 0x540E, 0x5410, 0x5402, 0x5452, 0x8901, 0x8902)
        ),
        ("ioctl", (0, 0x5412 | 1 << 32), REFUSED),
        ("prctl", (15,), PASS),
        # PR_SET_DUMPABLE PR_SET_PDEATHSIG PR_SET_SECCOMP PR_SET_MM PR_SET_PTRACER
        *(("prctl", (option,), REFUSED) for option in (4, 1, 22, 35, 0x59616D61)),
    ],
)
def test_what_passes_by_its_arguments(
    machine: str, gpu: bool, call: str, arguments: tuple[int, ...], expected: object
) -> None:
    assert ask(machine, call, *arguments, gpu=gpu) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_only_drivers_of_a_gpu_control_devices_and_only_landlock_lets_them_keep_files(machine: str) -> None:
    for command in (0xC020462A, 0xC0106407, 0x4B01):  # NV_ESC_RM_CONTROL, a DRM_IOCTL, AMDKFD_IOC_GET_VERSION
        assert ask(machine, "ioctl", 5, command) == REFUSED
        assert ask(machine, "ioctl", 5, command, gpu=True) == PASS
    for name in ("mkdirat", "unlinkat", "renameat2", "ftruncate", "flock"):
        assert ask(machine, name) == REFUSED
        assert ask(machine, name, gpu=True) == REFUSED
        assert ask(machine, name, gpu=True, landlock=True) == PASS
        assert ask(machine, name, landlock=True) == REFUSED


HEADERS = {
    "x86_64": (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h")),
    "aarch64": (Path("/usr/include/asm-generic/unistd.h"),),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_the_kernels(machine: str) -> None:
    header = next((path for path in HEADERS[machine] if path.exists()), None)
    if header is None:
        pytest.skip("the kernel's headers are not installed")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
    found = {("newfstatat" if name == "fstatat" else name): number for name, number in found.items()}
    column = MACHINES.index(machine)
    checked = 0
    of_programs = program_confinement._REFUSED | program_confinement._AS_IF_DONE | program_confinement._ABSENT
    of_programs |= {name: numbers for name, (numbers, _) in program_confinement._BY_ARGUMENT.items()}
    of_workers = ALLOWED_CALLS | BY_ARGUMENT | ABSENT | FOR_A_GPU | FOR_A_DRIVERS_FOLDER
    for name, numbers in (*of_workers.items(), *of_programs.items()):
        if name in found:
            assert numbers[column] == int(found[name]), name
            checked += 1
    assert checked > 160
