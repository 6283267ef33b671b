"""A question of a megabyte, shown whole: drawn a part at a time, read, sought and copied as it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.conversation import Message, TextPart
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.plain_text_pieces import AT_ONCE
from desktop.ui.chat.transcript import Transcript
from desktop.ui.chat.user_message_view import UserMessageView
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
ONE_LINE = "One line without an end, with é and 👩‍👩‍👧 in it. " * 3_000
LINES = "\n".join(f"{number}\tdef f(value):" for number in range(9_000)) + "\n\n"
ACCENTS = "e" + "\u0301" * 30_000
Ask = Callable[[str], UserMessageView]


@pytest.fixture
def ask(qtbot: QtBot) -> Iterator[Ask]:
    font = QApplication.font()
    transcript = Transcript(Theme(RESOURCES, "light"), MessageActions(*(lambda *_: None,) * 3))
    qtbot.addWidget(transcript)
    transcript.resize(760, 600)
    transcript.show()

    def shown(text: str) -> UserMessageView:
        transcript.show_messages((Message("u", "c", None, "user", (TextPart(text),)),), {})
        view = transcript.views[0]
        assert isinstance(view, UserMessageView)
        view.buttons()[0].click()
        qtbot.waitUntil(lambda: whole(view, text))
        return view

    yield shown
    QApplication.setFont(font)


def whole(view: UserMessageView, text: str) -> bool:
    length = sum(len(each.document.toRawText()) + len(each.joint or "") for each in view.text_views())
    return length >= len(text)


@pytest.mark.parametrize("text", [ONE_LINE, LINES, ACCENTS, "x" * 100_000], ids=["line", "lines", "accents", "word"])
def test_all_of_it_is_drawn_in_bounded_pieces_and_joins_to_what_was_written(ask: Ask, text: str) -> None:
    view = ask(text)
    pieces = [each.document.toRawText().replace("\u2029", "\n") for each in view.text_views()]
    assert max(map(len, pieces)) < 5_000
    assert "".join(part + (each.joint or "") for part, each in zip(pieces, view.text_views(), strict=True)) == text
    tops = [each.y() for each in view.text_views()]
    assert tops == sorted(tops)


@pytest.mark.parametrize("text", [ONE_LINE, LINES], ids=["line", "lines"])
def test_what_is_copied_over_several_pieces_is_what_was_written(ask: Ask, text: str) -> None:
    view = ask(text)
    views, selection = view.text_views(), view.selection
    selection.press(views[1], 5, 1, extend=False)
    selection.press(views[3], views[3].position_at(QPointF(200, 100)), 1, extend=True)
    copied = selection.text()
    assert len(copied) > 8_000
    assert copied in text
    selection.select_all()
    assert selection.text() == text


def test_what_is_sought_is_found_at_its_end_and_folding_takes_the_pieces_away(ask: Ask, qtbot: QtBot) -> None:
    text = ONE_LINE + "needle"
    view = ask(text)
    assert view.set_found("needle") == 1
    assert view.set_found("é") == 3_000
    tall = view.height()
    view.buttons()[0].click()
    assert len(view.text_views()) == 1
    assert view.height() < tall / 10
    assert view.set_found("needle") == 1, "it is unfolded again"
    qtbot.waitUntil(lambda: whole(view, text))


def test_a_text_below_the_bound_is_one_view(ask: Ask) -> None:
    assert len(ask("word " * (AT_ONCE // 5)).text_views()) == 1
