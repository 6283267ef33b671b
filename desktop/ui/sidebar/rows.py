"""The list of conversations as Qt asks for it: one row per conversation and one per group heading."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QDate, QLocale, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from desktop.conversation import Conversation
from desktop.translation import tr
from desktop.ui.parts.foreign_text import plain_line, tool_tip

Index = QModelIndex | QPersistentModelIndex


class Role(IntEnum):
    """What a row can be asked for beside its text."""

    ID = Qt.ItemDataRole.UserRole + 1
    HEADING = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True)
class Heading:
    """The name of a group."""

    text: str


Row = Heading | Conversation


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
            rows.append(Heading(group))
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
        if isinstance(row, Heading):
            if role == Role.HEADING:
                return True
            return row.text if role == Qt.ItemDataRole.DisplayRole else None
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(title_of(row))
        if role == Qt.ItemDataRole.EditRole:
            return title_of(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(title_of(row))
        return row.id if role == Role.ID else None

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
