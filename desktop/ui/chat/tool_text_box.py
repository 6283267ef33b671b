"""Text of a tool, as it is, in a box: a part of a long one, and the rest when a person asks for it.

Nothing in it is markup or a link, and what would steer or is unseen is drawn as its number.
"""

import time

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.chat.control_characters import insert_code
from desktop.ui.chat.message_selection import MessageSelection
from desktop.ui.chat.plain_text_pieces import beginning
from desktop.ui.chat.source_map import MessageSource
from desktop.ui.chat.text_search import folded
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.text_options import is_right_to_left
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

_FIRST, _FIRST_LINES = 2_000, 24
_PAGE = 4_000
_DRAWING_S = 0.01
_LINE_HEIGHT = 112.0


class ToolTextBox(QWidget):
    """`resized`: it takes another height as a person asked for it; `grown`: as more of that was drawn."""

    resized = Signal()
    grown = Signal()

    def __init__(self, theme: Theme, name: str, *, mono: bool = True, parent: QWidget | None = None) -> None:
        """`name` is what screen readers call the text. Code reads from the left, other text by its first letter."""
        super().__init__(parent)
        self._theme, self._name, self._mono = theme, name, mono
        self._text, self._drawn, self._limit, self._found = "", 0, 0, ""
        self._focus = Qt.FocusPolicy.NoFocus
        self.views: list[TextView] = []
        self.more: Button | None = None
        self.selection = MessageSelection(
            self, lambda: self.views, MessageSource(lambda: self._text, is_drawn=lambda: self._drawn >= len(self._text))
        )
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._draw_more)
        self._view()

    @property
    def text(self) -> str:
        """All of the text."""
        return self._text

    @property
    def is_whole(self) -> bool:
        """Whether all of the text can be read."""
        return self._limit >= len(self._text)

    @property
    def buttons(self) -> list[Button]:
        return [self.more] if self.more is not None else []

    def set_text(self, text: str) -> None:
        """Show `text` in place of what was shown."""
        if text == self._text and self._drawn:
            return
        self.selection.clear()
        self._timer.stop()
        for view in self.views[1:]:
            view.hide()
            view.deleteLater()
        del self.views[1:]
        self._drop_more()
        self._text, self._drawn = text, 0
        self._limit = _bounded(text)
        self._draw_piece()
        if not self.is_whole:
            title = tr("Show all {count} characters").format(count=f"{len(text):,}")
            self.more = Button(self._theme, title, kind="quiet", size="small", parent=self)
            self.more.setFocusPolicy(self._focus)
            self.more.clicked.connect(self.show_all)
            self.more.show()

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of its button, of one that is yet to come too."""
        self._focus = policy
        if self.more is not None:
            self.more.setFocusPolicy(policy)

    def show_all(self) -> None:
        """Show what is left out, a page at a time."""
        if not self.is_whole:
            self._limit = len(self._text)
            self._drop_more()
            self._draw_piece()
            self._timer.start(0)
            self.resized.emit()

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are in what is drawn. What is left out is shown for it."""
        self._found = query
        if query and not self.is_whole and folded(query) in folded(self._text[self._drawn :]):
            self.show_all()
        return sum([view.set_found(query) for view in self.views])

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        text, limit = self._text, self._limit
        self._text, self._drawn = "", 0
        self.set_text(text)
        if limit > self._limit:
            self.show_all()
        self.update()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        y = S
        for view in self.views:
            height = view.height_at(width - 2 * M)
            view.setGeometry(M, y, width - 2 * M, height)
            y += height
        if self.more is not None:
            size = self.more.sizeHint()
            self.more.setGeometry(M - 5, y + XS, min(size.width(), width - 2 * M), size.height())
            y += XS + size.height()
        self.resize(width, y + S)
        return y + S

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("code"), theme.color("line"), RADIUS - 1)

    # --- drawing -------------------------------------------------------------------------------------------------

    def _view(self) -> TextView:
        view = TextView(self._theme, self._font(), parent=self)
        view.setAccessibleName(self._name if not self.views else tr("{what}, continued").format(what=self._name))
        view.join_selection(self.selection)
        self.views.append(view)
        view.show()
        return view

    def _draw_more(self) -> None:
        began = time.perf_counter()
        while self._drawn < self._limit and time.perf_counter() - began < _DRAWING_S:
            self._draw_piece()
            self.views[-1].height_at(self.width() - 2 * M)
        if self._drawn >= self._limit:
            self._timer.stop()
        self.grown.emit()

    def _draw_piece(self) -> None:
        """Draw one piece more, in a view of its own; one ends after a line, where it can."""
        start, end = self._drawn, min(self._drawn + _PAGE, self._limit)
        if start and start >= self._limit:
            return
        piece = self._text[start:end]
        joint = ""
        if end < len(self._text):
            piece = beginning(self._text[start : end + 64], end - start) or piece
            line = piece.rfind("\n", 1)
            if self._text[start + len(piece)] == "\n":
                joint = "\n"
            elif line > 0 and self._limit >= len(self._text):
                piece, joint = piece[:line], "\n"
        view = self._view() if start else self.views[0]
        self._write(view, piece)
        view.set_joint(joint)
        view.set_found(self._found)
        self._drawn = start + len(piece) + len(joint)
        self._limit = max(self._limit, self._drawn)

    def _write(self, view: TextView, text: str) -> None:
        block, characters = QTextBlockFormat(), QTextCharFormat()
        block.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        right = not self._mono and is_right_to_left(text)
        block.setLayoutDirection(Qt.LayoutDirection.RightToLeft if right else Qt.LayoutDirection.LeftToRight)
        characters.setFont(self._font())
        characters.setForeground(self._theme.color("text"))
        view.document.clear()
        view.document.setDefaultFont(self._font())
        view.wrap_for(text)
        cursor = QTextCursor(view.document)
        cursor.beginEditBlock()
        cursor.setBlockFormat(block)
        insert_code(cursor, text, characters, self._theme)
        cursor.endEditBlock()

    def _font(self) -> QFont:
        return self._theme.mono("normal") if self._mono else self._theme.font("normal")

    def _drop_more(self) -> None:
        if self.more is not None:
            self.more.hide()
            self.more.deleteLater()
            self.more = None


def _bounded(text: str) -> int:
    """How many characters of `text` are shown at first: all of one that is short."""
    end, at = min(len(text), _FIRST), -1
    for _ in range(_FIRST_LINES):
        at = text.find("\n", at + 1, end)
        if at < 0:
            break
    else:
        end = at
    return len(text) if len(text) <= end + _FIRST // 10 else end
