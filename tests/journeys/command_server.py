"""Runs `latchkey` in forks of one process that has imported everything: half of what a short command takes.

`CommandServer` starts it, as `python -m tests.journeys.command_server FD`. A fork is a process of its own, in a session
of its own, with the arguments, environment, folder and pipes or terminal it was given, and ends as Python ends. It
cannot stand for a command where Python itself starts otherwise, by its locale or its flags: `usable` says so.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.catalog_parsing import ParsedOnce

TOP = Path(__file__).resolve().parents[2]
_READ_AT_START = ("PYTHON", "LC_", "LANG", "DBUS_")
"""How names begin of what Python reads when it starts, or a library when it is imported."""
_LARGEST = 1 << 20
_FORKING_S = 60


class CommandServer:
    """The process to fork from. Close it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._at_start = _read_at_start(environ)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            env=dict(environ),
            cwd=TOP,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # not reached by what a test sends to its own group
        )
        theirs.close()

    def usable(self, environ: Mapping[str, str]) -> bool:
        """Whether a command with this environment starts as it would in a process of its own."""
        return _read_at_start(environ) == self._at_start and self._process.poll() is None

    def start(self, arguments: Sequence[str], environ: Mapping[str, str], pipes: Sequence[int]) -> ForkedCommand:
        """Start a command with `pipes` as its standard input, output and error."""
        ours, theirs = socket.socketpair()
        asked = {"arguments": list(arguments), "environ": dict(environ), "folder": str(Path.cwd())}
        with theirs:
            socket.send_fds(self._socket, [json.dumps(asked).encode()], [*pipes, theirs.fileno()])
        return ForkedCommand(ours)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(10)


class ForkedCommand:
    """A command in a fork: its number, its signals and its end, named as `subprocess.Popen` names them."""

    def __init__(self, reply: socket.socket) -> None:
        self.returncode: int | None = None
        self._reply = reply
        self._reply.settimeout(_FORKING_S)
        self.pid = self._number()

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        if self.returncode is None and select.select([self._reply], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code, once it is over; TimeoutError after `timeout` seconds."""
        if self.returncode is None:
            self._reply.settimeout(max(0.1, timeout))
            self._end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self.returncode = self._number()
        self._reply.close()

    def _number(self) -> int:
        """Numbers come as four bytes in the machine's order: the process's, and its exit code when it is over."""
        told = self._reply.recv(4, socket.MSG_WAITALL)
        assert len(told) == 4, "the server that forks commands has ended"
        return int.from_bytes(told, sys.byteorder, signed=True)


def _read_at_start(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(_READ_AT_START)}


def _serve(asked: socket.socket) -> bool:
    """Forks until it is closed. True in each fork, set up to be the command; False in the server, at its end."""
    running: dict[int, tuple[int, int]] = {}
    selector = selectors.DefaultSelector()
    selector.register(asked, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is asked:
                message, pipes, _, _ = socket.recv_fds(asked, _LARGEST, 4)
                if not message:
                    return False
                pid = os.fork()
                if pid == 0:
                    os.setsid()  # what a test sends to the group of one command reaches no other
                    selector.close()
                    asked.close()
                    for _, reply in running.values():
                        os.close(reply)
                    _become(json.loads(message), pipes)
                    return True
                for pipe in pipes[:3]:
                    os.close(pipe)
                os.write(pipes[3], pid.to_bytes(4, sys.byteorder, signed=True))
                ended = os.pidfd_open(pid)
                running[ended] = (pid, pipes[3])
                selector.register(ended, selectors.EVENT_READ)
            else:
                ended = key.fd
                selector.unregister(ended)
                os.close(ended)
                pid, reply = running.pop(ended)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with socket.socket(fileno=reply) as out:
                    out.sendall(code.to_bytes(4, sys.byteorder, signed=True))


def _become(asked: dict[str, Any], pipes: Sequence[int]) -> None:
    for number, pipe in enumerate(pipes[:3]):
        os.dup2(pipe, number)
    for pipe in pipes:
        os.close(pipe)
    os.environ.clear()
    os.environ.update(asked["environ"])
    os.chdir(asked["folder"])
    sys.argv = [str(TOP / "desktop" / "__main__.py"), *asked["arguments"]]
    sys.orig_argv = [sys.executable, "-m", "desktop", *sys.argv[1:]]
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        # As Python opens them: on a terminal `open` chooses lines by itself, and errors come in lines everywhere.
        stream = open(number, "r" if number == 0 else "w", errors=getattr(sys, name).errors, closefd=False)  # noqa: SIM115
        if name == "stderr":
            stream.reconfigure(line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _parse_catalog() -> None:
    """Every fork finds the catalog parsed: half of what a short command computes."""
    tomllib.loads = ParsedOnce()
    tomllib.loads((TOP / "models.toml").read_bytes().decode("utf-8-sig"))


def _import_everything() -> None:
    from desktop.cli import command_line
    from desktop.engine import engine_client
    from desktop.library import downloads, installer, library_services
    from desktop.network import http_client

    del command_line, downloads, engine_client, http_client, installer, library_services
    for module in sorted((TOP / "desktop" / "cli").glob("*_command.py")):
        __import__(f"desktop.cli.{module.stem}")


def main() -> int:
    # A shell that runs the tests in the background has them ignore it, and so would the commands.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asked = socket.socket(fileno=int(sys.argv[1]))
    _import_everything()
    _parse_catalog()
    gc.collect()
    gc.freeze()
    if not _serve(asked):
        return 0
    # What was imported stays frozen in the forks: walking through it at their end takes longer than many a command.
    from desktop.__main__ import main as latchkey

    code = latchkey()
    _end_at_once(code)
    return code


def _end_at_once(code: int) -> None:
    """End as Python does, as far as anybody sees it: by its threads, exit functions and streams. What is in memory is
    left to the system, since freeing all that was imported takes as long as a short command. Returns where a stream
    cannot be written, which Python has words and a code of its own for.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
