"""A source of an answer is read beside the chat: in its document where that is still the one, else alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from desktop.background import Background
from desktop.chat.chat_events import ConversationOpened
from desktop.conversation import AttachedFilePart, Conversation, Message, PassagePart
from desktop.document_content import DocumentContent, DocumentPage
from desktop.errors import NotFoundError
from desktop.ui.chat.cited_sources import ShownSource
from desktop.ui.chat.message_documents import MessageDocuments
from desktop.ui.chat.source_flow import SourceFlow
from desktop.ui.parts.side_splitter import SideSplitter
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
SHA = "a" * 64
PAGES = (DocumentPage(1, "Nothing here."), DocumentPage(2, "First words. The passage stands here. More."))
CONTENT = DocumentContent("gates.pdf", "application/pdf", SHA, 900, PAGES, paged=True)
FILE = AttachedFilePart("gates.pdf", "application/pdf", "b" * 64, SHA, 900, 2, whole=False)
PASSAGE = PassagePart(1, "gates.pdf", 2, "The passage stands here.", SHA, start=13)
SOURCE = ShownSource(1, PASSAGE, ((4, 11),))


class FakeWindow(QObject):
    """What the flow needs of the window."""

    chat_told, page_shown = Signal(object), Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.theme = Theme(RESOURCES, "light")
        self.typed = QLineEdit()
        self.side = SideSplitter(self.theme, self.typed)
        self.panel = QWidget()
        self.side.set_side(self.panel)
        self.errors: list[Any] = []
        self.show_error = self.errors.append

    def focus_composer(self) -> None:
        self.typed.setFocus()


Make = Callable[..., tuple[FakeWindow, SourceFlow]]


@pytest.fixture
def make(qapp: QApplication, qtbot: QtBot) -> Iterator[Make]:
    background = Background(lambda function: function())

    def at_once(work: Any, success: Any = None, failure: Any = None) -> None:
        try:
            result = work()
        except NotFoundError as error:
            failure(error)
        else:
            success(result)

    background.pool = at_once  # type: ignore[assignment, method-assign]
    kept: list[FakeWindow] = []

    def made(
        read: Callable[[AttachedFilePart], DocumentContent] = lambda part: CONTENT,
        find: Callable[[PassagePart], DocumentContent | None] = lambda passage: None,
        width: int = 1200,
    ) -> tuple[FakeWindow, SourceFlow]:
        window = FakeWindow()
        kept.append(window)
        qtbot.addWidget(window.side)
        window.side.resize(width, 600)
        window.side.show()
        window.side.activateWindow()
        QApplication.processEvents()
        window.typed.setFocus()
        messages = [Message("q", "c", None, "user", (FILE,))]
        flow = SourceFlow(window, background, MessageDocuments(window), lambda: messages, read, find)  # type: ignore[arg-type]
        return window, flow

    yield made
    background.close()


def shown(flow: SourceFlow) -> tuple[str, int]:
    """The file and the number of the page that is shown."""
    assert flow.side is not None
    page = flow.side.viewer.page
    return flow.side.title.text(), page.number if page is not None else 0


def test_the_passage_is_shown_on_its_page_and_escape_leads_back(make: Make) -> None:
    window, flow = make()
    window.side.show_side(True)
    flow.show_source(SOURCE)
    assert shown(flow) == ("gates.pdf", 2)
    assert window.side.is_reading
    assert window.panel.isHidden(), "it takes the panel's place"
    focus = QApplication.focusWidget()
    assert flow.side is not None
    assert focus is flow.side.viewer.text
    assert flow.side.viewer.text.textCursor().position() == PASSAGE.start
    QTest.keyClick(focus, Qt.Key.Key_Escape)
    assert not window.side.is_reading
    assert not window.panel.isHidden(), "the panel is there again"
    assert QApplication.focusWidget() is window.typed


def test_a_passage_stands_alone_where_its_document_is_another_one_now(make: Make) -> None:
    other = DocumentContent("gates.pdf", "application/pdf", SHA, 900, (DocumentPage(2, "All else."),), paged=True)
    _, flow = make(read=lambda part: other)
    flow.show_source(SOURCE)
    assert flow.side is not None
    assert flow.side.viewer.text.shown == PASSAGE.text
    assert "has changed or is gone" in flow.side._about.text()


def test_a_passage_of_a_collection_is_found_there_or_stands_alone(make: Make) -> None:
    def missing(passage: PassagePart) -> DocumentContent:
        raise NotFoundError("There is no such collection.")

    passage = PassagePart(1, "gates.pdf", 2, PASSAGE.text, "c" * 64, start=13, collection="Gates")
    _, flow = make(find=lambda part: CONTENT)
    flow.show_source(ShownSource(1, passage))
    assert shown(flow) == ("gates.pdf", 2)
    window, flow = make(find=missing)
    flow.show_source(ShownSource(1, passage))
    assert flow.side is not None
    assert flow.side.viewer.text.shown == PASSAGE.text
    assert window.errors == []


def test_another_chat_or_page_closes_it(make: Make) -> None:
    window, flow = make()
    for leave in (
        lambda: window.chat_told.emit(ConversationOpened(Conversation("d"), (), {})),
        lambda: window.page_shown.emit("models"),
        lambda: window.side.show_side(True),
    ):
        flow.show_file(FILE)
        assert window.side.is_reading
        leave()
        assert not window.side.is_reading


def test_where_there_is_no_room_for_both_the_text_alone_is_shown(make: Make) -> None:
    window, flow = make(width=500)
    flow.show_file(FILE)
    assert window.typed.isHidden()
    window.side.resize(1400, 600)
    assert not window.typed.isHidden()
    window.side.resize(500, 600)
    flow.leave()
    assert not window.typed.isHidden()
