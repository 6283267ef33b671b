"""The bar that finds words in the open conversation."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.design_tokens import XS, L, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.ui.chat.transcript import Transcript


class FindBar(QWidget):
    """`text_changed` when the words change, `step_requested` to go to the next (1) or the previous (-1) message that
    holds them."""

    text_changed = Signal(str)
    step_requested = Signal(int)
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.field = Field(theme, tr("Find in this chat"))
        self._count = Label(theme, "", color="muted")
        before = Button(theme, icon="chevron-left", kind="quiet", name=tr("Previous match"))
        after = Button(theme, icon="chevron-right", kind="quiet", name=tr("Next match"))
        close = Button(theme, icon="close", kind="quiet", name=tr("Close find"))
        row = QHBoxLayout(self)
        row.setContentsMargins(L + XS, S, L + XS, S + 1)
        row.setSpacing(S)
        self.field.setMaximumWidth(360)
        row.addWidget(self.field, 1)
        for widget in (before, after, self._count):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(close)
        self.field.textChanged.connect(self.text_changed)
        before.clicked.connect(lambda: self.step_requested.emit(-1))
        after.clicked.connect(lambda: self.step_requested.emit(1))
        close.clicked.connect(self.close_bar)
        self.hide()

    def open_bar(self) -> None:
        """Show the bar and write in it."""
        self.show()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        if self.field.text():
            self.text_changed.emit(self.field.text())

    def show_query(self, text: str) -> None:
        """Show the bar with `text` in it; the keyboard stays where it is."""
        self.field.setText(text)
        self.show()

    def close_bar(self) -> None:
        """Hide the bar; nothing is marked any more."""
        self.hide()
        self.text_changed.emit("")
        self.closed.emit()

    def show_count(self, place: int, count: int) -> None:
        """Say which of `count` messages is shown; `place` counts from 1."""
        if not self.field.text():
            self._count.setText("")
        elif not count:
            self._count.setText(tr("Not found"))
        else:
            text = trn("{place} of {count} message", "{place} of {count} messages", count)
            self._count.setText(text.format(place=place, count=count))

    def event(self, event: QEvent) -> bool:
        # Escape closes the bar while it has the focus, whatever else Escape does in the window.
        return overrides_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.step_requested.emit(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color("line"))


class TranscriptFinder:
    """Goes from match to match in a transcript, as the bar asks."""

    def __init__(self, bar: FindBar, transcript: Callable[[], "Transcript | None"]) -> None:
        self._bar, self._transcript = bar, transcript
        self._matches: list[str] = []
        self._place = 0
        self._revealed: tuple[str, str, str] | None = None
        bar.text_changed.connect(self._find)
        bar.step_requested.connect(self._step)

    def reveal(self, conversation_id: str, message_id: str, words: str) -> None:
        """Go to a message with `words` marked in it, once its conversation is shown."""
        self._revealed = (conversation_id, message_id, words)

    def show_revealed(self, conversation_id: str) -> bool:
        """A conversation is shown; whether it was one to go to a message of."""
        wanted, self._revealed = self._revealed, None
        transcript = self._transcript()
        if wanted is None or wanted[0] != conversation_id or not wanted[1] or transcript is None:
            return False
        _, message_id, words = wanted
        self._bar.show_query(words)
        self._find(words)
        if message_id in self._matches:
            self._place = self._matches.index(message_id)
        self._bar.show_count(self._place + 1, len(self._matches))
        transcript.show_message(message_id)
        transcript.focus_message(0)
        return True

    def _find(self, query: str) -> None:
        transcript = self._transcript()
        if transcript is not None:
            self._matches = transcript.find_text(query)
            self._place = len(self._matches) - 1
            self._show(transcript)

    def _step(self, step: int) -> None:
        transcript = self._transcript()
        if transcript is not None and self._matches:
            self._place = (self._place + step) % len(self._matches)
            self._show(transcript)

    def _show(self, transcript: "Transcript") -> None:
        self._bar.show_count(self._place + 1, len(self._matches))
        if self._matches:
            transcript.show_message(self._matches[self._place])
