"""Drawing that all widgets share: soft boxes with sharp one-pixel lines, and the ring that shows focus."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from desktop.ui.parts.text_options import is_right_to_left


def paint_box(painter: QPainter, rect: QRectF, fill: QColor | None, line: QColor | None, radius: float) -> None:
    """A rounded box inside `rect`; its line, where there is one, lies on whole device pixels."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    if line is None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(rect, radius, radius)
        return
    painter.setPen(QPen(line, 1))
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


def paint_focus(painter: QPainter, rect: QRectF, color: QColor, radius: float) -> None:
    """The ring of two pixels that every focused widget shows."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, 2))
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius, radius)


def paint_line(painter: QPainter, rect: QRectF, text: str) -> None:
    """One line of text in the middle of `rect`'s height, at the side it reads from; its end is cut where it is long."""
    metrics = painter.fontMetrics()
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(rect.width()))
    right_to_left = is_right_to_left(text)
    x = rect.right() - metrics.horizontalAdvance(shown) if right_to_left else rect.x()
    baseline = rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2
    painter.setLayoutDirection(Qt.LayoutDirection.RightToLeft if right_to_left else Qt.LayoutDirection.LeftToRight)
    painter.drawText(QPointF(x, baseline), shown)
