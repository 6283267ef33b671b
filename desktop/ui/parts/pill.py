"""Filters as small rounded buttons: one that is on or off, and one that offers a choice."""

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.paint import paint_box, paint_focus, repaint_on_hover
from desktop.ui.parts.untrusted_text import add_entry, set_button_text
from desktop.ui.theme.design_tokens import XS
from desktop.ui.theme.theme import Theme

_PADDING = 10


class Pill(QAbstractButton):
    """On or off. A tick, not the color alone, says that it is on."""

    def __init__(self, theme: Theme, text: str, *, checkable: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        repaint_on_hover(self)
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(checkable)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font("small"))
        self.toggled.connect(self.updateGeometry)
        theme.changed.connect(self._restyle)

    def setText(self, text: str) -> None:
        set_button_text(self, text)

    @property
    def on(self) -> bool:
        """Whether it filters anything out."""
        return self.isChecked()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        mark = self._side() + XS if self._mark() else 0
        return QSize(metrics.horizontalAdvance(self.text()) + 2 * _PADDING + 1 + mark, metrics.height() + 9)

    def _mark(self) -> str:
        return "check" if self.on else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, rect = self._theme, QRectF(self.rect())
        fill = "selected" if self.on else "pressed" if self.isDown() else "hover" if self.underMouse() else "field"
        paint_box(painter, rect, theme.color(fill), None if self.on else theme.color("line_strong"), rect.height() / 2)
        color = "link" if self.on else "muted"
        metrics = self.fontMetrics()
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        x = float(_PADDING)
        side = self._side()
        top = round((self.height() - side) / 2)
        if self._mark() == "check":
            painter.drawPixmap(QPointF(x - 1, top), theme.pixmap("check", color, side, self.devicePixelRatioF()))
            x += side + XS
        painter.setPen(theme.color(color))
        painter.drawText(QPointF(x, baseline), self.text())
        if self._mark() == "chevron-down":
            at = QPointF(self.width() - _PADDING - side + 2, top)
            painter.drawPixmap(at, theme.pixmap("chevron-down", color, side, self.devicePixelRatioF()))
        if self.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), rect.height() / 2 - 1)

    def _side(self) -> int:
        return max(9, round(self.fontMetrics().height() * 0.75))

    def _restyle(self) -> None:
        self.setFont(self._theme.font("small"))
        self.updateGeometry()
        self.update()


class ChoicePill(Pill):
    """Offers `choices` (key to words) in a menu; the first of them filters nothing. `changed` when another is taken."""

    changed = Signal(str)

    def __init__(self, theme: Theme, name: str, choices: Mapping[str, str], parent: QWidget | None = None) -> None:
        self._choices = dict(choices)
        self._first = self.chosen = next(iter(self._choices))
        self._name = name
        super().__init__(theme, self._choices[self._first], checkable=False, parent=parent)
        self.choose(self._first)
        self.clicked.connect(self._open)

    @property
    def on(self) -> bool:
        return self.chosen != self._first

    def choose(self, key: str) -> None:
        """Take `key`, without a signal."""
        self.chosen = key
        self.setText(self._choices[key])
        self.setAccessibleName(tr("{what}: {choice}").format(what=self._name, choice=self._choices[key]))
        self.updateGeometry()
        self.update()

    def _mark(self) -> str:
        return "chevron-down"

    def _open(self) -> None:
        menu = make_menu(self._theme, self)
        group = QActionGroup(menu)
        for key, words in self._choices.items():
            action = add_entry(menu, words)
            action.setCheckable(True)
            action.setChecked(key == self.chosen)
            group.addAction(action)
            action.triggered.connect(lambda _=False, taken=key: self._take(taken))
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def _take(self, key: str) -> None:
        if key != self.chosen:
            self.choose(key)
            self.changed.emit(key)
