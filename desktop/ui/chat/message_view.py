"""What both kinds of turn have in common: a number, a name for screen readers, a ring when they hold the focus."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.conversation import Message
from desktop.ui.chat.credit import CreditOf, no_credit
from desktop.ui.parts.button import Button
from desktop.ui.parts.paint import paint_focus
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import RADIUS


@dataclass(frozen=True)
class MessageActions:
    """What a turn can ask for: another answer, another wording, another branch, a link to be opened.

    `credit_of` says what an answer owes to the model that gave it.
    """

    regenerate: Callable[[str], None]
    edit: Callable[[Message], None]
    show_branch: Callable[[str, int], None]
    open_link: Callable[[str], None]
    log: str = ""
    credit_of: CreditOf = no_credit


class MessageView(QWidget):
    """One turn. `place` lays it out for a width; `grown` says that its height is no longer what `place` gave."""

    grown = Signal()

    def __init__(self, theme: Theme, message: Message, actions: MessageActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self.message, self.does = theme, message, actions
        self._current = False
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        raise NotImplementedError

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        raise NotImplementedError

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are."""
        raise NotImplementedError

    def buttons(self) -> list[Button]:
        """The buttons in it, in the order Tab goes through them."""
        raise NotImplementedError

    def plain_text(self) -> str:
        """What Copy puts on the clipboard."""
        return self.message.text

    def set_number(self, number: int, who: str) -> None:
        """Name it "You, message 3" or "Assistant, message 4"."""
        self.setAccessibleName(who.format(number=number))

    def set_current(self, current: bool) -> None:
        """Whether Tab reaches this turn and its buttons: one turn at a time, so that Tab leads past the others."""
        self._current = current
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if current else Qt.FocusPolicy.NoFocus)
        self._set_button_focus()

    @property
    def button_focus(self) -> Qt.FocusPolicy:
        """The focus policy of the buttons in it."""
        return Qt.FocusPolicy.TabFocus if self._current else Qt.FocusPolicy.NoFocus

    def _set_button_focus(self) -> None:
        for button in self.buttons():
            button.setFocusPolicy(self.button_focus)

    def copy(self) -> None:
        """Put the whole text on the clipboard."""
        if text := self.plain_text():
            QGuiApplication.clipboard().setText(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus():
            rect = QRectF(self.rect())
            paint_focus(QPainter(self), rect, self.theme.color("accent"), RADIUS)
