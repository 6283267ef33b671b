"""The list of conversations and folders; rows are all of one height, so that ten thousand stay quick."""

import time

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView, QStyledItemDelegate, QWidget

from desktop.translation import tr
from desktop.ui.parts.data_table import Index
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.sidebar.conversation_delegate import ConversationDelegate
from desktop.ui.sidebar.conversation_drag import DropTarget, begin_drag, drop_target
from desktop.ui.sidebar.conversation_item_model import ConversationItemModel
from desktop.ui.sidebar.order_request import OrderRequest
from desktop.ui.theme.theme import Theme

_MOVES_FOLDER = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
_CHOOSES = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class ConversationList(QListView):
    """`chosen` when a conversation is opened, `asked` for what is to be done, `menu_asked` for the row the keyboard or
    pointer is on. `selection_changed` when others are selected, `leave_asked` on Escape where nothing is."""

    chosen = Signal(str)
    asked = Signal(object)
    menu_asked = Signal(QPoint)
    reached_end = Signal()
    rename_ended = Signal()
    selection_changed = Signal()
    leave_asked = Signal()

    def __init__(self, theme: Theme, model: ConversationItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # One made here is known to PySide; to find out what Qt's own is it loads every class of widgets, before the
        # first paint.
        self.setViewport(QWidget())
        self._model = model
        self._delegate = ConversationDelegate(theme, self, self)
        self._drop: DropTarget | None = None
        self._modifiers = Qt.KeyboardModifier.NoModifier
        self._leaves = self._choosing = False
        self._typed, self._typed_at = "", 0.0
        self.setAccessibleName(tr("Conversations"))
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(16)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDropIndicatorShown(False)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(self._open)
        self.activated.connect(self._open)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)

    # --- what is selected ----------------------------------------------------------------------------------------

    @property
    def selected_ids(self) -> tuple[str, ...]:
        """The conversations that are selected, from the top."""
        every = self.selectionModel().selection()
        ranges = (range(every.at(at).top(), every.at(at).bottom() + 1) for at in range(every.count()))
        return self._model.ids_at(sorted(row for rows in ranges for row in rows))

    @property
    def choosing(self) -> bool:
        """Whether several rows are selected, to do something with them together."""
        return self._choosing

    def action_ids(self) -> tuple[str, ...]:
        """What a key or a menu is about: all that is selected where several are and the current row is among them, else
        the conversation of the current row."""
        here = self.current_id()
        if here is None:
            return ()
        return self.selected_ids if self.choosing and self.selectionModel().isSelected(self.currentIndex()) else (here,)

    def reset(self) -> None:
        super().reset()
        self._choosing = False  # nothing is selected, and no signal says so

    def select_ids(self, ids: tuple[str, ...]) -> None:
        """Select those of these conversations that are shown, and no others."""
        selection = QItemSelection()
        for each in ids:
            if (row := self._model.row_of(each)) is not None:
                selection.select(self._model.index(row), self._model.index(row))
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def select(self, conversation_id: str | None) -> None:
        """Show which conversation is open. A row the keyboard is on stays the current one, and several that are
        selected stay so."""
        self._model.set_open(conversation_id)
        if self.choosing:
            return
        row = self._model.row_of(conversation_id)
        if row is None:
            self.clearSelection()
        else:
            index = self._model.index(row)
            if self.currentIndex() != index and not (self.hasFocus() and self.current_row_id() is not None):
                self.setCurrentIndex(index)
            self.selectionModel().select(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def stop_choosing(self) -> None:
        """Of several that are selected leave one."""
        self.selectionModel().select(self.currentIndex(), QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def set_leaves(self, leaves: bool) -> None:
        """Whether Escape leads from here to all chats."""
        self._leaves = leaves

    def restore_position(self, row_id: str | None, row: int) -> None:
        """After other rows came: the keyboard is where it was, or beside it where that row is gone."""
        if row_id is None:
            return
        places = [self._model.row_of(row_id), *range(row, self._model.rowCount()), *range(row - 1, -1, -1)]
        indexes = (self._model.index(place) for place in places if place is not None)
        index = next((index for index in indexes if index.flags() & Qt.ItemFlag.ItemIsEnabled), None)
        if index is not None:
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        every = self.selectionModel().selection()
        self._choosing = every.count() > 1 or (every.count() == 1 and every.at(0).height() > 1)
        self.viewport().update()  # the rows that stay selected are drawn otherwise where they are several
        self.selection_changed.emit()

    # --- names ---------------------------------------------------------------------------------------------------

    @property
    def renaming(self) -> bool:
        """Whether a title is being typed over."""
        return self.state() == QAbstractItemView.State.EditingState

    def current_id(self) -> str | None:
        """The conversation of the row the keyboard is on."""
        conversation = self._model.conversation_at(self.currentIndex())
        return conversation.id if conversation is not None else None

    def current_row_id(self) -> str | None:
        """The conversation or the folder of the row the keyboard is on."""
        folder = self._model.folder_at(self.currentIndex())
        return folder.id if folder is not None else self.current_id()

    def rename(self, row_id: str) -> None:
        """Let the person type over a title, or a folder's name."""
        row = self._model.row_of(row_id)
        if row is not None:
            self.setCurrentIndex(self._model.index(row))
            self.edit(self._model.index(row))

    def closeEditor(self, editor: QWidget, hint: QStyledItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self.rename_ended.emit()

    # --- keys and clicks -----------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event, lambda: self.choosing or self._leaves) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        folder = self._model.folder_at(self.currentIndex())
        if self.renaming:
            super().keyPressEvent(event)  # a key that the field left: Return, above all
        elif event.key() == Qt.Key.Key_Backspace:
            event.accept()
        elif event.key() == Qt.Key.Key_Escape and (self.choosing or self._leaves):
            if self.choosing:
                self.stop_choosing()
            else:
                self.leave_asked.emit()
        elif event.key() == Qt.Key.Key_Delete:
            if not event.isAutoRepeat():  # a key held down a moment too long takes one of them, not several
                self._delete()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._fold(event.key())
        elif folder is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._open(self.currentIndex())
        elif (
            folder is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier and event.key() in _MOVES_FOLDER
        ):
            at = self._model.folders.index(folder) + _MOVES_FOLDER[Qt.Key(event.key())]
            if 0 <= at < len(self._model.folders):
                self.asked.emit(OrderRequest("place-folder", folder_id=folder.id, position=at))
        else:
            self._modifiers = Qt.KeyboardModifier.NoModifier
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Go to the next title that begins with what is typed. Qt's own way asks for each row's data, one by one."""
        now = time.monotonic()
        again = now - self._typed_at < QApplication.keyboardInputInterval() / 1000
        self._typed, self._typed_at = (self._typed + search if again else search), now
        start = self.currentIndex().row() + (0 if len(self._typed) > 1 else 1)
        if (row := self._model.row_beginning(self._typed, start)) is not None:
            self.setCurrentIndex(self._model.index(row))

    def _delete(self) -> None:
        if (folder := self._model.folder_at(self.currentIndex())) is not None:
            self.asked.emit(OrderRequest("delete-folder", folder_id=folder.id))
        elif ids := self.action_ids():
            found = self._model.conversation_at(self.currentIndex())
            erases = found is not None and found.deleted_at is not None
            self.asked.emit(OrderRequest("erase" if erases else "delete", ids))

    def _fold(self, key: int) -> None:
        """Left folds a folder, and leads from a conversation in one to it; Right unfolds."""
        index = self.currentIndex()
        folder = self._model.folder_at(index)
        if folder is not None:
            folded = key == Qt.Key.Key_Left
            if folder.folded != folded:
                self.asked.emit(OrderRequest("fold" if folded else "unfold", folder_id=folder.id))
        elif key == Qt.Key.Key_Left and index.isValid():
            rows, _ = self._model.section_of(index.row())
            if rows and self._model.folder_at(self._model.index(rows.start)) is not None:
                self.setCurrentIndex(self._model.index(rows.start))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._modifiers = event.modifiers()
        super().mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if not by_key and self._model.folder_at(index) is not None:
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        at = self.visualRect(index).bottomLeft() if by_key else event.pos()
        if index.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.menu_asked.emit(self.viewport().mapToGlobal(at))

    def _open(self, index: Index) -> None:
        if self._modifiers & _CHOOSES:
            return  # it selects
        folder, conversation = self._model.folder_at(index), self._model.conversation_at(index)
        if folder is not None:
            self.asked.emit(OrderRequest("unfold" if folder.folded else "fold", folder_id=folder.id))
        elif conversation is not None and conversation.deleted_at is None:
            self.chosen.emit(conversation.id)

    def _scrolled(self, value: int) -> None:
        if value and value >= self.verticalScrollBar().maximum():
            self.reached_end.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.scheduleDelayedItemsLayout()

    # --- dragging ------------------------------------------------------------------------------------------------

    @property
    def drop_rows(self) -> range:
        """The rows of the section that what is dragged would be dropped into."""
        return self._drop.rows if self._drop is not None else range(0)

    @property
    def drop_line(self) -> tuple[int, bool] | None:
        """The row above which (True) or below which a dragged folder would come to stand."""
        return self._drop.line if self._drop is not None else None

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        if self.currentIndex().flags() & Qt.ItemFlag.ItemIsDragEnabled:
            begin_drag(self, self._model, self._delegate, self.action_ids())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._drag_to(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        super().dragMoveEvent(event)  # which scrolls near the edges
        self._drag_to(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        super().dragLeaveEvent(event)
        self._show_drop(None)

    def dropEvent(self, event: QDropEvent) -> None:
        target = drop_target(self, self._model, event)
        self._show_drop(None)
        self.stopAutoScroll()
        self.setState(QAbstractItemView.State.NoState)
        if target is None:
            event.ignore()
            return
        event.acceptProposedAction()
        self.asked.emit(target.request)

    def _drag_to(self, event: QDragMoveEvent) -> None:
        target = drop_target(self, self._model, event)
        self._show_drop(target)
        if target is None:
            event.ignore()
        else:
            event.acceptProposedAction()

    def _show_drop(self, target: DropTarget | None) -> None:
        if target != self._drop:
            self._drop = target
            self.viewport().update()
