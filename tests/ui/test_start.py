"""Starting: nothing heavy before the first paint, one window per person, and an end that keeps everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.errors import ResourceError
from tests.fakes.fake_engine import FakeEngine
from tests.ui.driving import Driver

TOP = Path(__file__).resolve().parents[2]
START_S = 60.0

LIBRARIES = ("jinja2", "llama_cpp", "numpy", "pygments", "markdown_it", "sqlite3", "psutil", "ziamath", "latex2mathml")
SERVING = ("uvicorn", "fastapi", "pydantic", "desktop.server.api_server")
HEAVY = (
    *LIBRARIES,
    *SERVING,
    "desktop.chat.markdown",
    "desktop.ui.chat.text_view",
)  # with all that draws and selects messages

UNTIL_PAINTED = """
import sys
from desktop.ui import program
program.Program.start = lambda self: None  # it follows the paint, and may be importing by the time of this look
application, window = program.create(["latchkey"])
def painted():
    heavy = [name for name in sys.argv[1:] if name in sys.modules]
    focused = window.focusWidget().accessibleName()
    print(heavy, focused, window.chat_page.composer.isEnabled())
    window.close()
    application.quit()
window.first_paint.connect(painted)
application.exec()
"""


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(TOP), "QT_QPA_PLATFORM": "offscreen"}


def test_nothing_heavy_is_imported_before_the_first_paint(home: Path) -> None:
    command = [sys.executable, "-c", UNTIL_PAINTED, *HEAVY]
    shown = subprocess.run(
        command, env=_environment(), capture_output=True, text=True, timeout=START_S, check=True
    ).stdout
    assert shown.strip() == "[] Message True"


class Latchkey:
    """The program as a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "desktop"], env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def wait(self) -> int:
        return self.process.wait(START_S)


@pytest.fixture
def start(home: Path) -> Iterator[type[Latchkey]]:
    started: list[Latchkey] = []

    class Started(Latchkey):
        def __init__(self) -> None:
            super().__init__()
            started.append(self)

    yield Started
    for running in started:
        if running.process.poll() is None:
            running.process.terminate()
            try:
                running.process.wait(20)
            except subprocess.TimeoutExpired:
                running.process.kill()
        running.process.communicate()


def _log(home: Path) -> str:
    file = home / "logs" / "latchkey.log"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _listening(home: Path) -> None:
    """Until the first window stands: its database is there by then."""
    end = time.monotonic() + START_S
    while not (home / "data" / "latchkey.db").exists():
        assert time.monotonic() < end, "the window never came"
        time.sleep(0.05)


def test_a_second_start_raises_the_first_window(home: Path, start: type[Latchkey]) -> None:
    first = start()
    _listening(home)
    second = start()
    assert second.wait() == 0
    assert first.process.poll() is None
    assert "a second start asked for the window" in _log(home)


def test_two_starts_at_once_open_one_window(home: Path, start: type[Latchkey]) -> None:
    both = [start(), start()]
    _listening(home)
    end = time.monotonic() + START_S
    while all(running.process.poll() is None for running in both):
        assert time.monotonic() < end, "both stay"
        time.sleep(0.05)
    assert [running.process.poll() for running in both].count(0) == 1


def test_a_killed_window_does_not_stand_in_the_way(home: Path, start: type[Latchkey]) -> None:
    first = start()
    _listening(home)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    second = start()
    time.sleep(1)
    third = start()
    assert third.wait() == 0
    assert second.process.poll() is None
    assert "a second start asked for the window" in _log(home)


def test_the_system_may_end_it_and_nothing_stays(home: Path, start: type[Latchkey]) -> None:
    running = start()
    _listening(home)
    time.sleep(0.5)
    running.process.send_signal(signal.SIGTERM)
    assert running.wait() == 0
    assert "Traceback" not in _log(home)


BUGS = """
import sys, threading
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from desktop import app
from desktop.ui.window.main_window import MainWindow
class Window(MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.first_paint.connect(lambda: QTimer.singleShot(200, self.slot))
    def slot(self):
        threading.Thread(target=lambda: 1 / 0).start()
        QTimer.singleShot(300, self.say)
        raise RuntimeError("a bug in a slot")
    def say(self):
        print("still here", self.isVisible(), self.chat is not None, flush=True)
        self.close()
sys.exit(app.run(["latchkey"], window_class=Window))
"""


def _with_bugs() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BUGS]
    return subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=START_S, check=True)


def test_bugs_reach_the_log_and_the_window_stays(home: Path) -> None:
    ended = _with_bugs()
    assert "still here True" in ended.stdout
    log = _log(home)
    assert "RuntimeError: a bug in a slot" in log
    assert "in slot" in log  # the traceback
    assert "ZeroDivisionError" in log


def test_without_a_log_bugs_reach_standard_error(home: Path) -> None:
    (home / "logs").write_text("a file stands where the folder should be")
    ended = _with_bugs()
    assert "still here True" in ended.stdout
    assert "RuntimeError: a bug in a slot" in ended.stderr
    assert "ZeroDivisionError" in ended.stderr


def test_quitting_does_not_wait_for_a_large_file_to_be_hashed(home: Path) -> None:
    """A file of a terabyte, none of which is on the disk."""
    code = """
import sys
import threading
from pathlib import Path
from desktop.background import Background
from desktop.library.file_hashes import FileHashes
hashes = FileHashes(Path(sys.argv[1]))
background = Background(lambda function: function())
large = Path(sys.argv[1]) / "large.gguf"
with large.open("wb") as file:
    file.truncate(1 << 40)
begun = threading.Event()
background.pool(lambda: hashes.sha256(large, lambda done: begun.set()))
begun.wait()
hashes.stop()
background.close()
"""
    subprocess.run([sys.executable, "-c", code, str(home)], env=_environment(), timeout=START_S, check=True)


def test_the_program_stops_hashing_when_its_window_closes(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine())
    hashes = driver.backend.services.hashes
    driver.close()
    with pytest.raises(ResourceError):
        hashes.sha256(Path(__file__))


@pytest.mark.parametrize("left", ["4242\npython3.11\nanother-host\n0123456789abcdef\n\n", None])
def test_a_lock_of_another_machine_or_a_folder_in_its_place_opens_no_second_window(
    home: Path, start: type[Latchkey], left: str | None
) -> None:
    lock = home / "data" / "window.lock"
    lock.parent.mkdir()
    if left is None:
        lock.mkdir()
    else:
        lock.write_text(left)
    first = start()
    _listening(home)
    second = start()
    assert second.wait() == 0
    assert first.process.poll() is None
