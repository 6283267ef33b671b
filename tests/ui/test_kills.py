"""Killed in mid-answer, the engine or the whole program: what was said stays, and the next question is answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gguf
import psutil

from tests.accepting import accept_everything, import_and_accept
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.tiny_gguf import CONTROLS, random_model
from tests.ui.driving import Driver

Open = Callable[..., Driver]
TOP = Path(__file__).resolve().parents[2]

WINDOW = """
import sys
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from desktop.ui.program import create
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
words = " ".join(f"word{number}" for number in range(100000))
application, window = create(["latchkey"], engine=FakeEngine([FakeAnswer(words, tokens_per_s=100)]))
window.chat_page.composer.edit.insertPlainText("Go on.")
QTest.keyClick(window.chat_page.composer.edit, Qt.Key.Key_Return)
def tell():
    transcript = window.chat_page.shown_transcript
    if transcript is not None and len(transcript.views) == 2:
        print(len(transcript.views[1].plain_text().split()), flush=True)
timer = QTimer()
timer.timeout.connect(tell)
timer.start(100)
application.exec()
"""


def _endless(writer: gguf.GGUFWriter) -> None:
    """The tokens that end an answer get the logit 0: of hundreds of random ones the likeliest lies above it."""
    for shard in writer.tensors:
        shard["output.weight"].tensor[: 3 + len(CONTROLS)] = 0


def test_a_killed_worker_leaves_what_was_said_and_the_next_question_works(
    open_window: Open, tmp_path: Path, home: Path
) -> None:
    model = random_model(tmp_path / "tiny.gguf", context_length=32_768, change=_endless)
    import_and_accept(home, model)
    driver = open_window(model=str(model), sampling={"temperature": 0.0})
    assert driver.page.top_bar.model is not None
    assert driver.page.top_bar.model.path == model
    driver.ask("Go on.", finish=False)
    driver.until(lambda: len(driver.transcript.views[-1].plain_text()) > 50)
    before = driver.transcript.views[-1].plain_text()
    for child in psutil.Process().children(recursive=True):
        child.send_signal(signal.SIGKILL)
    driver.finish()
    assert driver.messages[-1].status == "failed"
    assert driver.messages[-1].text.startswith(before)
    assert driver.transcript.views[-1].plain_text() == driver.messages[-1].text
    assert "stopped unexpectedly" in driver.errors()[0].accessibleDescription()
    driver.ask("And now?", finish=False)
    driver.until(lambda: len(driver.transcript.views[-1].plain_text()) > 50)
    driver.click("Stop")
    driver.finish()
    assert [message.status for message in driver.messages][-1:] == ["stopped"]


def test_a_killed_program_shows_what_was_said_when_it_is_opened_again(open_window: Open, home: Path) -> None:
    accept_everything(home)
    environment = {**os.environ, "PYTHONPATH": str(TOP), "QT_QPA_PLATFORM": "offscreen"}
    running = subprocess.Popen([sys.executable, "-c", WINDOW], env=environment, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    shown: list[tuple[float, int]] = []
    while not shown or shown[-1][1] < 400:  # four seconds of the answer
        shown.append((time.monotonic(), int(running.stdout.readline())))
    killed = time.monotonic()
    running.kill()
    running.communicate()
    # It is stored each second; a busy machine is given another one.
    long_before = [count for at, count in shown if at < killed - 2]
    assert long_before
    assert long_before[-1] > 0
    driver = open_window(FakeEngine())
    driver.until(lambda: len(driver.titles) == 1)
    driver.sidebar.opened.emit(driver.sidebar.rows.conversations[0].id)
    driver.until(lambda: driver.page.shown_transcript is not None)
    assert driver.messages[-1].status == "stopped"
    assert len(driver.transcript.views[-1].plain_text().split()) >= long_before[-1]
    assert "word0 word1 word2" in driver.shown_text()
