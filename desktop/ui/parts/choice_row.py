"""A row that is on or off: a mark, a name, and quieter words at the end of the line."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QWidget

from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.untrusted_text import plain_line, set_button_text, set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Theme


class ChoiceRow(QCheckBox):
    """`name` is what can be chosen, `detail` what is said of it in a few words, `spoken` its name for screen
    readers."""

    def __init__(self, theme: Theme, name: str, detail: str, spoken: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self.name, self._detail = theme, name, plain_line(detail)
        set_button_text(self, name)
        self.setAccessibleName(spoken)
        self.setAccessibleDescription(detail)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        set_tool_tip(self, "\n".join(filter(None, (name, detail))))
        self._restyle()
        theme.changed.connect(self._restyle)

    def sizeHint(self) -> QSize:
        return QSize(160, self.fontMetrics().height() + 2 * XS + 2)

    def hitButton(self, pos: object) -> bool:
        return self.rect().contains(pos)  # type: ignore[call-overload]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme, rect = QPainter(self), self._theme, QRectF(self.rect())
        if not self.isEnabled():
            painter.setOpacity(0.5)
        if self.underMouse() and self.isEnabled():
            paint_box(painter, rect, theme.color("hover"), None, RADIUS - 1)
        metrics = self.fontMetrics()
        side = round(metrics.height() * 0.85)
        box = QRectF(XS, (self.height() - side) / 2, side, side)
        on = self.isChecked()
        paint_box(painter, box, theme.color("accent" if on else "field"), None if on else theme.color("muted"), 3)
        if on:
            tick = theme.pixmap("check", "on_accent", side - 2, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(box.x() + 1, box.y() + 1), tick)
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("muted"))
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        detail = painter.fontMetrics().horizontalAdvance(self._detail)
        painter.drawText(QPointF(self.width() - detail - XS, baseline), self._detail)
        painter.setFont(self.font())
        painter.setPen(theme.color("text"))
        left = round(box.right()) + S
        name = metrics.elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width() - left - detail - 2 * S)
        painter.drawText(QPointF(left, baseline), name)
        if self.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), RADIUS - 1)

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        self.updateGeometry()
        self.update()
