"""One of the steps before chatting, drawn: a number or a tick, what is to be done, and the buttons that do it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import M, S
from desktop.ui.theme.theme import Theme

Progress = Literal["done", "now", "later"]
Act = Literal[
    "license", "accept", "difference", "import", "link", "look", "token", "gate", "download", "verify", "copy"
]


@dataclass(frozen=True)
class StepButton:
    """A button of a step: what it says, how a screen reader names it, what it asks for (`of` a license, a link)."""

    text: str
    name: str
    act: Act
    of: str = ""
    accent: bool = False


@dataclass(frozen=True)
class SetupStep:
    """One step. Its `progress` is shown by its mark and said in its accessible name."""

    title: str
    text: str
    progress: Progress
    buttons: tuple[StepButton, ...] = ()


class StepRow(QWidget):
    """A mark with the step's number (or a tick), what is to be done, and its buttons at the right or below."""

    def __init__(
        self,
        theme: Theme,
        number: int,
        step: SetupStep,
        ask: Callable[[StepButton], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._number, self.step = theme, number, step
        words = {"done": tr("done"), "now": tr("next"), "later": tr("still to come")}
        name = tr("Step {number}, {progress}: {title}")
        self.setAccessibleName(name.format(number=number, progress=words[step.progress], title=step.title))
        self.setAccessibleDescription(step.text)
        self._title = Label(theme, breakable(step.title), size="reading", wrap=True, bold=step.progress == "now")
        self._text = Label(theme, breakable(step.text), size="small", color="muted", wrap=True)
        for label in (self._title, self._text):
            label.setParent(self)
        self._text.setVisible(bool(step.text))
        self._flow = FlowBox(gap=S, line_gap=S, parent=self)
        self.buttons: list[Button] = []
        for each in step.buttons:
            kind = "accent" if each.accent else "quiet" if step.progress == "done" else "boxed"
            button = Button(theme, each.text, kind=kind, name=each.name)  # type: ignore[arg-type]
            button.clicked.connect(lambda _=False, pressed=each: ask(pressed))
            self._flow.add(button)
            self.buttons.append(button)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self._restyle)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(width, move=False)

    def sizeHint(self) -> QSize:
        return QSize(320, self.heightForWidth(320))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self._side())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self.width(), move=True)

    def _arrange(self, width: int, *, move: bool) -> int:
        left = self._side() + S + 2
        hint = self._flow.sizeHint()
        beside = bool(self.buttons) and width - left - hint.width() - M >= self._least_text()
        room = max(width - left - (hint.width() + M if beside else 0), 40)
        top = (self._side() - self._title.fontMetrics().height()) // 2
        title = self._title.heightForWidth(room)
        text = self._text.heightForWidth(room) if self.step.text else 0
        bottom = top + title + (2 + text if text else 0)
        height = max(bottom, self._side())
        if beside:
            height = max(height, hint.height())
        elif self.buttons:
            height += S + self._flow.heightForWidth(room)
        if move:
            self._title.setGeometry(left, top, room, title)
            self._text.setGeometry(left, top + title + 2, room, text)
            if beside:
                self._flow.setGeometry(width - hint.width(), 0, hint.width(), hint.height())
            elif self.buttons:
                under = max(bottom, self._side()) + S
                self._flow.setGeometry(left, under, room, height - under)
        return height

    def _restyle(self) -> None:
        self.updateGeometry()
        self._arrange(self.width(), move=True)

    def _least_text(self) -> int:
        return self.fontMetrics().averageCharWidth() * 24

    def _side(self) -> int:
        return round(self._theme.icon_size() * 1.35)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, side = self._theme, self._side()
        mark = QRectF(0, 0, side, side)
        now = self.step.progress == "now"
        if self.step.progress == "done":
            paint_box(painter, mark, theme.color("good_fill"), None, side / 2)
            icon = round(side * 0.62)
            at = QPointF(round((side - icon) / 2), round((side - icon) / 2))
            painter.drawPixmap(at, theme.pixmap("check", "good_text", icon, self.devicePixelRatioF()))
            return
        ground, line = ("accent", None) if now else (None, theme.color("line_strong"))
        paint_box(painter, mark, theme.color(ground) if ground else None, line, side / 2)
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("on_accent" if now else "muted"))
        painter.drawText(QRect(0, 0, side, side), Qt.AlignmentFlag.AlignCenter, str(self._number))
