"""What is painted over a document's text: the bars of quotes, lines across, and the caret of text that still grows."""

from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QTextBlock, QTextDocument

from desktop.ui.chat.text_properties import QUOTE_BARS, RULE
from desktop.ui.theme.theme import Theme

BAR = 2


def bars_of(block: QTextBlock) -> list[float]:
    """Where the bars beside `block` are (see `QUOTE_BARS`)."""
    bars = block.blockFormat().property(QUOTE_BARS)
    return list(bars) if isinstance(bars, list | tuple) else []


def paint_bar(painter: QPainter, theme: Theme, bar: float, width: float, top: float, bottom: float) -> None:
    """Paint one bar of a text `width` pixels wide, from `top` to `bottom`."""
    painter.fillRect(QRectF(bar if bar >= 0 else width + bar, top, BAR, bottom - top), theme.color("line_strong"))


def paint_decorations(painter: QPainter, document: QTextDocument, clip: QRectF, theme: Theme, width: float) -> None:
    """Paint the bars and the lines across of the blocks within `clip`."""
    layout, block = document.documentLayout(), document.begin()
    while block.isValid():
        rect, form = layout.blockBoundingRect(block), block.blockFormat()
        if form.boolProperty(RULE):
            across = width - form.leftMargin() - form.rightMargin()
            painter.fillRect(QRectF(form.leftMargin(), round(rect.top()), across, 1), theme.color("line"))
        bars, following = bars_of(block), block.next()
        if bars:
            next_bars = bars_of(following) if following.isValid() else []
            for bar in bars:
                bottom = layout.blockBoundingRect(following).top() if bar in next_bars else rect.bottom()
                if bottom >= clip.top() and rect.top() <= clip.bottom():
                    paint_bar(painter, theme, bar, width, rect.top(), bottom)
        block = following


def paint_caret(painter: QPainter, document: QTextDocument, theme: Theme, height: float, descent: float) -> None:
    """Paint a mark after the last character, on whichever side the text goes on; `height` and `descent` are those of
    the document's font."""
    block = document.lastBlock()
    text = block.layout()
    if text.lineCount() == 0 or (block.length() == 1 and block.previous().isValid()):
        return
    line = text.lineAt(text.lineCount() - 1)
    at: Any = line.cursorToX(block.length() - 1)  # and the position, where the binding gives both
    x = float(at[0] if isinstance(at, tuple) else at)
    from_the_right = block.textDirection() == Qt.LayoutDirection.RightToLeft
    corner = QPointF(text.position().x(), document.documentLayout().blockBoundingRect(block).top())
    y = corner.y() + line.y() + line.ascent() + descent - height
    painter.fillRect(QRectF(corner.x() + x + (-3 - 2 if from_the_right else 3), y, 2, height), theme.color("accent"))
