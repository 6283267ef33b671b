"""The rows of the list of conversations: headings, folders, conversations."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QDate, QLocale, QObject, Qt, Signal

from desktop.conversation import DELETED_KEPT_DAYS, Conversation, Folder
from desktop.translation import tr, trn
from desktop.ui.parts.data_table import Index
from desktop.ui.parts.untrusted_text import plain_line, tool_tip

if TYPE_CHECKING:
    from desktop.storage.conversation_listing import ListedConversations


class ConversationRole(IntEnum):
    """What a row can be asked for beside its text."""

    ID = Qt.ItemDataRole.UserRole + 1
    HEADING = Qt.ItemDataRole.UserRole + 2
    DETAIL = Qt.ItemDataRole.UserRole + 3
    OPEN = Qt.ItemDataRole.UserRole + 4
    FOLDED = Qt.ItemDataRole.UserRole + 5


@dataclass(frozen=True)
class GroupHeading:
    """The name of a group. `loose` where what is dropped under it stands in no folder then."""

    text: str
    loose: bool = True


@dataclass(frozen=True)
class FolderHeading:
    """A folder, and how many conversations stand in it."""

    folder: Folder
    count: int


Row = GroupHeading | FolderHeading | Conversation


def title_of(conversation: Conversation) -> str:
    """A conversation's title as shown."""
    return conversation.title or tr("New chat")


def group_of(conversation: Conversation, today: date) -> str:
    """The group a conversation stands in: pinned, or when it was last used (or deleted), in local time."""
    if _stands_pinned(conversation):
        return tr("Pinned")
    return _day_group(_day_of(conversation), today)


def _stands_pinned(conversation: Conversation) -> bool:
    return conversation.pinned and conversation.deleted_at is None


def _day_of(conversation: Conversation) -> date:
    moment = conversation.updated_at if conversation.deleted_at is None else conversation.deleted_at
    return datetime.fromtimestamp(moment).date()  # noqa: DTZ006 - the person's own days


def _day_group(day: date, today: date) -> str:
    if day >= today:
        return tr("Today")
    if day == today - timedelta(days=1):
        return tr("Yesterday")
    if day >= today - timedelta(days=7):
        return tr("Previous 7 days")
    return QLocale().toString(QDate(day.year, day.month, 1), "MMMM yyyy")


def grouped(conversations: Iterable[Conversation], today: date) -> list[Row]:
    """`conversations`, in the order given, with a heading before each group."""
    rows: list[Row] = []
    last = last_day = None
    group = ""
    for conversation in conversations:
        day = None if _stands_pinned(conversation) else _day_of(conversation)
        if day is None or day != last_day:  # a month's name takes longer than all else here
            group, last_day = group_of(conversation, today), day
        if group != last:
            rows.append(GroupHeading(group, loose=not conversation.pinned))
            last = group
        rows.append(conversation)
    return rows


def rows_of(listed: "ListedConversations", today: date) -> list[Row]:
    """The rows that show `listed`: pinned, folders, and the others by date; what was found stands under one heading."""
    if listed.filter.query.strip():
        found = [each for each in listed.others if each.archived_at is None or listed.filter.place != "chats"]
        archived = listed.others[len(found) :]
        parts = ((tr("Found"), found), (tr("Found in the archive"), archived))
        return [row for heading, part in parts if part for row in (GroupHeading(heading, loose=False), *part)]
    rows = grouped(listed.pinned, today)
    if listed.filter.place == "chats" and not listed.filter.narrowed:
        for section in listed.folders:
            rows += [FolderHeading(section.folder, section.count), *section.conversations]
    return rows + grouped(listed.others, today)


class ConversationItemModel(QAbstractListModel):
    """Rows of conversations and folders. `renamed` and `folder_renamed` say what the person typed over a name."""

    renamed = Signal(str, str)
    folder_renamed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._places: dict[str, int] = {}
        self._headings: list[int] = []
        self._folder_names: dict[str, str] = {}
        self._open_id: str | None = None
        self._flat = True
        self._marks: dict[str, str] = {}

    def show_marks(self, marks: dict[str, str]) -> None:
        """Say a few words beside some conversations, by their ids, in place of what their rows say otherwise."""
        changed = {key for key, _ in marks.items() ^ self._marks.items()}
        self._marks = marks
        for place in sorted(self._places[key] for key in changed if key in self._places):
            self.dataChanged.emit(self.index(place), self.index(place))

    def show(self, rows: list[Row], folder_names: Mapping[str, str] | None = None) -> bool:
        """Show `rows`; whether they differ from what was shown. `folder_names` (by id) are those of folders that a row
        says it stands in: it does where it does not stand under its folder's heading."""
        names = dict(folder_names or {})
        if rows == self._rows and names == self._folder_names:
            return False
        self.beginResetModel()
        self._rows, self._folder_names = rows, names
        self._flat = not any(isinstance(row, FolderHeading) for row in rows)
        self._places = {}
        self._headings = []
        for place, row in enumerate(rows):
            if isinstance(row, Conversation):
                self._places[row.id] = place
            else:
                self._headings.append(place)
                if isinstance(row, FolderHeading):
                    self._places[row.folder.id] = place
        self.endResetModel()
        return True

    def set_open(self, conversation_id: str | None) -> None:
        """Which conversation is open."""
        before, self._open_id = self._open_id, conversation_id
        for each in {before, conversation_id}:
            if (row := self.row_of(each)) is not None:
                self.dataChanged.emit(self.index(row), self.index(row), [ConversationRole.OPEN])

    def row_of(self, row_id: str | None) -> int | None:
        """The row of a conversation or a folder, None where it is not shown."""
        return self._places.get(row_id) if row_id is not None else None

    def row_at(self, index: Index) -> Row | None:
        """What stands in a row."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def conversation_at(self, index: Index) -> Conversation | None:
        """The conversation of a row, None for a heading."""
        row = self.row_at(index)
        return row if isinstance(row, Conversation) else None

    def folder_at(self, index: Index) -> Folder | None:
        """The folder whose heading stands in a row."""
        row = self.row_at(index)
        return row.folder if isinstance(row, FolderHeading) else None

    def section_of(self, row: int) -> tuple[range, GroupHeading | FolderHeading | None]:
        """The rows from the heading above `row` to the next one, and that heading; None where there is none."""
        at = bisect_right(self._headings, row)
        if not at:
            return range(0), None
        first = self._headings[at - 1]
        end = self._headings[at] if at < len(self._headings) else len(self._rows)
        heading = self._rows[first]
        return range(first, end), None if isinstance(heading, Conversation) else heading

    def row_beginning(self, typed: str, start: int) -> int | None:
        """The first row from `start` on, then from the top, whose title or name begins with `typed`."""
        wanted = typed.casefold()
        for row in (*range(max(start, 0), len(self._rows)), *range(min(max(start, 0), len(self._rows)))):
            each = self._rows[row]
            if isinstance(each, GroupHeading):
                continue
            text = title_of(each) if isinstance(each, Conversation) else each.folder.name
            if text.casefold().startswith(wanted):
                return row
        return None

    @property
    def conversations(self) -> list[Conversation]:
        """Every conversation shown, in order."""
        return [row for row in self._rows if isinstance(row, Conversation)]

    @property
    def folders(self) -> list[Folder]:
        """Every folder shown, in order."""
        return [row.folder for row in self._rows if isinstance(row, FolderHeading)]

    def ids_at(self, rows: Iterable[int]) -> tuple[str, ...]:
        """The conversations in these rows; other rows are passed over."""
        found = (self._rows[row] for row in rows if row < len(self._rows))
        return tuple(each.id for each in found if isinstance(each, Conversation))

    def find(self, ids: Sequence[str]) -> Iterator[Conversation]:
        """The conversations of these ids that are shown."""
        for each in ids:
            place = self._places.get(each)
            row = None if place is None else self._rows[place]
            if isinstance(row, Conversation):
                yield row

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.row_at(index)
        if isinstance(row, Conversation):
            return self._conversation_data(row, role)
        if isinstance(row, FolderHeading):
            return self._folder_data(row, role)
        if row is None or role not in (Qt.ItemDataRole.DisplayRole, ConversationRole.HEADING):
            return None
        return row.text if role == Qt.ItemDataRole.DisplayRole else True

    def _conversation_data(self, row: Conversation, role: int) -> object:
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return plain_line(title_of(row))
            case Qt.ItemDataRole.EditRole:
                return title_of(row)
            case Qt.ItemDataRole.ToolTipRole:
                return tool_tip(" · ".join(part for part in (title_of(row), self._detail_of(row)) if part))
            case Qt.ItemDataRole.AccessibleTextRole:
                parts = (title_of(row), self._detail_of(row), tr("open") if row.id == self._open_id else "")
                return plain_line(", ".join(part for part in parts if part))
            case ConversationRole.ID:
                return row.id
            case ConversationRole.DETAIL:
                return plain_line(self._detail_of(row))
            case ConversationRole.OPEN:
                return row.id == self._open_id
        return None

    def _folder_data(self, row: FolderHeading, role: int) -> object:
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return plain_line(row.folder.name)
            case Qt.ItemDataRole.EditRole:
                return row.folder.name
            case Qt.ItemDataRole.ToolTipRole:
                return tool_tip(row.folder.name)
            case Qt.ItemDataRole.AccessibleTextRole:
                held = trn("folder with {count} chat", "folder with {count} chats", row.count).format(count=row.count)
                state = tr("folded") if row.folder.folded else tr("unfolded")
                return plain_line(f"{row.folder.name}, {held}, {state}")
            case ConversationRole.HEADING:
                return True
            case ConversationRole.DETAIL:
                return QLocale().toString(row.count)
            case ConversationRole.FOLDED:
                return row.folder.folded
        return None

    def _detail_of(self, row: Conversation) -> str:
        """What a row says at its end: days left in the bin; the folder, where its place does not show it; tags."""
        if mark := self._marks.get(row.id):
            return mark
        if row.deleted_at is not None:
            passed = datetime.now().timestamp() - row.deleted_at  # noqa: DTZ005 - seconds alone
            days = max(1, min(DELETED_KEPT_DAYS, DELETED_KEPT_DAYS - int(passed // 86400)))
            return trn("{count} day left", "{count} days left", days).format(count=days)
        folder = self._folder_names.get(row.folder_id or "", "") if self._flat or row.pinned else ""
        return folder or " ".join(f"#{tag}" for tag in row.tags)

    def flags(self, index: Index) -> Qt.ItemFlag:
        row = self.row_at(index)
        if isinstance(row, FolderHeading):
            return (
                Qt.ItemFlag.ItemIsEnabled
                | Qt.ItemFlag.ItemIsEditable
                | Qt.ItemFlag.ItemIsDragEnabled
                | Qt.ItemFlag.ItemIsDropEnabled
            )
        if not isinstance(row, Conversation):
            return Qt.ItemFlag.ItemIsDropEnabled if row is not None else Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if row.deleted_at is not None:
            return flags
        return flags | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDragEnabled | Qt.ItemFlag.ItemIsDropEnabled

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self.row_at(index)
        if role != Qt.ItemDataRole.EditRole or row is None or isinstance(row, GroupHeading):
            return False
        text = str(value).strip()
        if isinstance(row, Conversation):
            self.renamed.emit(row.id, text)
        elif text:
            self.folder_renamed.emit(row.folder.id, text)
        return True
