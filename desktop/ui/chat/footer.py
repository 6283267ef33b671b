"""The quiet line under an answer: who gave it and how fast, and what can be done with it."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.conversation import Message
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS, S


def describe_answer(message: Message) -> str:
    """Model, speed and time to the first token of a finished answer, and how it ended where that is not its end."""
    timing = message.timing
    parts = []
    if message.status == "stopped":
        parts.append(tr("Stopped"))
    elif timing is not None and timing.stop_reason == "length":
        parts.append(tr("Cut off at the longest answer allowed"))
    elif timing is not None and timing.stop_reason == "context-full":
        parts.append(tr("Cut off: the context is full"))
    if message.model is not None:
        parts.append(message.model.name)
    if timing is not None and timing.tokens_per_s is not None:
        parts.append(tr("{speed} tok/s").format(speed=f"{timing.tokens_per_s:,.1f}"))
    if timing is not None and timing.time_to_first_token_s is not None:
        first = timing.time_to_first_token_s
        if first < 0.095:
            parts.append(tr("first token {milliseconds} ms").format(milliseconds=max(1, round(first * 1000))))
        else:
            parts.append(tr("first token {seconds} s").format(seconds=f"{first:.1f}"))
    return " · ".join(parts)


class BranchSwitch(QWidget):
    """‹ 1 / 2 ›: which of several siblings is shown, and the way to the others. `place` counts from 0."""

    def __init__(
        self, theme: Theme, place: int, count: int, step: Callable[[int], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = f"{place + 1} / {count}"
        self.setFont(theme.font("small"))
        self.setAccessibleName(tr("Version {place} of {count}").format(place=place + 1, count=count))
        self._before = Button(
            theme, kind="quiet", icon="chevron-left", size="small", name=tr("Previous version"), parent=self
        )
        self._after = Button(
            theme, kind="quiet", icon="chevron-right", size="small", name=tr("Next version"), parent=self
        )
        self._before.setEnabled(place > 0)
        self._after.setEnabled(place < count - 1)
        self._before.clicked.connect(lambda: step(-1))
        self._after.clicked.connect(lambda: step(1))
        self._arrange()

    @property
    def buttons(self) -> list[Button]:
        return [self._before, self._after]

    def restyle(self) -> None:
        """Take the theme's present fonts."""
        self.setFont(self._theme.font("small"))
        self._arrange()

    def _arrange(self) -> None:
        size = self._before.sizeHint()
        text = self.fontMetrics().horizontalAdvance(self._text)
        self._before.setGeometry(0, 0, size.width(), size.height())
        self._after.setGeometry(size.width() + text, 0, size.width(), size.height())
        self.resize(2 * size.width() + text, size.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self._theme.color("faint"))
        metrics = self.fontMetrics()
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(self._before.width(), baseline), self._text)


class Footer(QWidget):
    """`text` at the left, `buttons` and the branch switch at the right."""

    def __init__(
        self, theme: Theme, text: str, buttons: list[Button], branch: BranchSwitch | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._text, self._own, self._branch = theme, text, buttons, branch
        self.setFont(theme.font("small"))
        for child in (*buttons, branch):
            if child is not None:
                child.setParent(self)

    @property
    def buttons(self) -> list[Button]:
        return [*self._own, *(self._branch.buttons if self._branch is not None else ())]

    @property
    def text(self) -> str:
        return self._text

    def restyle(self) -> None:
        """Take the theme's present fonts."""
        self.setFont(self._theme.font("small"))
        if self._branch is not None:
            self._branch.restyle()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        children: list[QWidget] = [*self._own, *([self._branch] if self._branch is not None else [])]
        sizes = [child.size() if child is self._branch else child.sizeHint() for child in children]
        height = max((size.height() for size in sizes), default=self.fontMetrics().height())
        right = width + 5
        for child, size in zip(reversed(children), reversed(sizes), strict=True):
            right -= size.width()
            child.setGeometry(right, (height - size.height()) // 2, size.width(), size.height())
            right -= XS
        self._room = right - S
        self.resize(width, height)
        return height

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self._theme.color("faint"))
        metrics = self.fontMetrics()
        text = metrics.elidedText(self._text, Qt.TextElideMode.ElideRight, self._room)
        painter.drawText(QPointF(0, (self.height() + metrics.ascent() - metrics.descent()) / 2), text)
