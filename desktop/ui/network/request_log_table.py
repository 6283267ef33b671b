"""The log's table in the window's own look: days over their requests, quiet where all went well."""

from PySide6.QtCore import QEvent, QModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

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
    Index,
    RequestLogItemModel,
)
from desktop.ui.network.request_text import details
from desktop.ui.parts.data_table import TableHeader
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.paint import paint_focus
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.theme.design_tokens import RADIUS, S
from desktop.ui.theme.theme import Theme

_COLORS = {"fine": "muted", "refused": "text", "open": "warn_text", "failed": "bad_text"}
_SHRINKING = (HOST, PURPOSE, ANSWER)
_LEAVING = (SENT, TOOK, RECEIVED)
_LEAST, _LEAST_ASKED = 11, 18
"""How many letters of a column stay in any case."""

_MEASURED = 60
_ROWS = 6


class _RequestLogDelegate(QStyledItemDelegate):
    """Cells over a thin line. A day is drawn across the row, each cell its own part of it."""

    def __init__(self, theme: Theme, view: QTableView) -> None:
        super().__init__(view)
        self._theme, self._view = theme, view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        rect = QRectF(option.rect)
        day = index.data(DAY_ROLE)
        if day is not None:
            self._paint_day(painter, rect, str(day))
        else:
            self._paint_cell(painter, rect, option, index)
        painter.restore()

    def _paint_day(self, painter: QPainter, rect: QRectF, day: str) -> None:
        theme = self._theme
        painter.setClipRect(rect, Qt.ClipOperation.IntersectClip)
        painter.fillRect(QRectF(rect.x(), rect.bottom() - 1, rect.width(), 1), theme.color("line"))
        painter.setFont(theme.font("small", bold=True))
        painter.setPen(theme.color("text"))
        metrics = painter.fontMetrics()
        left = S - self._view.horizontalScrollBar().value()
        painter.drawText(QPointF(left, rect.bottom() - S + 1 - metrics.descent()), day)

    def _paint_cell(self, painter: QPainter, rect: QRectF, option: QStyleOptionViewItem, index: Index) -> None:
        theme, column = self._theme, index.column()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.color("selected"))
        painter.fillRect(QRectF(rect.x(), rect.bottom() - 1, rect.width(), 1), theme.color("line"))
        color = _COLORS[str(index.data(OUTCOME_ROLE))] if column == ANSWER else "text" if column == PURPOSE else "muted"
        painter.setFont(theme.font("normal"))
        painter.setPen(theme.color(color))
        metrics = painter.fontMetrics()
        cut = Qt.TextElideMode.ElideMiddle if column in (ASKED, HOST) else Qt.TextElideMode.ElideRight
        text = metrics.elidedText(str(index.data()), cut, round(rect.width()) - 2 * S)
        spare = rect.width() - 2 * S - metrics.horizontalAdvance(text) if column in RIGHT else 0
        baseline = rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(rect.x() + S + spare, baseline), text)
        current = self._view.currentIndex()
        if self._view.hasFocus() and current.row() == index.row() and column == current.column():
            paint_focus(painter, rect.adjusted(0, 0, 0, -1), theme.color("accent"), RADIUS - 3)


class RequestLogTable(QTableView):
    """The table. Ctrl+C and its menu copy the whole request. `near_end` when its last rows come into view."""

    near_end = Signal()

    def __init__(self, theme: Theme, rows: RequestLogItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._rows = theme, rows
        self.setAccessibleName(tr("Requests"))
        self.setModel(rows)
        self.setItemDelegate(_RequestLogDelegate(theme, self))
        self.setHorizontalHeader(TableHeader(theme, self, RIGHT))
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(self.verticalHeader().ResizeMode.Fixed)
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
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        rows.rowsAboutToBeInserted.connect(self._keep_place)
        rows.rowsInserted.connect(self._stay)
        rows.modelReset.connect(self._share_width)
        self._above = 0
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def chosen(self) -> RequestLogEntry | None:
        """The request that is chosen."""
        index = self.currentIndex()
        return self._rows.exchange_at(index.row()) if index.isValid() else None

    def copy(self) -> None:
        """Put all that is known of the chosen request into the clipboard."""
        if self.chosen is not None:
            QApplication.clipboard().setText(details(self.chosen))

    def focus_first(self) -> None:
        """Take the focus; the newest request is the current one where none is."""
        if not self.currentIndex().isValid() and self._rows.exchanges:
            row = self._rows.row_of(self._rows.exchanges[0].key)
            self.setCurrentIndex(self._rows.index(row, 0))
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def minimumSizeHint(self) -> QSize:
        row = self.verticalHeader().defaultSectionSize()
        return QSize(300, self.horizontalHeader().sizeHint().height() + row * _ROWS)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

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
        index = self.currentIndex()
        if event.matches(QKeySequence.StandardKey.Copy) and index.isValid():
            self.copy()
        elif event.key() == Qt.Key.Key_Escape and index.isValid():
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End) and self._rows.exchanges:
            wanted = self._rows.exchanges[0 if event.key() == Qt.Key.Key_Home else -1]
            self.setCurrentIndex(self._rows.index(self._rows.row_of(wanted.key), max(index.column(), 0)))
            if event.key() == Qt.Key.Key_Home:
                self.scrollToTop()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        override = event.type() == QEvent.Type.ShortcutOverride and self.currentIndex().isValid()
        if override and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    # --- the look ------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Each column what its texts take, and the rest to what was asked."""
        metrics, header = self.fontMetrics(), self.horizontalHeader().fontMetrics()
        wanted = [header.horizontalAdvance(title) + 2 * S + 4 for title in self._rows.titles]
        for row in self._rows.texts(_MEASURED):
            for column, text in enumerate(row):
                wanted[column] = max(wanted[column], metrics.horizontalAdvance(text[:120]) + 2 * S + 4)
        across, letter = self.viewport().width(), metrics.averageCharWidth()
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

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        self.horizontalHeader().setFont(self._theme.font("small", bold=True))
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 2 * S + 1)
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Base, self._theme.color("page"))
        self.setPalette(palette)
        self._share_width()
