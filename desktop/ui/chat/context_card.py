"""The card where the context is full: what that means, and the ways to go on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.conversation import ContextChoice, Message
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.height_for_width import resize_to_width
from desktop.ui.parts.label import Label
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import RADIUS, XS, L, M, S
from desktop.ui.theme.theme import Theme


def _nothing(*_: Any) -> None:
    pass


@dataclass(frozen=True)
class ContextActions:
    """What a turn can ask for about the context: begin an answer that was not begun or go on with one that was cut off,
    with the choice that holds from then on (None: the one that holds); keep a message in it; edit a summary; stop where
    it is full from now on; choose, from a menu under a widget; a new chat; the settings."""

    answer: Callable[[Message, ContextChoice | None], None] = _nothing
    go_on: Callable[[Message, ContextChoice], None] = _nothing
    pin: Callable[[Message, bool], None] = _nothing
    edit_summary: Callable[[Message, str], None] = _nothing
    stop: Callable[[], None] = _nothing
    choose: Callable[[QWidget], None] = _nothing
    new_chat: Callable[[], None] = _nothing
    open_settings: Callable[[], None] = _nothing


NO_CONTEXT_ACTIONS = ContextActions()


def is_context_full(message: Message) -> bool:
    """Whether this answer ended, or was not begun, as the context is full."""
    return message.status != "streaming" and message.timing is not None and message.timing.stop_reason == "context-full"


def spoken_end(message: Message) -> str:
    """What a screen reader says at the end of an answer."""
    if is_context_full(message):
        return tr("The context is full. Choose how to go on.")
    words = {"failed": tr("The answer failed"), "stopped": tr("Answer stopped")}
    return words.get(message.status, tr("Answer finished"))


class ContextCard(QWidget):
    """Under the answer `message`: one that was cut off, or that was not begun and says nothing."""

    def __init__(self, theme: Theme, message: Message, actions: ContextActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        begun = message.begun
        title = tr("The answer ends here: the context is full") if begun else tr("The context is full")
        text = _cut_off_text() if begun else _not_begun_text(message)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        column = QVBoxLayout(self)
        column.setContentsMargins(L, M, L, M + 2)
        column.setSpacing(XS)
        column.addWidget(Label(theme, title, bold=True, wrap=True, selectable=True))
        column.addWidget(Label(theme, text, color="muted", wrap=True, selectable=True))
        flow = FlowBox(gap=S, line_gap=S)
        self.buttons = [self._button(text, act) for text, act in _ways(message, actions, begun=begun)]
        for button in self.buttons:
            flow.add(button)
        column.addSpacing(XS)
        column.addWidget(flow)

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        return resize_to_width(self, width)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line"), RADIUS + 1)

    def _button(self, text: str, act: Callable[[], None]) -> Button:
        button = Button(self._theme, text)
        button.clicked.connect(act)
        return button


def _ways(message: Message, actions: ContextActions, *, begun: bool) -> list[tuple[str, Callable[[], None]]]:
    elsewhere = [(tr("New chat"), actions.new_chat), (tr("Longer context…"), actions.open_settings)]
    if begun:
        return [
            (tr("Go on without the oldest"), lambda: actions.go_on(message, "drop-oldest")),
            (tr("Summarize the oldest, then go on"), lambda: actions.go_on(message, "summarize")),
            *elsewhere,
        ]
    return [
        (tr("Leave out the oldest"), lambda: actions.answer(message, "drop-oldest")),
        (tr("Summarize the oldest"), lambda: actions.answer(message, "summarize")),
        (tr("Stop here"), actions.stop),
        *elsewhere,
        (tr("Try again"), lambda: actions.answer(message, None)),
    ]


def _cut_off_text() -> str:
    return tr("The model can write no more into this conversation as it is. What you choose holds for this chat.")


def _not_begun_text(message: Message) -> str:
    timing = message.timing
    what = tr("What shall become of the oldest messages? Your choice holds for this chat from now on.")
    if timing is None or not timing.prompt_tokens:
        return what
    figures = tr("The conversation takes {count} tokens; the context holds {limit}, with room for an answer.")
    return figures.format(count=f"{timing.prompt_tokens:,}", limit=f"{timing.context_length:,}") + " " + what
