"""What a screen reader gets of a drawn table: a native table widget that is never seen, with a header and cells.

As with `accessible_text`: Qt gives the table interface to its own item views only.
"""

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QFocusEvent, QKeyEvent, QPaintEvent, QTextTable
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from desktop.ui.chat.accessible_text import (
    RefreshTimer,
    is_view_key,
    lay_over,
    paint_caret,
    show_position,
    step_of,
    take_name,
    text_rect,
)
from desktop.ui.chat.rendered_text import lines_of, tables_of
from desktop.ui.chat.text_view import TextView


def cell_text(table: QTextTable, row: int, column: int) -> str:
    """A cell's text, in one line; formulas as they were written."""
    cell = table.cellAt(row, column)
    return " ".join(line.text for line in lines_of(table.document(), cell.firstPosition(), cell.lastPosition()))


class AccessibleTable(QTableWidget):
    """The table of `view`; the first row is its header."""

    left = Signal(int)
    """The current cell can go no further: -1 above the first row, 1 below the last."""

    def __init__(self, view: TextView) -> None:
        super().__init__(view)
        self._view = view
        self.setHorizontalHeader(_UnseenHeader(Qt.Orientation.Horizontal, self))
        self.setVerticalHeader(_UnseenHeader(Qt.Orientation.Vertical, self))
        self.verticalHeader().setFixedWidth(0)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)  # or each cell is "not selected"
        self.setTabKeyNavigation(False)
        lay_over(self, view)
        self.currentCellChanged.connect(self._show_position)
        self._timer = RefreshTimer(view, self.refresh, self)
        self.refresh()

    def refresh(self) -> None:
        """Take over what changed in the view since the last time."""
        take_name(self, self._view)
        if not self._timer.is_due():
            return
        rows = self._drawn_rows()
        columns = rows[0][0].columns() if rows else 0
        self.setRowCount(max(len(rows) - 1, 0))
        self.setColumnCount(columns)
        for number, (table, row) in enumerate(rows, -1):
            for column in range(min(columns, table.columns())):
                self._set(number, column, cell_text(table, row, self._drawn_column(column)))
        self.setVerticalHeaderLabels([""] * self.rowCount())  # or each row would be called by its number
        if rows:
            self._take_sizes(rows)

    def go_to(self, *, end: bool) -> None:
        """Take the focus, at the first cell, or at the first one of the last row."""
        self.refresh()
        self.setCurrentCell(self.rowCount() - 1 if end else 0, 0)
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        if QAccessible.isActive() and self.currentRow() >= 0:
            # Qt tells readers of a cell when it changes, but not that the focus came to the one it was left at.
            event = QAccessibleEvent(self, QAccessible.Event.Focus)
            event.setChild((self.currentRow() + 1) * (self.columnCount() + 1) + self.currentColumn() + 1)
            QAccessible.updateAccessibility(event)

    def text(self) -> str:
        """Row by row, each cell after its column's name."""
        self.refresh()
        rows = []
        for row in range(self.rowCount()):
            cells = []
            for column in range(self.columnCount()):
                name, item = self.horizontalHeaderItem(column), self.item(row, column)
                words = [held.text() for held in (name, item) if held is not None and held.text()]
                cells.append(": ".join(words))
            rows.append("; ".join(cell for cell in cells if cell))
        return "\n".join(rows)

    def _set(self, row: int, column: int, text: str) -> None:
        """Write one cell, the header's where `row` is -1. What is the same is left alone."""
        item = self.item(row, column) if row >= 0 else self.horizontalHeaderItem(column)
        if item is not None:
            if item.text() != text:
                item.setText(text)
        elif row >= 0:
            self.setItem(row, column, QTableWidgetItem(text))
        else:
            self.setHorizontalHeaderItem(column, QTableWidgetItem(text))

    def _drawn_rows(self) -> list[tuple[QTextTable, int]]:
        """Each row that is drawn, the header's first: its table, and its number there."""
        return [(table, row) for table in tables_of(self._view.document) for row in range(table.rows())]

    def _drawn_column(self, column: int) -> int:
        """Where a column stands in the document: one whose columns run from the right is mirrored there, and back."""
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        return self.columnCount() - 1 - column if mirrored else column

    def _take_sizes(self, rows: list[tuple[QTextTable, int]]) -> None:
        """Cells lie where they are drawn: a screen reader's magnifier and its pointer find them there."""
        lefts = [self._place(rows[0][0], rows[0][1], column).x() for column in range(self.columnCount())]
        for column, (left, right) in enumerate(zip(lefts, [*lefts[1:], float(self.width())], strict=True)):
            self.setColumnWidth(self._drawn_column(column), max(round(abs(right - left)), 1))
        tops = [self._place(table, row, 0).y() for table, row in rows]
        heights = [max(round(b - a), 1) for a, b in zip(tops, [*tops[1:], float(self.height())], strict=True)]
        self.horizontalHeader().setFixedHeight(heights[0])
        for row, height in enumerate(heights[1:]):
            self.setRowHeight(row, height)

    def _place(self, table: QTextTable, row: int, column: int) -> QRectF:
        block = table.cellAt(row, column).firstCursorPosition().block()
        return self._view.document.documentLayout().blockBoundingRect(block)

    # --- the current cell ----------------------------------------------------------------------------------------

    def _position(self) -> int | None:
        """Where the current cell begins in the view's document."""
        rows, column = self._drawn_rows(), self.currentColumn()
        if not 0 <= self.currentRow() < len(rows) - 1:
            return None
        table, row = rows[self.currentRow() + 1]
        return table.cellAt(row, self._drawn_column(column)).firstPosition() if column < table.columns() else None

    def _show_position(self) -> None:
        position = self._position() if self.hasFocus() else None
        if position is not None:
            show_position(self, self._view, position, position)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The caret alone: the view draws the table."""
        position = self._position() if self.hasFocus() else None
        if position is not None:
            paint_caret(self, self._view, position)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._show_position()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if is_view_key(event):
            event.ignore()
            return
        before = self.currentRow()
        super().keyPressEvent(event)
        step = step_of(event)
        upright = event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down)
        if self.currentRow() == before and step and upright:
            self.left.emit(step)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._view and event.type() == QEvent.Type.Resize:
            self.setGeometry(text_rect(self._view))
        return super().eventFilter(watched, event)


class _UnseenHeader(QHeaderView):
    def __init__(self, orientation: Qt.Orientation, parent: QTableWidget) -> None:
        super().__init__(orientation, parent)
        self.viewport().setAutoFillBackground(False)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMinimumSectionSize(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The view draws."""
