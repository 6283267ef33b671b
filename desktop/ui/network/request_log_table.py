"""The log's table in the window's own look: days over their requests, quiet where all went well."""

from PySide6.QtCore import QModelIndex, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import QApplication, QStyle, QWidget

from desktop.network.request_log import RequestLogEntry
from desktop.translation import tr
from desktop.ui.network.request_log_item_model import (
    ANSWER,
    ASKED,
    DAY_ROLE,
    HOST,
    OUTCOME_ROLE,
    PURPOSE,
    RECEIVED,
    RIGHT,
    SENT,
    TOOK,
    RequestLogItemModel,
)
from desktop.ui.network.request_text import details
from desktop.ui.parts.data_table import CellDelegate, CellLook, DataTable, Index
from desktop.ui.parts.menu import make_menu
from desktop.ui.theme.design_tokens import S
from desktop.ui.theme.theme import Theme

_COLORS = {"fine": "muted", "refused": "text", "open": "warn_text", "failed": "bad_text"}
_SHRINKING = (HOST, PURPOSE, ANSWER)
_LEAVING = (SENT, TOOK, RECEIVED)
_LEAST, _LEAST_ASKED = 11, 18
"""How many letters of a column stay in any case."""

_MEASURED = 60
_ROWS = 6


def _cell_look(index: Index) -> CellLook:
    """Quiet where all went well, in the color of its outcome where not."""
    column = index.column()
    color = _COLORS[str(index.data(OUTCOME_ROLE))] if column == ANSWER else "text" if column == PURPOSE else "muted"
    elide = Qt.TextElideMode.ElideMiddle if column in (ASKED, HOST) else Qt.TextElideMode.ElideRight
    return CellLook(color, elide=elide, right=column in RIGHT)


class _RequestLogDelegate(CellDelegate):
    """Requests, and days: a day is drawn across the row, each cell its own part of it."""

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        day = index.data(DAY_ROLE)
        if day is None:
            super()._draw(painter, rect, state, index)
        else:
            self._paint_day(painter, rect, str(day))

    def _paint_day(self, painter: QPainter, rect: QRectF, day: str) -> None:
        theme = self._theme
        painter.setClipRect(rect, Qt.ClipOperation.IntersectClip)
        self._paint_line(painter, rect)
        painter.setFont(theme.font("small", bold=True))
        painter.setPen(theme.color("text"))
        metrics = painter.fontMetrics()
        left = S - self._view.horizontalScrollBar().value()
        painter.drawText(QPointF(left, rect.bottom() - S + 1 - metrics.descent()), day)


class RequestLogTable(DataTable):
    """The table. Ctrl+C and its menu copy the whole request. `near_end` when its last rows come into view."""

    near_end = Signal()

    def __init__(self, theme: Theme, rows: RequestLogItemModel, parent: QWidget | None = None) -> None:
        self._rows, self._above = rows, 0
        super().__init__(theme, rows, tr("Requests"), least_rows=_ROWS, right=RIGHT, parent=parent)
        self.setItemDelegate(_RequestLogDelegate(theme, self, _cell_look))
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        rows.rowsAboutToBeInserted.connect(self._keep_place)
        rows.rowsInserted.connect(self._stay)

    @property
    def chosen(self) -> RequestLogEntry | None:
        """The request that is chosen."""
        index = self.currentIndex()
        return self._rows.exchange_at(index.row()) if index.isValid() else None

    def copied_text(self) -> str | None:
        return details(self.chosen) if self.chosen is not None else None

    def focus_first(self) -> None:
        """Take the focus; the newest request is the current one where none is."""
        if not self.currentIndex().isValid() and self._rows.exchanges:
            row = self._rows.row_of(self._rows.exchanges[0].key)
            self.setCurrentIndex(self._rows.index(row, 0))
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- a place that stays while requests come in ---------------------------------------------------------------

    def _keep_place(self, parent: QModelIndex, first: int, last: int) -> None:
        """Rows that come above what is read must not push it away."""
        top = self.rowAt(0)
        reading = self.verticalScrollBar().value() > 0 and top >= first
        self._above = last - first + 1 if reading else 0

    def _stay(self) -> None:
        if self._above:
            self.updateGeometries()
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + self._above * self.verticalHeader().defaultSectionSize())
            self._above = 0
        self._share_width()

    def _scrolled(self, value: int) -> None:
        bar = self.verticalScrollBar()
        if value + 2 * bar.pageStep() >= bar.maximum():
            self.near_end.emit()

    # --- keys and menu -------------------------------------------------------------------------------------------

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.chosen is None:
            return
        menu = make_menu(self._theme, self)
        menu.addAction(tr("Copy this request\tCtrl+C"), self.copy)
        host = self.chosen.host
        menu.addAction(tr("Copy the host"), lambda: QApplication.clipboard().setText(host))
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        at = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).bottomLeft())
        menu.popup(at if by_key else event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End) and self._rows.exchanges:
            wanted = self._rows.exchanges[0 if event.key() == Qt.Key.Key_Home else -1]
            column = max(self.currentIndex().column(), 0)
            self.setCurrentIndex(self._rows.index(self._rows.row_of(wanted.key), column))
            if event.key() == Qt.Key.Key_Home:
                self.scrollToTop()
        else:
            super().keyPressEvent(event)

    # --- the look ------------------------------------------------------------------------------------------------

    def _share_width(self) -> None:
        """Each column what its texts take, and the rest to what was asked."""
        wanted = self._wanted_widths(self._rows.titles, self._rows.texts(_MEASURED), 120)
        across, letter = self.viewport().width(), self.fontMetrics().averageCharWidth()
        floor = sum(wanted) - sum(max(wanted[each] - _LEAST * letter, 0) for each in _SHRINKING)
        floor += _LEAST_ASKED * letter - wanted[ASKED]
        for column in _LEAVING:
            leaves = floor > across
            self.setColumnHidden(column, leaves)
            if leaves:  # the details of a request have them all
                floor -= wanted[column]
                wanted[column] = 0
        wanted[ASKED] = 0
        for column in _SHRINKING:
            # What was asked is the longest, and is cut; where too little of it is left, others give way.
            missing = sum(wanted) + _LEAST_ASKED * letter - across
            if missing > 0:
                wanted[column] = max(wanted[column] - missing, min(wanted[column], _LEAST * letter))
        wanted[ASKED] = max(across - sum(wanted), _LEAST_ASKED * letter)
        for column, width in enumerate(wanted):
            if width and self.columnWidth(column) != width:
                self.setColumnWidth(column, width)
