"""Starts the real program in forks of one process that has imported everything, each in a session of its own: a kill
then reaches all of it, and nothing else.

`ProcessForker` starts it, as `python -m tests.soak.process_forker FD`. What runs in a fork is `latchkey` with its
arguments, or a window that is driven (`tests/soak/driven_window.py`). “look” are two commands in one: what a person
sees who starts Latchkey again.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

TOP = Path(__file__).resolve().parents[2]
Program = Literal["command", "window", "look"]
_LARGEST = 1 << 20


@dataclass
class Heard:
    """What a program wrote: when, in seconds since an arbitrary moment, and what."""

    pieces: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def whole(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    def until(self, moment: float) -> bytes:
        """What had been written by then."""
        return b"".join(piece for at, piece in self.pieces if at <= moment)


class Forked:
    """A program that runs, or ran: `code` is its exit code once it is over, -9 where it was killed. `out` and `err` are
    what it wrote by the last look."""

    def __init__(self, pid: int, reply: socket.socket, out: int, err: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self.out, self.err = Heard(), Heard()
        self._reply = reply
        self._streams = {out: self.out, err: self.err}
        for each in self._streams:
            os.set_blocking(each, False)

    def watch(self, seconds: float) -> bool:
        """Hear what it writes for so long, or until it is over; whether it is."""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._reply, selectors.EVENT_READ)
            for each in self._streams:
                selector.register(each, selectors.EVENT_READ)
            while self.code is None and (left := end - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    if key.fileobj is self._reply:
                        self._end()
                    elif not self._hear(key.fd):
                        selector.unregister(key.fd)
        return self.code is not None

    def kill(self, *, whole_group: bool) -> list[psutil.Process]:
        """End it with SIGKILL, alone or with all that it started; the processes that it had started, which have to end
        by themselves in the first case."""
        with contextlib.suppress(psutil.NoSuchProcess):
            started = psutil.Process(self.pid).children(recursive=True)
            if whole_group:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)
            return started
        return []

    def close(self) -> None:
        """Read what is left, after its end."""
        if self.code is None:
            self._end()
        for each in self._streams:
            while self._hear(each):
                pass
            os.close(each)
        self._reply.close()

    def _hear(self, stream: int) -> bool:
        try:
            piece = os.read(stream, 1 << 16)
        except BlockingIOError:
            return False
        self._streams[stream].pieces.append((time.monotonic(), piece))
        return bool(piece)

    def _end(self) -> None:
        self._reply.settimeout(60)
        self.code = int.from_bytes(self._reply.recv(4, socket.MSG_WAITALL), sys.byteorder, signed=True)


class ProcessForker:
    """The process to fork from. Close it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            env=dict(environ),
            cwd=TOP,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()

    def start(self, program: Program, arguments: Sequence[str], environ: Mapping[str, str]) -> Forked:
        """Start one, its standard input empty."""
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        ours, theirs = socket.socketpair()
        asked = {"program": program, "arguments": list(arguments), "environ": dict(environ)}
        with theirs:
            socket.send_fds(self._socket, [json.dumps(asked).encode()], [out_write, err_write, theirs.fileno()])
        os.close(out_write)
        os.close(err_write)
        ours.settimeout(60)
        pid = int.from_bytes(ours.recv(4, socket.MSG_WAITALL), sys.byteorder)
        return Forked(pid, ours, out_read, err_read)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(20)


def _serve(asked: socket.socket) -> dict[str, Any] | None:
    """Forks until it is closed: what is asked of it in each fork, None in the server at its end."""
    running: dict[int, tuple[int, int]] = {}
    selector = selectors.DefaultSelector()
    selector.register(asked, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is asked:
                message, pipes, _, _ = socket.recv_fds(asked, _LARGEST, 3)
                if not message:
                    return None
                pid = os.fork()
                if pid == 0:
                    os.setsid()
                    selector.close()
                    asked.close()
                    for _, reply in running.values():
                        os.close(reply)
                    wanted: dict[str, Any] = json.loads(message)
                    _become(wanted, pipes)
                    return wanted
                for pipe in pipes[:2]:
                    os.close(pipe)
                os.write(pipes[2], pid.to_bytes(4, sys.byteorder))
                ended = os.pidfd_open(pid)
                running[ended] = (pid, pipes[2])
                selector.register(ended, selectors.EVENT_READ)
            else:
                selector.unregister(key.fd)
                os.close(key.fd)
                pid, reply = running.pop(key.fd)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                os.write(reply, code.to_bytes(4, sys.byteorder, signed=True))
                os.close(reply)


def _become(wanted: dict[str, Any], pipes: Sequence[int]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, pipe in enumerate((nothing, *pipes[:2])):
        os.dup2(pipe, number)
    for pipe in (nothing, *pipes):
        os.close(pipe)
    os.environ.clear()
    os.environ.update(wanted["environ"])
    sys.argv = [str(TOP / "desktop" / "__main__.py"), *wanted["arguments"]]
    sys.orig_argv = [sys.executable, "-m", "desktop", *sys.argv[1:]]
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        stream = open(number, "r" if number == 0 else "w", errors=getattr(sys, name).errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _import_everything() -> None:
    for module in sorted((TOP / "desktop" / "cli").glob("*_command.py")):
        importlib.import_module(f"desktop.cli.{module.stem}")
    importlib.import_module("tests.soak.driven_window")
    from desktop.cli import command_line
    from desktop.engine import engine_client
    from desktop.library import library_services
    from desktop.ui import backend, program, shared_services

    del backend, command_line, engine_client, library_services, program, shared_services


def main() -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asked = socket.socket(fileno=int(sys.argv[1]))
    _import_everything()
    gc.collect()
    gc.freeze()
    wanted = _serve(asked)
    if wanted is None:
        return 0
    gc.unfreeze()
    if wanted["program"] == "window":
        from tests.soak import driven_window

        return driven_window.main(sys.argv[1:])
    from desktop.__main__ import main as latchkey

    if wanted["program"] != "look":
        return latchkey()
    for arguments in (["conversations", "list", "--json"], ["licenses", "verify", "--json"]):
        sys.argv[1:] = arguments
        if code := latchkey():
            break
    sys.stdout.flush()
    os._exit(code)  # what Python does at its end takes as long as both


if __name__ == "__main__":
    sys.exit(main())
