"""A tool server's process as the app sees it: started with what it was given and no more, spoken to line by line,
ended with all that it started.

On Linux `monitor` starts it confined: it reads the system's programs, its own folder and the folders that it was given,
and with the network taken away it has no interface at all. Elsewhere it gets its own environment and process group, and
is not started where it is to have no network.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from desktop.child_process_command import TOOL_MONITOR, check_program, child_process_command
from desktop.confinement.isolated_process import basic_environment
from desktop.engine.worker_log import WorkerLog
from desktop.errors import ForbiddenError, NetworkError, NotFoundError, UserError
from desktop.safe_text import one_line
from desktop.tools.server_channel import LONGEST_MESSAGE, ServerConfinement, ServerFloodError
from desktop.tools.tool_server import ToolServer
from desktop.translation import tr

_MINIMUM = (
    "PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT",
)  # fmt: skip
_OWN_FOLDER = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")
_TEMPORARY = ("TMPDIR", "TEMP", "TMP")
_GRACE_S = 1.0
_END_S = 5.0
_PATIENCE_S = 0.2
_LONGEST_REPORT = 65536


def monitor_command() -> tuple[str, ...]:
    """How the monitor is started from a checkout, from an installed wheel, and from a frozen executable."""
    return child_process_command(TOOL_MONITOR, Path(__file__).with_name("monitor") / "__main__.py")


class ToolServerProcess:
    """A server that runs. `folder` is its own: home, temporary files, where it is started."""

    def __init__(self, server: ToolServer, folder: Path, logs: Path, *, network: bool) -> None:
        """Start it. Raises NotFoundError where there is no such program, ForbiddenError where it is to have no
        `network` and the system cannot take it away, NetworkError where it does not start."""
        self._orders = -1
        self._writing, self._reading = threading.Lock(), threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "tmp").mkdir(mode=0o700, exist_ok=True)
        environment = server_environment(server, folder)
        program = _program(server, environment)
        reading, writing = os.pipe()
        self._log = WorkerLog(reading, logs, f"tools-{server.name}")
        try:
            if sys.platform.startswith("linux"):
                self._process, self.confinement = self._start_confined(
                    server, program, folder, environment, writing, network=network
                )
            elif not network:
                raise _no_namespace(server, f"not on {sys.platform}")
            else:
                self._process = self._start_plainly([program, *server.arguments], folder, environment, writing)
                self.confinement = ServerConfinement(f"none: not on {sys.platform}", "shared")
        finally:
            os.close(writing)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def _start_confined(
        self,
        server: ToolServer,
        program: str,
        folder: Path,
        environment: dict[str, str],
        errors: int,
        *,
        network: bool,
    ) -> tuple["subprocess.Popen[bytes]", ServerConfinement]:
        orders, self._orders = os.pipe()
        report, reported = os.pipe()
        try:
            check_program()
            process = subprocess.Popen(
                [*monitor_command(), "--in", str(orders), "--out", str(reported)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=basic_environment(),
                pass_fds=(orders, reported),
                start_new_session=True,
            )
        except OSError as error:
            os.close(report)
            self._let_go()
            raise _not_started(server, error.strerror or str(error)) from error
        finally:
            os.close(orders)
            os.close(reported)
        order = {
            "command": [program, *server.arguments],
            "environment": environment,
            "folder": str(folder),
            "readable": list(server.readable),
            "writable": [str(folder), *server.writable],
            "executable": [str(each) for each in program_places(Path(program))],
            "network": network,
        }
        with suppress(BrokenPipeError):
            _write_all(self._orders, json.dumps(order).encode() + b"\n")
        said = _report(report)
        if "failed" in said or not said:
            self._let_go()
            with suppress(OSError, subprocess.TimeoutExpired):
                process.communicate(timeout=_END_S)
            reason = one_line(str(said.get("reason", "")))[:300]
            if said.get("failed") == "network":
                raise _no_namespace(server, reason)
            raise _not_started(server, reason or tr("its process ended at once"))
        files, calls = str(said["files"]), str(said["calls"])
        whole = (files, calls) == ("landlock", "seccomp")
        summary = "landlock+seccomp" if whole else f"{files}; {calls}"
        return process, ServerConfinement(summary, str(said["network"]))

    @staticmethod
    def _start_plainly(
        command: list[str], folder: Path, environment: dict[str, str], errors: int
    ) -> "subprocess.Popen[bytes]":
        extra: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            extra = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                cwd=folder,
                **extra,
            )
        except OSError as error:
            raise NetworkError(
                tr("The tool server did not start: {reason}.").format(reason=error.strerror or error),
                "",
                tr("Check its command."),
            ) from error

    @property
    def running(self) -> bool:
        """Whether it is still there."""
        return self._process.poll() is None

    @property
    def place(self) -> str:
        """How confined it runs here."""
        return f"{self.confinement.summary}; network: {self.confinement.network}"

    def failure(self, reference: object) -> UserError | None:
        """None: what it answers comes from itself."""
        return None

    @property
    def log(self) -> Path | None:
        """The file that what it says on standard error is kept in, bounded."""
        return self._log.path

    def last_words(self) -> str:
        """The end of what it said on standard error."""
        return self._log.tail()

    def read_line(self) -> bytes:
        """The next line that it sends, b"" once it is gone; waits. Raises ServerFloodError."""
        try:
            with self._reading:
                line = self._stdout.readline(LONGEST_MESSAGE + 1)
        except (OSError, ValueError):
            return b""
        if len(line) > LONGEST_MESSAGE:
            raise ServerFloodError
        return line

    def write(self, data: bytes, headers: Mapping[str, str]) -> None:
        """Hand it `data`; waits until it takes them. `headers` are for HTTP. Raises OSError where it is gone."""
        try:
            with self._writing:
                self._stdin.write(data)
                self._stdin.flush()
        except ValueError as error:  # closed meanwhile
            raise BrokenPipeError from error

    def end(self, *, at_once: bool = False) -> None:
        """End it and all that it started: first by closing its input, then by force."""
        if not at_once:
            self._close_input()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_S)
        started = self._descendants()
        self._let_go()  # the monitor then ends all of them
        if not sys.platform.startswith("linux"):
            _kill(started)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            _kill(started)
            self._process.kill()
            self._process.wait()
        self._close_input()
        self._log.tail()

    def close_output(self) -> None:
        """Give up its output. Where something that got away still holds it, it stays open: nobody waits for it."""
        if self._reading.acquire(timeout=_PATIENCE_S):
            try:
                with suppress(OSError, ValueError):
                    self._stdout.close()
            finally:
                self._reading.release()

    def _close_input(self) -> None:
        if not self._writing.acquire(timeout=_PATIENCE_S):
            return  # a server that takes nothing is written to just now, and is ended first
        try:
            with suppress(OSError, ValueError):
                self._stdin.close()
        finally:
            self._writing.release()

    def _descendants(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        return []

    def _let_go(self) -> None:
        orders, self._orders = self._orders, -1
        if orders >= 0:
            os.close(orders)


def probe_confinement(folder: Path, logs: Path, *, network: bool) -> ServerConfinement:
    """How a server would be confined here, by starting a program that does nothing. Raises as ToolServerProcess."""
    process = ToolServerProcess(ToolServer("probe", "true"), folder, logs, network=network)
    process.end(at_once=True)
    process.close_output()
    return process.confinement


def server_environment(server: ToolServer, folder: Path) -> dict[str, str]:
    """All that `server` sees of an environment: what finds programs and says the language, its own folder as home, and
    what it was given."""
    own = {name: value for name, value in os.environ.items() if name.upper() in _MINIMUM}
    homes = _OWN_FOLDER if sys.platform == "win32" else _OWN_FOLDER[:1]
    own |= dict.fromkeys(homes, str(folder)) | dict.fromkeys(_TEMPORARY, str(folder / "tmp"))
    return own | dict(server.environment)


def program_places(program: Path) -> list[Path]:
    """What the program at this path needs besides the system's own: itself, and where it lies in a Python environment,
    that with the Python that it was made from."""
    resolved = program.resolve()
    places = [program, resolved]
    settings = program.parent.parent / "pyvenv.cfg"
    if settings.is_file():
        places.append(settings.parent)
        with suppress(OSError, UnicodeError):
            for line in settings.read_text(encoding="utf-8").splitlines()[:50]:
                name, _, value = line.partition("=")
                base = Path(value.strip())
                if name.strip() == "home" and base.name == "bin" and base.is_absolute():
                    places.append(base.resolve().parent)
    home = Path(os.path.expanduser("~")).resolve()  # noqa: PTH111 - gives "~" where there is none, and raises nothing
    return [
        each
        for each in places
        if each == resolved or not (each == home or each in home.parents or each.name == ".local")
    ]


def _program(server: ToolServer, environment: dict[str, str]) -> str:
    found = shutil.which(server.command, path=environment.get("PATH"))
    if found is None:
        raise NotFoundError(
            tr("There is no program {command}, which the tool server “{name}” is started by.").format(
                command=server.command, name=server.name
            ),
            "",
            tr("Install it, or add the server again with the program's whole path."),
        )
    return os.path.abspath(found)  # noqa: PTH100 - links stay: a Python environment is told by where its link lies


def _report(descriptor: int) -> dict[str, Any]:
    """The last line of what the monitor said until the server was started."""
    data = b""
    try:
        while len(data) < _LONGEST_REPORT and (more := os.read(descriptor, 4096)):
            data += more
    finally:
        os.close(descriptor)
    lines = data.splitlines()
    said: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return said


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def _not_started(server: ToolServer, reason: str) -> NetworkError:
    return NetworkError(
        tr("The tool server “{name}” did not start: {reason}.").format(name=server.name, reason=reason),
        "",
        tr("Check its command; a program in your home folder may need “--read” with its folder."),
    )


def _no_namespace(server: ToolServer, reason: str) -> ForbiddenError:
    return ForbiddenError(
        tr(
            "The tool server “{name}” is not started: it is to have no network, and this system cannot take it away."
        ).format(name=server.name),
        tr("A network namespace of its own: {reason}.").format(reason=reason),
        tr("It starts when Latchkey is online, if it was added with the network."),
    )
