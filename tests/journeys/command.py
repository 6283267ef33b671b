"""Running the real command as a process, the way a person or a script does."""

import json
import os
import pty
import select
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.journeys.command_server import CommandServer, ForkedCommand

TOP = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120
_COMMAND = (sys.executable, "-m", "desktop")
_LOADING_CPU_S = 1.2  # a tiny model loads in 0.3


@dataclass(frozen=True)
class Ran:
    """What a finished command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON value that it has to be."""
        return json.loads(self.out)

    def failed_with(self, code: int) -> str:
        """The sentence it failed with, having checked that it is one, and all there is."""
        assert self.code == code, self
        assert self.out == "", self
        assert self.err.count("\n") == 1, self
        assert "Traceback" not in self.err, self
        return self.err.strip()


def environment() -> dict[str, str]:
    """This process's environment without a display."""
    return {name: value for name, value in os.environ.items() if name not in _DISPLAYS} | {"PYTHONPATH": str(TOP)}


_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def command(*arguments: str) -> list[str]:
    """What starts it; a test may put something before it."""
    return [*_COMMAND, *arguments]


def latchkey(*arguments: str, stdin: str | bytes = b"", **environ: str) -> Ran:
    """Run `latchkey` with these arguments to its end, in a pipe and without a display."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    if (server := _server_for(arguments, environment() | environ)) is not None:
        return _forked(server, arguments, given, environment() | environ)
    ran = subprocess.run(
        command(*arguments),
        input=given,
        capture_output=True,
        env=environment() | environ,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


_servers: list[CommandServer] = []


def _server_for(arguments: Sequence[str], environ: Mapping[str, str]) -> CommandServer | None:
    """What forks this command, unless a test put something before it or it has to start anew."""
    as_always = command(*arguments) == [*_COMMAND, *arguments]
    return _servers[0] if _servers and as_always and _servers[0].usable(environ) else None


@contextmanager
def started_anew() -> Iterator[None]:
    """Meanwhile every command is a process that Python starts, as a person's is."""
    forking = _servers.copy()
    _servers.clear()
    yield
    _servers.extend(forking)


@contextmanager
def command_server() -> Iterator[None]:
    """`latchkey` forks its commands from one process, where this system can."""
    if not hasattr(os, "pidfd_open"):
        yield
        return
    with closing(CommandServer(environment())) as server:
        _servers.append(server)
        yield
        _servers.remove(server)


def _forked(server: CommandServer, arguments: Sequence[str], given: bytes, environ: dict[str, str]) -> Ran:
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    in_read, in_write = os.pipe()
    running = server.start(arguments, environ, (in_read, out_write, err_write))
    for theirs in (in_read, out_write, err_write):
        os.close(theirs)
    said = {out_read: b"", err_read: b""}
    deadline = time.monotonic() + TIMEOUT_S
    with selectors.DefaultSelector() as selector:
        for each in said:
            selector.register(each, selectors.EVENT_READ)
        selector.register(in_write, selectors.EVENT_WRITE)
        os.set_blocking(in_write, False)
        while selector.get_map():
            assert time.monotonic() < deadline, f"{arguments} did not end"
            for key, _ in selector.select(1):
                if key.fd == in_write:
                    try:
                        given = given[os.write(in_write, given) :] if given else b""
                    except BrokenPipeError:
                        given = b""
                    if given:
                        continue
                elif more := os.read(key.fd, 65536):
                    said[key.fd] += more
                    continue
                selector.unregister(key.fd)
                os.close(key.fd)
    code = running.wait(deadline - time.monotonic())
    return Ran(code, said[out_read].decode(), said[err_read].decode())


class Running:
    """A command while it runs, in a session of its own, so that a signal reaches all of it as Ctrl+C does."""

    def __init__(self, *arguments: str) -> None:
        self.out, out = os.pipe()
        self.err, err = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        self.process = _started(arguments, environment(), (nothing, out, err))
        for theirs in (nothing, out, err):
            os.close(theirs)

    def first_output(self) -> bytes:
        """Waits for the first bytes of the answer."""
        return os.read(self.out, 64)

    def workers(self) -> list[psutil.Process]:
        """Every process it has started and that still runs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def wait_for_worker(self) -> list[psutil.Process]:
        deadline = time.monotonic() + TIMEOUT_S
        while not (found := self.workers()):
            assert time.monotonic() < deadline, "no worker was started"
            time.sleep(0.01)
        return found

    def wait_until_busy(self) -> list[psutil.Process]:
        """Waits until the worker has computed for longer than any loading takes, so that it must be answering."""
        (worker,) = self.wait_for_worker()
        while worker.cpu_times().user < _LOADING_CPU_S:
            time.sleep(0.05)
        return [worker]

    def interrupt(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> Ran:
        """Reads what is left and gives all of it, with the exit code."""
        said = {self.out: b"", self.err: b""}
        deadline = time.monotonic() + TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            for each in said:
                selector.register(each, selectors.EVENT_READ)
            while selector.get_map():
                assert time.monotonic() < deadline, f"it did not end: {said}"
                for key, _ in selector.select(1):
                    if more := os.read(key.fd, 65536):
                        said[key.fd] += more
                    else:
                        selector.unregister(key.fd)
                        os.close(key.fd)
        code = self.process.wait(max(0.1, deadline - time.monotonic()))
        return Ran(code, said[self.out].decode(), said[self.err].decode())


def _started(
    arguments: Sequence[str], environ: Mapping[str, str], pipes: tuple[int, int, int]
) -> ForkedCommand | subprocess.Popen[bytes]:
    """A command with `pipes` as its standard input, output and error, in a session of its own."""
    if (server := _server_for(arguments, environ)) is not None:
        return server.start(arguments, environ, pipes)
    stdin, stdout, stderr = pipes
    return subprocess.Popen(
        command(*arguments), stdin=stdin, stdout=stdout, stderr=stderr, env=dict(environ), start_new_session=True
    )


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        self._master, slave = pty.openpty()
        self.process = _started(arguments, environment() | {"TERM": "dumb"} | environ, (slave, slave, slave))
        os.close(slave)
        self._seen = b""
        self._taken = 0

    def type(self, text: str) -> None:
        """What a person types; "\\n" is Enter."""
        os.write(self._master, text.encode())

    def read_until(self, wanted: str) -> str:
        """Everything shown since the last call, up to and with `wanted`."""
        deadline = time.monotonic() + TIMEOUT_S
        while (at := self._seen.find(wanted.encode(), self._taken)) < 0:
            assert self._read(deadline), f"{wanted!r} never came: {self.screen}"
        shown = self._seen[self._taken : at + len(wanted.encode())].decode(errors="replace")
        self._taken = at + len(wanted.encode())
        return shown

    def interrupt(self) -> None:
        """Ctrl+C: to the foreground of the terminal, which is the command and what it started."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Reads what is left and gives the exit code."""
        deadline = time.monotonic() + TIMEOUT_S
        while self._read(deadline):
            pass
        code = self.process.wait(TIMEOUT_S)
        os.close(self._master)
        return code

    @property
    def screen(self) -> str:
        """All that was ever shown."""
        return self._seen.decode(errors="replace")

    def _read(self, deadline: float) -> bool:
        while time.monotonic() < deadline:
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    more = os.read(self._master, 65536)
                except OSError:  # how Linux says that nobody holds the other side any more
                    return False
                self._seen += more
                return bool(more)
            if self.process.poll() is not None and not select.select([self._master], [], [], 0)[0]:
                return False
        return False


def all_ended(processes: Sequence[psutil.Process]) -> bool:
    """Whether all of them end within a few seconds."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
