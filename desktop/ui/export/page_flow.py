"""Documents set one below the other on pages, each going on where the one before it ended."""

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QFont,
    QPagedPaintDevice,
    QPainter,
    QPalette,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)

UNIT = 10
"""Units of length in a point (1/72 inch): documents are set in them, so that letters stand where they belong."""

_MARGIN, _HEAD, _FOOT = 48 * UNIT, 26 * UNIT, 26 * UNIT
_LEAST = 60 * UNIT
"""What is begun with less room than this begins on the next page."""
_INK, _QUIET = QColor("#1d1f21"), QColor("#5f6367")
_FIXED = QTextBlockFormat.LineHeightTypes.FixedHeight.value


class PageFlow:
    """The pages of `device`, a printer or a PDF, whose origin is the corner of the paper. A title stands over each of
    them, `notice` and the number under it. `finish` ends the last one.

    All of it belongs to one thread, which need not be the main one.
    """

    def __init__(self, device: QPagedPaintDevice, families: list[str], notice: str) -> None:
        self._device, self._notice = device, notice
        page = device.pageLayout().fullRectPoints().size()
        size = QSizeF(page.width() * UNIT, page.height() * UNIT)
        self.width = size.width() - 2 * _MARGIN
        self.height = size.height() - 2 * _MARGIN - _HEAD - _FOOT
        self._font = QFont()
        self._font.setFamilies(families)
        self._font.setPixelSize(8 * UNIT)
        self._title = ""
        self._y = 0.0
        self._number = 1
        self._painter = QPainter(device)
        if self._painter.isActive():
            scale = device.logicalDpiX() / 72 / UNIT
            self._painter.scale(scale, scale)

    @property
    def active(self) -> bool:
        """Whether the device takes what is drawn."""
        return self._painter.isActive()

    @property
    def pages(self) -> int:
        """How many pages there are so far."""
        return self._number

    def begin_section(self, title: str) -> None:
        """Go on under this title, on a page of its own where something stands on this one."""
        if self._y:
            self._next_page()
        self._title = title
        self._frame()

    def add(self, document: QTextDocument, gap: float = 0.0) -> None:
        """Draw `document` below what is there, `gap` units away. It is changed."""
        if self._y and self.height - self._y - gap < _LEAST:
            self._next_page()
            self._frame()
        offset = self._y + gap if self._y else 0.0
        document.setDocumentMargin(0)
        document.setPageSize(QSizeF(self.width, self.height))
        if offset:
            _put_space(document, offset)
        layout = document.documentLayout()
        for page in range(document.pageCount()):
            if page:
                self._next_page()
                self._frame()
            self._draw(layout, page)
        self._y = _bottom(document) - (document.pageCount() - 1) * self.height

    def finish(self) -> bool:
        """End the last page; whether all of it could be written."""
        return self._painter.end()

    def _next_page(self) -> None:
        self._device.newPage()
        self._number += 1
        self._y = 0.0

    def _draw(self, layout: QAbstractTextDocumentLayout, page: int) -> None:
        context = QAbstractTextDocumentLayout.PaintContext()
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Text, _INK)
        context.palette = palette
        context.clip = QRectF(0, page * self.height, self.width, self.height)
        painter = self._painter
        painter.save()
        painter.translate(_MARGIN, _MARGIN + _HEAD - page * self.height)
        painter.setClipRect(context.clip)
        layout.draw(painter, context)
        painter.restore()

    def _frame(self) -> None:
        """What stands over and under the text of each page."""
        painter = self._painter
        painter.save()
        painter.translate(_MARGIN, _MARGIN)
        painter.setFont(self._font)
        painter.setPen(_QUIET)
        metrics = painter.fontMetrics()
        head = QRectF(0, 0, self.width, _HEAD)
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, int(self.width))
        painter.drawText(head, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, title)
        foot = QRectF(0, _HEAD + self.height, self.width, _FOOT)
        number = str(self._number)
        room = int(self.width) - metrics.horizontalAdvance(number) - 20 * UNIT
        notice = metrics.elidedText(self._notice, Qt.TextElideMode.ElideRight, room)
        painter.drawText(foot, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, notice)
        painter.drawText(foot, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight, number)
        painter.restore()


def _put_space(document: QTextDocument, height: float) -> None:
    """Have the text begin so far below the top of its first page."""
    cursor = QTextCursor(document)
    if not _begins_with_table(document):
        cursor.insertBlock()
        cursor.movePosition(QTextCursor.MoveOperation.Start)
    space = QTextBlockFormat()
    space.setLineHeight(height, _FIXED)
    characters = QTextCharFormat()
    font = QFont()
    font.setPixelSize(1)
    characters.setFont(font)
    cursor.setBlockFormat(space)
    cursor.setBlockCharFormat(characters)


def _begins_with_table(document: QTextDocument) -> bool:
    """Whether the first block is the empty one that Qt puts before a table."""
    tables = document.rootFrame().childFrames()
    return document.firstBlock().length() == 1 and bool(tables) and tables[0].firstPosition() == 2


def _bottom(document: QTextDocument) -> float:
    """Where the text ends, from the top of the first page."""
    layout, last = document.documentLayout(), document.lastBlock()
    tables = document.rootFrame().childFrames()
    ends = [layout.frameBoundingRect(table).bottom() for table in tables[-1:]]
    if last.length() > 1 or not tables:
        ends.append(layout.blockBoundingRect(last).bottom())
    return max(ends)
