"""What a search through all passages found, and how much."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr, trn
from desktop.ui.documents.documents_page_values import MOST_FOUND
from desktop.ui.documents.passage_results import FoundPassageItemModel, FoundPassageList
from desktop.ui.parts.label import Label, breakable
from desktop.ui.theme.design_tokens import XL, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from desktop.documents.passage_search import FoundPassage


class PassageSearchView(QWidget):
    """`opened` carries the row of the passage that is to be shown in its page."""

    opened = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = FoundPassageItemModel(self)
        self.list = FoundPassageList(theme, self.rows)
        self.count = Label(theme, "", size="small", color="muted", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(XL, M, XL, M)
        column.setSpacing(S)
        column.addWidget(self.count)
        column.addWidget(self.list, 1)
        self.list.opened.connect(self.opened)

    def show_found(self, found: "Sequence[FoundPassage]") -> None:
        """Show these passages, the best first."""
        self.rows.show(found)
        if found:
            self.list.setCurrentIndex(self.rows.index(0))
            self.list.scrollToTop()
        count = len(found)
        if not count:
            text = tr("No passage was found.")
        elif count < MOST_FOUND:
            text = trn("{count} passage", "{count} passages, the best first", count).format(count=count)
        else:
            text = tr("The {count} best passages").format(count=count)
        self._say(text)

    def show_problem(self, error: UserError) -> None:
        """The passages cannot be searched just now."""
        self.rows.show(())
        self._say(breakable(" ".join(part for part in (error.title, error.detail, error.remedy) if part)))

    def _say(self, text: str) -> None:
        if text != self.count.text():
            self.count.setText(text)
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))
