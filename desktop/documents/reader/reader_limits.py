"""How much of the machine the reader may take: memory, open files, nothing written, seconds of computing a file."""

import contextlib
import sys

MOST_ADDRESSES = 3 * 1024**3
_MOST_FILES = 64
_CPU_S = 600


def limit_process() -> None:
    """Set what holds for the whole life of this process, where the system has such limits (Windows has none)."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, most in (
            (resource.RLIMIT_AS, MOST_ADDRESSES),
            (resource.RLIMIT_NOFILE, _MOST_FILES),
            (resource.RLIMIT_FSIZE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (most, most))


def limit_cpu_time() -> None:
    """Let this process compute for ten minutes more, then end. Asked for before each file."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        limit = int(used.ru_utime + used.ru_stime) + _CPU_S
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))
