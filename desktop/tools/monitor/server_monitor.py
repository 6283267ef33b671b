"""Starts a tool server confined, and ends it together with everything that it started.

What a server starts may leave its process group. So this process adopts what loses its parent, and when the server or
the app is gone it ends every descendant. It is given one line of JSON by the descriptor `--in`, which the app then
keeps open for as long as the server is to run; by `--out` it says how the server is confined, or why it did not start.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from desktop.confinement.linux_syscall import ConfinementError
from desktop.confinement.process_confinement import forbid_core_dump, limit_file_size
from desktop.confinement.program_confinement import confine_program

_PARENT_DEATH_SIGNAL, _ADOPT = 1, 36  # linux/prctl.h
_LARGEST_FILE = 1 << 30
_POLL_S = 0.5
_NO_NETWORK = "network"
_NO_PROGRAM = "program"


def run(arguments: Sequence[str]) -> NoReturn:
    """Run one server until it ends or the app closes its pipe; ends with the server's exit code."""
    values = dict(zip(arguments[::2], arguments[1::2], strict=True))
    orders, report = int(values["--in"]), int(values["--out"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the app, which closes the pipe
    os.set_inheritable(report, False)
    order = json.loads(_line(orders))
    _prctl(_ADOPT, 1)
    server = os.fork()
    if server == 0:
        os.close(orders)
        _become(order, report)
    os.close(report)
    sink = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # the server's end of the pipes is the only one
        os.dup2(sink, stream)
    code = _wait(server, orders)
    _end_descendants()
    os._exit(code)


def _become(order: dict[str, Any], report: int) -> NoReturn:
    """In the new process: confine it, and become the server's program."""
    try:
        _prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        forbid_core_dump()
        limit_file_size(_LARGEST_FILE)
        os.chdir(order["folder"])
        confined = confine_program(
            [Path(each) for each in order["readable"]],
            [Path(each) for each in order["writable"]],
            [Path(each) for each in order["executable"]],
            network=order["network"],
        )
        _tell(report, asdict(confined))
        os.execve(order["command"][0], order["command"], order["environment"])
    except ConfinementError as error:
        _tell(report, {"failed": _NO_NETWORK, "reason": str(error)})
    except (OSError, ValueError) as error:
        _tell(report, {"failed": _NO_PROGRAM, "reason": getattr(error, "strerror", None) or str(error)})
    finally:
        os._exit(127)


def _tell(report: int, value: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        os.write(report, json.dumps(value).encode() + b"\n")


def _wait(server: int, orders: int) -> int:
    """Wait until the server ends, or the app does or wants it to. The server's exit code; 0 where it still runs."""
    watched, wait_s = [orders], _POLL_S
    with contextlib.suppress(OSError):
        watched.append(os.pidfd_open(server))
        wait_s = 60.0
    while True:
        ready = select.select(watched, [], [], wait_s)[0]
        ended, status = os.waitpid(server, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) & 0xFF
        if orders in ready and not os.read(orders, 4096):
            return 0


def _end_descendants() -> None:
    """Kill what was started by the server or by what that started, until nothing is left of it."""
    while True:
        for process in _descendants():
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)  # one at a time: its orphans come to this process, and are looked for again
        except ChildProcessError:
            return


def _descendants() -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names are all that is wanted, of many entries
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                status = Path("/proc", entry, "stat").read_text(encoding="utf-8", errors="replace")
                parents.setdefault(int(status.rpartition(")")[2].split()[1]), []).append(int(entry))
    found, waiting = [], [os.getpid()]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _line(descriptor: int) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        more = os.read(descriptor, 65536)
        if not more:
            sys.exit(0)
        data += more
    return data


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), zero, zero, zero)
