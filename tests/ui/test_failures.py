"""What stands in the way of the conversations is said in their place, and nothing is overwritten."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.chat.chat_events import EngineChanged
from desktop.ui.parts.label import Label
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]


def _data() -> Path:
    folder = Path(os.environ["LATCHKEY_HOME"]) / "data"
    folder.mkdir(parents=True)
    return folder


def _failure(driver: Driver) -> str:
    driver.until(lambda: bool(driver.errors()))
    return driver.errors()[0].accessibleDescription()


def test_a_damaged_database_is_told_and_left_alone(open_window: Open) -> None:
    file = _data() / "latchkey.db"
    damaged = b"SQLite format 3\0" + b"damaged" * 900
    file.write_bytes(damaged)
    driver = open_window(FakeEngine(), wait=False)
    text = _failure(driver)
    assert str(file) in text
    assert driver.has("Try again")
    assert driver.has("Details")
    driver.close()
    assert file.read_bytes() == damaged


def test_a_database_of_a_newer_version_is_told_and_left_alone(open_window: Open) -> None:
    first = open_window(FakeEngine([FakeAnswer("An answer.")]))
    first.ask("Question")
    first.close()
    file = first.home / "data" / "latchkey.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    before = file.read_bytes()
    driver = open_window(FakeEngine(), wait=False)
    assert "newer" in _failure(driver)
    driver.close()
    assert file.read_bytes() == before


def test_a_home_that_cannot_be_written_is_told(open_window: Open) -> None:
    home = Path(os.environ["LATCHKEY_HOME"])
    (home / "data").write_text("a file stands where the folder should be")
    driver = open_window(FakeEngine(), wait=False, accepted=False)
    assert _failure(driver)
    assert (home / "data").read_text() == "a file stands where the folder should be"
    driver.type("still takes typing")


def test_trying_again_goes_on_once_the_obstacle_is_gone(open_window: Open) -> None:
    file = _data() / "latchkey.db"
    file.write_bytes(b"SQLite format 3\0" + b"damaged" * 900)
    driver = open_window(FakeEngine([FakeAnswer("Better now.")]), wait=False)
    _failure(driver)
    file.rename(file.with_suffix(".moved"))
    driver.click("Try again")
    driver.wait_ready()
    driver.until(lambda: not driver.errors())
    assert driver.ask("Question").text == "Better now."


@pytest.mark.parametrize("page", ["models", "settings"])
def test_pages_work_meanwhile_and_lead_back_to_the_message(open_window: Open, page: str) -> None:
    (_data() / "latchkey.db").write_bytes(b"SQLite format 3\0" + b"damaged" * 900)
    driver = open_window(FakeEngine(), wait=False)
    _failure(driver)
    driver.window.show_page(page)
    assert not driver.errors()
    driver.window.show_page("")
    assert driver.errors()


def test_a_model_that_runs_otherwise_than_asked_is_said_beside_its_name(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.window.show_event(EngineChanged("ready", notice="The model runs on the CPU."))
    labels = [label.text() for label in driver.window.chat_page.top_bar.findChildren(Label) if label.isVisible()]
    assert "The model runs on the CPU." in labels
