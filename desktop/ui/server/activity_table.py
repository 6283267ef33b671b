"""Tables of what goes on in the server: whole rows of words, as long as what they hold, up to a bound."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.data_table import CellDelegate, CellLook, DataTable, Index
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.untrusted_text import plain_line, tool_tip
from desktop.ui.theme.theme import Theme

_LONGEST, _LEAST, _MEASURED = 46, 18, 40
Cells = tuple[str, ...]


class ActivityItemModel(QAbstractTableModel):
    """Rows of cells under `titles`. `changed` rows keep what is chosen: only their texts are drawn anew."""

    def __init__(self, titles: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.titles = tuple(titles)
        self.cells: tuple[Cells, ...] = ()

    def show(self, rows: Sequence[Cells]) -> None:
        """Show these."""
        cells = tuple(tuple(plain_line(each) for each in row) for row in rows)
        if cells == self.cells:
            return
        if len(cells) == len(self.cells):
            self.cells = cells
            self.dataChanged.emit(self.index(0, 0), self.index(len(cells) - 1, len(self.titles) - 1))
            return
        self.beginResetModel()
        self.cells = cells
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.cells)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return self.titles[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.cells):
            return None
        text = self.cells[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.titles[index.column()]}: {text}"
        return tool_tip(text) if role == Qt.ItemDataRole.ToolTipRole and len(text) > _LONGEST else None


class ActivityTable(DataTable):
    """`wide` is the column that takes what room is left; those in `leaving` go, in this order, where there is none.
    Columns in `right` hold figures. Shows up to `most` rows without scrolling."""

    def __init__(
        self,
        theme: Theme,
        name: str,
        titles: Sequence[str],
        *,
        wide: int = 0,
        leaving: Sequence[int] = (),
        right: Collection[int] = (),
        most: int = 8,
        parent: QWidget | None = None,
    ) -> None:
        self.rows = ActivityItemModel(titles)
        self._wide, self._leaving, self._most, self._right = wide, tuple(leaving), most, right
        super().__init__(theme, self.rows, name, least_rows=1, right=right, parent=parent)
        self.rows.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setItemDelegate(CellDelegate(theme, self, self._cell_look))
        self.rows.dataChanged.connect(lambda: self._share_width())

    def _cell_look(self, index: Index) -> CellLook:
        return CellLook("text" if index.column() == self._wide else "muted", right=index.column() in self._right)

    def copied_text(self) -> str | None:
        row = self.currentIndex().row()
        return "\t".join(self.rows.cells[row]) if 0 <= row < len(self.rows.cells) else None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.copied_text() is None:
            return
        menu = make_menu(self._theme, self)
        menu.addAction(tr("Copy this row\tCtrl+C"), self.copy)
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        at = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).bottomLeft())
        menu.popup(at if by_key else event.globalPos())

    def _share_width(self) -> None:
        wanted = self._wanted_widths(self.rows.titles, self.rows.cells[:_MEASURED], _LONGEST)
        across, gone = self.viewport().width(), set[int]()
        wanted[self._wide] = min(wanted[self._wide], self.fontMetrics().averageCharWidth() * _LEAST)
        for column in self._leaving:
            if sum(each for at, each in enumerate(wanted) if at not in gone) > across:
                gone.add(column)
        taken = sum(each for at, each in enumerate(wanted) if at not in gone and at != self._wide)
        wanted[self._wide] = max(across - taken, wanted[self._wide])
        for column, width in enumerate(wanted):
            self.setColumnHidden(column, column in gone)
            if column not in gone and self.columnWidth(column) != width:
                self.setColumnWidth(column, width)
        self._fit_height()

    def _fit_height(self) -> None:
        rows = max(1, min(len(self.rows.cells), self._most))
        height = self.horizontalHeader().sizeHint().height() + rows * self.verticalHeader().defaultSectionSize() + 2
        if self.height() != height or self.minimumHeight() != height:
            self.setFixedHeight(height)
