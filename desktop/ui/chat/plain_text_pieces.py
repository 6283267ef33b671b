"""A long text of plain words as views one under the other, drawn a part at a time.

Qt lays out a line of a million characters at once, which takes it more than a second. So a text that is longer than
`AT_ONCE` is cut after a line, else after a word; what is copied and sought is the text as it was written.
"""

import time
from collections.abc import Callable

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor, QTextLayout
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.text_search import occurrences
from desktop.ui.chat.text_view import TextView, drawable
from desktop.ui.parts.utf16 import utf16_length, utf16_slice
from desktop.ui.theme.design_tokens import LINE_HEIGHT
from desktop.ui.theme.theme import Theme

AT_ONCE = 24_000
_PIECE = 4_000
_DRAWING_S = 0.01
_LONGEST_CLUSTER = 64


class PlainTextPieces(QWidget):
    """`grown` when more of the text is drawn."""

    grown = Signal()

    def __init__(
        self, theme: Theme, selection: MessageSelection, open_link: Callable[[str], None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._theme, self._selection, self._open_link = theme, selection, open_link
        self.views: list[TextView] = []
        self._text, self._drawn, self._query = "", 0, ""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._draw_more)
        self._view(0)

    @property
    def is_drawing(self) -> bool:
        """Whether more of the text is about to be drawn."""
        return self._timer.isActive()

    @property
    def in_pieces(self) -> bool:
        """Whether the text is too long to be drawn at once."""
        return len(self._text) > AT_ONCE

    def show_text(self, text: str) -> None:
        """Show `text` in place of what was shown."""
        self._text, self._drawn = text, 0
        for view in self.views[1:]:
            view.hide()
            view.deleteLater()
        del self.views[1:]
        self._timer.stop()
        if self.in_pieces:
            self._draw_piece()
            self._timer.start(0)
        else:
            self._write(self.views[0], text)
            self._drawn = len(text)

    def natural_width(self, room: int) -> int:
        """The width in pixels that the text takes, `room` at most."""
        return room if self.in_pieces else min(self.views[0].natural_width(), room)

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        height = 0
        for view in self.views:
            own = view.height_at(width)
            view.setGeometry(0, height, width, own)
            height += own
        self.resize(width, height)
        return height

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are."""
        self._query = query
        count = sum([view.set_found(query) for view in self.views])
        return len(occurrences(self._text, query)) if query and self.in_pieces else count

    def _view(self, number: int) -> TextView:
        view = TextView(self._theme, self._theme.font("reading"), parent=self)
        view.setAccessibleName(tr("Your words") if not number else tr("Your words, continued"))
        view.link_clicked.connect(self._open_link)
        view.join_selection(self._selection)
        self.views.append(view)
        return view

    def _draw_more(self) -> None:
        began = time.perf_counter()
        while self._drawn < len(self._text) and time.perf_counter() - began < _DRAWING_S:
            self._draw_piece()
            self.views[-1].height_at(self.width())
        if self._drawn >= len(self._text):
            self._timer.stop()
        self.grown.emit()

    def _draw_piece(self) -> None:
        """Draw one piece more, in a view of its own."""
        start = self._drawn
        end, joint = _end_of_piece(self._text, start)
        view = self._view(len(self.views)) if start else self.views[0]
        self._write(view, self._text[start:end])
        view.set_joint(joint)
        view.set_found(self._query)
        view.show()
        self._drawn = end + len(joint)

    def _write(self, view: TextView, text: str) -> None:
        font = self._theme.font("reading")
        block, characters = QTextBlockFormat(), QTextCharFormat()
        block.setLineHeight(LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        characters.setFont(font)
        characters.setForeground(self._theme.color("text"))
        view.document.setDefaultFont(font)
        view.document.clear()
        view.set_joint(None)
        view.wrap_for(text)
        cursor = QTextCursor(view.document)
        cursor.setBlockFormat(block)
        cursor.insertText(drawable(text), characters)


def _end_of_piece(text: str, start: int) -> tuple[int, str]:
    """Where the piece that begins at `start` ends, and what stands between it and the next: a line feed or nothing."""
    if len(text) - start <= _PIECE:
        return len(text), ""
    part = beginning(text[start : start + _PIECE + _LONGEST_CLUSTER], _PIECE)
    line = part.rfind("\n")
    if line > 0:
        return start + line, "\n"
    word = part.rfind(" ", _PIECE // 2)
    return start + (word + 1 if word > 0 else len(part) or _PIECE), ""  # one letter may have more accents than that


def beginning(text: str, longest: int) -> str:
    """The first `longest` characters of `text` or a few less: no letter is cut off its accents, no emoji in two."""
    part = text[: longest + _LONGEST_CLUSTER]
    layout, at = QTextLayout(part), utf16_length(text[:longest])
    if not layout.isValidCursorPosition(at):
        at = layout.previousCursorPosition(at)
    return utf16_slice(part, 0, at)
