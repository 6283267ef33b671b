"""A segment of code: its language and a Copy button above, the text in a font of fixed width, scrolled sideways."""

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.chat.control_characters import insert_code
from desktop.ui.chat.highlight import Highlighter
from desktop.ui.chat.sideways import SidewaysArea
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.parts.foreign_text import plain_line
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import RADIUS, M, S

_LINE_HEIGHT = 108.0
_SHORT = 4_000
_BETWEEN_HIGHLIGHTS_MS = 250
_COPIED_MS = 1500


class CodeView(QWidget):
    """Code in `language` ("" where the fence named none)."""

    def __init__(self, theme: Theme, language: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._language = theme, language
        self._code, self._closed = "", False
        self.view = TextView(theme, theme.mono("reading"), wrap=False, lead=1)
        named = tr("Code, {language}").format(language=plain_line(language))
        self.view.setAccessibleName(named if language else tr("Code"))
        self._area = SidewaysArea(theme, self.view, self)
        self.view.beyond_side.connect(self._area.scroll_by)
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
    def area(self) -> SidewaysArea:
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
        area_height = self._area.place(width - 2 * M, text_width, text_height)
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
