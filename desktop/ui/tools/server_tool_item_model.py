"""The tools of a server as rows of a table; those that hold what is sought are shown."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from desktop.translation import tr
from desktop.ui.parts.data_table import Index
from desktop.ui.parts.untrusted_text import plain_line, tool_tip
from desktop.ui.tools.tool_words import argument_names, standing_words, tool_note, tool_says
from desktop.ui.tools.tools_page_values import ToolFacts

NAME, SAYS, ARGUMENTS, STANDING = range(4)
TOOL_ROLE = Qt.ItemDataRole.UserRole + 1
"""The ToolFacts of a row."""


class ServerToolItemModel(QAbstractTableModel):
    """Rows of `tools`, which are those of `all_tools` that `seek` left, in the order in which they were given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.titles = (tr("Tool"), tr("What its server says it does"), tr("Arguments"), tr("May be called"))
        self.all_tools: tuple[ToolFacts, ...] = ()
        self.tools: tuple[ToolFacts, ...] = ()
        self._words: tuple[str, ...] = ()
        self._cells: dict[int, tuple[str, ...]] = {}

    def show(self, tools: Sequence[ToolFacts]) -> None:
        """Show these. Where they have the same names as before, only what changed is drawn again."""
        if tuple(tools) == self.all_tools:
            return
        self.all_tools = tuple(tools)
        self._sieve()

    def seek(self, text: str) -> None:
        """Show those alone whose name, title or description holds every word of `text`."""
        self._words = tuple(text.casefold().split())
        self._sieve()

    def _sieve(self) -> None:
        before = self.tools
        left = tuple(each for each in self.all_tools if self._is_sought(each))
        if [each.tool.name for each in before] != [each.tool.name for each in left]:
            self.beginResetModel()
            self.tools, self._cells = left, {}
            self.endResetModel()
            return
        self.tools, self._cells = left, {}
        if left:
            self.dataChanged.emit(self.index(0, 0), self.index(len(left) - 1, STANDING))

    def _is_sought(self, facts: ToolFacts) -> bool:
        tool = facts.tool
        text = f"{tool.name} {tool.title} {tool.description}".casefold() if self._words else ""
        return all(word in text for word in self._words)

    def row_of(self, name: str) -> int:
        """The row of the tool of this name, -1 where it is not shown."""
        return next((row for row, each in enumerate(self.tools) if each.tool.name == name), -1)

    def facts_of(self, name: str) -> ToolFacts | None:
        """The tool of this name, shown or not."""
        return next((each for each in self.all_tools if each.tool.name == name), None)

    def texts(self, count: int) -> list[tuple[str, ...]]:
        """The cells of the first `count` rows."""
        return [self._row(row) for row in range(min(count, len(self.tools)))]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.tools)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return self.titles[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.tools):
            return None
        facts = self.tools[index.row()]
        if role == TOOL_ROLE:
            return facts
        if role not in _TEXT_ROLES:
            return None
        text = self._row(index.row())[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(facts.tool.description if index.column() == SAYS else "")
        note = tool_note(facts) if index.column() == STANDING else None
        said = f"{self.titles[index.column()]}: {text}"
        return f"{said}, {note[0]}" if note is not None else said

    def _row(self, row: int) -> tuple[str, ...]:
        if row not in self._cells:
            facts = self.tools[row]
            cells = (facts.tool.name, tool_says(facts), argument_names(facts.tool), standing_words(facts.standing))
            self._cells[row] = tuple(plain_line(each) for each in cells)
        return self._cells[row]


_TEXT_ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.AccessibleTextRole,
)
