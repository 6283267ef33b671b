"""Scroll bars that keep out of the way, and scroll areas that use them."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar, QStyle, QStyleOptionSlider, QWidget

from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.theme import Theme

_WIDTH = 10


class SlimScrollBar(QScrollBar):
    """A scroll bar without arrows: a thin rounded handle on the page's own color."""

    def __init__(self, theme: Theme, orientation: Qt.Orientation, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self._theme = theme
        self._hover = False

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
        color = self._theme.color("scroll_hover" if self._hover or self.isSliderDown() else "scroll")
        paint_box(painter, rect, color, None, min(rect.width(), rect.height()) / 2)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hover = True
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = False
        self.update()
        super().leaveEvent(event)


def use_slim_scroll_bars(area: QAbstractScrollArea, theme: Theme) -> None:
    """Give `area` slim scroll bars and no frame."""
    area.setFrameShape(area.Shape.NoFrame)
    area.setVerticalScrollBar(SlimScrollBar(theme, Qt.Orientation.Vertical, area))
    area.setHorizontalScrollBar(SlimScrollBar(theme, Qt.Orientation.Horizontal, area))
