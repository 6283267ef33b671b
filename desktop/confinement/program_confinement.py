"""What a program of somebody else's gives up before it starts: most files, other programs' sockets, the network.

Unlike a reader of files (`process_confinement`) such a program may start others and talk to the network, where that is
left to it. So seccomp only refuses what reaches out of it: sockets that other programs of this machine listen at,
tracing, keyrings, shared memory, mounts, other namespaces. What changes a file's owner, rights or times by its name is
answered as if it had been done, and does nothing: Landlock does not rule over it.
"""

import ctypes
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from desktop.confinement.landlock import apply_landlock
from desktop.confinement.linux_syscall import ConfinementError, missing_reason
from desktop.confinement.seccomp import (
    ALLOW,
    EQUAL,
    REFUSE,
    RETURN,
    SAY_ABSENT,
    ArgumentRule,
    Instruction,
    Numbers,
    call_numbers,
    filtered_machine,
    load_filter,
    machine_check,
    rule_lines,
)

PROGRAM_PLACES = (
    "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/opt", "/nix/store", "/gnu/store",
)  # fmt: skip
"""Where a system's programs and libraries lie: they may be read and run."""
SETTING_PLACES = (
    "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ca-certificates.conf", "/etc/resolv.conf", "/etc/hosts",
    "/etc/host.conf", "/etc/gai.conf", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/passwd",
    "/etc/group", "/etc/localtime", "/etc/timezone", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
    "/etc/mime.types", "/etc/alternatives", "/etc/os-release", "/etc/lsb-release", "/etc/fonts", "/etc/gitconfig",
    "/etc/pip.conf", "/etc/npmrc", "/etc/terminfo", "/etc/locale.conf", "/etc/default/locale", "/dev/urandom",
    "/dev/random", "/dev/zero", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version",
    "/proc/filesystems", "/proc/sys/kernel", "/proc/sys/vm", "/sys/devices/system/cpu", "/sys/fs/cgroup",
)  # fmt: skip
"""What programs read of a system: names, certificates, clock, what the machine has. Nothing of a person's."""
_WRITABLE_DEVICES = ("/dev/null", "/dev/full")

_REFUSED: Numbers = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "reboot": (169, 142), "syslog": (103, 116), "swapon": (167, 224), "swapoff": (168, 225),
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semop": (65, 193),
    "semtimedop": (220, 192), "semctl": (66, 191), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188),
    "msgctl": (71, 187), "open_tree_attr": (467, 467),
}  # fmt: skip
_AS_IF_DONE: Numbers = {
    "chmod": (90, None), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None), "lchown": (94, None),
    "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None), "utimensat": (280, 88),
    "futimesat": (261, None), "setxattr": (188, 5), "lsetxattr": (189, 6), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "setxattrat": (463, 463), "removexattrat": (466, 466), "file_setattr": (469, 469),
}  # fmt: skip
_BY_ARGUMENT: dict[str, tuple[tuple[int | None, int | None], ArgumentRule]] = {
    # AF_INET, AF_INET6, and AF_NETLINK, by which names are looked up. Those of other programs (AF_UNIX) are none.
    "socket": ((41, 198), ArgumentRule(0, (2, 10, 16))),
    "clone": ((56, 220), ArgumentRule(0, (0,), 0x7E020000)),  # no namespace: linux/sched.h
    "prlimit64": ((302, 261), ArgumentRule(0, (0,))),
}
_ABSENT: Numbers = {"clone3": (435, 435)}  # its arguments cannot be seen; the C library then takes `clone`
_DONE = 0x00050000  # an error of number 0 is none
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


@dataclass(frozen=True)
class ProgramConfinement:
    """What was given up: "landlock" or "no landlock: …" with the reason, likewise "seccomp", and "none" or "shared"."""

    files: str
    calls: str
    network: str


def confine_program(
    readable: Iterable[Path], writable: Iterable[Path], executable: Iterable[Path], *, network: bool
) -> ProgramConfinement:
    """Confine this process, which has one thread, and all that it starts. Called right before it becomes another
    program.

    Without `network` it is in a namespace of its own without interfaces; raises ConfinementError where the system has
    none, so that the program is not started. Where files or calls cannot be confined, that is told.
    """
    if not network:
        leave_network()
    writable = [*writable]
    settings = [Path(each) for each in SETTING_PLACES]
    programs = [*(Path(each) for each in PROGRAM_PLACES), *executable, *writable]
    devices = [Path(each) for each in _WRITABLE_DEVICES]
    files = calls = ""
    try:
        apply_landlock([*settings, *readable], (), [*writable, *devices], executable=programs, network=network)
    except (ConfinementError, OSError) as error:
        files = f"no landlock: {error}"
    try:
        machine = filtered_machine()
        load_filter(machine, program_filter(machine))
    except (ConfinementError, OSError) as error:
        calls = f"no seccomp: {error}"
    return ProgramConfinement(files or "landlock", calls or "seccomp", "shared" if network else "none")


def leave_network() -> None:
    """Put this process, which has one thread, into a network namespace without interfaces. Raises ConfinementError."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(ctypes.c_int(_NEW_USER | _NEW_NETWORK)) != 0:
        code = ctypes.get_errno()
        raise ConfinementError(missing_reason(OSError(code, os.strerror(code))))
    try:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    except OSError as error:
        raise ConfinementError(missing_reason(error)) from error


def program_filter(machine: str) -> list[Instruction]:
    """The filter of a program's calls on `machine`, as BPF: what is not named passes."""
    lines = machine_check(machine)
    for calls, answer in ((_REFUSED, REFUSE), (_AS_IF_DONE, _DONE), (_ABSENT, SAY_ABSENT)):
        for number in call_numbers(calls, machine):
            lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, answer)]
    for name, (numbers, rule) in _BY_ARGUMENT.items():
        for number in call_numbers({name: numbers}, machine):
            lines += rule_lines(number, (rule,))
    return [*lines, (RETURN, 0, 0, ALLOW)]
