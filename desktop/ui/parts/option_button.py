"""One of several choices over the whole width: a mark, what it is, and a sentence about it that may take lines."""

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QRadioButton, QSizePolicy, QWidget

from desktop.ui.parts.paint import paint_box, paint_focus, paint_radio_mark, radio_side
from desktop.ui.parts.untrusted_text import plain, set_button_text
from desktop.ui.theme.design_tokens import RADIUS, M, S
from desktop.ui.theme.theme import Theme

_WRAP = Qt.TextFlag.TextWordWrap


class OptionButton(QRadioButton):
    """The mark before it, not its color alone, says that it is chosen. `says` is the sentence, "" for none."""

    def __init__(self, theme: Theme, text: str, says: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_button_text(self, text)
        self._theme = theme
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setFont(theme.font("normal"))
        self.set_description(says)
        theme.changed.connect(self._restyle)

    def set_description(self, says: str) -> None:
        """Say another sentence."""
        self._says = plain(says)
        self.setAccessibleName(self.text())
        self.setAccessibleDescription(says)
        self._fit()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        height = self.fontMetrics().height() + 2 * S
        return height + (self._sentence(width).height() + 1 if self._says else 0)

    def sizeHint(self) -> QSize:
        return QSize(260, self.heightForWidth(max(self.width(), 260)))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height() + 2 * S)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def hitButton(self, pos: object) -> bool:
        return self.rect().contains(pos)  # type: ignore[call-overload]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, rect = self._theme, QRectF(self.rect())
        if not self.isEnabled():
            painter.setOpacity(0.6)
        ground = "selected" if self.isChecked() else "hover" if self.underMouse() and self.isEnabled() else "field"
        paint_box(painter, rect, theme.color(ground), theme.color("accent" if self.isChecked() else "line"), RADIUS)
        side, metrics = self._side(), self.fontMetrics()
        ring = QRectF(M, S + (metrics.height() - side) / 2, side, side)
        paint_radio_mark(painter, ring, theme, checked=self.isChecked())
        painter.setPen(theme.color("text"))
        left = self._left()
        text = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - left - M)
        painter.drawText(QPointF(left, S + metrics.ascent()), text)
        if self._says:
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color("muted"))
            place = QRect(left, S + metrics.height() + 1, self.width() - left - M, self.height())
            painter.drawText(place, _WRAP, self._says)
        if self.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), RADIUS - 1)

    def _sentence(self, width: int) -> QRect:
        from PySide6.QtGui import QFontMetrics

        room = QRect(0, 0, max(width - self._left() - M, 60), 10_000)
        return QFontMetrics(self._theme.font("small")).boundingRect(room, _WRAP, self._says)

    def _left(self) -> int:
        return M + self._side() + S

    def _side(self) -> int:
        return radio_side(self.fontMetrics())

    def _fit(self) -> None:
        if self.width() > 0:
            self.setFixedHeight(self.heightForWidth(self.width()))

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        self._fit()
        self.updateGeometry()
        self.update()
