"""Forks the engine's workers of the tests from one process that has imported what a worker imports: two thirds of what
the start of one takes.

`WorkerServer` starts it, as `python -I -X utf8 worker_server.py FD`. A fork runs the script that it was to be started
with, with the arguments, environment, folder and files it was given, and is a child of this process as a worker that
was started is. It is none where its start itself matters: `python -I` is not run, and /proc names the server's command.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[3]
if not __package__:
    sys.path.insert(0, str(TOP))

from desktop.confinement.isolated_process import start_isolated  # noqa: E402 - found by the line above

_COMMAND = [sys.executable, "-I", "-X", "utf8"]
_MAY_DIFFER = frozenset(
    ("HOME", "TMPDIR", "TEMP", "TMP", "CUDA_CACHE_PATH", "__GL_SHADER_DISK_CACHE_PATH", "MESA_SHADER_CACHE_DIR")
)
"""Variables that nothing reads while it is imported."""
_SET_CHILD_SUBREAPER = 36  # prctl(2)
_LARGEST = 1 << 20
_ABOVE = 200


class ForkedWorker:
    """A fork, named as `subprocess.Popen` names it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Its exit code, as `subprocess` gives it; None while it runs."""
        with self._lock:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        try:
            ended = os.pidfd_open(self.pid)
        except ProcessLookupError:  # reaped in another thread
            ended = -1
        if ended >= 0:
            try:
                if not select.select([ended], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired("worker", timeout or 0)
            finally:
                os.close(ended)
        code = self.poll()
        assert code is not None
        return code

    def kill(self) -> None:
        with self._lock:
            if self.returncode is None:
                os.kill(self.pid, signal.SIGKILL)


class WorkerServer:
    """The process to fork from. Close it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = _at_import(environ)
        self._lock = threading.Lock()
        _adopt_orphans(True)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [*_COMMAND, __file__, str(theirs.fileno())], env=dict(environ), pass_fds=[theirs.fileno()]
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(
        self,
        command: Callable[[Sequence[int]], Sequence[str]],
        inherited: Sequence[int],
        output: int,
        environment: Mapping[str, str],
    ) -> ForkedWorker | subprocess.Popen[bytes]:
        """What `start_isolated` starts, in a fork; where that cannot stand for it, a process of its own."""
        words = [*command(inherited)]
        if words[: len(_COMMAND)] != _COMMAND or _at_import(environment) != self._environ:
            return start_isolated(command, inherited, output, environment)
        asked = {
            "arguments": words[len(_COMMAND) :],
            "environ": dict(environment),
            "folder": str(Path.cwd()),
            "numbers": [*inherited],
        }
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(asked).encode()], [output, *inherited])
            return ForkedWorker(int.from_bytes(self._socket.recv(4), sys.byteorder))

    def close(self) -> None:
        self._socket.close()
        self._process.wait(10)
        _adopt_orphans(False)


def _at_import(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in _MAY_DIFFER}


def _adopt_orphans(whether: bool) -> None:
    """Whether processes of this one's children become its own when those end."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, int(whether), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _serve(asked: socket.socket) -> list[str] | None:
    """Forks until it is closed. The script's arguments in each fork, set up to run it; None in the server, at its
    end."""
    while True:
        message, files, _, _ = socket.recv_fds(asked, _LARGEST, 8)
        if not message:
            return None
        reading, writing = os.pipe()
        between = os.fork()  # it ends at once, and the worker is left to whoever adopts orphans
        if between == 0:
            worker = os.fork()
            if worker == 0:
                asked.detach()
                given = json.loads(message)
                _become(given, files)
                return [*given["arguments"]]
            os.write(writing, worker.to_bytes(4, sys.byteorder))
            os._exit(0)
        os.waitpid(between, 0)
        asked.send(os.read(reading, 4))
        for each in (reading, writing, *files):
            os.close(each)


def _become(given: dict[str, Any], files: Sequence[int]) -> None:
    above = max(_ABOVE, *given["numbers"]) + 1  # out of the way of what they are to be called
    output, *inherited = [fcntl.fcntl(each, fcntl.F_DUPFD, above) for each in files]
    os.closerange(3, above)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for number, file in zip(given["numbers"], inherited, strict=True):
        os.dup2(file, number)
    os.closerange(above, above + 100)
    os.environ.clear()
    os.environ.update(given["environ"])
    os.chdir(given["folder"])
    from desktop.engine.worker import template_sandbox

    template_sandbox._own_size = os.open("/proc/self/statm", os.O_RDONLY)  # opened when imported, and the server's then
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.enable()


def main() -> None:
    asked = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from desktop.engine.worker import start, worker_loop

    del start, worker_loop
    gc.collect()
    gc.freeze()
    gc.disable()
    arguments = _serve(asked)
    if arguments is not None:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
