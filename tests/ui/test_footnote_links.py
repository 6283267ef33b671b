"""From a footnote's mark to the footnote and back, by pointer and by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.ui.chat.accessibility import accessible_child
from desktop.ui.chat.accessible_text import AccessibleText
from desktop.ui.chat.answer_body import AnswerBody
from desktop.ui.chat.footnote_links import find_target
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
TEXT = "As shown.[^a]\n\n" + "word " * 300 + "\n\n```py\nx\n```\n\n[^a]: The source.\n"


@pytest.fixture
def body(qapp: QApplication, qtbot: QtBot) -> AnswerBody:
    made = AnswerBody(Theme(RESOURCES, "light"))
    qtbot.addWidget(made)
    made.end(TEXT)
    made.place(600)
    made.show()
    return made


def test_both_are_drawn_and_lead_to_each_other(body: AnswerBody) -> None:
    footnote, mark = (find_target(body.text_views(), target) for target in ("#fn:a", "#fnref:a"))
    assert footnote is not None
    assert mark is not None
    assert footnote[0] is not mark[0]
    assert mark[0].document.toPlainText().startswith("As shown.a")
    assert "a." in footnote[0].document.toPlainText()
    assert "The source.\u00a0↩" in footnote[0].document.toRawText()


def test_a_link_goes_there_and_is_not_opened(body: AnswerBody) -> None:
    opened: list[str] = []
    body.link_clicked.connect(opened.append)
    view = body.text_views()[-1]
    body.text_views()[0].link_clicked.emit("#fn:a")
    assert view.selected_text() == "a."
    assert opened == []
    view.link_clicked.emit("#fn:unknown")
    assert opened == ["#fn:unknown"]


def test_keys_lead_from_the_mark_to_the_footnote_and_back(body: AnswerBody, qtbot: QtBot) -> None:
    first = accessible_child(body.text_views()[0])
    assert isinstance(first, AccessibleText)
    first.go_to(end=False)
    assert first.focusNextPrevChild(True)  # Tab: to the mark
    QTest.keyClick(first, Qt.Key.Key_Return)
    last = accessible_child(body.text_views()[-1])
    assert isinstance(last, AccessibleText)
    assert QApplication.focusWidget() is last
    assert last.textCursor().block().text().startswith("a.")
    assert last.focusNextPrevChild(True)  # to the sign that leads back
    QTest.keyClick(last, Qt.Key.Key_Return)
    assert QApplication.focusWidget() is first
