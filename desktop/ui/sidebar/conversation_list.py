"""The conversations, in groups by day, drawn as a list; rows are all of one height, so that ten thousand stay quick."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QDate,
    QEvent,
    QLocale,
    QObject,
    QPoint,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from desktop.conversation import Conversation
from desktop.translation import tr
from desktop.ui.parts.data_table import Index, ItemDelegate
from desktop.ui.parts.line_edit import LineEdit
from desktop.ui.parts.paint import paint_line
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.untrusted_text import plain_line, tool_tip
from desktop.ui.theme.design_tokens import RADIUS, S
from desktop.ui.theme.theme import Theme

_HEADING_DROP = 3.5
_LONGEST_TITLE = 200


class ConversationRole(IntEnum):
    """What a row can be asked for beside its text."""

    ID = Qt.ItemDataRole.UserRole + 1
    HEADING = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True)
class GroupHeading:
    """The name of a group."""

    text: str


Row = GroupHeading | Conversation


def title_of(conversation: Conversation) -> str:
    """A conversation's title as shown."""
    return conversation.title or tr("New chat")


def group_of(conversation: Conversation, today: date) -> str:
    """The group a conversation stands in: pinned, or when it was last used, in local time."""
    if conversation.pinned:
        return tr("Pinned")
    day = datetime.fromtimestamp(conversation.updated_at).date()  # noqa: DTZ006 - the person's own days
    if day >= today:
        return tr("Today")
    if day == today - timedelta(days=1):
        return tr("Yesterday")
    if day >= today - timedelta(days=7):
        return tr("Previous 7 days")
    return QLocale().toString(QDate(day.year, day.month, 1), "MMMM yyyy")


def grouped(conversations: list[Conversation], today: date, heading: str = "") -> list[Row]:
    """`conversations`, in the order given, with a heading before each group (or the one `heading` before all)."""
    rows: list[Row] = []
    last = None
    for conversation in conversations:
        group = heading or group_of(conversation, today)
        if group != last:
            rows.append(GroupHeading(group))
            last = group
        rows.append(conversation)
    return rows


class ConversationItemModel(QAbstractListModel):
    """Rows of conversations. `renamed` says what the person typed over a title."""

    renamed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._places: dict[str, int] = {}

    def show(self, rows: list[Row]) -> bool:
        """Show `rows`; whether they differ from what was shown."""
        if rows == self._rows:
            return False
        self.beginResetModel()
        self._rows = rows
        self._places = {row.id: place for place, row in enumerate(rows) if isinstance(row, Conversation)}
        self.endResetModel()
        return True

    def row_of(self, conversation_id: str | None) -> int | None:
        """The row of a conversation, None where it is not shown."""
        return self._places.get(conversation_id) if conversation_id is not None else None

    def conversation_at(self, index: Index) -> Conversation | None:
        """The conversation of a row, None for a heading."""
        row = self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None
        return row if isinstance(row, Conversation) else None

    @property
    def conversations(self) -> list[Conversation]:
        """Every conversation shown, in order."""
        return [row for row in self._rows if isinstance(row, Conversation)]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if isinstance(row, GroupHeading):
            if role == ConversationRole.HEADING:
                return True
            return row.text if role == Qt.ItemDataRole.DisplayRole else None
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(title_of(row))
        if role == Qt.ItemDataRole.EditRole:
            return title_of(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(title_of(row))
        return row.id if role == ConversationRole.ID else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.conversation_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        conversation = self.conversation_at(index)
        if conversation is None or role != Qt.ItemDataRole.EditRole:
            return False
        self.renamed.emit(conversation.id, str(value).strip())
        return True


class ConversationDelegate(ItemDelegate):
    """Draws one row, and the field that renames it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, QFontMetrics(self._theme.font("normal")).height() + 2 * S + 1)

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        theme = self._theme
        heading = bool(index.data(ConversationRole.HEADING))
        if heading:
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color("faint"))
            rect.translate(0, _HEADING_DROP)
        else:
            self._paint_ground(painter, rect, state, RADIUS - 1, RADIUS - 1)
            painter.setFont(theme.font("normal"))
            painter.setPen(theme.color("text"))
        paint_line(painter, rect.adjusted(S, 0, -S, 0), str(index.data()))

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

    def restore_position(self, conversation_id: str | None, row: int) -> None:
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
