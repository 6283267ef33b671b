"""Tool servers as rows of a table, brought up to date without a jump."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from desktop.translation import tr
from desktop.ui.parts.data_table import Index
from desktop.ui.parts.untrusted_text import plain_line, tool_tip
from desktop.ui.tools.server_words import action_words, command_words, condition_words, reach_words, server_title
from desktop.ui.tools.tools_page_values import ServerFacts

NAME, COMMAND, REACH, CONDITION = range(4)
SERVER_ROLE = Qt.ItemDataRole.UserRole + 1
"""The ServerFacts of a row."""


class ToolServerItemModel(QAbstractTableModel):
    """Rows of `servers`, in the order in which they are given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.titles = (tr("Server"), tr("Command"), tr("May reach"), tr("State"))
        self.servers: tuple[ServerFacts, ...] = ()

    def show(self, servers: Sequence[ServerFacts]) -> None:
        """Show these. Where they have the same names as before, only what changed is drawn again."""
        before = self.servers
        if [each.name for each in before] != [each.name for each in servers]:
            self.beginResetModel()
            self.servers = tuple(servers)
            self.endResetModel()
            return
        self.servers = tuple(servers)
        changed = [row for row, (old, new) in enumerate(zip(before, self.servers, strict=True)) if old != new]
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], CONDITION))

    def row_of(self, name: str) -> int:
        """The row of the server of this name, -1 where there is none."""
        return next((row for row, each in enumerate(self.servers) if each.name == name), -1)

    def texts(self, count: int) -> list[tuple[str, ...]]:
        """The cells of the first `count` rows."""
        return [_cells(each) for each in self.servers[:count]]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.servers)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return self.titles[section] if section != CONDITION else ""  # its cells speak for themselves

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.servers):
            return None
        facts = self.servers[index.row()]
        text = _cells(facts)[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(text)
        if role == SERVER_ROLE:
            return facts
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == COMMAND:
            return tool_tip(text)
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == CONDITION:
            return tool_tip(facts.problem)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said = f"{self.titles[index.column()]}: {plain_line(text)}"
            action = action_words(facts) if index.column() == CONDITION else ""
            return f"{said}, {action}" if action else said
        return None


def _cells(facts: ServerFacts) -> tuple[str, ...]:
    return server_title(facts), command_words(facts), reach_words(facts), condition_words(facts)[0]
