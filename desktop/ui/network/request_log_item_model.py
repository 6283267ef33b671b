"""The log as rows of a table: a day, then its requests, the newest first; brought up to date without a jump."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from desktop.network.request_log import RequestLogEntry
from desktop.translation import tr
from desktop.ui.network.request_text import (
    answer_words,
    bytes_words,
    day_of,
    day_words,
    outcome_of,
    purpose_words,
    spoken_words,
    time_words,
    took_words,
)
from desktop.ui.parts.data_table import Index
from desktop.ui.parts.untrusted_text import plain_line, tool_tip

OUTCOME_ROLE = Qt.ItemDataRole.UserRole + 1
"""What came of a row's request; None for a day."""

DAY_ROLE = Qt.ItemDataRole.UserRole + 2
"""The words of a row that is a day; None for a request."""

TIME, PURPOSE, HOST, ASKED, ANSWER, SENT, RECEIVED, TOOK = range(8)
RIGHT = frozenset({SENT, RECEIVED, TOOK})
"""The columns of figures."""


@dataclass(frozen=True)
class DayHeading:
    """A row that stands over the requests of a day."""

    day: date


Row = DayHeading | RequestLogEntry


class RequestLogItemModel(QAbstractTableModel):
    """Rows of days and requests. `exchanges` are the requests among them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.titles = (
            tr("Time"),
            tr("What for"),
            tr("Host"),
            tr("Asked"),
            tr("Answer"),
            tr("Sent"),
            tr("Received"),
            tr("Took"),
        )
        self.exchanges: list[RequestLogEntry] = []
        self._rows: list[Row] = []
        self._today = date.min
        self._cells: dict[RequestLogEntry, tuple[str, ...]] = {}

    def show(self, exchanges: Sequence[RequestLogEntry], today: date) -> None:
        """Show these, the newest first. Rows that were there already stay where they are."""
        rows = _with_days(exchanges)
        before = self._rows
        if today != self._today:  # every day has another name now
            self.beginResetModel()
            self._today, self._rows, self.exchanges, self._cells = today, rows, list(exchanges), {}
            self.endResetModel()
            return
        old, new = [_key(row) for row in before], [_key(row) for row in rows]
        head = _same(old, new)
        tail = _same(old[head:][::-1], new[head:][::-1])
        gone, come = len(old) - head - tail, len(new) - head - tail
        if gone:
            self.beginRemoveRows(QModelIndex(), head, head + gone - 1)
            self._rows = [*before[:head], *before[len(before) - tail :]]
            self.exchanges = [row for row in self._rows if isinstance(row, RequestLogEntry)]
            self.endRemoveRows()
        if come:
            self.beginInsertRows(QModelIndex(), head, head + come - 1)
            self._rows = [*self._rows[:head], *rows[head : head + come], *self._rows[head:]]
            self.endInsertRows()
        changed = [at for at, (held, row) in enumerate(zip(self._rows, rows, strict=True)) if held != row]
        self._rows, self.exchanges = rows, list(exchanges)
        for at in changed:
            self.dataChanged.emit(self.index(at, 0), self.index(at, len(self.titles) - 1))

    def exchange_at(self, row: int) -> RequestLogEntry | None:
        """The request in a row; None for a day."""
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return found if isinstance(found, RequestLogEntry) else None

    def row_of(self, key: str) -> int:
        """The row of the request with this key, -1 where there is none."""
        return next(
            (at for at, row in enumerate(self._rows) if isinstance(row, RequestLogEntry) and row.key == key), -1
        )

    def texts(self, count: int) -> list[tuple[str, ...]]:
        """The cells of the first `count` requests."""
        return [self._row(exchange) for exchange in self.exchanges[:count]]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.titles[section]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        # The keyboard passes days over; each request says its own.
        if self.exchange_at(index.row()) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if isinstance(row, DayHeading):
            return self._of_day(row, index.column(), role)
        text = self._row(row)[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(text)
        if role == OUTCOME_ROLE:
            return outcome_of(row)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in RIGHT:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole and index.column() in (HOST, ASKED, ANSWER):
            return tool_tip(text)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            day = f"{day_words(day_of(row.time), self._today)}, " if index.column() == TIME else ""
            return f"{self.titles[index.column()]}: {day}{spoken_words(text)}"
        return None

    def _of_day(self, row: DayHeading, column: int, role: int) -> object:
        words = day_words(row.day, self._today)
        if role == DAY_ROLE:
            return words
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return words if column == TIME else ""
        return None

    def _row(self, exchange: RequestLogEntry) -> tuple[str, ...]:
        cells = self._cells.get(exchange)
        if cells is None:
            cells = self._cells[exchange] = (
                time_words(exchange.time),
                purpose_words(exchange.purpose),
                exchange.host,
                f"{exchange.method} {exchange.path}",
                answer_words(exchange),
                bytes_words(exchange.sent, exchange),
                bytes_words(exchange.received, exchange),
                took_words(exchange),
            )
        return cells


def _with_days(exchanges: Sequence[RequestLogEntry]) -> list[Row]:
    rows: list[Row] = []
    last: date | None = None
    for exchange in exchanges:
        day = day_of(exchange.time)
        if day != last:
            rows.append(DayHeading(day))
            last = day
        rows.append(exchange)
    return rows


def _key(row: Row) -> str:
    return row.day.isoformat() if isinstance(row, DayHeading) else row.key


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    """How many at the beginning are the same."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
