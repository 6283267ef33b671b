"""Which process writes an answer, so that another one can tell whether it still lives.

A process is named by its number and the time it began, since numbers are given again.
"""

import os

_SAME_START_S = 2.0
_names: dict[int, str] = {}


def this_process() -> str:
    """The name of this process: "<pid> <seconds since 1970>"."""
    pid = os.getpid()
    if pid not in _names:
        import psutil  # costs some milliseconds, and nothing needs it before the first answer

        _names[pid] = f"{pid} {psutil.Process(pid).create_time():.3f}"
    return _names[pid]


def is_alive(name: str | None) -> bool:
    """Whether the process named so by `this_process` is still running."""
    if name is None:
        return False
    if name == _names.get(os.getpid()):
        return True
    import psutil

    try:
        pid, began = name.split(" ")
        process = psutil.Process(int(pid))
        return abs(process.create_time() - float(began)) < _SAME_START_S and process.status() != psutil.STATUS_ZOMBIE
    except (ValueError, psutil.NoSuchProcess):
        return False
    except psutil.AccessDenied:
        return True  # there is such a process, and it is not ours to look at: leave its answer alone
