"""The collections as a table: what each holds, how it is searched, and how far it is, with Pause and Resume."""

from PySide6.QtCore import QModelIndex, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QMenu, QStyle, QWidget

from desktop.documents.document_collection import CollectionState
from desktop.translation import tr
from desktop.ui.documents.collection_item_model import (
    COLLECTION_ROLE,
    NAME,
    PASSAGES,
    SEARCH,
    STATE,
    CollectionItemModel,
)
from desktop.ui.documents.collection_words import is_under_way, state_words, turn_words
from desktop.ui.parts.action_table import ActionTable, link_rect, paint_link
from desktop.ui.parts.data_table import CellDelegate, CellLook, Index
from desktop.ui.parts.label import badge_size, paint_badge
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.untrusted_text import add_entry
from desktop.ui.theme.design_tokens import RADIUS, S
from desktop.ui.theme.theme import Theme

_BAR = 28
_BAR_HEIGHT = 4
_MEASURED = 60
_LONGEST = 60
_WEIGHTS = (0.3, 0.25, 0.2, 0.2, 0.05)
_LEAVING = (PASSAGES, SEARCH)
_ROWS = 2
_MOST_SOURCES = 12


def _cell_look(index: Index) -> CellLook:
    return CellLook("text" if index.column() == NAME else "muted")


class _CollectionDelegate(CellDelegate):
    """The state of a collection is drawn as a badge, or as a bar with what stops it."""

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        if index.column() != STATE:
            super()._draw(painter, rect, state, index)
            return
        theme, collection = self._theme, index.data(COLLECTION_ROLE)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.color("selected"))
        self._paint_line(painter, rect)
        painter.setFont(theme.font("small"))
        x = self._paint_state(painter, rect, collection, bool(state & QStyle.StateFlag.State_Selected))
        words = turn_words(collection)
        if words:
            paint_link(painter, theme, link_rect(painter.fontMetrics(), rect, x - rect.x(), words), words)
        current = self._view.currentIndex()
        if self._view.hasFocus() and (current.row(), current.column()) == (index.row(), index.column()):
            paint_focus(painter, rect.adjusted(0, 0, 0, -1), theme.color("accent"), RADIUS - 3)

    def _paint_state(self, painter: QPainter, rect: QRectF, collection: CollectionState, selected: bool) -> float:
        """Draw the bar or the badge; where what follows begins."""
        theme, metrics = self._theme, painter.fontMetrics()
        text, tone = state_words(collection)
        x = rect.x() + S
        if not is_under_way(collection):
            size = badge_size(metrics, text)
            width = min(size.width(), rect.width() - 2 * S)
            box = QRectF(x, rect.y() + (rect.height() - 1 - size.height()) / 2, width, size.height())
            paint_badge(painter, theme, box, text, tone, on_selection=selected)
            return x + width + S
        top = rect.y() + (rect.height() - _BAR_HEIGHT) / 2
        paint_box(painter, QRectF(x, top, _BAR, _BAR_HEIGHT), theme.color("line_strong"), None, _BAR_HEIGHT / 2)
        done = max(_BAR * min(max(collection.fraction, 0.0), 1.0), _BAR_HEIGHT)
        color = "accent" if collection.state == "indexing" else "muted"
        paint_box(painter, QRectF(x, top, done, _BAR_HEIGHT), theme.color(color), None, _BAR_HEIGHT / 2)
        x += _BAR + S
        painter.setPen(theme.color("muted"))
        painter.drawText(QPointF(x, rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2), text)
        return x + metrics.horizontalAdvance(text) + S


class CollectionTable(ActionTable):
    """`chosen` carries the name of the collection that is the current one now; `turn_asked` that of one that is to be
    paused or to go on, `rename_asked`, `remove_asked` `refresh_asked` (look at its files again)
    and `cancel_asked` (leave out what is not read yet) as they say. `source_removed` also carries the folder or file
    that is to be taken out."""

    chosen = Signal(str)
    turn_asked = Signal(str)
    rename_asked = Signal(str)
    remove_asked = Signal(str)
    refresh_asked = Signal(str)
    cancel_asked = Signal(str)
    source_removed = Signal(str, object)

    def __init__(self, theme: Theme, rows: CollectionItemModel, parent: QWidget | None = None) -> None:
        self.rows = rows
        super().__init__(theme, rows, tr("Collections"), least_rows=_ROWS, parent=parent)
        self.setItemDelegate(_CollectionDelegate(theme, self, _cell_look))
        rows.dataChanged.connect(lambda *_: self._share_width())  # a figure may be longer now
        self.selectionModel().currentRowChanged.connect(self._row_changed)

    @property
    def collection(self) -> CollectionState | None:
        """The collection that is chosen."""
        row = self.currentIndex().row()
        return self.rows.collections[row] if 0 <= row < len(self.rows.collections) else None

    def copied_text(self) -> str | None:
        return self.collection.name if self.collection is not None else None

    def action_rect(self, index: Index) -> QRectF | None:
        collection: CollectionState | None = index.data(COLLECTION_ROLE)
        if index.column() != STATE or collection is None or not turn_words(collection):
            return None
        metrics = QFontMetrics(self._theme.font("small"))
        text = state_words(collection)[0]
        taken = _BAR + S + metrics.horizontalAdvance(text) if is_under_way(collection) else 0
        left = S + (taken or badge_size(metrics, text).width()) + S
        return link_rect(metrics, QRectF(self.visualRect(index)), left, turn_words(collection))

    def _act(self, index: Index) -> None:
        self.turn_asked.emit(self.rows.collections[index.row()].name)

    def _act_on_row(self, index: Index) -> None:
        self.chosen.emit(self.rows.collections[index.row()].name)

    def _fill_menu(self, menu: QMenu, index: Index) -> None:
        collection = self.rows.collections[index.row()]
        name = collection.name
        turning = turn_words(collection)
        if turning:
            menu.addAction(turning, lambda: self.turn_asked.emit(name))
            menu.addAction(tr("Leave out what is not read yet"), lambda: self.cancel_asked.emit(name))
        menu.addAction(tr("Look at its files again\tF5"), lambda: self.refresh_asked.emit(name))
        menu.addAction(tr("Rename…\tF2"), lambda: self.rename_asked.emit(name))
        menu.addAction(tr("Remove\tDel"), lambda: self.remove_asked.emit(name))
        menu.addSeparator()
        for path in collection.sources[:_MOST_SOURCES]:
            entry = add_entry(menu, tr("Take out {path}").format(path=path))
            entry.triggered.connect(lambda _=False, wanted=path: self.source_removed.emit(name, wanted))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        collection = self.collection
        if collection is not None and event.key() == Qt.Key.Key_F2:
            self.rename_asked.emit(collection.name)
        elif collection is not None and event.key() == Qt.Key.Key_F5:
            self.refresh_asked.emit(collection.name)
        elif collection is not None and event.key() == Qt.Key.Key_Delete:
            self.remove_asked.emit(collection.name)
        else:
            super().keyPressEvent(event)

    def _row_changed(self, current: QModelIndex, before: QModelIndex) -> None:
        if 0 <= current.row() < len(self.rows.collections):
            self.chosen.emit(self.rows.collections[current.row()].name)

    def _share_width(self) -> None:
        wanted = self._wanted_widths(self.rows.titles, self.rows.texts(_MEASURED), _LONGEST)
        small = QFontMetrics(self._theme.font("small"))
        longest = f"{tr('{percent} %').format(percent=100)} · {tr('{count} min').format(count=60)}"
        under_way = _BAR + 4 * S + small.horizontalAdvance(longest) + small.horizontalAdvance(tr("Resume"))
        badges = (badge_size(small, state_words(each)[0]).width() for each in self.rows.collections[:_MEASURED])
        wanted[STATE] = max(under_way, *badges, 0) + 2 * S
        self._share(wanted, _WEIGHTS, _LEAVING)
