"""Text that is only read: labels in the theme's sizes and colors, and badges."""

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.theme import Size, Theme

Tone = Literal["quiet", "good", "warn", "bad", "chosen"]

_TONES = {
    "quiet": ("muted", None, "line"),
    "good": ("good_text", "good_fill", None),
    "warn": ("warn_text", "warn_fill", "warn_line"),
    "bad": ("bad_text", "bad_fill", None),
    "chosen": ("link", "selected", None),
}


class Label(QLabel):
    """Plain text (never markup) in a size and a color of the theme."""

    def __init__(
        self,
        theme: Theme,
        text: str = "",
        *,
        size: Size = "normal",
        color: str = "text",
        bold: bool = False,
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._theme, self._size, self._color, self._bold = theme, size, color, bold
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        if selectable:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            self.setAccessibleName(text)
        # Inside a button a label would otherwise take the button's color.
        self.setForegroundRole(QPalette.ColorRole.WindowText)
        self._restyle()
        theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        self.setFont(self._theme.font(self._size, self._bold))
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.WindowText, self._theme.color(self._color))
        self.setPalette(palette)


class Badge(QWidget):
    """A short word in a rounded box. The word carries the meaning, the color only repeats it."""

    def __init__(self, theme: Theme, text: str, tone: Tone = "quiet", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._text, self._tone = theme, text, tone
        self.setFont(theme.font("small"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)
        theme.changed.connect(self._restyle)

    @property
    def text(self) -> str:
        return self._text

    def set(self, text: str, tone: Tone) -> None:
        """Show another word."""
        self._text, self._tone = text, tone
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._text) + 20, metrics.height() + 7)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        text, fill, line = _TONES[self._tone]
        theme, rect = self._theme, QRectF(self.rect())
        paint_box(
            painter, rect, theme.color(fill) if fill else None, theme.color(line) if line else None, rect.height() / 2
        )
        metrics = self.fontMetrics()
        painter.setPen(theme.color(text))
        painter.drawText(QPointF(10, (self.height() + metrics.ascent() - metrics.descent()) / 2), self._text)

    def _restyle(self) -> None:
        self.setFont(self._theme.font("small"))
        self.updateGeometry()
        self.update()
