"""A change of a file is made by one process at a time, and nobody waits for ever for another one."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from desktop import folder_lock as module
from desktop.folder_lock import folder_lock

_HOLDER = """
import sys
from pathlib import Path
from desktop.folder_lock import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """A process that holds the lock of `folder` until a line comes, or until it is killed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_it_is_had_by_one_at_a_time(tmp_path: Path) -> None:
    inside, most, counted = 0, 0, 0

    def change() -> None:
        nonlocal inside, most, counted
        for _ in range(20):
            with folder_lock(tmp_path / "config"):
                inside += 1
                most = max(most, inside)
                counted += 1
                inside -= 1

    threads = [threading.Thread(target=change) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (most, counted) == (1, 80)


@pytest.mark.parametrize("killed", [True, False])
def test_whoever_waits_has_it_when_the_holder_is_done_or_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 600.0)
    holder = hold(tmp_path)
    got = threading.Event()

    def wait() -> None:
        with folder_lock(tmp_path):
            got.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not got.wait(0.1)
    if killed:
        holder.kill()
    holder.communicate("\n")
    waiting.join()
    assert got.is_set()


def test_a_holder_that_was_halted_keeps_nobody_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.05)
    holder = hold(tmp_path)
    entered = False
    with folder_lock(tmp_path):
        entered = True
    assert entered
    holder.communicate("\n")


def test_where_there_can_be_no_folder_there_is_no_lock_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with folder_lock(tmp_path / "file" / "config"):
        pass
    with pytest.raises(ZeroDivisionError), folder_lock(tmp_path):
        _ = 1 / 0
    with folder_lock(tmp_path):  # it was given back
        pass
