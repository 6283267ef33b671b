"""The history as a table in the window's own look, with a filter above it and the whole of one record below."""

from PySide6.QtCore import QItemSelection
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.translation import tr, trn
from desktop.ui.licenses.ledger_item_model import MARKED, NOTE, LedgerItemModel
from desktop.ui.licenses.license_page_values import LedgerContent
from desktop.ui.parts.data_table import CellDelegate, CellLook, DataTable, Index
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.page import section_heading
from desktop.ui.theme.design_tokens import M, S
from desktop.ui.theme.theme import Theme

_WEIGHTS = {3: 3, 4: 3, 6: 2, NOTE: 4}
"""The columns whose texts may be of any length, and how they share what room is left."""

_MEASURED = 60
"""Rows whose texts a column is measured by; a longer one further down is cut."""

_ROWS = 7


def _cell_look(index: Index) -> CellLook:
    """Quiet columns in a quieter color, records that count no longer fainter and struck through."""
    if index.data(MARKED):
        return CellLook("faint", struck=index.column() == 2)
    return CellLook("muted" if index.column() in (0, 5, NOTE) else "text")


class LedgerTable(DataTable):
    """The table itself. Ctrl+C copies the whole record."""

    def __init__(self, theme: Theme, rows: LedgerItemModel, parent: QWidget | None = None) -> None:
        self._rows = rows
        super().__init__(theme, rows, tr("History"), least_rows=_ROWS, parent=parent)
        self.setItemDelegate(CellDelegate(theme, self, _cell_look))

    def copied_text(self) -> str:
        return self._rows.details(self._rows.rows[self.currentIndex().row()])

    def _share_width(self) -> None:
        """Each column what its texts take; where that is too much, those of any length share what is left."""
        metrics, rows = self.fontMetrics(), self._rows
        wanted = self._wanted_widths(rows.titles, rows.texts(_MEASURED), 60)
        fixed = sum(width for column, width in enumerate(wanted) if column not in _WEIGHTS)
        room = self.viewport().width() - fixed
        spare = room - sum(wanted[column] for column in _WEIGHTS)
        least = metrics.averageCharWidth() * 8 + 2 * S
        open_columns = dict(_WEIGHTS)
        while spare < 0 and open_columns:
            # The widest give way first: what is short is shown whole.
            share = {column: room * weight // sum(open_columns.values()) for column, weight in open_columns.items()}
            short = [column for column in open_columns if wanted[column] <= share[column]]
            for column in short or list(open_columns):
                wanted[column] = wanted[column] if short else max(share[column], least)
                room -= wanted[column]
                del open_columns[column]
        if spare > 0:
            wanted[NOTE] += spare
        for column, width in enumerate(wanted):
            self.setColumnWidth(column, width)


class LedgerHistory(QWidget):
    """Filter, table, and the whole of the record that is chosen."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = LedgerItemModel(self)
        self.filter = Field(theme, tr("Filter the history"), escape_clears=True)
        self.filter.setMaximumWidth(260)
        self.count = Label(theme, "", size="small", color="muted")
        self.table = LedgerTable(theme, self.rows)
        self.details = Label(theme, "", size="small", color="muted", wrap=True, selectable=True)
        self.details.setAccessibleName(tr("The record that is chosen"))
        self.details.hide()
        self._nothing = Label(theme, tr("Nothing happened yet."), color="muted")
        top = QHBoxLayout()
        top.setSpacing(M)
        top.addWidget(section_heading(theme, tr("History")))
        top.addWidget(self.count, 1)
        top.addWidget(self.filter, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(S)
        column.addLayout(top)
        column.addWidget(self._nothing)
        column.addWidget(self.table, 1)
        column.addWidget(self.details)
        column.addStretch()
        self.filter.textChanged.connect(self._filter)
        self.table.selectionModel().selectionChanged.connect(self._chosen)
        self.rows.modelReset.connect(lambda: self.details.hide())

    def show_view(self, view: LedgerContent) -> None:
        """Show the ledger's records."""
        if self.rows.show(view):
            self._count()
        for widget in (self.table, self.filter):
            widget.setVisible(self.rows.total > 0)
        self._nothing.setVisible(not self.rows.total)

    def _filter(self, text: str) -> None:
        self.rows.filter(text)
        self._count()

    def _count(self) -> None:
        shown, total = self.rows.rowCount(), self.rows.total
        whole = trn("{count} record", "{count} records", total).format(count=f"{total:,}")
        text = tr("{shown} of {whole}").format(shown=f"{shown:,}", whole=whole)
        self.count.setText(text if self.filter.text().strip() else "")
        self.filter.setAccessibleDescription(self.count.text())

    def _chosen(self, selected: QItemSelection, _: QItemSelection) -> None:
        indexes = selected.indexes()
        if indexes:
            self.details.setText(breakable(self.rows.details(self.rows.rows[indexes[0].row()], "  ·  ")))
        self.details.setVisible(bool(indexes))
