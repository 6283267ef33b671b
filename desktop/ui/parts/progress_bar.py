"""A thin bar that says how far something is."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.theme import Theme

_HEIGHT = 6
_STEPS = 1000


class ProgressBar(QProgressBar):
    """`show_fraction` draws 0 to 1, or a third of the way, muted, where nobody knows. Screen readers may ask for it;
    it does not tell them by itself."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._fraction: float | None = 0.0
        self._quiet = False
        self.setAccessibleName(name)
        self.setRange(0, _STEPS)
        self.setTextVisible(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_fraction(self, fraction: float | None, *, quiet: bool = False) -> None:
        """How far it is; `quiet` where nothing moves."""
        if (fraction, quiet) == (self._fraction, self._quiet):
            return
        self._fraction, self._quiet = fraction, quiet
        self.blockSignals(True)
        self.setValue(round((fraction or 0.0) * _STEPS))
        self.blockSignals(False)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, rect = self._theme, QRectF(self.rect())
        paint_box(painter, rect, theme.color("line"), None, rect.height() / 2)
        fraction = 1 / 3 if self._fraction is None else self._fraction
        if fraction > 0:
            color = theme.color("line_strong" if self._quiet or self._fraction is None else "accent")
            width = max(rect.width() * fraction, rect.height())
            paint_box(painter, QRectF(0, 0, width, rect.height()), color, None, rect.height() / 2)
