"""The meter under the composer: how much of the model's context the conversation takes, and when it is almost full."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.paint import paint_box, paint_focus, repaint_on_hover
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, XS, M
from desktop.ui.theme.theme import Theme

_BAR = 90
_PAUSE_MS = 200
_ALMOST = 0.8
CHARACTERS_PER_TOKEN = 4  # of what is being typed: only a model's tokenizer knows, and warning need not be exact


class ContextMeter(QProgressBar):
    """Tokens as numbers and as a bar; words as well where little is left. `room` of them stay free for an answer.

    `asked` where a person presses it: what fills the context?
    """

    asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._label = ""
        self._used = self._total = self._room = self._draft = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._show)
        self.setAccessibleName(tr("Context used"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setRange(0, 1)
        self.setValue(0)
        repaint_on_hover(self)
        self.restyle()

    def set_used(self, used: int, total: int, room: int = 0) -> None:
        """Show `used` of `total` tokens; nothing where the total is not known."""
        self._used, self._total, self._room = used, total, room
        self._show()

    def set_used_soon(self, used: int) -> None:
        """As `set_used`, while an answer grows: shown a few times a second."""
        self._used = used or self._used
        if not self._timer.isActive():
            self._timer.start()

    def set_total(self, total: int) -> None:
        """The model loaded now has a context of `total` tokens."""
        if self._total and total and total != self._total:
            self._room = self._room * total // self._total
            self._total = total
            self._show()

    def set_draft(self, characters: int) -> None:
        """So much is typed for the next message."""
        before, self._draft = self.warning, characters // CHARACTERS_PER_TOKEN
        if self.warning != before:
            self._show()

    @property
    def figures(self) -> tuple[int, int, int]:
        """The tokens used, of how many, and how many stay free for an answer."""
        return self._used, self._total, self._room

    @property
    def warning(self) -> str:
        """ "" where there is room, "almost" where little is left or the next message would not fit whole, "full"."""
        if not self._total:
            return ""
        if self._used >= self._total:
            return "full"
        almost = self._used >= _ALMOST * self._total or self._next_does_not_fit
        return "almost" if almost else ""

    @property
    def _next_does_not_fit(self) -> bool:
        return self._used + self._draft > self._total - self._room

    def text(self) -> str:
        return self._label

    def restyle(self) -> None:
        """Take the theme's present fonts."""
        self.setFont(self._theme.font("normal"))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        widest = "".join("0" if character.isdigit() else character for character in self._label)
        text = self.fontMetrics().horizontalAdvance(widest)  # so that not each new figure is laid out
        return QSize(text + M + _BAR + 2 * XS if self._label else 0, self.fontMetrics().height() + XS)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._label:
            self.asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pressed = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        if pressed and not event.isAutoRepeat():
            self.asked.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._label:
            return
        painter, warns = QPainter(self), bool(self.warning)
        painter.setPen(self._theme.color("warn_text" if warns else "text" if self.underMouse() else "muted"))
        metrics = self.fontMetrics()
        painter.drawText(QPointF(XS, (self.height() + metrics.ascent() - metrics.descent()) / 2), self._label)
        track = QRectF(self.width() - _BAR - XS, self.height() / 2 - 2, _BAR, 4)
        paint_box(painter, track, self._theme.color("line"), None, 2)
        share = self.value() / max(self.maximum(), 1)
        if share > 0:
            filled = QRectF(track.x(), track.y(), max(track.width() * share, 4), 4)
            paint_box(painter, filled, self._theme.color("warn_text" if warns else "accent"), None, 2)
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), self._theme.color("accent"), RADIUS - 2)

    def _show(self) -> None:
        used, total, warning = self._used, self._total, self.warning
        figures = {"used": f"{used:,}", "total": f"{total:,}"}
        texts = {
            "": tr("{used} of {total}"),
            "almost": tr("{used} of {total} · almost full"),
            "full": tr("{used} of {total} · full"),
        }
        hint = self.sizeHint()
        self._label = texts[warning].format(**figures) if total else ""
        self.setRange(0, max(total, 1))
        self.setValue(min(used, total))
        described = [tr("{used} of {total} tokens").format(**figures)] if total else []
        if warning and self._next_does_not_fit:
            described.append(tr("Your next message does not fit with all that was said before and an answer."))
        elif warning:
            described.append(tr("The context is almost full."))
        self.setAccessibleDescription(". ".join(described))
        meaning = tr("How much of the model's context this conversation takes, in tokens. Press to see what fills it.")
        set_tool_tip(self, "\n".join((meaning, *described[1:])))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if total else Qt.FocusPolicy.NoFocus)
        if self.sizeHint() != hint:
            self.updateGeometry()
        self.update()
