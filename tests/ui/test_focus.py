"""Where keys go and what the focus is on: for people without a mouse or a screen, and on small screens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QMenu

from desktop.errors import EngineError
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found
from tests.ui.test_sidebar import _ask_three, _go_to_row

Open = Callable[..., Driver]
CONTROL = Qt.KeyboardModifier.ControlModifier
SLOW = FakeAnswer("word " * 2000, tokens_per_s=60)


def test_escape_in_a_filled_search_stops_no_answer(open_window: Open) -> None:
    driver = open_window(FakeEngine([SLOW]))
    driver.ask("Go", finish=False)
    driver.until(lambda: "word" in driver.shown_text())
    driver.sidebar.search.setFocus()
    QTest.keyClicks(driver.sidebar.search, "abc")
    driver.key(Qt.Key.Key_Escape)
    driver.qtbot.wait(200)
    assert driver.chat.is_answering()
    assert driver.sidebar.search.text() == ""


def test_escape_in_a_title_stops_no_answer(open_window: Open) -> None:
    driver = open_window(FakeEngine([SLOW]))
    driver.ask("Go", finish=False)
    driver.until(lambda: "word" in driver.shown_text() and len(driver.titles) == 1)
    driver.qtbot.wait(200)
    _go_to_row(driver, "Go")
    driver.key(Qt.Key.Key_F2)
    found(driver.sidebar.list, QLineEdit)
    driver.key(Qt.Key.Key_Escape)
    driver.qtbot.wait(200)
    assert driver.chat.is_answering()


def test_escape_gives_up_an_edit_before_it_stops_an_answer(open_window: Open) -> None:
    driver = open_window(FakeEngine([SLOW]))
    driver.ask("Go", finish=False)
    driver.until(lambda: "word" in driver.shown_text())
    driver.key(Qt.Key.Key_Up)
    assert driver.page.composer.editing
    driver.key(Qt.Key.Key_Escape)
    driver.qtbot.wait(200)
    assert not driver.page.composer.editing
    assert driver.chat.is_answering()


def test_the_row_the_keyboard_is_on_survives_changes_of_the_list(open_window: Open) -> None:
    driver = _ask_three(open_window)
    _go_to_row(driver, "Pears")
    driver.chat.order.pin([driver.sidebar.rows.conversations[2].id], True)
    driver.until(lambda: driver.titles[0] == "Apples")
    assert driver.sidebar.rows.conversation_at(driver.sidebar.list.currentIndex()).title == "Pears"  # type: ignore[union-attr]


def test_go_to_anything_gives_the_focus_back(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.key(Qt.Key.Key_Comma, CONTROL)
    driver.key(Qt.Key.Key_Tab)
    before = driver.application.focusWidget()
    driver.key(Qt.Key.Key_K, CONTROL)
    driver.key(Qt.Key.Key_Escape)
    assert driver.application.focusWidget() is before


def test_a_page_says_its_name(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.key(Qt.Key.Key_Comma, CONTROL)
    assert driver.focused == "Settings page"


def test_the_persons_words_are_spoken(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.ask("My words")
    assert driver.named("You, message 1").accessibleDescription() == "My words"


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_menus_do_not_pile_up(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.ask("Hello")
    for _ in range(3):
        for name in ("Model", "Conversation menu"):
            driver.click(name)
            QApplication.activePopupWidget().close()  # type: ignore[union-attr]
            QApplication.processEvents()
            QApplication.sendPostedEvents(None, 52)
    assert len(driver.window.findChildren(QMenu)) == 0


def test_larger_text_makes_what_holds_it_larger(open_window: Open) -> None:
    error = EngineError("The engine ran out of memory.", "The context needs 3 GB. " * 12, "Choose a smaller context.")
    driver = open_window(FakeEngine([FakeAnswer("Half an ans", error=error, fails_after=2)]))
    driver.ask("Q")
    for _ in range(4):
        driver.window.actions_table["larger"].trigger()
    QApplication.processEvents()
    box = driver.errors()[0]
    copy = driver.named("Copy answer", QAbstractButton)
    assert copy.height() == copy.sizeHint().height()
    assert box.height() >= box.layout().totalHeightForWidth(box.width())  # type: ignore[union-attr]


def test_renaming_from_where_one_writes_shows_the_list(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.ask("Hello")
    driver.until(lambda: len(driver.titles) == 1)
    driver.key(Qt.Key.Key_B, CONTROL)
    driver.key(Qt.Key.Key_F2)
    assert found(driver.sidebar.list, QLineEdit).isVisible()


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_coming_forward_keeps_the_window_maximized(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.window.showMaximized()
    QApplication.processEvents()
    driver.window.showMinimized()
    QApplication.processEvents()
    driver.window.raise_window()
    QApplication.processEvents()
    assert driver.window.isMaximized()
    assert not driver.window.isMinimized()


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_the_window_fits_a_small_screen(open_window: Open, scale: float) -> None:
    driver = open_window(FakeEngine(), text_scale=scale)
    driver.window.resize(1024, 600)
    QApplication.processEvents()
    assert driver.window.width() <= 1024
    assert driver.window.height() <= 600


def test_no_growth(open_window: Open) -> None:
    driver = _ask_three(open_window)
    ids = [c.id for c in driver.sidebar.rows.conversations]
    counts = []
    for n in range(30):
        driver.window.open_conversation(ids[n % 3])
        driver.until(lambda wanted=ids[n % 3]: driver.page.conversation_id == wanted)
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, 52)
        counts.append(len(QApplication.allWidgets()))
    assert counts[-1] <= counts[5] + 2


def test_focus_after_regenerate(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One."), FakeAnswer("Two.")]))
    driver.ask("Q")
    b: QAbstractButton = driver.named("Regenerate answer")
    b.setFocus()
    QTest.keyClick(b, Qt.Key.Key_Space)
    driver.until(lambda: driver.messages[-1].text == "Two.")
    driver.finish()


def test_draft_of_deleted(open_window: Open) -> None:
    driver = _ask_three(open_window)
    driver.type("secret draft")
    driver.sidebar.list.setFocus()
    driver.key(Qt.Key.Key_Delete)
    driver.until(lambda: len(driver.titles) == 2)
    driver.close()
    assert "secret draft" not in (driver.home / "data" / "drafts.json").read_text()
