"""What is on the screen while an answer grows: only what changed is painted again, and it is all there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QImage, QPaintEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.conversation import Message
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.transcript import Transcript
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
SHAPES = {
    "paragraphs": "Some words of **it** and `more` of them, as they come.\n\n" * 30,
    "nested list": "- one of them\n  - and in it\n    1. a number\n" * 20,
    "quote": "> Words that\n> are quoted\n>\n> > and deeper\n\n" * 12,
    "table": "| a | b |\n|---|---|\n" + "| words | of **it** |\n" * 40,
    "right to left": "- הדג שוחה בים\n- fish\n" * 20,
    "code in a list": "1. words\n\n   ```\n   code\n   ```\n" * 12,
}


@pytest.fixture
def transcript(qtbot: QtBot) -> Transcript:
    shown = Transcript(Theme(RESOURCES, "light"), MessageActions(lambda _id: None, lambda _message: None, print))
    qtbot.addWidget(shown)
    shown.resize(700, 300)
    shown.show()
    shown.show_messages((Message("m", "c", None, "assistant", (), status="streaming"),), {})
    qtbot.waitExposed(shown)
    return shown


def _grow(transcript: Transcript, text: str, step: int = 40) -> None:
    for at in range(0, len(text), step):
        transcript.append_text("m", text[at : at + step], thinking=False)
        transcript.flush()
        QApplication.processEvents()


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_on_the_screen_is_what_painting_all_of_it_gives(
    transcript: Transcript, qtbot: QtBot, shape: str
) -> None:
    _grow(transcript, SHAPES[shape])
    assert transcript.verticalScrollBar().value() > 0

    def same() -> bool:
        QApplication.processEvents()
        pictures = transcript.screen().grabWindow(transcript.winId()), transcript.grab()
        on_screen, painted = (each.toImage().convertToFormat(QImage.Format.Format_RGB32) for each in pictures)
        part = on_screen.rect() & painted.rect()  # in another scale the first one is cut off
        return bool(on_screen.copy(part) == painted.copy(part))

    qtbot.waitUntil(same)


class PaintedArea(QObject):
    """Sums up how much of a widget is painted, in pixels."""

    pixels = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Paint and isinstance(event, QPaintEvent):
            self.pixels += sum(rect.width() * rect.height() for rect in event.region())  # type: ignore[attr-defined]
        return False


@pytest.mark.parametrize("shape", ["paragraphs", "table"])
def test_an_answer_that_grows_past_the_end_of_the_page_is_not_painted_again_as_a_whole(
    transcript: Transcript, shape: str
) -> None:
    _grow(transcript, SHAPES[shape])
    painted = PaintedArea()
    transcript.page.installEventFilter(painted)
    before = transcript.verticalScrollBar().value()
    more = {"paragraphs": "Yet another line of words.\n\n" * 10, "table": "| x | y |\n" * 10}[shape]
    _grow(transcript, more, step=len(more) // 10)
    grown = transcript.verticalScrollBar().value() - before
    assert grown > 100
    whole = transcript.page.width() * transcript.viewport().height()
    assert painted.pixels < 5 * whole  # ten steps, each of which would have painted all
