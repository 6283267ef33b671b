"""What every test stands on: no display, no network, a home of its own, and nothing left running or open.

A test that opens a socket to another machine fails, even if the code under test swallows the error; so does one that
leaves a process behind, or a database open. Qt's and Python's warnings fail tests too: that is configured in
pyproject.toml. A test marked `real_model` fails where the model's file is missing, and is named in the summary where it
was left out.
"""

from __future__ import annotations

import os

# Before anything imports Qt: it reads these once.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["LC_ALL"] = "C.UTF-8"
os.environ.pop("LANGUAGE", None)
# Hundreds of commands are started: each would compile all of Latchkey anew, half of what its start takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Several workers share the processors here: threads of llama.cpp that wait for each other would do so computing, which
# is twice what a short answer takes.
os.environ["OMP_WAIT_POLICY"] = "passive"

import contextlib
import gc
import signal
import socket
import sqlite3
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fakes.catalog_parsing import ParsedOnce

# jsonschema would build a grammar of addresses when it is imported, which takes two seconds: no test asks for formats.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

GRACE_S = 3.0
_ROOM_FOR_FILES = 4 << 30
_DISK = "/var/tmp" if os.access("/var/tmp", os.W_OK | os.X_OK) else None
_TOP = Path(__file__).resolve().parents[1]
# Where a person's cache lies is asked before the session's own home takes the place of theirs.
_PERSONS_ENVIRONMENT = dict(os.environ)
_WITHOUT_REAL_MODEL = '-m "not soak and not real_model"'

# A shell that starts the tests in the background has them ignore Ctrl+C, nohup the end of the terminal, and what is
# ignored stays so in every process started from here: the journeys' commands would ignore it too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _use_memory_for_files() -> None:
    """Temporary files lie in memory where the system keeps a folder for that with room enough: tests write thousands of
    databases, each of which waits for the disk several times. `TMPDIR` names another folder."""
    memory = "/dev/shm"
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return
    status = os.statvfs(memory)
    if status.f_bavail * status.f_frsize >= _ROOM_FOR_FILES and not status.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = tempfile.tempdir = memory


_use_memory_for_files()


class NetworkBlockedError(RuntimeError):
    """A test tried to reach another machine. Not an OSError: code that handles network failures must not hide it."""


class NetworkGuard:
    """Refuses connections from anywhere in this process, and remembers them.

    An audit hook sees what Python's socket module is about to do, whoever holds a reference to it. Qt's own sockets
    pass it by; `test_house` keeps them out of the code instead.
    """

    def __init__(self) -> None:
        self.loopback_allowed = False
        self.attempts: list[str] = []
        sys.addaudithook(self._see)

    def take_attempts(self) -> list[str]:
        """What was refused since the last call."""
        attempts, self.attempts = self.attempts, []
        return attempts

    def _see(self, event: str, args: tuple[Any, ...]) -> None:
        if not event.startswith("socket."):
            return
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            sock, address = args[0], args[1]
            if sock.family in (socket.AF_INET, socket.AF_INET6) and address is not None:
                self._judge(event, str(address[0]))
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self._judge(event, str(args[0]))

    def _judge(self, event: str, host: str) -> None:
        if self.loopback_allowed and (host in ("localhost", "::1", "None") or host.startswith("127.")):
            return
        self.attempts.append(f"{event} {host}")
        raise NetworkBlockedError(f"tests run without a network: {event} {host}")


class ConnectionWatch:
    """Remembers every connection to a database that is opened in this process, and by which code.

    Python 3.13 warns of one that is freed without having been closed, in whichever test runs by then; this names the
    test that opened it, on every Python.
    """

    def __init__(self) -> None:
        self._opened: list[tuple[sqlite3.Connection, traceback.StackSummary]] = []
        sys.addaudithook(self._see)

    def forget(self) -> None:
        """Watch those only that are opened from now on."""
        self._opened = []

    def still_open(self) -> list[str]:
        """Where those that are open were opened."""
        return ["".join(stack.format()) for connection, stack in self._opened if _is_open(connection)]

    def _see(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect/handle":
            frames = traceback.walk_stack(sys._getframe(1))
            self._opened.append((args[0], traceback.StackSummary.extract(frames, limit=12, lookup_lines=False)))


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        _ = connection.total_changes
    except sqlite3.ProgrammingError:
        return False
    return True


_guard = NetworkGuard()
_connections = ConnectionWatch()


def has_children() -> bool:
    """Whether this process has any child, running or not reaped: one system call, where psutil reads all of /proc."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    except AttributeError:  # Windows; macOS before Python 3.13
        return True
    return True


def running_children() -> set[psutil.Process]:
    """Processes started from here that still run; one that ended and waits to be reaped does not count."""
    running: set[psutil.Process] = set()
    if not has_children():
        return running
    for child in _descendants():
        try:
            if child.status() != psutil.STATUS_ZOMBIE:
                running.add(child)
        except psutil.NoSuchProcess:
            continue
    return running


def _descendants() -> list[psutil.Process]:
    """Children and theirs. Where Linux names them itself, /proc need not be read for every process of this machine:
    a server of the journeys may live as long as all the tests."""
    if not _KERNEL_NAMES_CHILDREN:
        return psutil.Process().children(recursive=True)
    found: list[psutil.Process] = []
    waiting = _children_of(os.getpid())
    while waiting:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(waiting[0]))
        waiting += _children_of(waiting.pop(0))
    return found


_KERNEL_NAMES_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children").exists()


def _children_of(pid: int) -> list[int]:
    """Read until two readings agree: one may lack a child where another ends meanwhile (proc_pid_task(5))."""
    readings: list[list[int]] = []
    while len(readings) < 2 or readings[-1] != readings[-2]:
        try:
            threads = [*Path(f"/proc/{pid}/task").iterdir()]
        except FileNotFoundError:
            return []
        children: list[int] = []
        for thread in threads:
            # A process or thread that has ended has none.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                children += map(int, (thread / "children").read_bytes().split())
        readings.append(children)
    return readings[-1]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test printed or logged may hold half characters, which cannot be handed on between processes."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@contextlib.contextmanager
def _packaging_scripts() -> Iterator[None]:
    """Have the scripts in packaging/ be importable meanwhile."""
    sys.path.append(str(_TOP / "packaging"))  # appended: a folder of that name must not hide the library
    try:
        yield
    finally:
        sys.path.remove(str(_TOP / "packaging"))


def real_model_path() -> Path:
    """Where the real model's file has to be. Fails the test where it is not, every byte of it."""
    with _packaging_scripts():
        import real_model
    folder = real_model.models_folder(_PERSONS_ENVIRONMENT)
    if not real_model.is_there(real_model.SMOLLM2, folder):
        pytest.fail(
            f"{real_model.SMOLLM2.name} is not in {folder}, or not as it was published. "
            f"`make real-model` brings it; {_WITHOUT_REAL_MODEL} leaves out the tests that need it.",
            pytrace=False,
        )
    return folder / real_model.SMOLLM2.name


@pytest.fixture(scope="session")
def real_model_file() -> Path:
    """The file of SmolLM2-135M-Instruct, Q4_1: a real chat model. For tests marked `real_model`."""
    return real_model_path()


@pytest.fixture(scope="session")
def embedding_model_file() -> Path:
    """The file of all-MiniLM-L6-v2, F16: a real embedding model. For tests marked `real_model`. Fails the test where it
    is not, every byte of it."""
    with _packaging_scripts():
        import minilm
        import real_model
    folder = real_model.models_folder(_PERSONS_ENVIRONMENT)
    if not real_model.is_there(minilm.MINILM, folder):
        pytest.fail(f"{minilm.MINILM.name} is not in {folder}: `make real-model` brings it.", pytrace=False)
    return folder / minilm.MINILM.name


@pytest.fixture(autouse=True)
def _real_model_is_there(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("real_model") is not None:
        request.getfixturevalue("real_model_file")


class LeftOut:
    """Tells in the summary which of the real model's tests `-m` left out: nobody should miss them unknowingly.

    With pytest-xdist the workers select, and the main process writes the summary.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        for item in items:
            asked_for = "real_model" in str(item.config.option.markexpr)
            if asked_for and item.get_closest_marker("real_model") and not item.get_closest_marker("soak"):
                self.names.add(item.nodeid.partition("[")[0])

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["left_out"] = sorted(self.names)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.names.update(getattr(node, "workeroutput", {}).get("left_out", ()))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.names:
            terminalreporter.section(f"{len(self.names)} tests with the real model were left out")
            for name in sorted(self.names):
                terminalreporter.line(name)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end: it is never walked through for garbage, now or after a test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LeftOut(), "left-out")


@pytest.fixture(scope="session", autouse=True)
def _catalog_parsed_once() -> Iterator[None]:
    """The catalog that ships is read by most windows and libraries of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tomllib, "loads", ParsedOnce())
        yield


@pytest.fixture(scope="session", autouse=True)
def _strangers_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The person's own folders are out of reach for the whole session, whatever a test forgets."""
    top = tmp_path_factory.mktemp("person")
    runtime = top / "runtime"
    runtime.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(top))
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            patch.delenv(name, raising=False)
        for name in ("HF_ENDPOINT", "HF_TOKEN", "HF_HOME", "LATCHKEY_POLICY", "LATCHKEY_OFFLINE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty LATCHKEY_HOME for this test. Its path is short: the name of a Unix socket has to fit in 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="latchkey-", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("LATCHKEY_HOME", folder)
        yield Path(folder)


@pytest.fixture
def disk_path() -> Iterator[Path]:
    """A folder that is not in memory, for what differs there: memory lies among the devices, and what is written to a
    file through shared memory leaves no time in it."""
    with tempfile.TemporaryDirectory(prefix="latchkey-", dir=_DISK, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    _guard.take_attempts()
    _guard.loopback_allowed = request.node.get_closest_marker("loopback") is not None
    yield
    _guard.loopback_allowed = False
    if attempts := _guard.take_attempts():
        pytest.fail(f"the network was asked for: {', '.join(attempts)}")


@pytest.fixture(autouse=True)
def _nothing_left_running(home: Path) -> Iterator[None]:
    before = running_children()
    yield
    deadline = time.monotonic() + GRACE_S
    while (left := running_children() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    if left:
        names = [" ".join(process.cmdline()[:4]) for process in left]
        for process in left:
            process.kill()
        pytest.fail(f"still running at the end of the test: {names}")


@pytest.fixture(autouse=True)
def _no_database_left_open(home: Path) -> Iterator[None]:
    _connections.forget()
    yield
    deadline = time.monotonic() + GRACE_S  # a closed window's last work may be under way in a thread
    while (left := _connections.still_open()) and time.monotonic() < deadline:
        time.sleep(0.02)
    _connections.forget()
    if left:
        pytest.fail(f"{len(left)} connections to a database are still open. The first was opened by\n{left[0]}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fixtures of wider scope have ended too by now, so nothing at all may run."""
    deadline = time.monotonic() + GRACE_S
    while (left := running_children()) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in left:
        print(f"\nstill running at the end of all tests: {process}", file=sys.stderr)  # noqa: T201
        process.kill()
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
