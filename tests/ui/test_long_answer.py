"""Long answers: drawn a part at a time, folded beyond a length, and whole once that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.ui.chat.answer_body import AnswerBody
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
PARAGRAPH = "word **bold** `code` " * 10 + "\n\n"


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


def body_of(qtbot: QtBot, theme: Theme) -> AnswerBody:
    body = AnswerBody(theme)
    qtbot.addWidget(body)
    for signal in (body.grown, body.resized):
        signal.connect(lambda: body.place(600))
    return body


def text_of(body: AnswerBody) -> str:
    return "\n".join(view.document.toPlainText() for view in body.text_views())


def test_an_answer_of_some_length_comes_a_part_at_a_time(qtbot: QtBot, theme: Theme) -> None:
    body, text = body_of(qtbot, theme), PARAGRAPH * 80
    body.end(text)
    assert body.text == text
    assert not body.is_drawn
    qtbot.waitUntil(lambda: body.is_drawn)
    assert text_of(body).count("bold") == 800
    assert not body.buttons()


def test_a_very_long_one_is_folded_until_it_is_asked_for(qtbot: QtBot, theme: Theme) -> None:
    body, text = body_of(qtbot, theme), PARAGRAPH * 900
    body.end(text + "the end")
    qtbot.waitUntil(lambda: bool(body.buttons()))
    (more,) = body.buttons()
    assert more.text() == f"Show all {len(text) + 7:,} characters"
    assert "the end" not in text_of(body)
    assert more.geometry().bottom() < body.height()
    drawn = len(body.views)
    more.setFocus()
    QTest.keyClick(more, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: body.is_drawn, timeout=30_000)
    assert text_of(body).endswith("the end")
    assert len(body.views) > drawn
    assert not body.buttons()


def test_what_is_selected_in_a_folded_answer_is_what_is_seen(qtbot: QtBot, theme: Theme) -> None:
    body = body_of(qtbot, theme)
    body.end(PARAGRAPH * 900)
    qtbot.waitUntil(lambda: bool(body.buttons()))
    selection = body.text_views()[0].selection
    selection.select_all()
    assert 0 < len(selection.markdown()) < 20_000


def test_what_is_sought_in_the_folded_part_unfolds_it(qtbot: QtBot, theme: Theme) -> None:
    body = body_of(qtbot, theme)
    body.end(PARAGRAPH * 900 + "needle")
    qtbot.waitUntil(lambda: bool(body.buttons()))
    body.set_found("haystack")
    assert body.buttons()
    body.set_found("needle")
    qtbot.waitUntil(lambda: body.is_drawn, timeout=30_000)
    assert body.set_found("needle") == 1


def test_an_answer_that_was_seen_growing_is_not_folded(qtbot: QtBot, theme: Theme) -> None:
    body, text = body_of(qtbot, theme), PARAGRAPH * 200
    for at in range(0, len(text), 2_000):
        body.add(text[at : at + 2_000])
    body.end(text)
    assert body.is_drawn
    assert not body.buttons()


def test_what_is_placed_from_the_first_change_on_stands_as_if_all_was(qtbot: QtBot, theme: Theme) -> None:
    text = "".join(f"{n}. item\n\n   ```py\n   x = {n}\n   ```\n\n> quote {n}\n\n" for n in range(40))
    grown, whole = body_of(qtbot, theme), body_of(qtbot, theme)
    for at in range(0, len(text), 37):
        grown.add(text[at : at + 37])
        grown.place(600)
    grown.end(text)
    whole.end(text)
    qtbot.waitUntil(lambda: whole.is_drawn)
    assert grown.place(600) == whole.place(600)
    assert [view.geometry() for view in grown.views] == [view.geometry() for view in whole.views]
