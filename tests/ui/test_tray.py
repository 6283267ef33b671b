"""The window in the background: closed to the tray and got back, and told of answers without their words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from desktop.errors import EngineError
from desktop.ui.compare.compare_page import ComparePage
from desktop.ui.system.tray_icon import TrayIcon, notification_body, portal_message
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", "systemTrayWindowChanged", extend=True)
Open = Callable[..., Driver]
SECRET = FakeAnswer("The <b>secret</b> word. " * 20, tokens_per_s=400)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A desktop with a tray; what it was told to show."""
    found: list[tuple[str, str]] = []
    for module in ("window.tray_flow", "settings.background_section"):
        monkeypatch.setattr(f"desktop.ui.{module}.can_close_to_tray", lambda: True)
    monkeypatch.setattr("desktop.ui.system.tray_icon.is_tray_available", lambda: True)
    monkeypatch.setattr(TrayIcon, "notify", lambda _, title, text: found.append((title, text)))
    return found


def test_closing_ends_the_program_unless_the_person_chose_otherwise(open_window: Open, told: list[object]) -> None:
    driver = open_window(FakeEngine())
    assert driver.window.close()
    driver.closed = True
    assert not told


def test_a_window_closed_to_the_tray_goes_on_and_comes_back_whole(
    open_window: Open, told: list[tuple[str, str]]
) -> None:
    driver = open_window(FakeEngine([SECRET]), close_to_tray=True)
    driver.ask("Tell me", finish=False)
    driver.type("half a thought")
    assert not driver.window.close()
    assert not driver.window.isVisible()
    assert told[0][0] == "Latchkey goes on in the tray"
    assert not QApplication.quitOnLastWindowClosed()
    driver.finish()
    assert driver.messages[-1].text.startswith("The <b>secret")
    driver.backend.tray.icon.opened.emit()
    assert driver.window.isVisible()
    assert driver.page.composer.text == "half a thought"
    assert QApplication.quitOnLastWindowClosed()
    driver.window.close()
    assert len([title for title, _ in told if "tray" in title]) == 1, "said once"
    assert driver.window.leave(), "quitting is quitting"
    driver.closed = True


def test_a_tray_that_goes_away_gives_the_window_back(
    open_window: Open, told: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = open_window(FakeEngine(), close_to_tray=True)
    driver.window.close()
    assert not driver.window.isVisible()
    monkeypatch.setattr("desktop.ui.system.tray_icon.is_tray_available", lambda: False)
    driver.until(driver.window.isVisible)
    driver.window.leave()
    driver.closed = True


def test_a_second_start_gives_the_window_back(open_window: Open, told: list[object]) -> None:
    driver = open_window(FakeEngine(), close_to_tray=True)
    driver.window.close()
    driver.window.raise_window()
    assert driver.window.isVisible()
    driver.window.leave()
    driver.closed = True


def test_without_a_tray_closing_is_closing_and_the_setting_says_so(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.window.show_page("settings")
    assert not driver.named("Close to the tray").isEnabled()
    assert driver.window.close()
    driver.closed = True


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("off", []),
        ("plain", [("Answer finished", "Open Latchkey to see it.")]),
        ("text", [("Answer finished", "The ‹b›secret‹/b› word. The ‹b›secret‹/b› word. The ‹b›secret‹/b›")]),
    ],
)
def test_an_answer_is_told_of_while_the_window_is_not_in_front(
    open_window: Open, told: list[tuple[str, str]], wanted: str, said: list[tuple[str, str]]
) -> None:
    driver = open_window(FakeEngine([SECRET]), answer_notifications=wanted)
    driver.ask("Tell me", finish=False)
    conversation = driver.chat.current_id
    driver.window.new_chat()
    driver.window.hide()
    driver.until(lambda: not driver.chat.is_answering(conversation))
    assert [(title, text[: len(said[0][1])]) for title, text in told] == said
    if said:
        driver.backend.tray.icon.message_pressed.emit()
        driver.until(lambda: driver.page.conversation_id == conversation and driver.window.isVisible())


def test_in_front_nothing_is_said_and_a_failure_is_named(open_window: Open, told: list[tuple[str, str]]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("fine"), FakeAnswer(error=EngineError("It broke."))]))
    driver.until(driver.window.isActiveWindow)
    driver.ask("One")
    assert not told
    driver.window.hide()
    driver.chat.send("Two")
    driver.until(lambda: bool(told))
    assert told == [("The answer failed", "Open Latchkey to see it.")]


def test_a_queue_is_told_of_once_at_its_end(open_window: Open, told: list[tuple[str, str]]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 30, tokens_per_s=60), FakeAnswer("end")]))
    driver.ask("One", finish=False)
    driver.type("Two")
    driver.key(Qt.Key.Key_Return)
    driver.window.hide()
    driver.until(lambda: driver.messages[-1].text == "end" and not driver.chat.is_answering())
    assert len(told) == 1


def test_two_answers_that_are_compared_are_told_of_once(open_window: Open, told: list[tuple[str, str]]) -> None:
    slow, quick = FakeAnswer("word " * 30, tokens_per_s=60), FakeAnswer("end")
    driver = open_window(FakeEngine([FakeAnswer("first"), quick, slow]))
    driver.ask("One")
    driver.backend.compare.open()
    page = driver.window.page("compare")
    assert isinstance(page, ComparePage)
    page.sent.emit("Two")
    driver.until(lambda: page.answering)
    driver.window.hide()
    driver.until(lambda: not page.answering)
    assert len(told) == 1


def test_the_portal_is_told_in_texts_alone() -> None:
    arguments = portal_message("Answer finished", "Press").arguments()
    assert arguments == ["answer-finished", {"title": "Answer finished", "body": "Press"}]


def test_what_a_model_wrote_is_no_markup_of_a_notification() -> None:
    assert notification_body("<a href='x'>a & b</a>", "linux") == "&lt;a href='x'&gt;a &amp; b&lt;/a&gt;"
    assert notification_body("a < b", "win32") == "a < b"
