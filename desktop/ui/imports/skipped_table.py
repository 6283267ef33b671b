"""The table of what an import left out: what it is, and why."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtWidgets import QWidget

from desktop.chat.importers.imported_conversation import SkippedItem
from desktop.translation import tr
from desktop.ui.parts.data_table import CellDelegate, CellLook, DataTable, Index
from desktop.ui.parts.untrusted_text import plain_line, tool_tip
from desktop.ui.theme.theme import Theme

WHAT, WHY = range(2)
_ROWS, _MEASURED, _LONGEST = 4, 60, 60
_NO_INDEX = QModelIndex()


class SkippedItemModel(QAbstractTableModel):
    """Rows of `items`, each with what it is and why it was left out."""

    def __init__(self) -> None:
        super().__init__()
        self.items: Sequence[SkippedItem] = ()

    def show(self, items: Sequence[SkippedItem]) -> None:
        """Show these in place of those that were shown."""
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.items[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return plain_line(item.what if index.column() == WHAT else item.why)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(f"{item.what}\n{item.why}")
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr("Not taken") if section == WHAT else tr("Why")
        return None


class SkippedTable(DataTable):
    """The table. Ctrl+C copies the row; `chosen` with its text as it becomes the current one."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, rows: SkippedItemModel, parent: QWidget | None = None) -> None:
        self._rows = rows
        super().__init__(theme, rows, tr("What was not taken"), least_rows=_ROWS, parent=parent)
        self.setItemDelegate(CellDelegate(theme, self, _look))

    def copied_text(self) -> str | None:
        index = self.currentIndex()
        if not index.isValid():
            return None
        item = self._rows.items[index.row()]
        return tr("{what}: {why}").format(what=item.what, why=item.why)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        self.chosen.emit(self.copied_text() or "")

    def _share_width(self) -> None:
        texts = ((item.what, item.why) for item in self._rows.items[:_MEASURED])
        titles = [str(self._rows.headerData(column, Qt.Orientation.Horizontal)) for column in (WHAT, WHY)]
        what, why = self._wanted_widths(titles, texts, _LONGEST)
        room = self.viewport().width()
        left = max(room // 3, min(what, room // 2, room - why))
        self.setColumnWidth(WHAT, left)
        self.setColumnWidth(WHY, max(room - left, 0))


def _look(index: Index) -> CellLook:
    return CellLook("text" if index.column() == WHAT else "muted")
