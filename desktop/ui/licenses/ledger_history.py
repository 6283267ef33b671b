"""The history as a table in the window's own look, with a filter above it and the whole of one record below."""

from PySide6.QtCore import QEvent, QItemSelection, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop.translation import tr, trn
from desktop.ui.licenses.ledger_item_model import MARKED, NOTE, Index, LedgerItemModel
from desktop.ui.licenses.license_page_values import LedgerContent
from desktop.ui.parts.data_table import TableHeader
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.page import section_heading
from desktop.ui.parts.paint import paint_focus
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.theme.design_tokens import RADIUS, M, S
from desktop.ui.theme.theme import Theme

_WEIGHTS = {3: 3, 4: 3, 6: 2, NOTE: 4}
"""The columns whose texts may be of any length, and how they share what room is left."""

_MEASURED = 60
"""Rows whose texts a column is measured by; a longer one further down is cut."""

_ROWS = 7


class _LedgerDelegate(QStyledItemDelegate):
    """Cells over a thin line; quiet ones in a quieter color, those that count no longer fainter and struck through."""

    def __init__(self, theme: Theme, view: QTableView) -> None:
        super().__init__(view)
        self._theme, self._view = theme, view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        theme, rect = self._theme, QRectF(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.color("selected"))
        painter.fillRect(QRectF(rect.x(), rect.bottom() - 1, rect.width(), 1), theme.color("line"))
        marked = bool(index.data(MARKED))
        font = theme.font("normal")
        font.setStrikeOut(marked and index.column() == 2)
        painter.setFont(font)
        quiet = marked or index.column() in (0, 5, NOTE)
        painter.setPen(theme.color("faint" if marked else "muted" if quiet else "text"))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, round(rect.width()) - 2 * S)
        baseline = rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(rect.x() + S, baseline), text)
        current = self._view.currentIndex()
        if self._view.hasFocus() and current.row() == index.row() and index.column() == current.column():
            paint_focus(painter, rect.adjusted(0, 0, 0, -1), theme.color("accent"), RADIUS - 3)
        painter.restore()


class LedgerTable(QTableView):
    """The table itself. Ctrl+C copies the whole record."""

    def __init__(self, theme: Theme, rows: LedgerItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._rows = theme, rows
        self.setAccessibleName(tr("History"))
        self.setModel(rows)
        self.setItemDelegate(_LedgerDelegate(theme, self))
        self.setHorizontalHeader(TableHeader(theme, self))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        use_slim_scroll_bars(self, theme)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self._restyle)
        rows.modelReset.connect(self._share_width)
        self._restyle()

    def minimumSizeHint(self) -> QSize:
        row = self.verticalHeader().defaultSectionSize()
        return QSize(300, self.horizontalHeader().sizeHint().height() + row * _ROWS)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.matches(QKeySequence.StandardKey.Copy) and index.isValid():
            QApplication.clipboard().setText(self._rows.details(self._rows.rows[index.row()]))
        elif event.key() == Qt.Key.Key_Escape and index.isValid():
            self.clearSelection()
            self.setCurrentIndex(self._rows.index(-1, -1))
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        override = event.type() == QEvent.Type.ShortcutOverride and self.currentIndex().isValid()
        if override and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Each column what its texts take; where that is too much, those of any length share what is left."""
        metrics, rows = self.fontMetrics(), self._rows
        header = self.horizontalHeader().fontMetrics()
        wanted = [header.horizontalAdvance(title) + 2 * S + 4 for title in rows.titles]
        for row in rows.texts(_MEASURED):
            for column, text in enumerate(row):
                wanted[column] = max(wanted[column], metrics.horizontalAdvance(text[:60]) + 2 * S + 4)
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

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        self.horizontalHeader().setFont(self._theme.font("small", bold=True))
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 2 * S + 1)
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Base, self._theme.color("page"))
        self.setPalette(palette)
        self._share_width()


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
