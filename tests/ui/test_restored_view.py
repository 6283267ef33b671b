"""What was open is open again at the next start, after a kill too, and each chat stands where it stood."""

from __future__ import annotations

import json
from collections.abc import Callable

from PySide6.QtTest import QTest

from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
LONG = "\n\n".join(f"Paragraph {number} of a long answer." for number in range(80))


def _two_chats(open_window: Open) -> Driver:
    driver = open_window(FakeEngine([FakeAnswer(LONG), FakeAnswer("Short.")]))
    driver.ask("Long")
    driver.window.new_chat()
    driver.ask("Brief")
    driver.until(lambda: len(driver.titles) == 2)
    return driver


def _open_titled(driver: Driver, title: str) -> None:
    (key,) = [each.id for each in driver.sidebar.rows.conversations if each.title == title]
    driver.sidebar.opened.emit(key)
    driver.until(lambda: driver.page.conversation_id == key)


def test_a_chat_stands_where_it_stood_when_one_comes_back_to_it(open_window: Open) -> None:
    driver = _two_chats(open_window)
    _open_titled(driver, "Long")
    bar = driver.transcript.verticalScrollBar()
    assert bar.value() == bar.maximum()
    bar.setValue(700)
    seen = driver.transcript.place_seen()
    _open_titled(driver, "Brief")
    _open_titled(driver, "Long")
    assert driver.transcript.place_seen() == seen
    driver.transcript.jump_to_end()
    _open_titled(driver, "Brief")
    _open_titled(driver, "Long")
    assert driver.transcript.at_end


def test_chat_page_and_place_are_there_after_a_restart_and_after_a_kill(open_window: Open) -> None:
    driver = _two_chats(open_window)
    _open_titled(driver, "Long")
    driver.transcript.verticalScrollBar().setValue(700)
    seen = driver.transcript.place_seen()
    driver.window.show_page("settings")
    driver.window.resize(1111, 777)
    file = driver.home / "data" / "view.json"
    driver.until(file.exists)  # no closing needed
    driver.until(lambda: "1111" not in file.read_text() and json.loads(file.read_text())["page"] == "settings")
    kept = file.read_bytes()
    driver.close()
    file.write_bytes(kept)
    again = open_window(FakeEngine())
    again.until(lambda: again.window.shown == "settings" and again.page.shown_transcript is not None)
    assert again.window.conversation is not None
    assert again.window.conversation.title == "Long"
    assert again.transcript.place_seen() == seen


def test_what_one_begins_to_write_at_the_start_is_not_taken_elsewhere(open_window: Open) -> None:
    _two_chats(open_window).close()
    driver = open_window(FakeEngine(), wait=False)
    driver.type("A new thought")
    driver.until(lambda: len(driver.titles) == 2)
    QTest.qWait(50)
    assert driver.page.shown_transcript is None
    assert driver.page.composer.text == "A new thought"


def test_a_file_of_nonsense_counts_as_none(open_window: Open) -> None:
    _two_chats(open_window).close()
    driver = open_window(FakeEngine(), wait=False)
    file = driver.home / "data" / "view.json"
    driver.close()
    for text in (
        "{",
        "[]",
        '{"chat": 1, "page": [], "places": 3}',
        '{"chat": "x", "page": "license", "places": {"a": [1]}}',
    ):
        file.write_text(text)
        again = open_window(FakeEngine(), wait=False)
        again.until(lambda again=again: len(again.titles) == 2)
        assert again.window.shown == ""
        again.close()


def test_a_further_window_that_shows_nothing_does_not_make_the_first_one_forget(open_window: Open) -> None:
    driver = _two_chats(open_window)
    _open_titled(driver, "Long")
    shown = driver.page.conversation_id
    driver.program.open_window()
    first, second = driver.program.windows
    driver.until(lambda: second.chat is not None)
    first.close()
    second.close()
    driver.closed = True
    assert json.loads((driver.home / "data" / "view.json").read_text())["chat"] == shown
