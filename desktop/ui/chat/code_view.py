"""A segment of code: its language and a Copy button above, the text in a font of fixed width, scrolled sideways.

Pygments, imported when the first code is shown, gives it colors. They are laid over the document's lines and do not
change the document, and they are found in slices of a few milliseconds, so that a long listing never holds up typing.
"""

import time
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextLayout,
)
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.chat.control_characters import insert_code
from desktop.ui.chat.horizontal_scroll_area import HorizontalScrollArea
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.parts.utf16 import utf16_length
from desktop.ui.theme.design_tokens import RADIUS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST = 100_000
"""Code of more characters stays in one color."""
_SLICE_S = 0.004
_LINE_HEIGHT = 108.0
_SHORT = 4_000
_BETWEEN_HIGHLIGHTS_MS = 250
_COPIED_MS = 1500


@cache
def _lexer(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@cache
def _shades() -> dict[Any, str]:
    """Which token of the theme colors which kind of Pygments'."""
    from pygments.token import Token

    return {
        Token.Keyword: "keyword",
        Token.Operator.Word: "keyword",
        Token.Literal.String: "string",
        Token.Literal.Number: "number",
        Token.Comment: "comment",
        Token.Name.Function: "function",
        Token.Name.Class: "function",
        Token.Name.Decorator: "function",
        Token.Name.Tag: "keyword",
        Token.Name.Attribute: "function",
    }


class Highlighter(QObject):
    """Colors one document, which holds the code line for block."""

    def __init__(self, theme: Theme, document: QTextDocument) -> None:
        super().__init__(document)
        self._theme, self._document = theme, document
        self._work: Iterator[None] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._slice)

    def color(self, code: str, language: str) -> None:
        """Color `code`, from its beginning; a coloring under way is given up."""
        lexer = _lexer(language.lower()) if language and len(code) <= LONGEST else None
        self._work = self._colored(lexer.get_tokens(code)) if lexer is not None else None
        if self._work is not None:
            self._timer.start()
        else:
            self._timer.stop()

    def _slice(self) -> None:
        end = time.perf_counter() + _SLICE_S
        while self._work is not None and time.perf_counter() < end:
            if next(self._work, self) is self:
                self._work = None
        if self._work is None:
            self._timer.stop()

    def _colored(self, tokens: "Iterator[tuple[Any, str]]") -> Iterator[None]:
        """Colors line after line; goes one step for each token."""
        shades = _shades()
        formats = {name: QTextCharFormat() for name in set(shades.values())}
        for name, shade in formats.items():
            shade.setForeground(self._theme.color(name))
        block, column = self._document.begin(), 0
        ranges: list[QTextLayout.FormatRange] = []
        for kind, text in tokens:
            while kind not in shades and kind.parent is not None:
                kind = kind.parent
            for number, line in enumerate(text.split("\n")):
                if number:
                    self._lay(block, ranges)
                    block, column, ranges = block.next(), 0, []
                length = utf16_length(line)
                if kind in shades and line:
                    part = QTextLayout.FormatRange()
                    part.start, part.length, part.format = column, length, formats[shades[kind]]
                    ranges.append(part)
                column += length
            if not block.isValid():
                return
            yield
        self._lay(block, ranges)

    def _lay(self, block: QTextBlock, ranges: list[QTextLayout.FormatRange]) -> None:
        if block.isValid() and block.layout().formats() != ranges:
            block.layout().setFormats(ranges)
            self._document.markContentsDirty(block.position(), block.length())


class CodeView(QWidget):
    """Code in `language` ("" where the fence named none)."""

    def __init__(self, theme: Theme, language: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._language = theme, language
        self._code, self._closed = "", False
        self.view = TextView(theme, theme.mono("reading"), wrap=False, top_inset=1)
        named = tr("Code, {language}").format(language=plain_line(language))
        self.view.setAccessibleName(named if language else tr("Code"))
        self._area = HorizontalScrollArea(theme, self.view, self)
        self.view.dragged_past_edge.connect(self._area.scroll_by)
        self._copy = Button(theme, tr("Copy"), kind="quiet", size="small", name=tr("Copy code"), parent=self)
        self._copy.clicked.connect(self._copy_code)
        self._highlighter = Highlighter(theme, self.view.document)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_BETWEEN_HIGHLIGHTS_MS)
        self._timer.timeout.connect(self._color)
        self._text_size = (0, 0)

    @property
    def language(self) -> str:
        return self._language

    @property
    def area(self) -> HorizontalScrollArea:
        """What scrolls sideways."""
        return self._area

    @property
    def buttons(self) -> list[Button]:
        return [self._copy]

    def set_code(self, code: str, *, closed: bool, language: str | None = None) -> bool:
        """Show `code`; while it is not `closed`, more may be appended to it. Whether anything changed."""
        if language is not None and language != self._language:
            self._language, self._closed = language, False
            self.update()
        if code == self._code and closed == self._closed:
            return False
        self._closed = closed
        cursor = QTextCursor(self.view.document)
        cursor.beginEditBlock()
        if code.startswith(self._code):
            cursor.movePosition(QTextCursor.MoveOperation.End)
            added = code[len(self._code) :]
        else:
            cursor.select(QTextCursor.SelectionType.Document)
            added = code
        if not self._code:
            block = QTextBlockFormat()
            block.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # whatever letters a comment begins with
            block.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            cursor.mergeBlockFormat(block)
        insert_code(cursor, added, self._characters(), self._theme)
        cursor.endEditBlock()
        self._code = code
        if closed:
            self._timer.start(0)
        elif len(code) <= _SHORT and "\n" in added and not self._timer.isActive():
            self._timer.start(_BETWEEN_HIGHLIGHTS_MS)
        self._measure()
        self.view.update()
        return True

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are."""
        return self.view.set_found(query)

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.view.document.setDefaultFont(self._theme.mono("reading"))
        cursor = QTextCursor(self.view.document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.mergeCharFormat(self._characters())
        self._color()
        self._measure()
        self.update()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        header = self._header_height()
        text_width, text_height = self._text_size
        area_height = self._area.lay_out(width - 2 * M, text_width, text_height)
        self._area.move(M, header + M - 2)
        height = header + area_height + 2 * M - 4
        size = self._copy.sizeHint()
        self._copy.setGeometry(
            width - S + 1 - size.width(), (header - size.height()) // 2 + 1, size.width(), size.height()
        )
        self.resize(width, height)
        return height

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, rect = self._theme, QRectF(self.rect())
        paint_box(painter, rect, theme.color("code"), theme.color("line"), RADIUS + 1)
        header = self._header_height()
        painter.fillRect(QRectF(1, header, rect.width() - 2, 1), theme.color("line"))
        painter.setFont(theme.font("small"))
        metrics = painter.fontMetrics()
        painter.setPen(theme.color("faint"))
        label = metrics.elidedText(
            plain_line(self._language) or tr("text"), Qt.TextElideMode.ElideRight, self.width() // 2
        )
        painter.drawText(QPointF(M + 1, (header + metrics.ascent() - metrics.descent()) / 2 + 1), label)

    def _characters(self) -> QTextCharFormat:
        characters = QTextCharFormat()
        characters.setFont(self._theme.mono("reading"))
        characters.setForeground(self._theme.color("text"))
        return characters

    def _measure(self) -> None:
        size = self.view.document.size()
        self._text_size = (round(size.width() + 2), round(size.height() + 0.49))

    def _header_height(self) -> int:
        return self._copy.sizeHint().height() + 4

    def _color(self) -> None:
        self._timer.stop()
        if not self._code:
            return
        self._highlighter.color(self._code, self._language)

    def _copy_code(self) -> None:
        QGuiApplication.clipboard().setText(self._code)
        self._copy.setText(tr("Copied"))
        self.place(self.width())
        QTimer.singleShot(_COPIED_MS, self._copy, self._copied_shown)

    def _copied_shown(self) -> None:
        self._copy.setText(tr("Copy"))
        self.place(self.width())
