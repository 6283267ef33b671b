"""What was open is open again at the next start, after a kill too, and each chat stands where it stood."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from PySide6.QtTest import QTest

from desktop.ui.window.restored_windows import OpenView, RestoredWindows
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
TWO = ("Long", "Brief")
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


def test_a_further_window_comes_back_with_its_chat_and_place_and_a_closed_one_does_not(open_window: Open) -> None:
    driver = _two_chats(open_window)
    _open_titled(driver, "Long")
    long, brief = (next(each.id for each in driver.sidebar.rows.conversations if each.title == title) for title in TWO)
    for _ in range(3):
        driver.program.open_window()
    first, second, third, fourth = driver.program.windows
    driver.until(lambda: all(each.chat is not None for each in driver.program.windows))
    for window in (second, third):
        window.open_conversation(brief)
    fourth.temporary.begin()
    driver.until(lambda: all(each.restored.view.chat == brief for each in (second, third)))
    second.setGeometry(40, 50, 720, 500)
    third.close()
    first.quit()  # before the others
    driver.closed = True
    again = open_window(FakeEngine())
    again.until(lambda: len(again.program.windows) == 2)
    first, second = again.program.windows
    again.until(lambda: all(each.chat_page.shown_transcript is not None for each in (first, second)))
    assert [each.chat_page.conversation_id for each in (first, second)] == [long, brief]
    assert second.geometry().getRect() == (40, 50, 720, 500)
    second.close()
    again.close()
    last = open_window(FakeEngine())
    last.until(lambda: last.page.shown_transcript is not None)
    assert len(last.program.windows) == 1
    assert last.page.conversation_id == long


def test_what_is_unfolded_is_so_again_after_a_kill_and_of_what_is_gone_nothing_is_kept(open_window: Open) -> None:
    thought = FakeAnswer("Short.", thinking="Hm, so.")
    driver = open_window(FakeEngine([thought, FakeAnswer("Other."), thought, thought]))
    driver.ask("Long")
    (fold,) = driver.transcript.views[1].buttons()[:1]
    fold.click()
    unfolded = driver.transcript.unfolded()
    assert list(unfolded.values()) == [("0.thinking",)]
    driver.window.new_chat()
    driver.ask("Brief")
    driver.until(lambda: len(driver.titles) == 2)
    assert driver.transcript.unfolded() == {}
    _open_titled(driver, "Long")
    assert driver.transcript.unfolded() == unfolded
    file = driver.home / "data" / "view.json"
    driver.until(lambda: file.exists() and next(iter(unfolded)) in file.read_text())  # no closing needed
    kept = file.read_bytes()
    driver.window.temporary.begin()
    driver.ask("Secret")
    driver.transcript.views[1].buttons()[0].click()
    secret = driver.page.conversation_id or ""
    driver.window.restored._save_soon()
    driver.window.temporary._left()
    driver.close()
    assert secret not in file.read_text()
    assert list(driver.transcript.unfolded()) not in list(json.loads(file.read_text())["unfolded"].values())
    file.write_bytes(kept)
    again = open_window(FakeEngine())
    again.until(lambda: again.page.shown_transcript is not None)
    assert again.transcript.unfolded() == unfolded
    assert "unfolded" in again.transcript.views[1].buttons()[0].accessibleName()
    again.chat.order.delete([again.page.conversation_id or ""])
    again.chat.order.erase()
    again.until(lambda: next(iter(unfolded)) not in file.read_text())


def test_windows_that_cannot_be_read_are_none_and_not_many_are_opened(tmp_path: Path) -> None:
    path = tmp_path / "windows.json"
    restored = RestoredWindows(path)
    restored.end([OpenView("kept from the run before")])
    assert not path.exists(), "nothing is written before it was read"
    for text in ("{", "3", '["x"]', '[{"chat": 1, "page": "", "geometry": ""}]'):
        path.write_text(text)
        assert restored.read() == ()
    restored.keep_soon([OpenView(), *(OpenView(str(number)) for number in range(50))])
    restored.end([OpenView("a"), OpenView(page="models")])
    restored.end([])
    assert restored.read() == (OpenView("a"), OpenView(page="models"))
