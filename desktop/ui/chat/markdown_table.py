"""The view of a table: as wide as its cells need, with a horizontal scroll bar of its own where that is too wide.

Its document holds one QTextTable for every few hundred cells: laying out a table again takes as long as it is, so
a growing one is only laid out at its end. One with very many cells is written a part at a time, between events.
"""

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QBrush,
    QEnterEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
    QTextTableCellFormat,
    QTextTableFormat,
)
from PySide6.QtWidgets import QWidget

from desktop.chat.markdown.answer_segments import TableSegment
from desktop.chat.markdown.table_text import cell_text, tab_separated
from desktop.translation import tr
from desktop.ui.chat.answer_direction import inline_right_to_left
from desktop.ui.chat.cell_width import CellMeasure, CellWidth, column_widths, growing_widths
from desktop.ui.chat.citation_marks import CitationMarks
from desktop.ui.chat.formula_objects import formulas_of
from desktop.ui.chat.horizontal_scroll_area import HorizontalScrollArea
from desktop.ui.chat.inline_writer import InlineStyle, InlineWriter
from desktop.ui.chat.table_copy import TableCopyButton, copy_entries
from desktop.ui.chat.table_shape import column_count, is_same_cell, is_same_row, runs_from_right
from desktop.ui.chat.text_search import folded
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.button import Button
from desktop.ui.theme.design_tokens import XS, M
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from markdown_it.token import Token

_CELLS_OF_PART, _CELLS_OF_GROWING_PART, _FEWEST_ROWS = 96, 36, 4
"""How many cells stand in one QTextTable: fewer in one that grows, as its last part is laid out with each row."""
_CELLS_AT_ONCE = 160
_ACROSS, _DOWN = M, XS + 2
_WIDENING_S = 0.006
_LINE_HEIGHT = 116.0
_SLACK = 2.0
"""Beyond what was measured, in pixels: words are set at fractions of one, and none must be broken for that."""

_ALIGNMENTS = {
    "left": Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute,
    "right": Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute,
    "center": Qt.AlignmentFlag.AlignHCenter,
}


class MarkdownTableView(QWidget):
    """Shows a table; `resized`: its height changed without a call of `place`."""

    resized = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None, citations: CitationMarks | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self._theme, self._citations = theme, citations
        self.view = TextView(theme, theme.font("reading"), top_inset=0, holds_table=True)
        self.view.setAccessibleName(tr("Table"))
        self._area = HorizontalScrollArea(theme, self.view, self)
        self.view.dragged_past_edge.connect(self._area.scroll_by)
        self.view.continue_with(self._undrawn_text)
        self._table: TableSegment | None = None
        self._copy = TableCopyButton(theme, lambda: self._table, self)
        self.view.offer(lambda: copy_entries(lambda: self._table))
        self._around, self._laid_out = False, 0
        self._measure = CellMeasure(theme)
        self._forget()
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._continue)
        formulas = formulas_of(self.view.document)
        formulas.resized.connect(self._remeasured)
        formulas.undrawable.connect(self._write_again)

    @property
    def buttons(self) -> list[Button]:
        return [self._copy]

    @property
    def tables(self) -> list[QTextTable]:
        """The document's tables, from top to bottom, all with the same columns."""
        return list(self._tables)

    @property
    def area(self) -> HorizontalScrollArea:
        """What scrolls sideways."""
        return self._area

    def set_table(self, segment: TableSegment, *, around: bool = False) -> None:
        """Show `segment`; of one that has grown, what is new or other than before.

        `around`: whether the answer around it runs from the right.
        """
        self._table, self._around = segment, around
        direction, rows = runs_from_right(segment, around), len(segment.rows)
        if (
            self._right_to_left != direction
            or column_count(segment) != self._columns
            or rows < len(self._written)
            or (segment.closed and not all(map(is_same_row, self._written[:-1], segment.rows)))
        ):
            self._start()
        self._measure_rows()
        self._write_more()

    def document_column(self, x: int) -> int:
        """Where column `x` stands in the document: Qt has no tables that run from the right, so those are mirrored."""
        return self._columns - 1 - x if self._right_to_left else x

    def set_found(self, query: str) -> int:
        """Mark every occurrence of `query` ("" for none), the first one where it can be seen; how many there are."""
        count = self.view.set_found(query)
        if query and folded(query) in folded(self._undrawn_text()):
            count += 1  # at least; it is marked once it is drawn
        elif count:
            found = self.view.document.find(query)
            left, right = (self._x_of(place) for place in (found.selectionStart(), found.selectionEnd()))
            self._area.show_range(min(left, right), max(left, right))
        return count

    def restyle(self) -> None:
        """Take the theme's present colors and fonts."""
        self.view.document.setDefaultFont(self._theme.font("reading"))
        self._measure = CellMeasure(self._theme)
        self._write_again()

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken, in pixels."""
        self._width = width
        room = width - (2 * _ACROSS + _SLACK) * self._columns - 1
        seen = width - 2 * _ACROSS - _SLACK
        self._apply_widths(column_widths(self._wanted, room, self._measure.digit, seen))
        natural = round(sum(self._applied) + 2 * _ACROSS * self._columns + 0.49)
        if not natural <= self._laid_out <= 4 * natural:
            self._laid_out = round(2.5 * natural)  # all is laid out again at another one, and it shows nowhere
        height = self.view.height_at(self._laid_out) if self._tables else 0
        height = self._area.lay_out(width, natural, height, from_right=bool(self._right_to_left))
        self._area.move(0, 0)
        if self._right_to_left and natural < width:
            self.view.move(width - natural, 0)
            self.view.resize(natural, self.view.height())
        self.resize(width, height)
        self._place_button(width, natural)
        return height

    def _place_button(self, width: int, natural: int) -> None:
        """Put the button beside the header where there is room, else over its end."""
        size = self._copy.sizeHint()
        x = min(natural + XS, width - size.width())
        self._copy.setGeometry(width - x - size.width() if self._right_to_left else x, 0, size.width(), size.height())
        self._copy.raise_()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._copy.reveal(True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._copy.reveal(False)
        super().leaveEvent(event)

    # --- writing -------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._columns, self._part, self._width = 0, 1, 0
        self._writer: InlineWriter | None = None
        self._right_to_left: bool | None = None
        self._tables: list[QTextTable] = []
        self._written: list[tuple[Token, ...]] = []
        self._wanted: list[CellWidth] = []
        self._applied: list[float] = []
        self._measured = self._end = self._other_widths = 0
        self._laid_out = 0

    def _write_again(self) -> None:
        if self._table is not None:
            self._start()
            self._measure_rows()
            self._write_more()
            self.resized.emit()

    def _start(self) -> None:
        """Begin with an empty document."""
        assert self._table is not None
        width = self._width
        self.view.document.clear()
        self._forget()
        self._width = width
        self._columns = column_count(self._table)
        cells = _CELLS_OF_PART if self._table.closed else _CELLS_OF_GROWING_PART
        self._part = max(cells // max(self._columns, 1), _FEWEST_ROWS)
        self._right_to_left = runs_from_right(self._table, self._around)
        directions = Qt.LayoutDirection
        self.view.setLayoutDirection(directions.RightToLeft if self._right_to_left else directions.LeftToRight)
        self._wanted = [CellWidth() for _ in range(self._columns)]

    def _undrawn_text(self) -> str:
        """The rows that are not written yet."""
        rows = self._table.rows[len(self._written) :] if self._table is not None else ()
        return "".join("\n" + tab_separated([[cell_text(cell) for cell in row]]) for row in rows)

    def _write_more(self) -> None:
        """Write what is missing, and no more than takes a moment."""
        if self._table is None:
            return
        done = len(self._written)
        self._write_rows(max(done, 1) + _CELLS_AT_ONCE // max(self._columns, 1))
        if len(self._written) < len(self._table.rows):
            self._rest.start(0)
        elif self._other_widths and self._applied:
            self._give_widths()

    def _continue(self) -> None:
        self._write_more()
        self.resized.emit()

    def _write_rows(self, end: int) -> None:
        """Write the rows before row `end` that are not written, or not as they are now."""
        assert self._table is not None
        rows = self._table.rows[:end]
        self._end = len(rows)
        if not rows or not self._columns:
            return
        cursor = QTextCursor(self.view.document)
        if self._tables:
            first = max(len(self._written) - 1, 0)
            cell = self._tables[first // self._part].cellAt(first % self._part, 0).firstCursorPosition()
            self.view.set_settled(self.view.document.documentLayout().blockBoundingRect(cell.block()).top() - 2 * _DOWN)
        cursor.beginEditBlock()
        # Of what was written, only the last row can still change.
        for y in range(max(len(self._written) - 1, 0), len(rows)):
            cells = rows[y][: self._columns]
            before = self._written[y] if y < len(self._written) else None
            if before is not None and len(before) == len(cells) and is_same_row(before, cells):
                continue
            if before is None:
                self._add_row(y)
                self._written.append(())
            for x, token in enumerate(cells):
                if before is None or x >= len(before) or not is_same_cell(before[x], token):
                    self._write_cell(y, x, token)
            self._written[y] = cells
        cursor.endEditBlock()
        self.view.set_settled(0)

    def _add_row(self, y: int) -> None:
        if y % self._part == 0:
            self._tables.append(self._insert_table(min(self._part, self._rows_to_come(y))))
        else:
            table = self._tables[-1]
            if y % self._part >= table.rows():
                table.appendRows(min(self._part - table.rows(), self._rows_to_come(y)))
        shape = self._cell_format(header=y == 0)
        for x in range(self._columns):
            self._tables[-1].cellAt(y % self._part, x).setFormat(shape)

    def _cell_format(self, *, header: bool) -> QTextTableCellFormat:
        shape = QTextTableCellFormat()
        shape.merge(self._inline(QTextCursor(self.view.document)).characters(InlineStyle(bold=header)))
        shape.setLeftPadding(_ACROSS)
        shape.setRightPadding(_ACROSS)
        shape.setTopPadding(_DOWN)
        shape.setBottomPadding(_DOWN)
        shape.setBottomBorder(1)
        shape.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        shape.setBottomBorderBrush(QBrush(self._theme.color("line_strong" if header else "line")))
        return shape

    def _rows_to_come(self, y: int) -> int:
        return max(min(self._end - y, _CELLS_AT_ONCE // self._columns), 1)

    def _insert_table(self, rows: int) -> QTextTable:
        cursor = QTextCursor(self.view.document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        shape = QTextTableFormat()
        shape.setBorder(0)
        shape.setCellPadding(0)
        shape.setCellSpacing(0)
        shape.setMargin(0)
        shape.setHeaderRowCount(0 if self._tables else 1)
        shape.setColumnWidthConstraints(self._constraints())
        table = cursor.insertTable(rows, self._columns, shape)
        if not self._applied:
            self._other_widths = len(self._tables) + 1
        # A document cannot begin or end with a table: the blocks there stay empty and take no room.
        if not self._tables:
            _flatten(self.view.document.begin())
        _flatten(self.view.document.lastBlock())
        return table

    def _write_cell(self, y: int, x: int, token: "Token") -> None:
        assert self._table is not None
        children = token.children or []
        cell = self._tables[y // self._part].cellAt(y % self._part, self.document_column(x))
        cursor = cell.firstCursorPosition()
        cursor.setPosition(cell.lastCursorPosition().position(), QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        right_to_left = inline_right_to_left(children, bool(self._right_to_left))
        if right_to_left is None:
            right_to_left = bool(self._right_to_left)
        block = QTextBlockFormat()
        block.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        block.setLayoutDirection(Qt.LayoutDirection.RightToLeft if right_to_left else Qt.LayoutDirection.LeftToRight)
        align = self._table.align[x] if x < len(self._table.align) else ""
        if align in _ALIGNMENTS:
            block.setAlignment(_ALIGNMENTS[align])
        elif self._right_to_left and not right_to_left:
            block.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute)
        cursor.setBlockFormat(block)
        self._inline(cursor).write(children, InlineStyle(bold=y == 0))

    def _inline(self, cursor: QTextCursor) -> InlineWriter:
        if self._writer is None:
            self._writer = InlineWriter(self._theme, cursor, self._citations)
        self._writer.cursor = cursor
        return self._writer

    # --- size ----------------------------------------------------------------------------------------------------

    def _measure_rows(self) -> None:
        """Take the widths of all rows, also of those not written yet: when a column widens, all is laid out again."""
        assert self._table is not None
        rows = self._table.rows
        for y in range(max(self._measured - 1, 0), len(rows)):
            for x, token in enumerate(rows[y][: self._columns]):
                wants, wanted = self._measure.measure(token.children or [], bold=y == 0), self._wanted[x]
                wanted.line, wanted.word = max(wanted.line, wants.line), max(wanted.word, wants.word)
        self._measured = len(rows)

    def _apply_widths(self, widths: list[float]) -> None:
        widths = [width + _SLACK for width in widths]
        if self._table is not None and not self._table.closed:
            room = self._width - 2 * _ACROSS * self._columns
            widths = growing_widths(widths, self._applied, room, self._measure.digit)
        if widths != self._applied:
            self._applied = widths
            self._other_widths = len(self._tables)
        self._give_widths()

    def _give_widths(self) -> None:
        """Give the tables that have other widths the present ones: the last first, and of very many the others later,
        as each is laid out again."""
        until = time.perf_counter() + _WIDENING_S
        while self._other_widths:
            self._other_widths -= 1
            table = self._tables[self._other_widths]
            shape = table.format()
            shape.setColumnWidthConstraints(self._constraints())
            table.setFormat(shape)
            if time.perf_counter() > until and self._other_widths:
                self._rest.start(0)
                return

    def _constraints(self) -> list[QTextLength]:
        widths = [QTextLength(QTextLength.Type.FixedLength, width + 2 * _ACROSS) for width in self._applied]
        return widths[::-1] if self._right_to_left else widths

    def _remeasured(self) -> None:
        self._measured = 0
        self._wanted = [CellWidth() for _ in range(self._columns)]
        if self._table is not None:
            self._measure_rows()
        self.resized.emit()

    def _x_of(self, position: int) -> int:
        block = self.view.document.findBlock(position)
        line = block.layout().lineForTextPosition(position - block.position())
        left = self.view.document.documentLayout().blockBoundingRect(block).left()
        x: Any = line.cursorToX(position - block.position()) if line.isValid() else 0.0
        return round(left + float(x[0] if isinstance(x, tuple) else x))

    def visible_part(self) -> QRect:
        """The part of `view` that can be seen."""
        return self._area.visible_part()


def _flatten(block: QTextBlock) -> None:
    cursor = QTextCursor(block)
    shape, tiny = QTextBlockFormat(), QTextCharFormat()
    shape.setLineHeight(0, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
    tiny.setFontPointSize(1)
    cursor.setBlockFormat(shape)
    cursor.setBlockCharFormat(tiny)
