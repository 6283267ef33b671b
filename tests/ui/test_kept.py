"""Nothing typed, edited or deleted is lost by one key, by bad timing or by closing the window."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.errors import ResourceError
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found
from tests.ui.test_sidebar import _ask_three, _go_to_row

Open = Callable[..., Driver]
CONTROL = Qt.KeyboardModifier.ControlModifier
SLOW = FakeAnswer("word " * 2000, tokens_per_s=60)


def test_an_example_question_leaves_what_was_typed(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.type("half a thought")
    driver.click("How do I add a model?")
    driver.until(lambda: len(driver.messages) == 2)
    driver.finish()
    assert driver.page.composer.text == "half a thought"


def test_what_is_typed_after_an_early_enter_is_not_part_of_the_question(open_window: Open) -> None:
    driver = open_window(FakeEngine(), wait=False)
    driver.type("Hello")
    driver.key(Qt.Key.Key_Return)
    driver.type("second")
    assert driver.window.chat is None
    driver.until(lambda: driver.window.chat is not None and len(driver.messages) == 2)
    driver.finish()
    assert driver.messages[0].text == "Hello"
    assert driver.page.composer.text == "second"


def test_what_could_not_be_stored_is_given_back_though_another_chat_was_begun(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = open_window(FakeEngine())

    def full(*_: object, **__: object) -> None:
        time.sleep(0.3)
        raise ResourceError("The disk is full.", "x", "y")

    monkeypatch.setattr("desktop.storage.conversation_store.ConversationStore.add_messages", full)
    driver.type("Precious")
    driver.key(Qt.Key.Key_Return)
    driver.key(Qt.Key.Key_N, CONTROL)
    driver.qtbot.wait(700)
    assert driver.errors()
    assert "Precious" in driver.page.composer.text


def test_a_title_being_typed_survives_changes_of_the_list(open_window: Open) -> None:
    driver = _ask_three(open_window)
    _go_to_row(driver, "Pears")
    driver.key(Qt.Key.Key_F2)
    editor = found(driver.sidebar.list, QLineEdit)
    editor.setText("Quin")
    driver.chat.order.pin([driver.sidebar.rows.conversations[2].id], True)
    driver.qtbot.wait(400)
    assert driver.sidebar.list.findChild(QLineEdit) is editor
    assert editor.isVisible()


def test_two_deleted_are_both_brought_back(open_window: Open) -> None:
    driver = _ask_three(open_window)
    _go_to_row(driver, "Pears")
    driver.key(Qt.Key.Key_Delete)
    driver.until(lambda: len(driver.titles) == 2)
    _go_to_row(driver, "Apples")
    driver.key(Qt.Key.Key_Delete)
    driver.until(lambda: len(driver.titles) == 1)
    driver.click("Undo")
    driver.until(lambda: len(driver.titles) == 2)
    driver.click("Undo")
    driver.until(lambda: len(driver.titles) == 3)


def test_a_setting_being_typed_survives_quitting(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.key(Qt.Key.Key_Comma, CONTROL)
    edit: QWidget = driver.named("System prompt")
    edit.setFocus()
    QTest.keyClicks(edit, "Be brief")
    driver.key(Qt.Key.Key_Q, CONTROL)
    driver.close()
    assert "Be brief" in (driver.home / "config" / "settings.json").read_text()


def test_copying_an_unfinished_answer_copies_what_there_is(open_window: Open) -> None:
    driver = open_window(FakeEngine([SLOW]))
    QGuiApplication.clipboard().setText("mine")
    driver.ask("Go", finish=False)
    driver.until(lambda: "word" in driver.shown_text())
    driver.key(Qt.Key.Key_C, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert "word" in QGuiApplication.clipboard().text()


def test_an_edit_not_sent_survives_the_window(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.ask("First")
    driver.key(Qt.Key.Key_Up)
    driver.page.composer.set_text("First, much rewritten")
    driver.close()
    e = open_window(FakeEngine())
    d2 = e
    d2.until(lambda: len(d2.titles) == 1)
    d2.sidebar.opened.emit(d2.sidebar.rows.conversations[0].id)
    d2.until(lambda: d2.page.shown_transcript is not None)
    d2.page.edit_last()
    assert d2.page.composer.text == "First, much rewritten"
