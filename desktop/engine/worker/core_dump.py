"""Core dumps, which a process that holds a conversation must not leave."""

import contextlib
import sys


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
