"""What a tool server did, as a table: quiet where all went well."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.parts.data_table import CellDelegate, CellLook, DataTable, Index
from desktop.ui.parts.menu import make_menu
from desktop.ui.theme.design_tokens import S
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.tool_log_item_model import (
    BY,
    COLOR_ROLE,
    OUTCOME,
    REASON,
    RECEIVED,
    RIGHT,
    SENT,
    TOOK,
    TOOL,
    ToolLogItemModel,
)

_MEASURED = 60
_LONGEST = 40
_ROWS = 3
_LEAST = 14
_LEAVING = (SENT, TOOK, RECEIVED, BY)


def _cell_look(index: Index) -> CellLook:
    column = index.column()
    color = str(index.data(COLOR_ROLE)) if column == OUTCOME else "text" if column == TOOL else "muted"
    return CellLook(color, right=column in RIGHT)


class ToolLogTable(DataTable):
    """Ctrl+C and its menu copy a whole row."""

    def __init__(self, theme: Theme, rows: ToolLogItemModel, parent: QWidget | None = None) -> None:
        self.rows = rows
        super().__init__(theme, rows, tr("What the server did"), least_rows=_ROWS, right=RIGHT, parent=parent)
        self.setItemDelegate(CellDelegate(theme, self, _cell_look))

    def copied_text(self) -> str | None:
        row = self.currentIndex().row()
        if not 0 <= row < len(self.rows.entries):
            return None
        columns = range(self.rows.columnCount())
        return "\t".join(str(self.rows.index(row, column).data()) for column in columns)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.copied_text() is None:
            return
        menu = make_menu(self._theme, self)
        menu.addAction(tr("Copy this row\tCtrl+C"), self.copy)
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        at = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).bottomLeft())
        menu.popup(at if by_key else event.globalPos())

    def _share_width(self) -> None:
        """Each column what its texts take, and the rest to why; figures go where there is no room for them."""
        wanted = self._wanted_widths(self.rows.titles, self.rows.texts(_MEASURED), _LONGEST)
        least = _LEAST * self.fontMetrics().averageCharWidth() + 2 * S
        across = self.viewport().width()
        gone: set[int] = set()
        for column in _LEAVING:
            if sum(each for at, each in enumerate(wanted) if at not in gone and at != REASON) + least > across:
                gone.add(column)
        for column in range(len(wanted)):
            self.setColumnHidden(column, column in gone)
        taken = sum(each for at, each in enumerate(wanted) if at not in gone and at != REASON)
        if taken + least > across:
            wanted[TOOL] = max(wanted[TOOL] - (taken + least - across), least)
            taken = sum(each for at, each in enumerate(wanted) if at not in gone and at != REASON)
        wanted[REASON] = max(across - taken, least)
        for column, width in enumerate(wanted):
            if column not in gone and self.columnWidth(column) != width:
                self.setColumnWidth(column, width)

    def _restyle(self) -> None:
        super()._restyle()
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
