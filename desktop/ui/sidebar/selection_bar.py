"""The bar under the list: what can be done with several conversations, with the bin, and the field for a new tag."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.confirmation import Confirmation
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.untrusted_text import isolated, set_tool_tip
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.storage.conversation_listing import ListPlace


class SelectionBar(QWidget):
    """`asked` with "move", "tag", "archive", "unarchive", "export", "delete", "restore", "erase" or "empty"; `ended`
    where the person wants to select no more. Hidden while there is nothing to do with several."""

    asked = Signal(str)
    ended = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = Label(theme, "", size="small", color="muted")
        close = Button(theme, kind="quiet", icon="close", name=tr("Select no more"))
        set_tool_tip(close, tr("Select no more"))
        close.clicked.connect(self.ended)
        self._close = close
        self._flow = FlowBox(gap=XS, line_gap=0)
        self.buttons: dict[str, Button] = {}
        for key, text, name in (
            ("move", tr("Move"), tr("Move the selected chats")),
            ("tag", tr("Tag"), tr("Tag the selected chats")),
            ("archive", tr("Archive"), tr("Archive the selected chats")),
            ("export", tr("Export…"), tr("Export the selected chats")),
            ("unarchive", tr("Back"), tr("Bring the selected chats back from the archive")),
            ("delete", tr("Delete"), tr("Delete the selected chats")),
            ("restore", tr("Restore"), tr("Restore the selected chats")),
            ("erase", tr("Erase…"), tr("Erase the selected chats for good")),
            ("empty", tr("Empty the bin…"), tr("Empty the bin")),
        ):
            button = Button(theme, text, kind="quiet", size="small", name=name)
            button.clicked.connect(lambda _=False, key=key: self.asked.emit(key))
            self.buttons[key] = button
            self._flow.add(button)
        top = QHBoxLayout()
        top.setContentsMargins(S, 0, 0, 0)
        top.addWidget(self._label, 1)
        top.addWidget(close)
        actions = QHBoxLayout()
        actions.setContentsMargins(XS - 1, 0, 0, 0)
        actions.addWidget(self._flow)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, XS, 0, XS)
        column.setSpacing(0)
        column.addLayout(top)
        column.addLayout(actions)
        self.hide()

    def show_selection(self, place: "ListPlace", count: int, in_bin: int) -> None:
        """Offer what can be done with `count` selected conversations of a place; `in_bin` is how many the bin holds."""
        several = count > 1
        offered = {
            "chats": ("move", "tag", "archive", "export", "delete") if several else (),
            "archive": ("move", "tag", "unarchive", "export", "delete") if several else (),
            "bin": (("restore", "erase") if count else ()) + (("empty",) if in_bin and not several else ()),
        }[place]
        for key, button in self.buttons.items():
            button.setVisible(key in offered)
        self._close.setVisible(several)
        self._label.setText(
            trn("{count} selected", "{count} selected", count).format(count=count)
            if count
            else tr("Erased by themselves after 30 days")
        )
        self._flow.updateGeometry()
        self.setVisible(bool(offered))


class TagEntry(QWidget):
    """A field for a tag. `entered` with the ids given and what was typed."""

    entered = Signal(tuple, str)
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ids: tuple[str, ...] = ()
        self.field = Field(theme, tr("New tag"))
        self.add = Button(theme, tr("Add"), size="small", name=tr("Add the tag"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, XS, 0, XS)
        row.setSpacing(XS)
        row.addWidget(self.field, 1)
        row.addWidget(self.add)
        self.field.returnPressed.connect(self._enter)
        self.add.clicked.connect(self._enter)
        self.hide()

    def ask(self, ids: tuple[str, ...]) -> None:
        """Have a tag for these conversations typed."""
        self._ids = ids
        self.field.clear()
        self.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _enter(self) -> None:
        text = self.field.text().strip()
        self.hide()
        if text:
            self.entered.emit(self._ids, text)
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            self.closed.emit()
        else:
            super().keyPressEvent(event)


class EraseConfirmation(Confirmation):
    """Asks before conversations are erased for good."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.ids: tuple[str, ...] = ()
        self.yes.setAccessibleName(tr("Erase for good"))

    def ask_about(self, ids: tuple[str, ...], title: str) -> None:
        """Ask about these conversations, the only one of them named `title`; without any about all in the bin."""
        self.ids = ids
        question = tr("Erase everything in the bin for good? This cannot be undone.")
        if len(ids) == 1:
            question = tr("Erase “{title}” for good? This cannot be undone.").format(title=isolated(title))
        elif ids:
            question = trn(
                "Erase {count} chat for good? This cannot be undone.",
                "Erase {count} chats for good? This cannot be undone.",
                len(ids),
            ).format(count=len(ids))
        self.ask(question, tr("Erase"), tr("Erase for good"), tr("Keep in the bin"))
