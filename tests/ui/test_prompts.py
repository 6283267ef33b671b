"""Prompts in the composer: "/" offers them by keyboard alone, is never in the way, and the page keeps them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.chat.prompt_library import Prompt, PromptLibrary, built_in_prompts
from desktop.paths import find_paths
from desktop.ui.chat.composer import Composer
from desktop.ui.prompts.prompt_insertion import PromptInsertion
from desktop.ui.prompts.prompt_popup import matching_entries
from desktop.ui.prompts.prompts_page import PromptsPage
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found

Open = Callable[..., Driver]
RESOURCES = Path(__file__).resolve().parents[2] / "resources"
PROMPTS = {
    "greet": Prompt("Hello there."),
    "letter": Prompt("Dear {{name}},\n\n{{body|nothing}}\n", "Writes a letter"),
    "paste": Prompt("Look at this: {{clipboard}}"),
}


class Desk(QWidget):
    """A page with a composer at its foot, and prompts."""

    def __init__(self) -> None:
        super().__init__()
        theme = Theme(RESOURCES, "light")
        self.composer = Composer(theme)
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(self.composer)
        self.resize(800, 600)
        self.insertion = PromptInsertion(theme, self, self.composer, self.composer.edit, lambda: PROMPTS)
        self.sent: list[str] = []
        self.managed: list[bool] = []
        self.composer.sent.connect(self.sent.append)
        self.insertion.manage_asked.connect(lambda: self.managed.append(True))

    def type(self, text: str) -> None:
        QTest.keyClicks(self.composer.edit, text)

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.composer.edit, key, modifier)

    @property
    def offered(self) -> list[str]:
        popup = self.insertion.popup
        return [entry.name for entry in popup.entries] if popup is not None and self.insertion.is_open else []

    @property
    def text(self) -> str:
        return self.composer.edit.text


@pytest.fixture
def desk(qtbot: QtBot) -> Desk:
    made = Desk()
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    made.composer.edit.setFocus()
    qtbot.waitUntil(made.composer.edit.hasFocus)
    return made


def test_a_slash_offers_prompts_and_typing_on_filters_them(desk: Desk) -> None:
    desk.type("/")
    assert desk.offered == ["greet", "letter", "paste", ""]
    desk.type("let")
    assert desk.offered == ["letter", ""]
    desk.key(Qt.Key.Key_Backspace)
    desk.type("x")
    assert desk.offered == [], "nothing matches: it is out of the way"
    desk.key(Qt.Key.Key_Backspace)
    desk.key(Qt.Key.Key_Backspace)
    desk.key(Qt.Key.Key_Backspace)
    assert desk.offered == ["greet", "letter", "paste", ""]
    desk.key(Qt.Key.Key_Backspace)
    assert desk.offered == []


def test_enter_puts_in_a_prompt_as_one_step_and_sends_nothing(desk: Desk) -> None:
    desk.type("/")
    desk.key(Qt.Key.Key_Return)
    assert desk.text == "Hello there."
    assert desk.sent == []
    desk.composer.edit.undo()
    assert desk.text == "/"
    desk.composer.edit.redo()
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == ["Hello there."]


def test_arrows_go_round_and_tab_takes(desk: Desk) -> None:
    desk.type("/")
    desk.key(Qt.Key.Key_Up)
    desk.key(Qt.Key.Key_Up)
    QGuiApplication.clipboard().setText("{{name}}")
    desk.key(Qt.Key.Key_Tab)
    assert desk.text == "Look at this: {{name}}"


def test_escape_closes_keeps_the_slash_and_reaches_nothing_else(desk: Desk) -> None:
    stopped: list[bool] = []
    desk.composer.edit.cancelled.connect(lambda: stopped.append(True))
    desk.type("/gr")
    desk.key(Qt.Key.Key_Escape)
    assert (desk.offered, desk.text, stopped) == ([], "/gr", [])
    desk.type("e")
    assert desk.offered == [], "it was said that none is wanted"
    desk.key(Qt.Key.Key_Escape)
    assert stopped == [True]
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == ["/gre"]


@pytest.mark.parametrize("text", ["and/or", "see /home", "1/2", "a /", "  x/"])
def test_a_slash_within_text_does_nothing(desk: Desk, text: str) -> None:
    desk.type(text)
    assert desk.offered == []
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == [text]


def test_a_path_at_the_beginning_is_sent_as_it_is(desk: Desk) -> None:
    desk.type("/etc/hosts is a file")
    assert desk.offered == []
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == ["/etc/hosts is a file"]


def test_a_slash_that_was_not_typed_offers_nothing(desk: Desk) -> None:
    desk.composer.set_text("/")  # a draft
    assert desk.offered == []
    desk.composer.set_text("")
    QGuiApplication.clipboard().setText("/")
    desk.composer.edit.paste()
    assert desk.offered == []


def test_a_slash_at_the_beginning_of_a_later_line_offers_prompts(desk: Desk) -> None:
    desk.type("First")
    desk.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    desk.type("/greet")
    desk.key(Qt.Key.Key_Return)
    assert desk.text == "First\nHello there."


def test_leaving_the_place_closes_the_list(desk: Desk) -> None:
    desk.type("/g")
    desk.key(Qt.Key.Key_Home)
    assert desk.offered == []
    desk.key(Qt.Key.Key_End)
    assert desk.offered == []


def test_variables_are_filled_in_by_keyboard(desk: Desk) -> None:
    desk.type("/letter")
    desk.key(Qt.Key.Key_Return)
    form = desk.insertion.form
    assert form is not None
    name, body = form.edits.values()
    assert name.hasFocus()
    assert body.placeholderText() == "nothing"
    QTest.keyClicks(name, "Ada")
    QTest.keyClick(name, Qt.Key.Key_Return)
    assert body.hasFocus()
    QTest.keyClicks(body, "one")
    QTest.keyClick(body, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(body, "two")
    QTest.keyClick(body, Qt.Key.Key_Return)
    assert desk.text == "Dear Ada,\n\none\ntwo\n"
    assert desk.insertion.form is None
    assert desk.composer.edit.hasFocus()


def test_what_is_left_empty_says_its_default_and_escape_gives_up(desk: Desk) -> None:
    desk.type("/letter")
    desk.key(Qt.Key.Key_Return)
    form = desk.insertion.form
    assert form is not None
    QTest.keyClick(next(iter(form.edits.values())), Qt.Key.Key_Escape)
    assert desk.text == "/letter"
    assert desk.composer.edit.hasFocus()
    desk.key(Qt.Key.Key_Backspace)
    desk.composer.set_text("")
    desk.type("/letter")
    desk.key(Qt.Key.Key_Return)
    form = desk.insertion.form
    assert form is not None
    form.insert.click()
    assert desk.text == "Dear ,\n\nnothing\n"


def test_the_last_row_leads_to_the_page(desk: Desk) -> None:
    desk.type("/")
    desk.key(Qt.Key.Key_Up)
    desk.key(Qt.Key.Key_Return)
    assert (desk.managed, desk.text) == ([True], "")


def test_names_come_before_what_a_prompt_is_for() -> None:
    prompts = {"b-list": Prompt("x"), "list": Prompt("x"), "c": Prompt("x", "makes a list"), "d": Prompt("x")}
    assert [each.name for each in matching_entries(prompts, "LIST")] == ["list", "b-list", "c", ""]


def test_prompts_are_added_changed_and_deleted_on_their_page(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Hello.")]))
    library = PromptLibrary(find_paths().prompts_file)
    driver.window.show_page("prompts")
    page = found(driver.window, PromptsPage)
    driver.until(lambda: len(page.rows) == len(built_in_prompts()))
    driver.click("New prompt")
    assert driver.focused == "Name of the prompt"
    editor = page.editor
    assert editor is not None
    QTest.keyClicks(editor.name, "summarize")
    editor.text.edit.setPlainText("Say {{what}}.")
    driver.until(lambda: driver.named("Save the prompt").height() > 10)  # it has its place
    assert "Asks for: what." in [label.text() for label in [editor._variables]]
    driver.click("Save the prompt")
    driver.until(lambda: bool(driver.errors()))
    assert page.editor is editor, "what was typed is still there"
    editor.name.setText("mine")
    driver.click("Save the prompt")
    driver.until(lambda: page.editor is None and any(row.name == "mine" for row in page.rows))
    assert library.find("mine") == Prompt("Say {{what}}.")
    driver.click("Delete: mine")
    driver.until(lambda: all(row.name != "mine" for row in page.rows))
    driver.click("Undo: The prompt “mine” was deleted.")
    driver.until(lambda: any(row.name == "mine" for row in page.rows))
    driver.click("Edit: mine")
    assert page.editor is not None
    page.editor.about.setFocus()
    QTest.keyClicks(page.editor.about, "For this")
    page.edit("translate")
    assert page.editor.name.text() == "mine", "what is typed is not thrown away for another one"
    driver.until(lambda: driver.named("Save the prompt").height() > 10)
    driver.click("Save the prompt")
    driver.until(lambda: page.editor is None)
    assert library.find("mine").description == "For this"
    driver.window.show_page("")
    driver.page.focus_composer()
    driver.type("/mine")
    driver.until(lambda: driver.backend.prompts.insertion.is_open)
    driver.key(Qt.Key.Key_Return)
    form = driver.backend.prompts.insertion.form
    assert form is not None
    QTest.keyClicks(form.edits["what"], "it")
    QTest.keyClick(form.edits["what"], Qt.Key.Key_Return)
    assert driver.page.composer.text == "Say it."
