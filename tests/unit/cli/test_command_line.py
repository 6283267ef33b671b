"""Every way a command can end has its exit code and at most one sentence; a traceback is for the log alone."""

import errno
import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.cli import doctor_command
from desktop.cli.command_line import run
from desktop.errors import NetworkError, UserError
from desktop.paths import find_paths


@pytest.fixture(autouse=True)
def _logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command takes over logging and the hooks for uncaught errors; give them back."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)


def failing(error: BaseException) -> Callable[..., int]:
    def fail(*_: object) -> int:
        raise error

    return fail


def doctor_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(doctor_command, "run", failing(error))
    return run(["latchkey", "doctor"])


def test_a_bug_becomes_one_sentence_that_names_the_log_which_holds_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor_with(ZeroDivisionError("by nought"), monkeypatch) == 1
    said = capsys.readouterr()
    log = find_paths().log_file
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert str(log) in said.err
    assert "Traceback" not in said.err
    kept = log.read_text(encoding="utf-8")
    assert "Traceback" in kept
    assert "by nought" in kept


def test_a_bug_where_no_log_can_be_written_tells_what_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATCHKEY_HOME", "/dev/null/home")
    assert doctor_with(ZeroDivisionError("by nought"), monkeypatch) == 1
    said = capsys.readouterr().err
    assert "by nought" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_failure_is_told_whole_and_its_technical_side_goes_to_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = NetworkError("No answer.", "The server is down.", "Try later.", technical="ECONNREFUSED")
    assert doctor_with(error, monkeypatch) == 9
    assert capsys.readouterr().err == "No answer. The server is down. Try later.\n"
    assert "ECONNREFUSED" in find_paths().log_file.read_text(encoding="utf-8")


def test_control_characters_in_a_failure_do_not_reach_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor_with(UserError("No file \x1b[2Jx."), monkeypatch)
    assert "\x1b" not in capsys.readouterr().err


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor_with(KeyboardInterrupt(), monkeypatch) == 130


@pytest.mark.parametrize(("line", "code"), [(["--help"], 0), (["--version"], 0), (["--nonsense"], 2), (["ask"], 2)])
def test_help_and_wrong_usage_have_the_codes_they_have_everywhere(line: list[str], code: int) -> None:
    assert run(["latchkey", *line]) == code


def test_damaged_settings_are_told_and_do_not_stop_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    path = find_paths().settings_file
    path.parent.mkdir(parents=True)
    path.write_text("{ not json")
    assert run(["latchkey", "conversations", "list"]) == 0
    assert "damaged" in capsys.readouterr().err


def test_the_command_does_not_load_qt_nor_the_engine_before_it_needs_them() -> None:
    program = (
        "import sys; sys.argv = ['latchkey', '--version']\n"
        "from desktop.__main__ import main\n"
        "main()\n"
        "heavy = ('PySide6', 'llama_cpp', 'numpy', 'sqlite3', 'jinja2', 'desktop.engine', 'desktop.chat')\n"
        "found = [name for name in sys.modules if name.startswith(heavy)]\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=dict(os.environ), stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/a/file"), 10, "/a/file"),
        (PermissionError(errno.EACCES, "Permission denied", "/a/file"), 10, "/a/file"),
        (OSError(errno.EMFILE, "Too many open files"), 10, "Too many open files"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 5000), 3, "too long"),
        (MemoryError(), 10, "memory"),
        (RuntimeError("can't start new thread"), 10, "memory"),
    ],
)
def test_what_the_system_refuses_is_no_bug(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    word: str,
) -> None:
    assert doctor_with(error, monkeypatch) == code
    said = capsys.readouterr().err
    assert word in said
    assert "bug" not in said
    assert said.count("\n") == 1
    assert len(said) < 300
    assert type(error).__name__ in find_paths().log_file.read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_any_more_says_nothing(home: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    program = (
        "import logging, resource, sys\n"
        "from pathlib import Path\n"
        "from desktop.log import start_log\n"
        "start_log(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "logging.getLogger().warning('nobody reads this')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(home / "log")], check=True, env=dict(os.environ), capture_output=True
    )
    assert ran.stderr == b""


def test_where_there_is_neither_a_display_nor_a_question_both_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b" \n")))
    assert run(["latchkey"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("There is no display for a window, and no question on standard input.")
    assert said.count("\n") == 1
