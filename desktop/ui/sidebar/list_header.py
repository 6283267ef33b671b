"""The line above the list: which conversations it shows, and a new folder."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.untrusted_text import add_entry, set_tool_tip
from desktop.ui.theme.design_tokens import XS
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.storage.conversation_listing import ListPlace

_MOST_TAGS = 60


class ListHeader(QWidget):
    """`chosen` with the place ("chats", "archive", "bin") and the tag, "" for any, that the list is to show."""

    chosen = Signal(str, str)
    new_folder_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.place: ListPlace = "chats"
        self.tag = ""
        self._archived = self._deleted = 0
        self._tags: Sequence[tuple[str, int]] = ()
        self.view = Button(theme, kind="quiet", size="small", menu_arrow=True)
        self.view.clicked.connect(self._open_menu)
        self.new_folder = Button(theme, kind="quiet", size="small", icon="folder-plus", name=tr("New folder"))
        set_tool_tip(self.new_folder, tr("New folder"))
        self.new_folder.clicked.connect(self.new_folder_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(XS - 1, 0, XS - 1, XS)
        row.addWidget(self.view)
        row.addStretch(1)
        row.addWidget(self.new_folder)
        self._show()

    def show_counts(self, archived: int, deleted: int, tags: Sequence[tuple[str, int]]) -> None:
        """What there is beside the chats in the list."""
        self._archived, self._deleted, self._tags = archived, deleted, tags

    def show_choice(self, place: "ListPlace", tag: str) -> None:
        """Say what the list shows."""
        self.place, self.tag = place, tag
        self._show()

    def _show(self) -> None:
        text = {"archive": tr("Archive"), "bin": tr("Bin")}.get(self.place, tr("All chats"))
        if self.tag:
            text = f"#{self.tag}"
        self.view.setText(text)
        self.view.setAccessibleName(tr("Shown: {what}").format(what=text))
        self.view.updateGeometry()

    def _open_menu(self) -> None:
        menu = make_menu(self._theme, self)
        group = QActionGroup(menu)
        places = (
            ("chats", tr("All chats"), None),
            ("archive", tr("Archive"), self._archived),
            ("bin", tr("Bin"), self._deleted),
        )
        choices = [(place, "", text, count) for place, text, count in places]
        choices += [("chats", tag, f"#{tag}", count) for tag, count in self._tags[:_MOST_TAGS]]
        for place, tag, text, count in choices:
            if tag and tag == choices[len(places)][1]:
                menu.addSeparator()
            shown = text if count is None else f"{text}  {QLocale().toString(count)}"
            entry = add_entry(menu, shown)
            entry.setCheckable(True)
            entry.setChecked((place, tag) == (self.place, self.tag))
            group.addAction(entry)
            entry.triggered.connect(lambda _=False, place=place, tag=tag: self.chosen.emit(place, tag))
        menu.popup(self.view.mapToGlobal(self.view.rect().bottomLeft()))
