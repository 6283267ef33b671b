"""What a tool server did as rows of a table, the newest first."""

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from desktop.tools.tool_log import ToolLogEntry
from desktop.translation import tr
from desktop.ui.parts.data_table import Index
from desktop.ui.parts.untrusted_text import plain_line, tool_tip
from desktop.ui.tools.tool_words import (
    arguments_words,
    bytes_words,
    outcome_words,
    permission_words,
    reason_words,
    seconds_words,
    time_words,
)

TIME, OUTCOME, TOOL, BY, SENT, RECEIVED, TOOK, REASON = range(8)
RIGHT = frozenset({SENT, RECEIVED, TOOK})
"""The columns of figures."""
COLOR_ROLE = Qt.ItemDataRole.UserRole + 1
"""The name of the color that a row's outcome is told in."""


class ToolLogItemModel(QAbstractTableModel):
    """Rows of `entries`, in the order in which they are given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.titles = (
            tr("Time"),
            tr("What"),
            tr("Tool and arguments"),
            tr("By what permission"),
            tr("Sent"),
            tr("Received"),
            tr("Took"),
            tr("Why"),
        )
        self.entries: tuple[ToolLogEntry, ...] = ()
        self._now: datetime | None = None

    def show(self, entries: Sequence[ToolLogEntry], now: datetime) -> None:
        """Show these; their times are told as seen from `now`."""
        if tuple(entries) == self.entries and self._now is not None and self._now.date() == now.date():
            return
        self.beginResetModel()
        self.entries, self._now = tuple(entries), now
        self.endResetModel()

    def texts(self, count: int) -> list[tuple[str, ...]]:
        """The cells of the first `count` rows."""
        return [self._cells(row) for row in range(min(count, len(self.entries)))]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.entries)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return self.titles[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.entries):
            return None
        entry = self.entries[index.row()]
        if role == COLOR_ROLE:
            return outcome_words(entry)[1]
        text = self._cells(index.row())[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.titles[index.column()]}: {text}" if text else ""
        if role == Qt.ItemDataRole.ToolTipRole and index.column() in (TOOL, REASON):
            return tool_tip(text)
        return None

    def _cells(self, row: int) -> tuple[str, ...]:
        entry = self.entries[row]
        assert self._now is not None
        cells = (
            time_words(entry.at, self._now),
            outcome_words(entry)[0],
            arguments_words(entry),
            permission_words(entry.by),
            bytes_words(entry.sent),
            bytes_words(entry.received),
            seconds_words(entry.seconds),
            reason_words(entry),
        )
        return tuple(plain_line(each) for each in cells)
