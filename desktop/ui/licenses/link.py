"""A link that is pressed like a button."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop.ui.parts.paint import paint_focus
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import RADIUS, XS


class Link(QAbstractButton):
    """Text in the color of links; `name` is what it is called where the text alone does not say it."""

    def __init__(self, theme: Theme, text: str, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._hover = theme, False
        self.setText(text)
        self.setAccessibleName(name or text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(theme.font("normal"))
        theme.changed.connect(self._restyle)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 2 * XS, self.fontMetrics().height() + XS + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = self._theme.font("normal")
        font.setUnderline(self._hover)
        painter.setFont(font)
        painter.setPen(self._theme.color("link"))
        metrics = painter.fontMetrics()
        painter.drawText(QPointF(XS, (self.height() + metrics.ascent() - metrics.descent()) / 2), self.text())
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), self._theme.color("accent"), RADIUS - 2)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hover = True
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = False
        self.update()
        super().leaveEvent(event)

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        self.updateGeometry()
        self.update()
