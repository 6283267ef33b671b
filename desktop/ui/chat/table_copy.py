"""Copying a table of an answer: for documents and spreadsheets, and as CSV."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QPaintEvent
from PySide6.QtWidgets import QMenu, QWidget

from desktop.chat.markdown.answer_segments import TableSegment
from desktop.chat.markdown.table_text import comma_separated, html_table, tab_separated, table_rows
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_text import text_data
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.theme import Theme

_DONE_MS = 1500


def copy_table(table: TableSegment) -> None:
    """Put `table` on the clipboard as HTML, and as text with tabs for what takes only that."""
    rows = table_rows(table)
    data = text_data(tab_separated(rows))
    data.setHtml(html_table(rows, table.align))
    QGuiApplication.clipboard().setMimeData(data)


def copy_csv(table: TableSegment) -> None:
    """Put `table` on the clipboard as CSV."""
    QGuiApplication.clipboard().setText(comma_separated(table_rows(table)))


def copy_entries(table: Callable[[], TableSegment | None]) -> list[tuple[str, Callable[[], None]]]:
    """The entries of a menu that copy the table that `table` gives then."""

    def act(copy: Callable[[TableSegment], None]) -> Callable[[], None]:
        return lambda: copy(found) if (found := table()) is not None else None

    return [(tr("Copy table"), act(copy_table)), (tr("Copy table as CSV"), act(copy_csv))]


class TableCopyButton(Button):
    """Copies a table; its menu copies it as CSV too. Drawn only under the pointer (`reveal`) and with the focus."""

    def __init__(self, theme: Theme, table: Callable[[], TableSegment | None], parent: QWidget) -> None:
        super().__init__(theme, icon="copy", size="small", name=tr("Copy table"), parent=parent)
        self._table, self._revealed = table, False
        set_tool_tip(self, tr("Copy table"))
        self.clicked.connect(self._copy)

    def reveal(self, revealed: bool) -> None:
        """Whether the pointer is over the table."""
        self._revealed = revealed
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._revealed or self.hasFocus() or self.isDown():
            super().paintEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        self.make_menu().popup(self.mapToGlobal(self.rect().bottomLeft()) if by_key else event.globalPos())

    def make_menu(self) -> QMenu:
        """The menu of the button, which is gone once it is closed."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for entry, act in copy_entries(self._table):
            menu.addAction(entry, act)
        return menu

    def _copy(self) -> None:
        table = self._table()
        if table is not None:
            copy_table(table)
            self.set_icon("check")
            QTimer.singleShot(_DONE_MS, self, lambda: self.set_icon("copy"))
