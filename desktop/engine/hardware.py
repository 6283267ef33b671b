"""This machine's resources: cores this process may use, memory it may take, features of its CPU.

Containers count: the affinity mask and the cgroup limits (v2 and v1) bound what the operating system reports.
"""

import hashlib
import os
import platform
from pathlib import Path, PurePosixPath

_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60
_X86_FEATURES = (
    "sse3",
    "ssse3",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "bmi2",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "amx_int8",
)
_ARM_FEATURES = ("asimd", "asimddp", "i8mm", "sve", "sve2", "bf16", "fphp")


def usable_cores() -> int:
    """Physical cores within this process's affinity and cgroup quota, at least 1: threads worth giving to a model."""
    allowed = _affinity()
    cores = _physical_cores(allowed) if allowed else (os.cpu_count() or 1)
    granted = _cgroup_cpus()
    return max(1, cores if granted is None else min(cores, int(granted)))


def available_memory() -> int | None:
    """Bytes that can be taken without swapping, within the cgroup's limit; None where it cannot be found out."""
    free = _system_memory("MemAvailable")
    limited = _cgroup_memory_left()
    if limited is None:
        return free
    return limited if free is None else min(free, limited)


def total_memory() -> int | None:
    """Bytes of memory this process may ever use, within the cgroup's limit; None where it cannot be found out."""
    total = _system_memory("MemTotal")
    limit = min(
        (_number(folder / name) or _UNLIMITED for folder in _folders("memory") for name in _LIMITS), default=None
    )
    if limit is None or limit >= _UNLIMITED:
        return total
    return limit if total is None else min(total, limit)


def cpu_name() -> str:
    """The processor's name as its maker gives it, or the architecture."""
    for key in ("model name", "Model", "Hardware"):
        value = _cpuinfo().get(key)
        if value:
            return value
    return platform.processor() or platform.machine()


def cpu_features() -> tuple[str, ...]:
    """The features that matter for speed and that this CPU has, by their Linux names; empty on other systems."""
    info = _cpuinfo()
    flags = set((info.get("flags") or info.get("Features") or "").split())
    return tuple(name for name in (*_X86_FEATURES, *_ARM_FEATURES) if name in flags)


def cpu_fingerprint() -> str:
    """The processor's name with a mark of all its features, which changes where one comes or goes."""
    info = _cpuinfo()
    flags = sorted((info.get("flags") or info.get("Features") or "").split())
    mark = hashlib.sha256(" ".join(flags).encode()).hexdigest()[:8]
    return f"{cpu_name()} ({mark})" if flags else f"{cpu_name()} ({platform.machine()})"


_LIMITS = ("memory.max", "memory.high", "memory.limit_in_bytes")
_USED = ("memory.current", "memory.usage_in_bytes")


def _affinity() -> set[int]:
    """The logical CPUs this process may run on; empty where the system does not say."""
    return set(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else set()


def _system_memory(field: str) -> int | None:
    """A field of /proc/meminfo in bytes; elsewhere psutil's figure of the same meaning."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
    except (OSError, StopIteration):
        pass
    try:
        import psutil

        memory = psutil.virtual_memory()
    except (ImportError, OSError):
        return None
    return int(memory.total if field == "MemTotal" else memory.available)


def _physical_cores(allowed: set[int]) -> int:
    """How many different cores the logical CPUs `allowed` stand on."""
    cores = set()
    for cpu in allowed:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            cores.add(siblings.read_text(encoding="ascii").strip())
        except OSError:
            cores.add(str(cpu))
    return len(cores)


def _cpuinfo() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    first = text.split("\n\n", 1)[0]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def _folders(controller: str) -> list[Path]:
    """This process's cgroup folder for `controller` and all above it, version 2 and version 1."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = _CGROUP / controller if controllers else _CGROUP
        inside = PurePosixPath(path.lstrip("/"))
        folders += [root / inside, *(root / parent for parent in inside.parents)]
    return list(dict.fromkeys(folders))


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _cgroup_cpus() -> float | None:
    """How many CPUs' time the cgroups grant; None where they set no quota."""
    granted: float | None = None
    for folder in _folders("cpu"):
        try:
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        except (OSError, ValueError):
            quota, period = str(_number(folder / "cpu.cfs_quota_us")), str(_number(folder / "cpu.cfs_period_us"))
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            here = int(quota) / int(period)
            granted = here if granted is None else min(granted, here)
    return granted


def _cgroup_memory_left() -> int | None:
    """Bytes left under the tightest memory limit of the cgroups; None where none is set.

    Page cache counts as used there, yet is given back on demand: `inactive_file` is added again.
    """
    left = None
    for folder in _folders("memory"):
        limit = min((_number(folder / name) or _UNLIMITED for name in _LIMITS), default=_UNLIMITED)
        used = next((value for name in _USED if (value := _number(folder / name)) is not None), None)
        if limit >= _UNLIMITED or used is None:
            continue
        here = max(0, limit - used + _inactive_file(folder))
        left = here if left is None else min(left, here)
    return left


def _inactive_file(folder: Path) -> int:
    try:
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(
        (int(line.split()[1]) for line in lines if line.startswith(("inactive_file ", "total_inactive_file "))), 0
    )
