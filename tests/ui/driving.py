"""Drives the real window as a person would: by what it shows and is called, by keys and clicks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.chat.chat_session import ChatSession
from desktop.conversation import Message
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.ui.backend import Backend
from desktop.ui.chat.chat_page import ChatPage
from desktop.ui.chat.transcript import Transcript
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.line_edit import LineEdit
from desktop.ui.program import Program, create
from desktop.ui.sidebar.sidebar import Sidebar

W = TypeVar("W", bound=QWidget)
PATIENCE_MS = 60_000


def found(inside: QWidget, kind: type[W]) -> W:
    """The first widget of a kind in another."""
    widget = inside.findChild(kind)
    assert widget is not None
    return widget


class Driver:
    """One open window. Its home is the test's own."""

    def __init__(self, qtbot: QtBot, engine: MultiModelEngine | None, settings: dict[str, Any]) -> None:
        self.home = Path(os.environ["LATCHKEY_HOME"])
        if settings:
            (self.home / "config").mkdir(parents=True, exist_ok=True)
            (self.home / "config" / "settings.json").write_text(json.dumps({"version": 1, **settings}))
        self.qtbot = qtbot
        self.engine = engine
        self.application, self.window = create(["latchkey"], engine=engine)
        self.window.resize(1280, 800)
        self.closed = False

    @property
    def program(self) -> Program:
        return next(each for each in self.window.children() if isinstance(each, Program))

    @property
    def backend(self) -> Backend:
        """What stands behind the window. Wait for it where the window was just opened."""
        assert self.program.backend is not None
        return self.program.backend

    @property
    def page(self) -> ChatPage:
        return self.window.chat_page

    @property
    def sidebar(self) -> Sidebar:
        return self.window.sidebar

    @property
    def transcript(self) -> Transcript:
        return self.page.transcript

    @property
    def chat(self) -> ChatSession:
        assert self.window.chat is not None
        return self.window.chat

    @property
    def messages(self) -> list[Message]:
        return self.transcript.messages

    @property
    def titles(self) -> list[str]:
        """The conversations in the list, as it shows them."""
        return [str(self.sidebar.rows.index(row).data()) for row in self.rows()]

    def rows(self) -> list[int]:
        rows = self.sidebar.rows
        return [row for row in range(rows.rowCount()) if rows.conversation_at(rows.index(row)) is not None]

    def until(self, holds: Any, timeout: int = PATIENCE_MS) -> None:
        self.qtbot.waitUntil(holds, timeout=timeout)

    def wait_ready(self) -> None:
        """Until the chat session stands and its model is loaded."""
        self.until(lambda: self.window.chat is not None)
        self.until(lambda: self.page.top_bar.model is not None and self.page.top_bar.progress is None)

    def named(self, name: str, kind: type[W] = QWidget) -> W:  # type: ignore[assignment]
        """The visible widget with this accessible name."""
        found = [widget for widget in self.window.findChildren(kind) if widget.accessibleName() == name]
        shown = [widget for widget in found if widget.isVisible()]
        assert shown, f"nothing visible is called {name!r}"
        return shown[0]

    def has(self, name: str) -> bool:
        return any(
            widget.accessibleName() == name and widget.isVisible() for widget in self.window.findChildren(QWidget)
        )

    def click(self, name: str) -> None:
        """Click the button of this name. Qt shows what was put into a layout a little later."""

        def is_shown() -> None:
            self.named(name, QAbstractButton)

        self.until(is_shown)
        QTest.mouseClick(self.named(name, QAbstractButton), Qt.MouseButton.LeftButton)

    def type(self, text: str) -> None:
        """Type into the composer."""
        QTest.keyClicks(self.page.composer.edit, text)

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the focus is."""
        candidates: list[QWidget | None] = [self.application.focusWidget(), self.window.focusWidget(), self.window]
        QTest.keyClick(next(widget for widget in candidates if widget is not None), key, modifier)

    def rename(self) -> LineEdit:
        """Begin to type over the title of the conversation that is open, by F2; where it is typed."""
        self.sidebar.list.setFocus()
        self.key(Qt.Key.Key_F2)
        return found(self.sidebar.list, LineEdit)

    def ask(self, text: str, *, finish: bool = True) -> Message:
        """Type a question, press Enter, wait for the answer (or for its begin); the answer."""
        before = len(self.messages) if self.page.shown_transcript is not None else 0
        self.type(text)
        QTest.keyClick(self.page.composer.edit, Qt.Key.Key_Return)
        self.until(lambda: len(self.messages) >= before + 2)
        if finish:
            self.finish()
        return self.messages[-1]

    def finish(self) -> None:
        """Wait for the end of the answer in progress."""
        self.until(lambda: not self.chat.is_answering() and self.messages[-1].status != "streaming")

    def shown_text(self) -> str:
        """Everything the transcript shows, turn after turn."""
        from desktop.ui.chat.text_view import TextView

        views = self.transcript.findChildren(TextView)
        return "\n".join(view.document.toPlainText() for view in views if view.isVisible())

    def errors(self) -> list[ErrorBox]:
        return [box for box in self.window.findChildren(ErrorBox) if box.isVisible()]

    @property
    def focused(self) -> str:
        """What has the focus is called."""
        widget = self.application.focusWidget()
        return widget.accessibleName() if widget is not None else ""

    @property
    def footer(self) -> str:
        """The quiet line under the newest answer."""
        from desktop.ui.chat.message_footer import MessageFooter

        return found(self.transcript.views[-1], MessageFooter).text

    def close(self) -> None:
        """Close the window as a person does; everything behind it ends."""
        if self.closed:
            return
        self.closed = True
        self.window.close()
        self.window.deleteLater()
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
