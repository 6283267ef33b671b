"""A question above the text of a message, in one line, with a button for each answer; nothing happens by itself."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

Answer = tuple[str, Callable[[], object]]
"""What a button says, and what it does."""


class OfferBar(QWidget):
    """Asks `text`. `closed` once one of the `answers` was given, or none is wanted: by its button or by Escape."""

    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        text: str,
        answers: Sequence[Answer],
        *,
        warns: bool = False,
        closes: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        """`warns` where something is in the way; with `closes` there is a button that leaves all as it is."""
        super().__init__(parent)
        self._theme, self._warns = theme, warns
        self.setAccessibleName(text)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(M, S, S, S)
        self._layout.setSpacing(S)
        color = "warn_text" if warns else "text"
        self._text = Label(theme, breakable(text), size="small", color=color, wrap=True)
        self._layout.addWidget(self._text, 1)
        self._flow = FlowBox(gap=XS, line_gap=XS)
        self.buttons: list[Button] = []
        for said, act in answers:
            button = Button(theme, said, size="small")
            button.clicked.connect(lambda _=False, act=act: self._answer(act))
            self.buttons.append(button)
        if closes:
            self.buttons.append(Button(theme, tr("Leave it"), size="small"))
            self.buttons[-1].clicked.connect(self.closed)
        for button in self.buttons:
            self._flow.add(button)
        self._layout.addWidget(self._flow)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        words = self._text.fontMetrics().horizontalAdvance(self._text.text())
        fits = words + self._flow.sizeHint().width() + M + 3 * S <= self.width()
        directions = QBoxLayout.Direction
        self._layout.setDirection(directions.LeftToRight if fits else directions.TopToBottom)

    def begin(self) -> None:
        """Give the keyboard to the first answer."""
        self.buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _answer(self, act: Callable[[], object]) -> None:
        self.closed.emit()
        act()

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        fill, line = ("warn_fill", "warn_line") if self._warns else ("soft", "line")
        paint_box(QPainter(self), QRectF(self.rect()), theme.color(fill), theme.color(line), RADIUS)
