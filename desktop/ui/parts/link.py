"""A web address as a word that can be pressed; whoever owns it decides what pressing does."""

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop.ui.parts.foreign_text import set_button_text, set_tool_tip
from desktop.ui.parts.paint import paint_focus
from desktop.ui.theme.theme import Size, Theme
from desktop.ui.theme.tokens import XS

LINK_INSET = 2
"""Between a link's edge and its text, where the ring that shows focus stands."""


class Link(QAbstractButton):
    """`text` in the color of links, cut where it has no room, underlined under the pointer and the keyboard."""

    def __init__(
        self, theme: Theme, text: str, *, name: str = "", size: Size = "normal", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._size = theme, size
        self._hover = False
        self.setText(text)
        self.setAccessibleName(name or text)
        set_tool_tip(self, text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font(size))
        theme.changed.connect(self._restyle)

    def setText(self, text: str) -> None:
        set_button_text(self, text)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 2 * LINK_INSET + 1, metrics.height() + 2)

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        return QSize(min(self.fontMetrics().averageCharWidth() * 6, hint.width()), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = self.font()
        font.setUnderline(self._hover or self.hasFocus())
        painter.setFont(font)
        painter.setPen(self._theme.color("link"))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - 2 * LINK_INSET)
        painter.drawText(QPointF(LINK_INSET, (self.height() + metrics.ascent() - metrics.descent()) / 2), text)
        if self.hasFocus():
            paint_focus(painter, self.rect().toRectF(), self._theme.color("accent"), XS)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hover = True
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = False
        self.update()
        super().leaveEvent(event)

    def _restyle(self) -> None:
        self.setFont(self._theme.font(self._size))
        self.updateGeometry()
        self.update()
