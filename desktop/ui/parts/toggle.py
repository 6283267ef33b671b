"""A switch that is on or off at once: a track with a knob, and what it switches beside it."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop.ui.parts.paint import paint_box, paint_focus, repaint_on_hover
from desktop.ui.theme.design_tokens import S
from desktop.ui.theme.theme import Theme

_ABOVE = 3


class Toggle(QAbstractButton):
    """On where the knob stands at the right. Pressing it only emits `clicked`: its state is what `show_on` set."""

    def __init__(self, theme: Theme, text: str, *, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        repaint_on_hover(self)
        self.setText(text)
        self.setAccessibleName(name or text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._restyle()
        theme.changed.connect(self._restyle)

    def show_on(self, on: bool) -> None:
        """Show that it is on, or off."""
        self.setChecked(on)

    def nextCheckState(self) -> None:
        """Whoever owns it decides whether it turns."""

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        text = S + metrics.horizontalAdvance(self.text()) + 2 if self.text() else 0
        height = max(metrics.height(), self._track().height())
        return QSize(round(self._track().width() + text), round(height) + 2 * _ABOVE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self._theme
        if not self.isEnabled():
            painter.setOpacity(0.55)
        track = self._track().translated(0, (self.height() - self._track().height()) / 2)
        on = self.isChecked()
        fill = (
            "accent_hover"
            if on and self.underMouse()
            else "accent"
            if on
            else "hover"
            if self.underMouse()
            else "field"
        )
        paint_box(painter, track, theme.color(fill), None if on else theme.color("muted"), track.height() / 2)
        side = track.height() - 6
        left = track.right() - side - 3 if on else track.left() + 3
        knob = QRectF(left, track.top() + 3, side, side)
        paint_box(painter, knob, theme.color("on_accent" if on else "muted"), None, side / 2)
        metrics = self.fontMetrics()
        painter.setPen(theme.color("text"))
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(track.right() + S, baseline), self.text())
        if self.hasFocus():
            ring = track.adjusted(2, 2, -2, -2) if on else track
            paint_focus(painter, ring, theme.color("on_accent" if on else "accent"), ring.height() / 2 - 1)

    def _track(self) -> QRectF:
        height = round(self.fontMetrics().height() * 1.1)
        return QRectF(0, 0, round(height * 1.75), height)

    def _restyle(self) -> None:
        self.setFont(self._theme.font("reading", bold=True))
        self.updateGeometry()
        self.update()
