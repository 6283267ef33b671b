"""The files of a collection as a table, with what can be done with each: look at what was read, give a password, leave
it out."""

from functools import partial

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QMenu, QStyle, QWidget

from desktop.documents.document_collection import CollectionFile
from desktop.translation import tr
from desktop.ui.documents.collection_file_item_model import (
    FILE,
    FILE_ROLE,
    LEAVE,
    LOOK,
    PAGES,
    READ,
    CollectionFileItemModel,
    FileAction,
    action_of,
    action_words,
)
from desktop.ui.documents.collection_words import file_state_words
from desktop.ui.parts.action_table import ActionTable, link_rect, paint_link
from desktop.ui.parts.data_table import CellDelegate, CellLook, Index
from desktop.ui.parts.label import badge_size, paint_badge
from desktop.ui.parts.paint import paint_focus
from desktop.ui.theme.design_tokens import RADIUS, S
from desktop.ui.theme.theme import Theme

_MEASURED = 60
_LONGEST = 60
_WEIGHTS = (0.5, 0.2, 0.3, 0.0, 0.0)
_LEAVING = (PAGES, READ)
_ROWS = 3
_KEYS: dict[FileAction, str] = {"look": "\tEnter", "leave-out": "\tDel"}


def _cell_look(index: Index) -> CellLook:
    file: CollectionFile = index.data(FILE_ROLE)
    out = file.state == "left-out"
    color = "text" if index.column() == FILE and not out else "muted"
    elide = Qt.TextElideMode.ElideMiddle if index.column() == FILE else Qt.TextElideMode.ElideRight
    return CellLook(color, struck=out and index.column() == FILE, elide=elide)


class _FileDelegate(CellDelegate):
    """What is wrong with a file is drawn as a badge, what can be done with it as a link."""

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        file: CollectionFile = index.data(FILE_ROLE)
        action = action_of(file, index.column())
        badge, tone = file_state_words(file) if index.column() == READ else ("", "quiet")
        if action is None and not badge:
            super()._draw(painter, rect, state, index)
            return
        theme, selected = self._theme, bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(rect, theme.color("selected"))
        self._paint_line(painter, rect)
        if badge:
            painter.setFont(theme.font("small"))
            size = badge_size(painter.fontMetrics(), badge)
            top = rect.y() + (rect.height() - 1 - size.height()) / 2
            box = QRectF(rect.x() + S, top, min(size.width(), rect.width() - 2 * S), size.height())
            paint_badge(painter, theme, box, badge, tone, on_selection=selected)
        elif action is not None and (selected or action != "leave-out" or file.error is not None):
            # On the way of the eye down a thousand files that are well, "Leave out" would stand a thousand times.
            painter.setFont(theme.font("normal"))
            words = action_words(action)
            paint_link(painter, theme, link_rect(painter.fontMetrics(), rect, S, words), words)
        current = self._view.currentIndex()
        if self._view.hasFocus() and (current.row(), current.column()) == (index.row(), index.column()):
            paint_focus(painter, rect.adjusted(0, 0, 0, -1), theme.color("accent"), RADIUS - 3)


class CollectionFileTable(ActionTable):
    """`action_asked` carries what is to be done ("look", "password", "leave-out", "take-back") and the file's id;
    `chosen_changed` when another file is the current one."""

    action_asked = Signal(str, int)
    chosen_changed = Signal()

    def __init__(self, theme: Theme, rows: CollectionFileItemModel, parent: QWidget | None = None) -> None:
        self.rows = rows
        super().__init__(theme, rows, tr("Files of the collection"), least_rows=_ROWS, parent=parent)
        self.horizontalHeader().hide()
        self.setItemDelegate(_FileDelegate(theme, self, _cell_look))
        rows.dataChanged.connect(lambda *_: self._share_width())  # a figure may be longer now
        self.selectionModel().currentRowChanged.connect(lambda *_: self.chosen_changed.emit())

    @property
    def file(self) -> CollectionFile | None:
        """The file that is chosen."""
        row = self.currentIndex().row()
        return self.rows.files[row] if 0 <= row < len(self.rows.files) else None

    def copied_text(self) -> str | None:
        return str(self.file.path) if self.file is not None else None

    def action_rect(self, index: Index) -> QRectF | None:
        file: CollectionFile | None = index.data(FILE_ROLE)
        action = action_of(file, index.column()) if file is not None else None
        if action is None:
            return None
        cell = QRectF(self.visualRect(index))
        return link_rect(QFontMetrics(self._theme.font("normal")), cell, S, action_words(action))

    def _act(self, index: Index) -> None:
        self._ask(self.rows.files[index.row()], action_of(self.rows.files[index.row()], index.column()))

    def _act_on_row(self, index: Index) -> None:
        file = self.rows.files[index.row()]
        self._ask(file, action_of(file, LOOK) or (action_of(file, LEAVE) if file.state == "left-out" else None))

    def _ask(self, file: CollectionFile, action: FileAction | None) -> None:
        if action is not None:
            self.action_asked.emit(action, file.id)

    def _fill_menu(self, menu: QMenu, index: Index) -> None:
        file = self.rows.files[index.row()]
        for action in (action_of(file, LOOK), action_of(file, LEAVE)):
            if action is not None:
                words = tr("Enter its password…") if action == "password" else action_words(action)
                entry = words + _KEYS.get(action, "")
                menu.addAction(entry, partial(self._ask, file, action))
        menu.addAction(tr("Copy the path\tCtrl+C"), self.copy)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        file = self.file
        if file is not None and event.key() == Qt.Key.Key_Delete:
            self._ask(file, "leave-out" if file.state != "left-out" else None)
        else:
            super().keyPressEvent(event)

    def _share_width(self) -> None:
        titles = ("",) * len(self.rows.titles)
        wanted = self._wanted_widths(titles, self.rows.texts(_MEASURED), _LONGEST)
        small, normal = QFontMetrics(self._theme.font("small")), QFontMetrics(self._theme.font("normal"))
        badges = (badge_size(small, file_state_words(each)[0]).width() for each in self.rows.files[:_MEASURED])
        wanted[READ] = max(wanted[READ], *badges, 0) + 2 * S
        actions: dict[int, tuple[FileAction, ...]] = {LOOK: ("look", "password"), LEAVE: ("leave-out", "take-back")}
        for column, each in actions.items():
            wanted[column] = max(normal.horizontalAdvance(action_words(action)) for action in each) + 3 * S
        self._share(wanted, _WEIGHTS, _LEAVING)
