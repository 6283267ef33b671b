"""Long texts in the composer: pasted in no time, undone by one key, sent and kept whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.ui.chat.composer import Composer
from desktop.ui.chat.message_edit import LONGEST_MESSAGE
from desktop.ui.parts.document_text import text_data
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
LINE = "One line without an end, with 😀 and צלילים. " * 25_000
LINES = "def f(x):\n\treturn x\r\n" * 50_000


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    made = Composer(Theme(RESOURCES, "light"))
    qtbot.addWidget(made)
    made.resize(600, 200)
    made.show()
    return made


def _paste(composer: Composer, text: str) -> None:
    QGuiApplication.clipboard().setMimeData(text_data(text))
    composer.edit.paste()


@pytest.mark.parametrize("text", [LINE, LINES])
def test_a_long_text_is_one_object_in_its_place_and_is_sent_whole(composer: Composer, qtbot: QtBot, text: str) -> None:
    whole = text.replace("\r\n", "\n")
    QTest.keyClicks(composer.edit, "Sum this up: ")
    _paste(composer, text)
    QTest.keyClicks(composer.edit, " briefly")
    assert composer.edit.document().characterCount() < 100  # nothing long is laid out
    assert composer.text == f"Sum this up: {whole} briefly"
    assert composer.edit.length == len(composer.text)
    with qtbot.waitSignal(composer.sent) as sent:
        QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent.args == [f"Sum this up: {whole} briefly"]


def test_a_long_paste_is_undone_and_redone_by_one_key(composer: Composer) -> None:
    QTest.keyClicks(composer.edit, "a")
    _paste(composer, LINE)
    composer.edit.undo()
    assert composer.text == "a"
    composer.edit.redo()
    assert composer.text == "a" + LINE
    QTest.keyClick(composer.edit, Qt.Key.Key_Backspace)
    assert composer.text == "a"
    composer.edit.undo()
    assert composer.text == "a" + LINE


def test_a_long_text_is_copied_whole_and_pasted_again(composer: Composer) -> None:
    _paste(composer, LINE)
    composer.edit.selectAll()
    composer.edit.cut()
    assert composer.text == ""
    assert QGuiApplication.clipboard().text() == LINE
    composer.edit.paste()
    QTest.keyClicks(composer.edit, "x")
    composer.edit.paste()
    assert composer.text == f"{LINE}x{LINE}"


def test_a_draft_with_a_long_text_comes_back_as_it_was(composer: Composer) -> None:
    composer.set_text(f"before {LINE}")  # of an earlier run
    assert composer.text == f"before {LINE}"
    assert composer.edit.document().characterCount() < 100
    composer.set_text("")
    _paste(composer, LINE)
    composer.set_text("another chat")
    composer.set_text(f"above\n{LINE} below")  # back to this one
    assert composer.text == f"above\n{LINE} below"
    assert composer.edit.document().toRawText().startswith("above")


def test_what_was_typed_and_is_long_in_many_lines_stays_text(composer: Composer) -> None:
    typed = "a line\n" * 4_000
    composer.set_text(typed)
    assert composer.edit.document().blockCount() == 4_001
    assert composer.text == typed


def test_more_than_a_message_may_have_is_refused_beside_a_long_text_too(composer: Composer, qtbot: QtBot) -> None:
    _paste(composer, "x" * (LONGEST_MESSAGE - 10))
    with qtbot.waitSignal(composer.refused):
        _paste(composer, "y" * 30_000)
    assert composer.text == "x" * (LONGEST_MESSAGE - 10)
    data = QMimeData()
    data.setText("short")
    cursor = composer.edit.textCursor()
    cursor.movePosition(QTextCursor.MoveOperation.Start)
    composer.edit.setTextCursor(cursor)
    composer.edit.insertFromMimeData(data)
    assert composer.text.startswith("short")
