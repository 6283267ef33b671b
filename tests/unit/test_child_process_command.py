"""Processes of Latchkey's own: started from a checkout with Python, and by a packaged executable with itself."""

import sys
from argparse import Namespace
from pathlib import Path

import pytest

from desktop.child_process_command import ENGINE_WORKER, child_process_command, restore_library_folders
from desktop.cli.bench import bench_command
from desktop.confinement.process_confinement import own_files
from desktop.documents.reader_process import default_reader_command
from desktop.engine.worker_process import default_worker_command
from desktop.errors import NotFoundError
from desktop.tools.tool_server_process import monitor_command


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
