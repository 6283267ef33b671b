"""The view of a model's thinking: one line that a click or a key unfolds."""

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.source_map import MessageSource
from desktop.ui.chat.text_view import TextView, drawable
from desktop.ui.parts.button import Button
from desktop.ui.parts.text_options import LONGEST_WORD, wrap_mode
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme


class ThinkingView(QWidget):
    """One line, "Thought for 4 s", and under it the thinking itself where it is unfolded."""

    resized = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = ""
        self._open = False
        self._button = Button(theme, tr("Thinking…"), kind="quiet", icon="chevron-right", parent=self)
        self._button.clicked.connect(self.turn)
        self.view = TextView(theme, theme.font("normal"), parent=self)
        self.view.setAccessibleName(tr("Thinking"))
        self.selection = MessageSelection(self, lambda: [self.view], MessageSource(lambda: self._text))
        self.view.join_selection(self.selection)
        self.view.hide()
        self.is_over = False
        self._show_title(tr("Thinking…"))

    @property
    def is_open(self) -> bool:
        """Whether it is unfolded."""
        return self._open

    @property
    def buttons(self) -> list[Button]:
        return [self._button]

    def set_text(self, text: str) -> None:
        """Show `text`, which begins with what was shown before."""
        added = text.removeprefix(self._text)
        cursor = QTextCursor(self.view.document)
        if text.startswith(self._text):
            cursor.movePosition(QTextCursor.MoveOperation.End)
        else:
            cursor.select(QTextCursor.SelectionType.Document)
        tail = text[-len(added) - LONGEST_WORD :]
        if not text.startswith(self._text) or wrap_mode(tail) != wrap_mode(""):
            self.view.wrap_for(tail)  # and it stays so for what follows a long word
        cursor.insertText(drawable(added), self._characters())
        self._text = text

    def set_seconds(self, seconds: float | None) -> None:
        """Thinking is over; it took `seconds`, where known."""
        self.is_over = True
        if seconds is None:
            title = tr("Thoughts")
        else:
            title = tr("Thought for {seconds} s").format(seconds=max(1, round(seconds)))
        self._show_title(title)

    def _show_title(self, title: str) -> None:
        """Show `title`, and tell who hears it whether what it is about is shown."""
        folded = tr("{title}, unfolded") if self._open else tr("{title}, folded")
        self._button.setText(title)
        self._button.setAccessibleName(folded.format(title=title))

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.view.document.setDefaultFont(self._theme.font("normal"))
        cursor = QTextCursor(self.view.document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.setCharFormat(self._characters())

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        size = self._button.sizeHint()
        self._button.setGeometry(S, 0, min(size.width(), width - S), size.height())
        height = size.height()
        if self._open:
            inner = self.view.height_at(width - M - 2)
            self.view.setGeometry(M + 2, height + XS, width - M - 2, inner)
            height += XS + inner
        self.resize(width, height)
        return height

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(QRectF(0, 0, 2, self.height()), self._theme.color("line"))

    def _characters(self) -> QTextCharFormat:
        characters = QTextCharFormat()
        characters.setFont(self._theme.font("normal"))
        characters.setForeground(self._theme.color("muted"))
        return characters

    def turn(self) -> None:
        """Unfold it, or fold it again."""
        self._open = not self._open
        self._show_title(self._button.text())
        self._button.set_icon("chevron-down" if self._open else "chevron-right")
        self.view.setVisible(self._open)
        self.resized.emit()
