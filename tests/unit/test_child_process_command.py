"""Processes of Latchkey's own: started from a checkout with Python, and by a packaged executable with itself."""

import os
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from desktop import child_process_command as commands_module
from desktop.background import Background
from desktop.child_process_command import (
    ENGINE_WORKER,
    ProgramReplacedError,
    check_program,
    child_process_command,
    restore_library_folders,
)
from desktop.cli.bench import bench_command
from desktop.confinement.isolated_process import start_isolated
from desktop.confinement.process_confinement import own_files
from desktop.documents.reader_process import default_reader_command
from desktop.engine.engine_errors import worker_not_started
from desktop.engine.kernel_process import KernelProcess
from desktop.engine.worker_process import default_worker_command
from desktop.errors import NotFoundError, UserError
from desktop.storage.database_errors import DatabaseErrors, conversation_error_texts
from desktop.tools.tool_server_process import monitor_command
from tests.fakes.main_loop import MainLoop


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/latchkey/latchkey")


@pytest.mark.parametrize("command", [default_worker_command, default_reader_command, monitor_command])
def test_from_a_checkout_python_runs_a_file_that_exists_and_takes_nothing_from_the_environment(command) -> None:
    python, *switches, script = command()
    assert python == sys.executable
    assert "-I" in switches
    assert Path(script).is_file()


@pytest.mark.usefixtures("packaged")
def test_a_packaged_executable_starts_itself_with_another_word_for_each_process() -> None:
    commands = [default_worker_command(), default_reader_command(), monitor_command()]
    assert [each[0] for each in commands] == ["/opt/latchkey/latchkey"] * 3
    assert len({each[1:] for each in commands}) == 3
    assert child_process_command(ENGINE_WORKER, Path("/missing")) == default_worker_command()


@pytest.mark.parametrize(
    ("environ", "left"),
    [
        ({"LD_LIBRARY_PATH": "/opt/latchkey/_internal", "PATH": "/bin"}, {"PATH": "/bin"}),
        (
            {"LD_LIBRARY_PATH": "/opt/latchkey/_internal:/own", "LD_LIBRARY_PATH_ORIG": "/own"},
            {"LD_LIBRARY_PATH": "/own"},
        ),
        ({}, {}),
    ],
)
@pytest.mark.usefixtures("packaged")
def test_what_a_packaged_executable_starts_finds_the_systems_libraries_not_its_own(environ, left) -> None:
    restore_library_folders(environ)
    assert environ == left


def test_elsewhere_the_persons_library_folders_stay() -> None:
    environ = {"LD_LIBRARY_PATH": "/own"}
    restore_library_folders(environ)
    assert environ == {"LD_LIBRARY_PATH": "/own"}


@pytest.mark.usefixtures("packaged")
def test_a_packaged_executable_says_that_it_cannot_be_measured() -> None:
    """The measurements run files with Python, and it has none that could be started."""
    with pytest.raises(NotFoundError, match="not part of this package"):
        bench_command.run(Namespace(transfer=False), None)  # type: ignore[arg-type] # it does not come so far


@pytest.mark.usefixtures("packaged")
def test_a_confined_process_of_a_packaged_executable_can_read_its_modules() -> None:
    """They lie in the executable, and some are imported only when they are needed."""
    assert Path("/opt/latchkey/latchkey") in own_files()
    assert Path("/opt/latchkey") not in own_files()


@pytest.mark.parametrize("happens", ["updated", "moved", "removed"])
def test_an_open_window_starts_no_process_of_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happens: str
) -> None:
    executable = tmp_path / "latchkey"
    executable.write_text("#!/bin/sh\nexit 0\n")
    executable.chmod(0o700)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(executable))
    monkeypatch.setattr(commands_module, "_STARTED", commands_module._executable_identity())
    check_program()
    if happens == "updated":
        (tmp_path / "new").write_bytes(executable.read_bytes())
        (tmp_path / "new").rename(executable)  # as dpkg does it
    elif happens == "moved":
        executable.rename(tmp_path / "elsewhere")
    else:
        executable.unlink()

    def command(numbers: object) -> list[str]:
        return [str(executable)]

    with pytest.raises(ProgramReplacedError):
        start_isolated(command, [], 1, os.environ)
    with pytest.raises(ProgramReplacedError):
        KernelProcess([str(executable)], "", 0, 0)
    with pytest.raises(ProgramReplacedError) as raised:
        check_program()
    told: list[UserError] = [
        worker_not_started(raised.value),
        DatabaseErrors(tmp_path, conversation_error_texts).from_system(FileNotFoundError()),
    ]
    calls = MainLoop()
    background = Background(calls.post)
    background.pool(lambda: 1 // 0, failure=told.append)
    calls.run_until(lambda: len(told) == 3)
    background.close()
    assert {each.title for each in told} == {"Latchkey was updated, moved or removed while it was open."}
    assert all("open it again" in each.remedy for each in told)
