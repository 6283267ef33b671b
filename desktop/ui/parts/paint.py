"""Drawing that all widgets share: soft boxes with sharp one-pixel lines, and the ring that shows focus."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QWidget

from desktop.ui.parts.text_options import is_right_to_left
from desktop.ui.theme.theme import Theme


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


def repaint_on_hover(widget: QWidget) -> None:
    """Have `widget` painted again whenever the pointer enters or leaves it: `underMouse()` then says which."""
    widget.setAttribute(Qt.WidgetAttribute.WA_Hover)


def radio_side(metrics: QFontMetrics) -> int:
    """The width and height of a radio button's mark beside text of this font."""
    return max(11, round(metrics.height() * 0.78))


def paint_radio_mark(painter: QPainter, ring: QRectF, theme: Theme, *, checked: bool) -> None:
    """A radio button's mark: a ring, and a dot in it where it is checked."""
    radius = ring.width() / 2
    paint_box(painter, ring, theme.color("field"), theme.color("accent" if checked else "muted"), radius)
    if checked:
        paint_box(painter, ring.adjusted(3.5, 3.5, -3.5, -3.5), theme.color("accent"), None, radius)


def paint_line(painter: QPainter, rect: QRectF, text: str) -> None:
    """One line of text in the middle of `rect`'s height, at the side it reads from; its end is cut where it is long."""
    metrics = painter.fontMetrics()
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(rect.width()))
    right_to_left = is_right_to_left(text)
    x = rect.right() - metrics.horizontalAdvance(shown) if right_to_left else rect.x()
    baseline = rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2
    painter.setLayoutDirection(Qt.LayoutDirection.RightToLeft if right_to_left else Qt.LayoutDirection.LeftToRight)
    painter.drawText(QPointF(x, baseline), shown)
