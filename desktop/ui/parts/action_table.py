"""A table in whose cells something can be done: by a click on the words that say so, by Enter, and in a menu."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QMenu, QTableView

from desktop.ui.parts.data_table import DataTable, Index
from desktop.ui.parts.menu import make_menu
from desktop.ui.theme.design_tokens import M, S
from desktop.ui.theme.theme import Theme

LEAST_NAME = 14
"""How many letters of a name stay in view in any case."""


class ActionTable(DataTable):
    """A subclass says where in a cell its action stands (`action_rect`), what it does (`_act`), what Enter does in a
    row (`_act_on_row`), and what the menu of a row holds (`_fill_menu`). Escape leaves the current row chosen."""

    def action_rect(self, index: Index) -> QRectF | None:
        """Where in the view the words stand that can be pressed; None where there are none."""
        raise NotImplementedError

    def _act(self, index: Index) -> None:
        raise NotImplementedError

    def _act_on_row(self, index: Index) -> None:
        raise NotImplementedError

    def _fill_menu(self, menu: QMenu, index: Index) -> None:
        raise NotImplementedError

    def content_height(self) -> int:
        """The height that all rows take, in pixels."""
        header = 0 if self.horizontalHeader().isHidden() else self.horizontalHeader().sizeHint().height()
        return header + self.model().rowCount() * self.verticalHeader().defaultSectionSize()

    def choose_row(self, row: int) -> None:
        """Make a row the current one, without scrolling sideways; -1 none."""
        column = max(self.currentIndex().column(), 0)
        self.setCurrentIndex(self.model().index(row, column) if row >= 0 else QModelIndex())

    def _pressed_action(self, at: QPointF) -> QModelIndex | None:
        index = self.indexAt(at.toPoint())
        rect = self.action_rect(index) if index.isValid() else None
        return index if rect is not None and rect.contains(at) else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        row = self.currentIndex().row()
        if row >= 0:  # or Enter would do next what stands where the pointer happened to be
            self.setCurrentIndex(self.model().index(row, 0))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            index = self._pressed_action(event.position())
            if index is not None:
                self._act(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        over = self._pressed_action(event.position()) is not None
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and index.isValid():
            if self.action_rect(index) is not None:
                self._act(index)
            else:
                self._act_on_row(index)
        elif event.key() == Qt.Key.Key_Escape:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        return QTableView.event(self, event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if not index.isValid():
            return
        menu = make_menu(self._theme, self)
        self._fill_menu(menu, index)
        below = self.viewport().mapToGlobal(self.visualRect(index).bottomLeft())
        menu.popup(below if by_key else event.globalPos())

    def _share(self, wanted: Sequence[int], weights: Sequence[float], leaving: Sequence[int]) -> None:
        """Give each column what it wants, and its part of what is left. Where there is too little, the first column is
        cut; where too little of that were left, columns of `leaving` go, one after another."""
        widths, across = list(wanted), self.viewport().width()
        least = min(widths[0], LEAST_NAME * self.fontMetrics().averageCharWidth() + 2 * S)
        gone = set()
        for column in leaving:
            if sum(width for place, width in enumerate(widths) if place not in gone) - widths[0] + least > across:
                gone.add(column)
        for column in range(len(widths)):
            self.setColumnHidden(column, column in gone)
        spare = across - sum(width for place, width in enumerate(widths) if place not in gone)
        if spare < 0:
            widths[0] = max(widths[0] + spare, least)
        else:
            shared = sum(weight for place, weight in enumerate(weights) if place not in gone) or 1.0
            widths = [width + int(spare * weight / shared) for width, weight in zip(widths, weights, strict=True)]
        for column, width in enumerate(widths):
            if column not in gone and self.columnWidth(column) != width:
                self.setColumnWidth(column, width)

    def _restyle(self) -> None:
        super()._restyle()
        self.setMouseTracking(True)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 2 * M)


def paint_link(painter: QPainter, theme: Theme, rect: QRectF, text: str) -> None:
    """Words that can be pressed, underlined, in the painter's font, at the left of `rect`."""
    font = painter.font()
    font.setUnderline(True)
    painter.setFont(font)
    painter.setPen(theme.color("text"))
    metrics = painter.fontMetrics()
    baseline = rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2
    painter.drawText(
        QPointF(rect.x(), baseline), metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(rect.width()) + 1)
    )


def link_rect(metrics: QFontMetrics, cell: QRectF, left: float, text: str) -> QRectF:
    """Where such words stand that begin `left` of a cell's left edge."""
    width = min(float(metrics.horizontalAdvance(text)), max(cell.right() - cell.x() - left - S, 0.0))
    return QRectF(cell.x() + left, cell.y(), width, cell.height())
