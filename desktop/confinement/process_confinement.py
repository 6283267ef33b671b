"""On Linux a process that reads a stranger's file gives up what it does not need, before it does: the engine's worker,
and the reader of documents.

Seccomp leaves it a list of system calls, among them no socket, no process, no change of any file by its name. Landlock
leaves it its own libraries and the files that it is given to read, and nothing to write: what it has to leave behind
goes through descriptors that the app opened. Both are the kernel's, need no rights, and cannot be undone. Where a
kernel lacks one, the process runs without it and says so.

Where a GPU computes, its drivers are left devices, what they read of the system, and a folder of their own to write.
"""

import contextlib
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from desktop.child_process_command import is_packaged
from desktop.confinement.landlock import WHOLE, apply_landlock, version
from desktop.confinement.linux_syscall import ConfinementError
from desktop.confinement.seccomp import apply_seccomp

LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
"""Where the system's libraries lie."""
SYSTEM_READABLE = (
    *LIBRARIES, "/usr/share/zoneinfo", "/etc/localtime", "/dev/null", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo",
    "/sys/devices/system/cpu", "/sys/devices/system/node", "/proc/self/cgroup", "/sys/fs/cgroup",
)  # fmt: skip
"""What a process reads of the system that computes: besides the libraries the clock, and what the machine has."""
_DRIVERS_READABLE = (
    "/usr", "/lib", "/lib64", "/etc", "/opt", "/nix", "/gnu", "/sys", "/run", "/dev", "/var/lib", "/proc/self",
    "/proc/driver", "/proc/sys", "/proc/devices", "/proc/modules", "/proc/version", "/proc/stat", "/proc/filesystems",
)  # fmt: skip
_DEVICES = (
    "null", "zero", "dri", "kfd", "nvidia*", "nvhost*", "nvmap", "nvgpu", "dxg", "mali*", "kgsl-3d0", "accel",
    "dma_heap",
)  # fmt: skip


def forbid_core_dump() -> None:
    """Have this process dump no core when it crashes: neither to a file nor to a program that collects them.

    On Linux a limit of 0 does not hold for dumps that are piped to a program; exactly 1 ends those too, and is too
    little for a file (core(5)). Where the system has no such limit, or forbids even this one, the process goes on.
    """
    with contextlib.suppress(ImportError):
        import resource

        for limit in (1, 0) if sys.platform == "linux" else (0,):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
                return


def limit_file_size(most: int) -> None:
    """Let no file that this process writes grow beyond `most` bytes, where the system has such a limit (Windows has
    none). What is written beyond it fails as on a full disk."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def confine_calls(*, gpu: bool = False) -> str:
    """Give up dangerous system calls, for all threads. "seccomp", or "no seccomp: …" with the reason.

    `gpu` leaves those that drivers of GPUs need.
    """
    try:
        apply_seccomp(gpu=gpu, landlock=_is_landlock_whole())
    except (ConfinementError, OSError) as error:
        return f"no seccomp: {error}"
    return "seccomp"


def confine_files(
    opened: Iterable[int] = (),
    *,
    system: Iterable[str] = SYSTEM_READABLE,
    gpu: bool = False,
    drivers_folder: Path | None = None,
) -> str:
    """Give up all files but this program's own and those `opened` (descriptors), for this thread and those it starts.

    "landlock", or "no landlock: …" with the reason. Also gives up TCP where the kernel can. `system` are the places of
    the system that stay readable. `gpu` leaves the devices and what drivers read, `drivers_folder` is theirs to write.
    """
    readable, writable = own_files(system), []
    if gpu:
        readable += [Path(path) for path in _DRIVERS_READABLE] + _library_folders()
        writable = [device for name in _DEVICES for device in Path("/dev").glob(name)]
        writable += [drivers_folder] if drivers_folder is not None else []
    try:
        apply_landlock(readable, opened, writable)
    except (ConfinementError, OSError) as error:
        return f"no landlock: {error}"
    return "landlock"


def confinement_summary(files: str, calls: str) -> str:
    """What `confine_files` and `confine_calls` gave, in one: "landlock+seccomp", or what is missing and why."""
    return "landlock+seccomp" if (files, calls) == ("landlock", "seccomp") else f"{files}; {calls}"


def own_files(system: Iterable[str] = SYSTEM_READABLE) -> list[Path]:
    """What this program reads while it runs: Python, its packages, and the places in `system`."""
    folders = {Path(folder) for folder in sys.path if folder}
    folders |= {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    package = Path(__file__).resolve().parents[1]
    if (package.parent / "pyproject.toml").exists():  # a checkout holds more than the program
        folders = {folder for folder in folders if folder.resolve() != package.parent}
    folders |= {package}
    if is_packaged():  # its modules lie in the executable
        folders |= {Path(sys.executable)}
    kept = [folder for folder in folders if not _holds_home(folder)]
    return [*kept, *(Path(path) for path in system)]


def _library_folders() -> list[Path]:
    named = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    return [Path(folder) for folder in named if Path(folder).is_absolute() and not _holds_home(Path(folder))]


def _holds_home(folder: Path) -> bool:
    """Whether it is the person's own folder or above it."""
    try:
        home = Path.home()
    except RuntimeError:  # there is none
        return folder == Path("/")
    return folder in (Path("/"), home, *home.parents)


def _is_landlock_whole() -> bool:
    try:
        return version() >= WHOLE
    except ConfinementError:
        return False
