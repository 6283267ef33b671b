"""A person's day with the real model, compressed: many chats, edits, branches, searches; and what is left at its end.

Memory, open files and the database are looked at after each quarter: they may grow with what was written, and no more.
With LATCHKEY_DAY_MINUTES set the day lasts so many minutes, and is told in a table.
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from tests.real.conftest import Imported
from tests.ui.driving import Driver

pytestmark = [pytest.mark.soak, pytest.mark.real_model, pytest.mark.timeout(7200)]

MIB = 1024 * 1024
CHATS, ROUNDS = 24, 3
MOST_GROWTH = 60 * MIB
"""Of the window's process from the second quarter to the last: pages of the allocator, and twelve chats more."""
MOST_FILES = 8
QUESTIONS = (
    "Write a Python function that reverses a string.",
    "Give me a table of three planets and their sizes.",
    "List five words that rhyme with day.",
    "What is the capital of France?",
    "Explain gravity in two sentences.",
)


@pytest.fixture
def open_day(qtbot: QtBot, imported: Imported) -> Iterator[Callable[..., Driver]]:
    drivers: list[Driver] = []

    def opened(**settings: Any) -> Driver:
        drivers.append(Driver(qtbot, None, {"model": imported.id, "threads": 1, **settings}))
        drivers[-1].wait_ready()
        return drivers[-1]

    yield opened
    for driver in drivers:
        driver.close()


def held() -> tuple[int, int]:
    """The memory of this process, in bytes, and how many files it has open."""
    return psutil.Process().memory_info().rss, len(list(Path("/proc/self/fd").iterdir()))


def one_chat(window: Driver, choose: random.Random, number: int) -> None:
    """Some rounds in a new chat: an answer made again, a turn edited, going from branch to branch, a search."""
    window.window.new_chat()
    window.until(lambda: window.page.shown_transcript is None)
    for turn in range(ROUNDS):
        window.ask(f"{choose.choice(QUESTIONS)} ({number}.{turn})")
        assert not window.errors()
    answer = window.messages[-1]
    window.page.regenerate(answer.id)
    window.until(lambda: window.messages[-1].id != answer.id)
    window.finish()
    window.page.edit_last()
    window.page.composer.edit.setPlainText(f"{choose.choice(QUESTIONS)} (edited {number})")
    before = window.messages[-1].id
    window.page.composer.sent.emit(window.page.composer.text)
    window.until(lambda: bool(window.messages) and window.messages[-1].id != before)
    window.finish()
    window.page.open_find()
    window.transcript.find_text("the")
    window.transcript.find_text("")
    window.page.find_bar.close_bar()
    window.transcript.copy_last_answer()
    assert QGuiApplication.clipboard().text()


def test_a_day_of_chats_leaves_nothing_behind(
    open_day: Callable[..., Driver], imported: Imported, record_property: Callable[[str, object], None]
) -> None:
    choose = random.Random(7)
    minutes = float(os.environ.get("LATCHKEY_DAY_MINUTES", "0"))
    began = time.monotonic()
    window = open_day(sampling={"temperature": 0, "max_tokens": 40})
    seen: list[tuple[int, int]] = []
    number = 0
    while len(seen) < 4:
        one_chat(window, choose, number)
        if number % 3 == 2:  # back to an older chat, and on with it
            window.window.open_conversation(_older(window, choose))
            window.until(lambda: window.page.shown_transcript is not None)
        number += 1
        passed = (time.monotonic() - began) / 60
        if passed >= minutes / 4 * (len(seen) + 1) if minutes else number % (CHATS // 4) == 0:
            seen.append(held())
        if minutes:
            rss, opened = held()
            size = sum(file.stat().st_size for file in (imported.home / "data").glob("*.db*"))
            day = f"{passed:5.1f} min {number:4} chats {rss / MIB:6.0f} MiB {opened:3} files"
            sys.stderr.write(f"{day} {size / MIB:6.1f} MiB of data\n")
    memory, files = [size for size, _ in seen], [count for _, count in seen]
    record_property("memory_mib", [size // MIB for size in memory])
    record_property("open_files", files)
    assert memory[-1] - memory[1] < MOST_GROWTH, [size // MIB for size in memory]
    assert files[-1] - files[1] <= MOST_FILES, files
    database = imported.home / "data"
    window.close()
    _is_sound(database)


def _older(window: Driver, choose: random.Random) -> str:
    rows = window.sidebar.rows
    found = [rows.conversation_at(rows.index(row)) for row in window.rows()]
    return choose.choice([each.id for each in found if each is not None])


def _is_sound(folder: Path) -> None:
    """The databases in `folder` hold together, and are as small as what was said."""
    files = list(folder.glob("*.db"))
    assert files
    for file in files:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert file.stat().st_size < 20 * MIB
