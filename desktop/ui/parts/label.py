"""Labels in the theme's sizes and colors, and badges."""

import re
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.untrusted_text import plain, plain_line, set_tool_tip
from desktop.ui.theme.theme import Size, Theme

Tone = Literal["quiet", "good", "warn", "bad", "chosen"]

_PADDING = 10
_LONGEST_WORD = 24
_LONG_WORD = re.compile(rf"[^\s\u200b]{{{_LONGEST_WORD + 1},}}")

_TONES: dict[Tone, tuple[str, str | None, str | None]] = {
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
        super().__init__(plain(text), parent)
        self._theme, self._size, self._color, self._bold = theme, size, color, bold
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        if selectable:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
        self._selectable = selectable
        self._name()
        # Inside a button a label would otherwise take the button's color.
        self.setForegroundRole(QPalette.ColorRole.WindowText)
        self._restyle()
        theme.changed.connect(self._restyle)

    def setText(self, text: str) -> None:
        super().setText(plain(text))
        self._name()

    def _name(self) -> None:
        """Text takes the focus, so that it can be selected by keyboard, and is its own name; no text takes none."""
        if self._selectable:
            self.setAccessibleName(self.text())
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if self.text() else Qt.FocusPolicy.NoFocus)

    def _restyle(self) -> None:
        self.setFont(self._theme.font(self._size, self._bold))
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.WindowText, self._theme.color(self._color))
        self.setPalette(palette)


def badge_size(metrics: QFontMetrics, text: str) -> QSize:
    """How large a badge of `text` is in the font that `metrics` measure."""
    return QSize(metrics.horizontalAdvance(text) + 2 * _PADDING, metrics.height() + 7)


def paint_badge(
    painter: QPainter, theme: Theme, rect: QRectF, text: str, tone: Tone, *, on_selection: bool = False
) -> None:
    """A badge inside `rect`, in the painter's font; its text is cut where it has no room."""
    color, fill, line = _TONES[tone]
    if on_selection and line == "line":
        line = "line_strong"
    if on_selection and tone == "chosen":
        fill, line = None, "accent"
    radius = rect.height() / 2
    paint_box(painter, rect, theme.color(fill) if fill else None, theme.color(line) if line else None, radius)
    metrics = painter.fontMetrics()
    shown = metrics.elidedText(plain_line(text), Qt.TextElideMode.ElideRight, round(rect.width()) - 2 * _PADDING + 1)
    painter.setPen(theme.color(color))
    baseline = rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2
    painter.drawText(QPointF(rect.x() + _PADDING, baseline), shown)


def parts_that_fit(metrics: QFontMetrics, text: str, width: int) -> list[str]:
    """`text` as one badge, or as several where it names several things and is wider than `width`."""
    names = text.split(" · ")
    parts = [names[0]]
    for name in names[1:]:
        longer = f"{parts[-1]} · {name}"
        if badge_size(metrics, longer).width() <= width:
            parts[-1] = longer
        else:
            parts.append(name)
    return parts


def breakable(text: str) -> str:
    """`text` with places where a line may end: after the separators of a path, and within words of great length."""
    parted = text.replace("/", "/\u200b").replace("\\", "\\\u200b").replace("_", "_\u200b")
    return _LONG_WORD.sub(lambda found: "\u200b".join(_pieces(found[0])), parted)


def _pieces(word: str) -> list[str]:
    return [word[at : at + _LONGEST_WORD] for at in range(0, len(word), _LONGEST_WORD)]


class Badge(QWidget):
    """A short word in a rounded box, cut where there is no room. The word carries the meaning, the color repeats it."""

    def __init__(self, theme: Theme, text: str, tone: Tone = "quiet", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._text, self._tone = theme, plain_line(text), tone
        self.setFont(theme.font("small"))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)
        theme.changed.connect(self._restyle)

    @property
    def text(self) -> str:
        return self._text

    @property
    def tone(self) -> Tone:
        return self._tone

    def set(self, text: str, tone: Tone) -> None:
        """Show another word."""
        self._text, self._tone = plain_line(text), tone
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return badge_size(self.fontMetrics(), self._text)

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        return QSize(min(hint.width(), 2 * _PADDING + self.fontMetrics().averageCharWidth() * 6), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_badge(painter, self._theme, QRectF(self.rect()), self._text, self._tone)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        set_tool_tip(self, self._text if self.width() < self.sizeHint().width() else "")

    def _restyle(self) -> None:
        self.setFont(self._theme.font("small"))
        self.updateGeometry()
        self.update()
