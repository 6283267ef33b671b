"""Every character that a person types, pastes or drops is there when it is sent, kept, edited or copied."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QDropEvent, QImage, QKeyEvent, QPainter, QTextCursor, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.ui.chat.composer import Composer
from desktop.ui.parts.document_text import selected_text, text_of
from desktop.ui.parts.paint import paint_line
from desktop.ui.parts.setting_controls import TextBox
from desktop.ui.parts.text_options import is_right_to_left
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
TOP = Path(__file__).resolve().parents[2]

COPIES = """
import sys
from PySide6.QtWidgets import QApplication
from desktop.ui.parts.plain_text_edit import PlainTextEdit

application = QApplication([])
edit = PlainTextEdit()
edit.setPlainText("a\\u00a0b")
edit.selectAll()
getattr(edit, sys.argv[1])()
print(ascii(application.clipboard().text()))
"""

KEPT = [
    "10\u00a0%, 5\u202f000, 3\u2009m",
    "\u00a0begins and ends so\u00a0",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 می\u200cخواهم",
    "\u2764\ufe0f \u2764\ufe0e",
    "soft\u00adhyphen, zero\u200bwidth, word\u2060joiner, \ufeffmark",
    "a\tb\t\tc",
    "one\n\n  two\n",
    "line\u2028separator",
    "e\u0301 \u00e9, \u1112\u1161\u11ab \ud55c, \u212b \u00c5",
    "left\u200eright\u200fmark \u2067isolated\u2069",
    "object \ufffc, replaced \ufffd, nul \0, bell \x07",
    "\ue000 private, \U0001d49c plane 1",
]


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    made = Composer(Theme(TOP / "resources", "light"))
    qtbot.addWidget(made)
    made.resize(700, 100)
    made.show()
    made.edit.setFocus()
    QApplication.processEvents()
    return made


def paste(composer: Composer, text: str) -> None:
    QApplication.clipboard().setText(text)
    composer.edit.paste()


def drop(composer: Composer, text: str) -> None:
    data = QMimeData()
    data.setText(text)
    at = QPointF(composer.edit.viewport().rect().center())
    none = Qt.KeyboardModifier.NoModifier
    event = QDropEvent(at, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    composer.edit.dropEvent(event)


def put_back(composer: Composer, text: str) -> None:
    composer.set_text(text)


@pytest.mark.parametrize("enter", [paste, drop, put_back])
@pytest.mark.parametrize("text", KEPT, ids=ascii)
def test_what_goes_in_is_sent_and_copied_out_again(
    composer: Composer, text: str, enter: Callable[[Composer, str], None]
) -> None:
    sent: list[str] = []
    composer.sent.connect(sent.append)
    enter(composer, text)
    assert composer.text == text
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent == [text]
    composer.edit.selectAll()
    QApplication.clipboard().clear()
    composer.edit.copy()
    assert QApplication.clipboard().text() == text
    assert QApplication.clipboard().mimeData().formats() == ["text/plain"]
    composer.edit.cut()
    assert QApplication.clipboard().text() == text
    assert composer.text == ""


def test_every_key_types_its_character(composer: Composer) -> None:
    for sign in "a\u00a0b\u202fc\u200cd\u00ade":
        QApplication.sendEvent(composer.edit, QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, sign))
    assert composer.text == "a\u00a0b\u202fc\u200cd\u00ade"


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n", "\u2029"])
def test_every_line_break_is_one(composer: Composer, ending: str) -> None:
    paste(composer, f"one{ending}two{ending}")
    assert composer.text == "one\ntwo\n"


def test_half_a_character_is_marked_as_one() -> None:
    document = QTextDocument()
    cursor = QTextCursor(document)
    cursor.insertText("x\u00a0\ud83d \U0001f600\ny")
    assert text_of(document) == "x\u00a0\ufffd \U0001f600\ny"
    cursor.select(QTextCursor.SelectionType.Document)
    assert selected_text(cursor) == "x\u00a0\ufffd \U0001f600\ny"


def test_five_million_characters_are_pasted_whole(composer: Composer) -> None:
    text = "Zeile\u00a0mit zwölf Wörtern, die niemand liest, und einer Zahl: 5\u202f000.\n" * 75_000
    paste(composer, text)
    assert len(text) > 4_900_000
    assert composer.text == text
    end = composer.edit.textCursor()
    assert end.atEnd()
    assert composer.edit.viewport().rect().contains(composer.edit.cursorRect(end).center())


# --- the window -------------------------------------------------------------------------------------------------------

SPECIAL = "Prix\u00a0: 5\u202f000\u00a0€ – می\u200cخواهم, co\u00adop, e\u0301\tx"


def test_a_turn_is_stored_given_to_the_model_and_edited_as_typed(open_window: Open) -> None:
    engine = FakeEngine([FakeAnswer("Yes.")])
    driver = open_window(engine)
    paste(driver.page.composer, SPECIAL)
    QTest.keyClick(driver.page.composer.edit, Qt.Key.Key_Return)
    driver.until(lambda: len(driver.messages) == 2)
    driver.finish()
    assert driver.messages[0].text == SPECIAL
    assert engine.requests[0].messages[-1].text == SPECIAL
    QTest.keyClick(driver.page.composer.edit, Qt.Key.Key_Up)
    assert driver.page.composer.text == SPECIAL
    assert driver.page.composer.editing


def test_a_draft_comes_back_as_typed(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    paste(driver.page.composer, SPECIAL)
    driver.close()
    assert open_window(FakeEngine()).page.composer.text == SPECIAL


def test_a_title_is_what_was_typed_over_it(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]))
    driver.ask("Apples")
    driver.until(lambda: driver.titles == ["Apples"])
    editor = driver.rename()
    editor.setText("Prix\u00a0: 5\u202f000\u00a0€, e\u0301")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    driver.until(lambda: driver.titles == ["Prix\u00a0: 5\u202f000\u00a0€, e\u0301"])


def test_a_long_title_is_not_cut_by_looking_at_it(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]))
    driver.ask("Apples")
    driver.until(lambda: driver.titles == ["Apples"])
    long = "very " * 60 + "long"
    driver.chat.order.rename(driver.sidebar.rows.conversations[0].id, long)
    driver.until(lambda: driver.sidebar.rows.conversations[0].title == long)
    assert driver.rename().text() == long


def test_a_text_of_the_settings_is_what_was_typed(qtbot: QtBot) -> None:
    box = TextBox(Theme(TOP / "resources", "light"), "System prompt", "", "")
    qtbot.addWidget(box)
    box.show()
    said: list[str] = []
    box.committed.connect(said.append)
    QApplication.clipboard().setText("Sois bref\u00a0!")
    box.edit.setFocus()
    QApplication.processEvents()
    box.edit.paste()
    QTest.keyClick(box.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(box.edit, "x")
    box.edit.clearFocus()
    assert said == ["Sois bref\u00a0!\nx"]


@pytest.mark.parametrize("take", ["copy", "cut"])
def test_what_was_typed_and_copied_outlives_the_program_without_a_crash(take: str) -> None:
    """Not asked at once: what is on the clipboard is deleted after the interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(TOP), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", COPIES, take]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (0, "'a\\xa0b'")


# --- from right to left ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "right_to_left"),
    [
        ("שלום world", True),
        ("hello עולם", False),
        ("1. (\u200f)", True),
        ("123 – سلام", True),
        ("123 !?", False),
        ("\u2068Ada\u2069 שלום", True),
        ("\u2067\u2068x\u2069 y\u2069 שלום", True),
        ("\u2069ا", True),
        ("⌘ 5 – \U0001e900\U0001e922", True),
        ("", False),
    ],
)
def test_the_first_letter_gives_the_direction(text: str, right_to_left: bool) -> None:
    assert is_right_to_left(text) == right_to_left


def _ends(composer: Composer) -> tuple[float, float]:
    """The room at the left and at the right of the first line, in pixels."""
    rect = composer.edit.document().begin().layout().lineAt(0).naturalTextRect()
    return rect.left(), composer.edit.viewport().width() - rect.right()


def test_the_composer_writes_from_the_side_of_its_first_letter(composer: Composer) -> None:
    for text, right_to_left in (("\n– שלום עולם", True), ("Hello שלום", False), ("مرحبا hello", True), ("", False)):
        composer.set_text(text)
        QApplication.processEvents()
        left, right = _ends(composer)
        assert (left > right) == right_to_left, text
        assert min(left, right) < 2


@pytest.mark.parametrize(
    ("text", "right_to_left"),
    [("שלום", True), ("Hello", False), ("שלום " * 40, True), ("Hello " * 40, False), ("(1) مرحبا", True)],
)
def test_a_line_of_a_list_stands_at_the_side_it_reads_from(qapp: QApplication, text: str, right_to_left: bool) -> None:
    image = QImage(200, 30, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    paint_line(painter, QRectF(20, 0, 160, 30), text)
    painter.end()
    white = QColor(Qt.GlobalColor.white).rgb()
    inked = [x for x in range(200) if any(image.pixel(x, y) != white for y in range(30))]
    assert inked
    assert inked[0] >= 18
    assert inked[-1] <= 182
    assert (inked[-1] > 170) if right_to_left else (inked[0] < 30)


def test_the_box_is_as_high_as_the_lines_of_every_script(composer: Composer) -> None:
    composer.set_text("English\n日本語\nไทย ที่นี่ ผู้ใหญ่\nمرحبا")
    block, height = composer.edit.document().begin(), 0.0
    while block.isValid():
        height += composer.edit.blockBoundingRect(block).height()
        block = block.next()
    assert composer.edit.height() >= height


# --- the source ------------------------------------------------------------------------------------------------------

INEXACT = {
    "toPlainText": set(),
    "selectedText": {"document_text.py"},
    "QPlainTextEdit": set(),
    "QLineEdit": {"bare_window.py"},
}


@pytest.fixture(scope="module")
def callers() -> dict[str, set[str]]:
    """The files that call each of them."""
    found: dict[str, set[str]] = {name: set() for name in INEXACT}
    for path in (TOP / "desktop").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in found:
                    found[name].add(path.name)
    return found


@pytest.mark.parametrize("name", INEXACT)
def test_text_is_read_in_one_place(name: str, callers: dict[str, set[str]]) -> None:
    """Qt's ways to read a document give no-break spaces as spaces, and its bare fields lose what is being composed."""
    assert callers[name] == INEXACT[name]
