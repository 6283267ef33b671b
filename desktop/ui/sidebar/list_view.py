"""The conversations drawn as a calm list; rows are all of one height, so that ten thousand of them stay quick."""

from PySide6.QtCore import QAbstractItemModel, QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from desktop.translation import tr
from desktop.ui.parts.line_edit import LineEdit
from desktop.ui.parts.paint import paint_box, paint_focus, paint_line
from desktop.ui.parts.scroll import use_slim_scroll_bars
from desktop.ui.sidebar.rows import ConversationItemModel, Index, Role
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import RADIUS, S

_HEADING_DROP = 3.5
_LONGEST_TITLE = 200


class ConversationDelegate(QStyledItemDelegate):
    """Draws one row, and the field that renames it."""

    def __init__(self, theme: Theme, parent: QListView) -> None:
        super().__init__(parent)
        self._theme, self._view = theme, parent

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, QFontMetrics(self._theme.font("normal")).height() + 2 * S + 1)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        theme, rect = self._theme, QRectF(option.rect)
        heading = bool(index.data(Role.HEADING))
        state = option.state
        if heading:
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color("faint"))
            rect.translate(0, _HEADING_DROP)
        else:
            if state & QStyle.StateFlag.State_Selected:
                paint_box(painter, rect, theme.color("selected"), None, RADIUS - 1)
            elif state & QStyle.StateFlag.State_MouseOver:
                paint_box(painter, rect, theme.color("hover"), None, RADIUS - 1)
            if state & QStyle.StateFlag.State_HasFocus and self._view.hasFocus():
                paint_focus(painter, rect, theme.color("accent"), RADIUS - 1)
            painter.setFont(theme.font("normal"))
            painter.setPen(theme.color("text"))
        paint_line(painter, rect.adjusted(S, 0, -S, 0), str(index.data()))
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = LineEdit(parent)
        editor.setAccessibleName(tr("Rename conversation"))
        editor.setFont(self._theme.font("normal"))
        editor.setMaxLength(max(_LONGEST_TITLE, 2 * len(str(index.data(Qt.ItemDataRole.EditRole)))))
        return editor

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, LineEdit) and editor.text() != index.data(Qt.ItemDataRole.EditRole):
            model.setData(index, editor.text())


class ConversationList(QListView):
    """`chosen` when a row is opened, `delete_asked` and `menu_asked` for the row they are about."""

    chosen = Signal(str)
    delete_asked = Signal(str)
    menu_asked = Signal(str, QPoint)
    reached_end = Signal()
    rename_ended = Signal()

    def __init__(self, theme: Theme, model: ConversationItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setAccessibleName(tr("Conversations"))
        self.setModel(model)
        self.setItemDelegate(ConversationDelegate(theme, self))
        self.setUniformItemSizes(True)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(16)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(self._open)
        self.activated.connect(self._open)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)

    def select(self, conversation_id: str | None) -> None:
        """Show which conversation is open. A row the keyboard is on stays the current one."""
        row = self._model.row_of(conversation_id)
        if row is None:
            self.clearSelection()
        else:
            index = self._model.index(row)
            if self.currentIndex() != index and not (self.hasFocus() and self.current_id() is not None):
                self.setCurrentIndex(index)
            self.selectionModel().select(index, self.selectionModel().SelectionFlag.ClearAndSelect)

    def stay_at(self, conversation_id: str | None, row: int) -> None:
        """After other rows came: the keyboard is where it was, or beside it where that conversation is gone."""
        if conversation_id is None:
            return
        places = [self._model.row_of(conversation_id), *range(row, self._model.rowCount()), *range(row - 1, -1, -1)]
        indexes = (self._model.index(place) for place in places if place is not None)
        index = next((index for index in indexes if self._model.conversation_at(index) is not None), None)
        if index is not None:
            self.selectionModel().setCurrentIndex(index, self.selectionModel().SelectionFlag.NoUpdate)

    @property
    def renaming(self) -> bool:
        """Whether a title is being typed over."""
        return self.state() == QAbstractItemView.State.EditingState

    def current_id(self) -> str | None:
        """The conversation of the row the keyboard is on."""
        conversation = self._model.conversation_at(self.currentIndex())
        return conversation.id if conversation is not None else None

    def rename(self, conversation_id: str) -> None:
        """Let the person type over a title."""
        row = self._model.row_of(conversation_id)
        if row is not None:
            self.setCurrentIndex(self._model.index(row))
            self.edit(self._model.index(row))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and (here := self.current_id()) is not None:
            if not event.isAutoRepeat():  # a key held down a moment too long takes one of them, not several
                self.delete_asked.emit(here)
        elif event.key() == Qt.Key.Key_Backspace:
            event.accept()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        conversation = self._model.conversation_at(index)
        if conversation is not None:
            at = self.visualRect(index).bottomLeft() if by_key else event.pos()
            self.menu_asked.emit(conversation.id, self.viewport().mapToGlobal(at))

    def closeEditor(self, editor: QWidget, hint: QStyledItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self.rename_ended.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.scheduleDelayedItemsLayout()

    def _open(self, index: Index) -> None:
        conversation = self._model.conversation_at(index)
        if conversation is not None:
            self.chosen.emit(conversation.id)

    def _scrolled(self, value: int) -> None:
        if value and value >= self.verticalScrollBar().maximum():
            self.reached_end.emit()
