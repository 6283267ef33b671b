"""The bar that says what was just done with conversations, and takes it back."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.sidebar.conversation_item_model import title_of
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.chat_events import OrderChanged

_UNDO_MS = 12_000


class UndoBar(QWidget):
    """ "Conversation deleted · Undo", for some seconds. Of several changes meanwhile the last is taken back first."""

    undone = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._changes: list[OrderChanged] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(S, XS, 0, XS)
        row.setSpacing(XS)
        self._label = Label(theme, "", size="small", color="muted")
        self.button = Button(theme, tr("Undo"), size="small")
        self.button.clicked.connect(self._undo)
        row.addWidget(self._label, 1)
        row.addWidget(self.button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_UNDO_MS)
        self._timer.timeout.connect(self._leave)
        self.hide()

    def offer(self, change: "OrderChanged") -> None:
        """Offer to take `change` back. What one chat's own menu takes back as easily is not announced."""
        if change.kind in ("tagged", "untagged") and change.count < 2:
            return
        self._changes.append(change)
        self._show_last()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, self.accessibleName()))

    def _show_last(self) -> None:
        short, whole = change_text(self._changes[-1])
        self._label.setText(short)
        set_tool_tip(self._label, whole)
        self.setAccessibleName(whole)
        self.show()
        self._timer.start()

    def _undo(self) -> None:
        change = self._changes.pop()
        if self._changes:
            self._show_last()
        else:
            self.hide()
        self.undone.emit(change)

    def _leave(self) -> None:
        # Never from under the person's hand.
        if self.button.hasFocus() or self.underMouse():
            self._timer.start()
        else:
            self._changes.clear()
            self.hide()


def change_text(change: "OrderChanged") -> tuple[str, str]:
    """What was done, in few words, and in a sentence that names what it was done with."""
    count = change.count
    if change.folder is not None:
        return tr("Folder deleted"), tr("Folder {name} was deleted; its chats stay").format(name=change.folder.name)
    match change.kind:
        case "deleted":
            short, one = tr("Conversation deleted"), tr("{title} was deleted")
            several = trn("{count} conversation deleted", "{count} conversations deleted", count)
        case "archived":
            short, one = tr("Conversation archived"), tr("{title} was archived")
            several = trn("{count} conversation archived", "{count} conversations archived", count)
        case "unarchived":
            short, one = tr("Back in the list"), tr("{title} is back in the list")
            several = trn("{count} conversation back in the list", "{count} conversations back in the list", count)
        case "moved":
            short, one = tr("Conversation moved"), tr("{title} was moved")
            several = trn("{count} conversation moved", "{count} conversations moved", count)
        case "tagged":
            short = one = several = trn("{count} conversation tagged", "{count} conversations tagged", count)
        case _:
            short = one = several = trn(
                "Tag taken off {count} conversation", "Tag taken off {count} conversations", count
            )
    if count == 1 and change.conversations:
        return short, one.format(title=title_of(change.conversations[0]))
    text = several.format(count=count)
    return text, text
