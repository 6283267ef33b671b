"""Everything by keyboard, everything named: what screen readers, scripts and people without a mouse rely on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.chat.find_bar import FindBar
from desktop.ui.theme.theme import Theme
from desktop.ui.window.command_palette import CommandPalette
from desktop.ui.window.window_actions import action_specs
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found

Open = Callable[..., Driver]
RESOURCES = Path(__file__).resolve().parents[2] / "resources"
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier

FIXED_NAMES = (
    "Message",
    "Send",
    "New chat",
    "Search chats",
    "Conversations",
    "Model",
    "Context used",
    "Models",
    "Documents",
    "Licenses",
    "Network",
    "Settings",
    "Offline",
)


def test_shortcuts_are_unique() -> None:
    keys = [QKeySequence(key).toString() for spec in action_specs() for key in spec.shortcuts]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    ids = [spec.id for spec in action_specs()]
    assert len(ids) == len(set(ids))


def test_names_that_others_rely_on(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Hello.", tokens_per_s=5)]))
    for name in FIXED_NAMES:
        assert driver.has(name), name
    driver.ask("Hello", finish=False)
    assert driver.has("Transcript")
    assert driver.has("Stop")
    driver.finish()
    assert driver.has("You, message 1")
    assert driver.has("Assistant, message 2")
    assert driver.named("Assistant, message 2").accessibleDescription() == "Hello."


@pytest.mark.parametrize("page", ["", "models", "network", "settings", "prompts", "licenses", "license", "difference"])
def test_every_widget_that_takes_the_focus_has_a_name(open_window: Open, page: str) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Some text\n\n```py\nx = 1\n```", thinking="Hm.")]))
    driver.ask("Hello")
    driver.page.find_bar.open_bar()
    driver.window.commands.open_go_to()
    driver.window.show_page(page)
    nameless = [
        widget
        for widget in driver.window.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not widget.accessibleName()
        and type(widget).__name__ not in ("Split", "QScrollArea", "SlimScrollBar")
    ]
    assert nameless == []


class _Windows(QObject):
    """Counts the windows that are shown."""

    shown = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt calls it so
        self.shown += event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow()
        return False


@pytest.mark.parametrize("page", ["models", "network", "settings", "licenses"])
def test_a_page_is_built_in_the_window(open_window: Open, page: str) -> None:
    """A part that is shown before it stands there is a window for a moment, and takes the focus with it."""
    driver = open_window(FakeEngine())
    windows = _Windows()
    driver.application.installEventFilter(windows)
    driver.window.show_page(page)
    QApplication.processEvents()
    driver.application.removeEventFilter(windows)
    assert windows.shown == 0


def test_tab_reaches_the_composer_and_every_button_around_it(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One."), FakeAnswer("Two.")]))
    driver.ask("Hello")
    driver.ask("Again")
    seen: list[str] = []
    driver.page.focus_composer()
    for _ in range(40):
        driver.key(Qt.Key.Key_Tab)
        seen.append(driver.focused)
        if seen[-1] == "Message":
            break
    assert "" not in seen
    expected = {"Search chats", "New chat", "Conversations", "Models", "Licenses", "Settings", "Model", "Transcript"}
    assert expected <= set(seen)
    # Of all turns only the newest is on the way; Ctrl+Up leads to the others.
    assert {"Assistant, message 4", "Copy answer", "Regenerate answer"} <= set(seen)
    assert "Assistant, message 2" not in seen
    assert seen[-1] == "Message"


def test_ctrl_up_and_down_go_from_turn_to_turn(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("An answer.")]))
    driver.ask("Hello")
    driver.ask("Again")
    driver.transcript.setFocus()
    names = []
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down):
        driver.key(key, CONTROL)
        names.append(driver.focused)
    assert names == ["Assistant, message 4", "You, message 3", "Assistant, message 2", "You, message 3"]


def test_f6_goes_round_the_panes(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("An answer.")]))
    driver.ask("Hello")
    names = []
    for _ in range(4):
        driver.key(Qt.Key.Key_F6)
        names.append(driver.focused)
    assert names == ["Conversations", "Model", "Transcript", "Message"]
    driver.key(Qt.Key.Key_F6, SHIFT)
    assert driver.focused == "Transcript"


def test_keys_lead_where_they_should(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("An answer.")]))
    driver.ask("Hello")
    driver.key(Qt.Key.Key_Comma, CONTROL)
    assert driver.window.pages.currentWidget() is driver.window.settings_page
    driver.key(Qt.Key.Key_L, CONTROL)
    assert driver.focused == "Message"
    assert driver.window.pages.currentWidget() is driver.page
    driver.key(Qt.Key.Key_N, CONTROL)
    assert driver.page.shown_transcript is None
    driver.key(Qt.Key.Key_Q, CONTROL)
    assert not driver.window.isVisible()


def test_find_marks_words_and_escape_closes_it(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Pears are fine."), FakeAnswer("Plums too.")]))
    driver.ask("What of pears?")
    driver.ask("And plums?")
    driver.key(Qt.Key.Key_F, CONTROL)
    assert driver.focused == "Find in this chat"
    driver.page.find_bar.field.setText("pears")
    assert driver.page.find_bar._count.text() == "2 of 2 messages"
    driver.key(Qt.Key.Key_Return)
    assert driver.page.find_bar._count.text() == "1 of 2 messages"
    driver.page.find_bar.field.setText("nothing of the kind")
    assert driver.page.find_bar._count.text() == "Not found"
    driver.key(Qt.Key.Key_Escape)
    assert not driver.page.find_bar.isVisible()
    assert driver.focused == "Message"


@pytest.mark.parametrize("enter", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_goes_to_the_next_match_and_with_shift_to_the_previous(qtbot: QtBot, enter: Qt.Key) -> None:
    bar = FindBar(Theme(RESOURCES, "light"))
    qtbot.addWidget(bar)
    steps: list[int] = []
    bar.step_requested.connect(steps.append)
    QTest.keyClick(bar.field, enter)
    QTest.keyClick(bar.field, enter, SHIFT)
    assert steps == [1, -1]


def test_go_to_anything_opens_a_conversation_and_runs_an_action(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("An answer.")]))
    driver.ask("Apples")
    driver.key(Qt.Key.Key_N, CONTROL)
    driver.ask("Pears")
    driver.until(lambda: len(driver.titles) == 2)
    driver.key(Qt.Key.Key_K, CONTROL)
    go_to = found(driver.window, CommandPalette)
    go_to.field.setText("appl")
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: driver.messages[0].text == "Apples")
    assert not go_to.isVisible()
    driver.key(Qt.Key.Key_K, CONTROL)
    go_to.field.setText("models")
    driver.key(Qt.Key.Key_Return)
    assert driver.window.pages.currentWidget() is driver.window.models_page
    driver.key(Qt.Key.Key_K, CONTROL)
    driver.key(Qt.Key.Key_Escape)
    assert not go_to.isVisible()


def test_sidebar_hides_and_comes_back(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.key(Qt.Key.Key_B, CONTROL)
    assert not driver.has("Conversations")
    driver.click("Show sidebar")
    assert driver.has("Conversations")
