"""The files of a collection as rows of a table, and what can be done with each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from desktop.documents.document_collection import CollectionFile
from desktop.translation import tr
from desktop.ui.documents.collection_words import error_words, file_state_words, read_words, size_words
from desktop.ui.parts.data_table import Index
from desktop.ui.parts.untrusted_text import plain_line, tool_tip

FILE, PAGES, READ, LOOK, LEAVE = range(5)
FILE_ROLE = Qt.ItemDataRole.UserRole + 1
"""The CollectionFile of a row."""

FileAction = Literal["look", "password", "leave-out", "take-back"]


def action_of(file: CollectionFile, column: int) -> FileAction | None:
    """What the cell in a column does when it is pressed; None where it does nothing."""
    if column == LOOK:
        if file.state == "encrypted":
            return "password"
        return "look" if file.read_at is not None and file.state != "left-out" else None
    if column == LEAVE:
        return "take-back" if file.state == "left-out" else "leave-out"
    return None


def action_words(action: FileAction) -> str:
    """An action as a link says it."""
    return {
        "look": tr("What was read"),
        "password": tr("Enter…"),
        "leave-out": tr("Leave out"),
        "take-back": tr("Take back"),
    }[action]


class CollectionFileItemModel(QAbstractTableModel):
    """Rows of `files`, in the order in which they are given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.titles = (tr("File"), tr("Pages"), tr("Read"), tr("Open"), tr("Remove"))
        self.files: tuple[CollectionFile, ...] = ()
        self._now = datetime.min  # noqa: DTZ901 - the person's own days

    def show(self, files: Sequence[CollectionFile], now: datetime) -> None:
        """Show these. `now` is the person's own time."""
        before = self.files
        same = now.date() == self._now.date() and [each.id for each in before] == [each.id for each in files]
        if not same:
            self.beginResetModel()
            self.files, self._now = tuple(files), now
            self.endResetModel()
            return
        self.files, self._now = tuple(files), now
        changed = [row for row, (old, new) in enumerate(zip(before, self.files, strict=True)) if old != new]
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], LEAVE))

    def row_of(self, file_id: int) -> int:
        """The row of a file, -1 where there is none."""
        return next((row for row, each in enumerate(self.files) if each.id == file_id), -1)

    def texts(self, count: int) -> list[tuple[str, ...]]:
        """The cells of the first `count` rows."""
        return [tuple(self._cell(each, column) for column in range(len(self.titles))) for each in self.files[:count]]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.files)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.titles[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.files):
            return None
        file, column = self.files[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(self._cell(file, column))
        if role == FILE_ROLE:
            return file
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(error_words(file) if column == READ and file.error is not None else str(file.path))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            text = self._cell(file, column)
            if action_of(file, column) is not None:
                return tr("{action}: {name}").format(action=text, name=plain_line(file.name))
            return f"{self.titles[column]}: {plain_line(text)}"
        return None

    def _cell(self, file: CollectionFile, column: int) -> str:
        action = action_of(file, column)
        if action is not None:
            return action_words(action)
        if column == FILE:
            return file.name
        if column == PAGES:
            return size_words(file)
        return file_state_words(file)[0] or read_words(file, self._now) if column == READ else ""
