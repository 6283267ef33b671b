"""What somebody who took over a worker would try: each attempt by the C library or by the number of the system call.

None would do harm where it is let through: what is set is what is set already.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import platform
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine(), 0)
# Numbers on x86_64 and aarch64, from asm/unistd_64.h and asm-generic/unistd.h.
_NUMBERS = {
    "memfd_create": (319, 279), "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "keyctl": (250, 219),
    "add_key": (248, 217), "openat2": (437, 437), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
    "execveat": (322, 281), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "shmget": (29, 194), "shmat": (30, 196),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180), "move_pages": (279, 239), "personality": (135, 92),
    "sched_setscheduler": (144, 119), "ioprio_set": (251, 30), "setpriority": (141, 140), "fanotify_init": (300, 262),
    "inotify_init1": (294, 26), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "process_madvise": (440, 440), "get_robust_list": (274, 100), "seccomp": (317, 277), "fchmodat2": (452, 452),
    "setxattrat": (463, 463), "file_setattr": (469, 469), "quotactl": (179, 60), "syslog": (103, 116),
}  # fmt: skip
_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _FIOASYNC = 0x5412, 0x541C, 0x8901, 0x5452
_F_SETOWN_EX, _F_SETSIG = 15, 10


def outcome(attempt: Callable[[], Any]) -> str:
    """The error's name (EPERM, EACCES, …), or "done"."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "done"


def call(name: str, *arguments: Any) -> int:
    """A call by its number. Raises OSError."""
    return _checked(_libc.syscall(ctypes.c_long(_NUMBERS[name][_COLUMN]), *(_wide(each) for each in arguments)))


def c(name: str, *arguments: Any) -> int:
    """A function of the C library. Raises OSError."""
    return _checked(getattr(_libc, name)(*arguments))


def _wide(value: Any) -> Any:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(result: int) -> int:
    if result == -1:
        raise OSError(ctypes.get_errno(), "")
    return result


def changes(file: Path, folder: Path) -> dict[str, Callable[[], Any]]:
    """What would change `file`, which is there, or something in `folder`, its own."""
    f, other = os.fsencode(file), os.fsencode(folder / "made")
    now = time.time()
    opened = os.open(file, os.O_RDONLY)
    return {
        "chmod": lambda: file.chmod(0o777),
        "fchmod": lambda: os.fchmod(opened, 0o777),
        "fchmodat2": lambda: call("fchmodat2", -100, f, 0o777, 0),
        "chown": lambda: os.chown(file, os.getuid(), os.getgid()),
        "lchown": lambda: os.lchown(file, os.getuid(), os.getgid()),
        "fchown": lambda: os.fchown(opened, os.getuid(), os.getgid()),
        "utime": lambda: os.utime(file, (now, now)),
        "futimens": lambda: os.utime(opened, (now, now)),
        "truncate": lambda: os.truncate(file, 0),
        "rename": lambda: file.rename(folder / "made"),
        "renameat2": lambda: c("renameat2", -100, f, -100, other, 0),
        "replace itself": lambda: file.replace(file),
        "unlink": lambda: file.unlink(),
        "rmdir": lambda: folder.rmdir(),
        "link": lambda: os.link(file, folder / "made"),
        "symlink": lambda: (folder / "made").symlink_to(file),
        "mkdir": lambda: (folder / "made").mkdir(),
        "fifo": lambda: os.mkfifo(folder / "made"),
        "mknod": lambda: os.mknod(folder / "made"),
        "setxattr": lambda: os.setxattr(file, "user.a", b"1"),
        "fsetxattr": lambda: os.setxattr(opened, "user.a", b"1"),
        "removexattr": lambda: os.removexattr(file, "user.a"),
        "setxattrat": lambda: call("setxattrat", -100, f, 0, b"user.a", 0, 0),
        "file_setattr": lambda: call("file_setattr", -100, f, 0, 0, 0),
        "write": lambda: os.open(file, os.O_WRONLY),
        "read and write": lambda: os.open(file, os.O_RDWR),
        "append": lambda: os.open(file, os.O_WRONLY | os.O_APPEND),
        "cut while reading": lambda: os.open(file, os.O_RDONLY | os.O_TRUNC),
        "make": lambda: os.open(folder / "made", os.O_WRONLY | os.O_CREAT),
        "make while reading": lambda: os.open(folder / "made", os.O_RDONLY | os.O_CREAT),
        "make without name": lambda: os.open(folder, os.O_RDWR | os.O_TMPFILE),
        "openat2": lambda: call("openat2", -100, f, struct.pack("=QQQ", os.O_RDWR, 0, 0), 24),
        "creat": lambda: c("creat", other, 0o600),
        "by its descriptor": lambda: os.open(f"/proc/self/fd/{opened}", os.O_RDWR),
        "lock": lambda: fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB),
        "lease": lambda: fcntl.fcntl(opened, fcntl.F_SETLEASE, fcntl.F_RDLCK),
        "notice": lambda: fcntl.fcntl(opened, fcntl.F_NOTIFY, 1),
        "attributes": lambda: fcntl.ioctl(opened, 0x40086602, struct.pack("=l", 0)),  # FS_IOC_SETFLAGS
        "its own memory": lambda: os.open("/proc/self/mem", os.O_RDWR),
        "how likely it is killed": lambda: os.open("/proc/self/oom_score_adj", os.O_WRONLY),
    }


def others(parent: int) -> dict[str, Callable[[], Any]]:
    """What would reach process `parent`, another one or the whole system."""
    vector = struct.pack("=QQ", 0, 0)
    limits, processors = resource.getrlimit(resource.RLIMIT_FSIZE), os.sched_getaffinity(0)
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    return {
        "limits": lambda: resource.prlimit(parent, resource.RLIMIT_FSIZE, limits),
        "reading limits": lambda: resource.prlimit(parent, resource.RLIMIT_FSIZE),
        "kill": lambda: os.kill(parent, 0),
        "kill the group": lambda: os.kill(0, 0),
        "kill all": lambda: os.kill(-1, 0),
        "kill by group": lambda: os.killpg(os.getpgid(0), 0),
        "tkill": lambda: call("tkill", parent, 0),
        "tgkill": lambda: _checked(_libc.tgkill(parent, parent, 0)),
        "sigqueue": lambda: call("rt_sigqueueinfo", parent, 0, bytes(128)),
        "a signal by a pipe": lambda: fcntl.fcntl(1, fcntl.F_SETOWN, parent),
        "a signal by a pipe, otherwise": lambda: fcntl.fcntl(1, _F_SETOWN_EX, struct.pack("=ii", 1, parent)),
        "which signal": lambda: fcntl.fcntl(1, _F_SETSIG, 0),
        "a signal by ioctl": lambda: fcntl.ioctl(1, _FIOSETOWN, struct.pack("=i", parent)),
        "signals on": lambda: fcntl.ioctl(1, _FIOASYNC, struct.pack("=i", 0)),
        "typing": lambda: fcntl.ioctl(0, _TIOCSTI, b"x"),
        "typing, with bits beyond": lambda: _checked(_libc.ioctl(0, ctypes.c_ulong(_TIOCSTI | 1 << 32), b"x")),
        "pasting": lambda: fcntl.ioctl(0, _TIOCLINUX, b"\x03"),
        "processors": lambda: os.sched_setaffinity(parent, processors),
        "scheduler": lambda: call("sched_setscheduler", parent, 0, struct.pack("=i", 0)),
        "priority": lambda: os.setpriority(os.PRIO_PROCESS, parent, priority),
        "its own priority": lambda: os.nice(1),
        "ioprio": lambda: call("ioprio_set", 1, parent, 0),
        "group": lambda: os.setpgid(0, 0),
        "session": os.setsid,
        "reading memory": lambda: call("process_vm_readv", parent, vector, 1, vector, 1, 0),
        "writing memory": lambda: call("process_vm_writev", parent, vector, 1, vector, 1, 0),
        "ptrace": lambda: call("ptrace", 16, parent, 0, 0),
        "madvise": lambda: call("process_madvise", 1, vector, 1, 4, 0),
        "move pages": lambda: call("move_pages", parent, 0, 0, 0, 0, 0),
        "robust list": lambda: call("get_robust_list", parent, bytes(8), bytes(8)),
        "kcmp": lambda: call("kcmp", parent, os.getpid(), 1, 0, 0),
        "pidfd": lambda: call("pidfd_open", parent, 0),
        "its descriptors": lambda: call("pidfd_getfd", 1, 0, 0),
        "shared memory": lambda: call("shmget", 0x1234, 4096, 0),
        "shared memory of others": lambda: call("shmat", 0, 0, 0),
        "semaphores": lambda: call("semget", 0x1234, 1, 0),
        "messages": lambda: call("msgget", 0x1234, 0),
        "message queue": lambda: call("mq_open", b"latchkey", 2, 0, 0),
        "keys": lambda: call("keyctl", 0, -3, 0),
        "a key": lambda: call("add_key", b"user", b"a", b"b", 1, -3),
    }


def ways_out() -> dict[str, Callable[[], Any]]:
    """What would start something, talk to somebody, or get around the filter."""
    name = socket.gethostname()
    return {
        "socket": lambda: socket.socket(),
        "unix socket": lambda: socket.socket(socket.AF_UNIX),
        "pair": lambda: socket.socketpair(),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "fork": lambda: os.fork() or os._exit(0),
        "run": lambda: os.execv("/bin/true", ["true"]),
        "execveat": lambda: call("execveat", -100, b"/bin/true", 0, 0, 0),
        "namespaces": lambda: call("unshare", 0x10000000),
        "setns": lambda: call("setns", 0, 0),
        "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
        "chroot": lambda: os.chroot("/"),
        "chdir": lambda: os.chdir("/"),
        "memfd": lambda: call("memfd_create", b"a", 0),
        "io_uring": lambda: call("io_uring_setup", 1, bytes(120)),
        "userfaultfd": lambda: call("userfaultfd", 0),
        "bpf": lambda: call("bpf", 0, 0, 0),
        "perf": lambda: call("perf_event_open", bytes(128), 0, -1, -1, 0),
        "seccomp": lambda: call("seccomp", 0, 0, 0),
        "personality": lambda: call("personality", 0x0040000),
        "setuid": lambda: os.setuid(os.getuid()),
        "setgroups": lambda: os.setgroups([]),
        "dumpable": lambda: c("prctl", 4, 1, 0, 0, 0),
        "a tracer": lambda: c("prctl", 0x59616D61, os.getppid(), 0, 0, 0),
        "subreaper": lambda: c("prctl", 36, 1, 0, 0, 0),
        "inotify": lambda: call("inotify_init1", 0),
        "fanotify": lambda: call("fanotify_init", 0, 0),
        "handle": lambda: call("name_to_handle_at", -100, b"/tmp", bytes(128), bytes(4), 0),
        "by handle": lambda: call("open_by_handle_at", -100, bytes(128), 0),
        "kernel log": lambda: call("syslog", 3, bytes(16), 16),
        "hostname": lambda: socket.sethostname(name),
        "sync": lambda: os.fsync(1),
        "a larger pipe": lambda: fcntl.fcntl(1, 1031, 1 << 20),
    }


def its_work(file: Path) -> dict[str, Callable[[], Any]]:
    """What a worker has to be able to do."""

    def mapped() -> None:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            assert memory[:1]

    def thread() -> None:
        worker = threading.Thread(target=int)
        worker.start()
        worker.join()

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    return {
        "read": file.read_bytes,
        "map": mapped,
        "thread": thread,
        "signal itself": lambda: os.kill(os.getpid(), 0),
        "own limits": lambda: resource.setrlimit(resource.RLIMIT_AS, (soft, hard)),
        "own processors": lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)),
        "name": lambda: c("prctl", 15, b"latchkey", 0, 0, 0),
        "random": lambda: os.urandom(8),
        "write to its pipe": lambda: os.write(1, b""),
        "terminal?": lambda: os.isatty(0),
        "executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    }


def by_number(numbers: Sequence[int]) -> dict[int, str]:
    """The outcome of each call with arguments that mean nothing."""
    wrong = [ctypes.c_long(-1)] * 6
    return {number: outcome(lambda: _checked(_libc.syscall(ctypes.c_long(number), *wrong))) for number in numbers}  # noqa: B023
