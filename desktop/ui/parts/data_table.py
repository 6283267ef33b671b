"""Items of lists, and tables, in the window's own look: header, cells, and what a table's keys do."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.design_tokens import RADIUS, S
from desktop.ui.theme.theme import Theme

Index = QModelIndex | QPersistentModelIndex


class TableHeader(QHeaderView):
    """Quiet small titles over a line. Those of columns in `right` stand at the right, as their figures do."""

    def __init__(self, theme: Theme, parent: QWidget, right: Container[int] = ()) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme, self._right = theme, right
        self.setSectionsClickable(False)
        self.setHighlightSections(False)
        self.setStretchLastSection(True)
        self.setMinimumSectionSize(24)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.fontMetrics().height() + 2 * S)

    def paintSection(self, painter: QPainter, rect: object, logicalIndex: int) -> None:
        box = QRectF(rect)  # type: ignore[call-overload]
        theme = self._theme
        painter.save()
        painter.fillRect(box, theme.color("page"))
        painter.fillRect(QRectF(box.x(), box.bottom() - 1, box.width(), 1), theme.color("line"))
        painter.setFont(theme.font("small", bold=True))
        painter.setPen(theme.color("faint"))
        metrics = painter.fontMetrics()
        title = str(self.model().headerData(logicalIndex, Qt.Orientation.Horizontal))
        text = metrics.elidedText(title, Qt.TextElideMode.ElideRight, round(box.width()) - 2 * S)
        spare = box.width() - 2 * S - metrics.horizontalAdvance(text) if logicalIndex in self._right else 0
        baseline = box.y() + (box.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(box.x() + S + spare, baseline), text)
        painter.restore()


@dataclass(frozen=True)
class CellLook:
    """How one cell's text is drawn: the name of its color, where it is cut, and at which side it stands."""

    color: str
    struck: bool = False
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight
    right: bool = False


class ItemDelegate(QStyledItemDelegate):
    """Draws the items of a list or the cells of a table in the window's own look: a subclass says how, in `_draw`."""

    def __init__(self, theme: Theme, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._theme, self._view = theme, view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        self._draw(painter, QRectF(option.rect), option.state, index)
        painter.restore()

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        """Draw the item in `rect`; what this sets in `painter` is undone."""
        raise NotImplementedError

    def _paint_ground(
        self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, radius: float, ring_radius: float
    ) -> None:
        """What lies under an item that is selected, under the pointer, or has the focus."""
        theme = self._theme
        if state & QStyle.StateFlag.State_Selected:
            paint_box(painter, rect, theme.color("selected"), None, radius)
        elif state & QStyle.StateFlag.State_MouseOver:
            paint_box(painter, rect, theme.color("hover"), None, radius)
        if state & QStyle.StateFlag.State_HasFocus and self._view.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), ring_radius)


class CellDelegate(ItemDelegate):
    """Cells over a thin line; `look` says how each is drawn."""

    def __init__(self, theme: Theme, view: QTableView, look: Callable[[Index], CellLook]) -> None:
        super().__init__(theme, view)
        self._look = look

    def _paint_line(self, painter: QPainter, rect: QRectF) -> None:
        painter.fillRect(QRectF(rect.x(), rect.bottom() - 1, rect.width(), 1), self._theme.color("line"))

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        theme, look = self._theme, self._look(index)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.color("selected"))
        self._paint_line(painter, rect)
        font = theme.font("normal")
        font.setStrikeOut(look.struck)
        painter.setFont(font)
        painter.setPen(theme.color(look.color))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(str(index.data()), look.elide, round(rect.width()) - 2 * S)
        spare = rect.width() - 2 * S - metrics.horizontalAdvance(text) if look.right else 0
        baseline = rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(rect.x() + S + spare, baseline), text)
        current = self._view.currentIndex()
        if self._view.hasFocus() and (current.row(), current.column()) == (index.row(), index.column()):
            paint_focus(painter, rect.adjusted(0, 0, 0, -1), theme.color("accent"), RADIUS - 3)


class DataTable(QTableView):
    """Whole rows are chosen. Ctrl+C copies what `copied_text` gives, Escape chooses nothing.

    A subclass sets its delegate, and gives each column its width in `_share_width`, which is called whenever the rows,
    the size or the theme changed. `least_rows` is how many rows stay in view.
    """

    def __init__(
        self,
        theme: Theme,
        rows: QAbstractTableModel,
        name: str,
        *,
        least_rows: int,
        right: Container[int] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._least_rows = theme, least_rows
        self.setAccessibleName(name)
        self.setModel(rows)
        self.setHorizontalHeader(TableHeader(theme, self, right))
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
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

    def copied_text(self) -> str | None:
        """All that is known of the current row, for the clipboard; None where it has nothing of its own."""
        raise NotImplementedError

    def _share_width(self) -> None:
        """Give each column its width."""
        raise NotImplementedError

    def copy(self) -> None:
        """Put `copied_text` into the clipboard."""
        text = self.copied_text()
        if text is not None:
            QApplication.clipboard().setText(text)

    def minimumSizeHint(self) -> QSize:
        row = self.verticalHeader().defaultSectionSize()
        return QSize(300, self.horizontalHeader().sizeHint().height() + row * self._least_rows)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        chosen = self.currentIndex().isValid()
        if event.matches(QKeySequence.StandardKey.Copy) and chosen:
            self.copy()
        elif event.key() == Qt.Key.Key_Escape and chosen:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event, lambda: self.currentIndex().isValid()) or super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _wanted_widths(self, titles: Sequence[str], texts: Iterable[Sequence[str]], longest: int) -> list[int]:
        """The pixels that each column takes for its title and the first `longest` characters of its texts."""
        metrics, header = self.fontMetrics(), self.horizontalHeader().fontMetrics()
        wanted = [header.horizontalAdvance(title) + 2 * S + 4 for title in titles]
        for row in texts:
            for column, text in enumerate(row):
                wanted[column] = max(wanted[column], metrics.horizontalAdvance(text[:longest]) + 2 * S + 4)
        return wanted

    def _restyle(self) -> None:
        self.setFont(self._theme.font("normal"))
        self.horizontalHeader().setFont(self._theme.font("small", bold=True))
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 2 * S + 1)
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Base, self._theme.color("page"))
        self.setPalette(palette)
        self._share_width()
