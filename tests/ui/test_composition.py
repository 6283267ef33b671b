"""What an input method is composing is part of the text before anything acts on it, once and in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QCloseEvent, QDropEvent, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.errors import ResourceError
from desktop.ui.chat.composer import Composer
from desktop.ui.licenses.acceptance_form import AcceptanceForm
from desktop.ui.licenses.license_page_values import AcceptanceInput
from desktop.ui.parts.line_edit import Field
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
RESOURCES = Path(__file__).resolve().parents[2] / "resources"
LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


def compose(widget: QWidget, text: str) -> None:
    QApplication.sendEvent(widget, QInputMethodEvent(text, []))


def commit(widget: QWidget, text: str) -> None:
    event = QInputMethodEvent("", [])
    event.setCommitString(text)
    QApplication.sendEvent(widget, event)


class Page(QWidget):
    """A composer and a field under one another."""

    def __init__(self) -> None:
        super().__init__()
        theme = Theme(RESOURCES, "light")
        self.composer, self.field = Composer(theme), Field(theme, "", "Name")
        column = QVBoxLayout(self)
        column.addWidget(self.composer)
        column.addWidget(self.field)
        self.edit = self.composer.edit
        self.sent: list[str] = []
        self.composer.sent.connect(self.sent.append)


@pytest.fixture
def page(qtbot: QtBot) -> Page:
    page = Page()
    qtbot.addWidget(page)
    page.resize(700, 200)
    page.show()
    page.activateWindow()
    page.edit.setFocus()
    QApplication.processEvents()
    QTest.keyClicks(page.edit, "in ")
    compose(page.edit, "한")
    return page


def send_by_mouse(page: Page) -> None:
    QTest.mouseClick(page.composer.button, LEFT)


def send_by_key(page: Page) -> None:
    QTest.keyClick(page.edit, Qt.Key.Key_Return, CONTROL)


@pytest.mark.parametrize("send", [send_by_mouse, send_by_key])
def test_the_last_syllable_is_sent(page: Page, send: Callable[[Page], None]) -> None:
    send(page)
    assert page.sent == ["in 한"]


@pytest.mark.parametrize("send", [send_by_mouse, send_by_key])
def test_a_text_that_is_only_being_composed_can_be_sent(page: Page, send: Callable[[Page], None]) -> None:
    page.composer.set_text("")
    assert not page.composer.button.isEnabled()
    compose(page.edit, "네")
    assert page.composer.button.isEnabled()
    send(page)
    assert page.sent == ["네"]


@pytest.mark.parametrize("receiver", ["edit", "field"])
def test_what_is_delivered_late_is_not_there_twice(page: Page, receiver: str) -> None:
    """Some input methods answer when the text was sent long since, and to whatever has the focus by then."""
    send_by_mouse(page)
    page.composer.set_text("")
    commit(getattr(page, receiver), "한")
    assert (page.composer.text, page.field.text()) == ("", "")
    compose(page.edit, "글")
    commit(page.edit, "글")
    commit(page.edit, "한")
    assert page.composer.text == "글한"


def test_what_is_composed_anew_is_kept(page: Page) -> None:
    send_by_mouse(page)
    page.composer.set_text("")
    compose(page.edit, "한")
    commit(page.edit, "한")
    assert page.composer.text == "한"


def test_enter_that_ends_a_composition_does_not_send(page: Page) -> None:
    QTest.keyClick(page.edit, Qt.Key.Key_Return)
    commit(page.edit, "韓")
    assert page.sent == []
    assert page.composer.text == "in 韓"


def press_in_the_text(page: Page) -> None:
    QTest.mouseClick(page.edit.viewport(), LEFT)


def go_to_the_field(page: Page) -> None:
    page.field.setFocus()


def paste(page: Page) -> None:
    QApplication.clipboard().setText("")
    QTest.keyClick(page.edit, Qt.Key.Key_V, CONTROL)


def drop(page: Page) -> None:
    data = QMimeData()
    data.setText("\n")
    at = QPointF(page.edit.viewport().rect().bottomRight())
    page.edit.dropEvent(QDropEvent(at, Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier))


def close_the_window(page: Page) -> None:
    QApplication.sendEvent(page, QCloseEvent())


def tab(page: Page) -> None:
    QTest.keyClick(page.edit, Qt.Key.Key_Tab)


@pytest.mark.parametrize("act", [press_in_the_text, go_to_the_field, paste, drop, close_the_window, tab])
def test_what_is_composed_stays_whatever_comes_between(page: Page, act: Callable[[Page], None]) -> None:
    act(page)
    assert page.composer.text.strip() == "in 한"
    assert page.field.text() == ""


def test_up_while_composing_edits_nothing(page: Page) -> None:
    asked: list[bool] = []
    page.edit.up_in_empty.connect(lambda: asked.append(True))
    page.composer.set_text("")
    compose(page.edit, "한")
    QTest.keyClick(page.edit, Qt.Key.Key_Up)
    assert not asked


def test_enter_in_a_field_takes_what_is_composed(page: Page) -> None:
    entered: list[str] = []
    page.field.returnPressed.connect(lambda: entered.append(page.field.text()))
    page.field.setFocus()
    QTest.keyClicks(page.field, "x")
    compose(page.field, "ê")
    QTest.keyClick(page.field, Qt.Key.Key_Return)
    assert entered == ["xê"]


def test_nothing_is_looked_at_once_nothing_is_composed(page: Page) -> None:
    commit(page.edit, "한")
    assert page.composer.text == "in 한"
    commit(page.edit, "한")
    assert page.composer.text == "in 한한"


def test_the_form_of_a_license_has_the_whole_name(qtbot: QtBot) -> None:
    form = AcceptanceForm(Theme(RESOURCES, "light"))
    qtbot.addWidget(form)
    form.show()
    form.activateWindow()
    form.show_form(AcceptanceInput("", "", "personal"), {})
    said: list[AcceptanceInput] = []
    form.accepted.connect(lambda: said.append(form.form))
    form.name.setFocus()
    QApplication.processEvents()
    compose(form.name, "김")
    QTest.mouseClick(form.accept_button, LEFT)
    assert said == [AcceptanceInput("김", "", "personal")]
    form.organization.setFocus()
    compose(form.organization, "e\u0301cole")
    QTest.mouseClick(form.accept_button, LEFT)
    assert said[-1] == AcceptanceInput("김", "e\u0301cole", "personal")


def test_what_a_screen_reader_presses_has_all_that_is_composed(qtbot: QtBot) -> None:
    """It takes neither the focus nor the pointer to the button."""
    form = AcceptanceForm(Theme(RESOURCES, "light"))
    qtbot.addWidget(form)
    form.show_form(AcceptanceInput("", "", "personal"), {})
    form.show()
    form.activateWindow()
    form.name.setFocus()
    QApplication.processEvents()
    said: list[AcceptanceInput] = []
    form.accepted.connect(lambda: said.append(form.form))
    compose(form.name, "김")
    assert form.accept_button.isEnabled()
    form.accept_button.click()
    form.organization.setFocus()
    compose(form.organization, "회사")
    form.accept_button.click()
    assert said == [AcceptanceInput("김", "", "personal"), AcceptanceInput("김", "회사", "personal")]
    form.name.clear()
    form.name.setFocus()
    compose(form.name, "\u3000")
    assert not form.accept_button.isEnabled()


def test_a_title_has_its_last_syllable(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]))
    driver.ask("Apples")
    driver.until(lambda: driver.titles == ["Apples"])
    editor = driver.rename()
    editor.setText("사")
    compose(editor, "과")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    driver.until(lambda: driver.titles == ["사과"])


def test_what_is_given_back_joins_what_is_being_composed(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that could not be stored comes back into the box while the next one is typed already."""
    driver = open_window(FakeEngine())

    def full(*_: object, **__: object) -> None:
        raise ResourceError("The disk is full.", "Nothing could be stored.", "Free some space.")

    monkeypatch.setattr("desktop.storage.conversation_store.ConversationStore.add_messages", full)
    driver.type("first")
    driver.key(Qt.Key.Key_Return)
    driver.page.composer.edit.setFocus()
    compose(driver.page.composer.edit, "한")
    driver.until(lambda: bool(driver.errors()))
    assert driver.page.composer.text == "first\n\n한"


def test_a_draft_has_what_was_being_composed(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.type("half ")
    driver.page.composer.edit.setFocus()
    compose(driver.page.composer.edit, "한")
    driver.close()
    assert open_window(FakeEngine()).page.composer.text == "half 한"
