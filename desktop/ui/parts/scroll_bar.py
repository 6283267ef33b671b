"""Slim scroll bars, and setting them for a scroll area."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar, QStyle, QStyleOptionSlider, QWidget

from desktop.ui.parts.paint import paint_box, repaint_on_hover
from desktop.ui.theme.theme import Theme

_WIDTH = 10


class SlimScrollBar(QScrollBar):
    """A scroll bar without arrows: a thin rounded handle on the page's own color."""

    def __init__(self, theme: Theme, orientation: Qt.Orientation, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self._theme = theme
        repaint_on_hover(self)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, 40) if self.orientation() == Qt.Orientation.Vertical else QSize(40, _WIDTH)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.maximum() <= self.minimum():
            return
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_ScrollBar, option, QStyle.SubControl.SC_ScrollBarSlider, self
        )
        painter = QPainter(self)
        rect = QRectF(handle).adjusted(2, 2, -2, -2)
        color = self._theme.color("scroll_hover" if self.underMouse() or self.isSliderDown() else "scroll")
        paint_box(painter, rect, color, None, min(rect.width(), rect.height()) / 2)


def use_slim_scroll_bars(area: QAbstractScrollArea, theme: Theme) -> None:
    """Give `area` slim scroll bars and no frame."""
    area.setFrameShape(area.Shape.NoFrame)
    area.setVerticalScrollBar(SlimScrollBar(theme, Qt.Orientation.Vertical, area))
    area.setHorizontalScrollBar(SlimScrollBar(theme, Qt.Orientation.Horizontal, area))
