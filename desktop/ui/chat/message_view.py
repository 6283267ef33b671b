"""What both kinds of turn have in common: a number, a name for screen readers, what is selected in it, a focus ring."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from desktop.conversation import Message
from desktop.safe_text import one_line
from desktop.translation import tr
from desktop.ui.chat.code_options import CodeOptions
from desktop.ui.chat.context_card import NO_CONTEXT_ACTIONS, ContextActions
from desktop.ui.chat.image_list import ImageList, image_list
from desktop.ui.chat.message_documents import MessageDocuments
from desktop.ui.chat.message_footer import CreditOf, no_credit
from desktop.ui.chat.message_images import MessageImages
from desktop.ui.chat.message_menu import NO_BRANCH_ACTIONS, BranchActions, MessageMenuEntry, open_message_menu
from desktop.ui.chat.message_selection import MessageSelection, act_on_selection, selection_menu
from desktop.ui.chat.source_map import MessageSource
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_text import copy_text
from desktop.ui.parts.paint import paint_focus
from desktop.ui.parts.reading_order import set_reading_order
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.tool_call_state import ToolCallAnswer

_OPENING = 100

Unfolded = dict[str, tuple[str, ...]]
"""What is unfolded of messages: by their ids, the names that `MessageView.unfolded` gives."""


@dataclass(frozen=True)
class MessageActions:
    """What a turn can ask for: another answer, another wording, a link to be opened.

    `credit_of` says what an answer owes to the model that gave it. `decide_call` is given the ids of an answer and of a
    call in it, and what the person decided about that.
    """

    regenerate: Callable[[str], None]
    edit: Callable[[Message], None]
    open_link: Callable[[str], None]
    log: str = ""
    credit_of: CreditOf = no_credit
    context: ContextActions = NO_CONTEXT_ACTIONS
    branches: BranchActions = NO_BRANCH_ACTIONS
    code: CodeOptions | None = None
    images: MessageImages | None = None
    documents: MessageDocuments | None = None
    decide_call: Callable[[str, str, "ToolCallAnswer"], None] = lambda *_: None


class MessageView(QWidget):
    """One turn. `place` lays it out for a width; `height_changed`: its height is no longer what `place` gave; `grown`
    the same, where it came by itself and not by what a person did.

    `selecting` carries the `MessageSelection` of it in which something begins to be selected.
    """

    height_changed = Signal()
    grown = Signal()
    selecting = Signal(object)

    def __init__(self, theme: Theme, message: Message, actions: MessageActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self.message, self.message_actions = theme, message, actions
        self._current = False
        self._order: list[QWidget] = []
        self.selection = MessageSelection(
            self, self.text_views, self.source(), lambda: [(each.text, each.act) for each in self.menu_entries()]
        )
        self._selections: list[MessageSelection] = []
        self.add_selection(self.selection)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_message(self, message: Message) -> None:
        """Show what changed in the message: whether it is pinned, or its summary."""
        self.message = message

    def set_newest(self, newest: bool) -> None:
        """Whether this is the newest turn of the branch."""

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        raise NotImplementedError

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        raise NotImplementedError

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query`; how many there are."""
        raise NotImplementedError

    def unfolded(self) -> tuple[str, ...]:
        """The names of the parts of it that a person unfolded."""
        return ()

    def unfold(self, names: Sequence[str]) -> None:
        """Unfold what `unfolded` named; what is not there is left out."""

    def buttons(self) -> list[Button]:
        """The buttons in it, in the order Tab goes through them."""
        raise NotImplementedError

    @property
    def branch_buttons(self) -> list[Button]:
        """The arrows to the turns in its place."""
        return []

    def text_views(self) -> list[TextView]:
        """The views of its text, from the first: what `selection` goes over."""
        raise NotImplementedError

    def plain_text(self) -> str:
        """What Copy puts on the clipboard."""
        return self.message.text

    def source(self) -> MessageSource:
        """What the text views were written from."""
        return MessageSource(self.plain_text)

    def add_selection(self, selection: MessageSelection) -> None:
        """`selection` is one of this turn's: of all those of a transcript, one at a time selects."""
        self._selections.append(selection)
        selection.started.connect(lambda: self.selecting.emit(selection))
        selection.destroyed.connect(lambda: self._forget_selection(selection))

    def remove_selection(self, selection: MessageSelection) -> None:
        """`selection` is no longer one of this turn's."""
        selection.clear()
        self._forget_selection(selection)

    def _forget_selection(self, selection: MessageSelection) -> None:
        self._selections = [each for each in self._selections if each is not selection]

    def clear_selections(self, *, but: MessageSelection | None = None) -> None:
        """Select nothing in this turn, save in `but`."""
        for selection in self._selections:
            if selection is not but:
                selection.clear()

    def set_number(self, number: int, who: str) -> None:
        """Name it "You, message 3" or "Assistant, message 4"."""
        self.setAccessibleName(who.format(number=number))

    @property
    def is_drawing(self) -> bool:
        """Whether more of it is about to be drawn by itself."""
        return False

    def keep_reading_order(self, parts: Iterable[QWidget | None]) -> None:
        """Have screen readers go through these parts of it as they stand, from top to bottom."""
        order = [each for each in parts if each is not None]
        if order != self._order:
            self._order = order
            set_reading_order(order)

    def describe(self, text: str) -> None:
        """Describe it to screen readers by how `text` begins; the text itself is read line by line, not from here."""
        line = one_line(text[: 4 * _OPENING])
        self.setAccessibleDescription(line if len(line) <= _OPENING else line[:_OPENING].rsplit(" ", 1)[0] + "…")

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

    def menu_entries(self) -> list[MessageMenuEntry]:
        """What can be done with this turn, for menus; nothing with an answer in progress."""
        if self.message.status == "streaming":
            return []
        branches = self.message_actions.branches
        return [
            MessageMenuEntry(tr("Edit") + "\tF2", lambda: self.message_actions.edit(self.message)),
            *self.more_entries(),
            MessageMenuEntry(tr("Fork into a new chat"), lambda: branches.fork(self.message)),
            MessageMenuEntry(tr("Unpin message") if self.message.pinned else tr("Pin message"), self.toggle_pin),
            MessageMenuEntry(tr("Delete") + "\tDel", lambda: branches.delete(self.message), apart=True),
        ]

    def more_entries(self) -> list[MessageMenuEntry]:
        """What can be done with this kind of turn alone."""
        return []

    def make_menu_button(self) -> Button:
        """The button that offers all that can be done with this turn."""
        button = Button(self.theme, kind="quiet", icon="more", size="small", name=tr("More for this message"))
        set_tool_tip(button, tr("More"))
        button.clicked.connect(lambda: open_message_menu(self.theme, self.menu_entries(), button))
        return button

    def toggle_pin(self) -> None:
        """Keep this message in the model's context whatever is left out, or no longer."""
        self.message_actions.context.pin(self.message, not self.message.pinned)

    def make_pin_mark(self) -> Button:
        """The mark of a message that is pinned, which unpins it."""
        mark = Button(self.theme, tr("Pinned"), kind="quiet", size="small", name=tr("Unpin message"), parent=self)
        set_tool_tip(mark, tr("It stays in the model's context, with its question or answer. Unpin"))
        mark.clicked.connect(self.toggle_pin)
        mark.setFocusPolicy(self.button_focus)
        mark.show()
        return mark

    def make_images(self) -> ImageList | None:
        """The images of this turn; None where it has none."""
        found = image_list(self.theme, self.message, self.message_actions.images, self)
        if found is not None:
            found.resized.connect(self.grown)
            found.show()
        return found

    def copy(self) -> None:
        """Put the whole text on the clipboard."""
        if text := self.plain_text():
            copy_text(text, text if self.selection.has_markdown else None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if act_on_selection(self.selection, event) or (self.hasFocus() and self._act_on_key(event)):
            return
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def _act_on_key(self, event: QKeyEvent) -> bool:
        """What keys do while the turn itself has the focus; whether that was one of them."""
        branches, settled = self.message_actions.branches, self.message.status != "streaming"
        alt = event.modifiers() == Qt.KeyboardModifier.AltModifier
        if event.matches(QKeySequence.StandardKey.Undo):
            branches.undo_delete()
        elif alt and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            branches.show_sibling(self.message.id, -1 if event.key() == Qt.Key.Key_Left else 1)
        elif event.key() == Qt.Key.Key_F2 and settled:
            self.message_actions.edit(self.message)
        elif event.key() == Qt.Key.Key_Delete and settled:
            branches.delete(self.message)
        else:
            return False
        return True

    # Beside and between the pieces of text one selects as in them.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            extend = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.selection.press_near(event.globalPosition().toPoint(), extend=extend)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.selection.drag(event.globalPosition().toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.selection.release()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        spot = event.globalPos()
        caret = self.selection.caret()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            corner = caret[0].caret_rect(caret[1]).bottomLeft().toPoint() if caret is not None else QPoint(0, 0)
            spot = (caret[0] if caret is not None else self).mapToGlobal(corner)
        selection_menu(self.selection, self).popup(spot)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if event.size().width() != event.oldSize().width():
            self.update()
        elif self.hasFocus():  # the ring stood at the lower edge
            self.update(0, event.oldSize().height() - 2 * RADIUS, self.width(), 2 * RADIUS)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus():
            rect = QRectF(self.rect())
            paint_focus(QPainter(self), rect, self.theme.color("accent"), RADIUS)
