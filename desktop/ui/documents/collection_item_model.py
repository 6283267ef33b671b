"""Collections as rows of a table, brought up to date without a jump."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from desktop.documents.document_collection import CollectionState
from desktop.translation import tr
from desktop.ui.documents.collection_words import (
    holds_words,
    passages_words,
    search_words,
    state_words,
    turn_words,
)
from desktop.ui.parts.data_table import Index
from desktop.ui.parts.untrusted_text import plain_line, tool_tip

NAME, HOLDS, PASSAGES, SEARCH, STATE = range(5)
COLLECTION_ROLE = Qt.ItemDataRole.UserRole + 1
"""The CollectionState of a row."""


class CollectionItemModel(QAbstractTableModel):
    """Rows of `collections`, in the order in which they are given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.titles = (tr("Collection"), tr("Holds"), tr("Indexed"), tr("Search by"), tr("State"))
        self.collections: tuple[CollectionState, ...] = ()

    def show(self, collections: Sequence[CollectionState]) -> None:
        """Show these. Where they have the same names as before, only what changed is drawn again."""
        before = self.collections
        if [each.name for each in before] != [each.name for each in collections]:
            self.beginResetModel()
            self.collections = tuple(collections)
            self.endResetModel()
            return
        self.collections = tuple(collections)
        changed = [row for row, (old, new) in enumerate(zip(before, self.collections, strict=True)) if old != new]
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], STATE))

    def row_of(self, name: str) -> int:
        """The row of the collection of this name, -1 where there is none."""
        return next((row for row, each in enumerate(self.collections) if each.name == name), -1)

    def texts(self, count: int) -> list[tuple[str, ...]]:
        """The cells of the first `count` rows."""
        return [_cells(each) for each in self.collections[:count]]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.collections)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return self.titles[section] if section != STATE else ""  # its cells speak for themselves

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.collections):
            return None
        state = self.collections[index.row()]
        text = _cells(state)[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(text)
        if role == COLLECTION_ROLE:
            return state
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == NAME:
            return tool_tip("\n".join([state.name, *map(str, state.sources[:12])]))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said = f"{self.titles[index.column()]}: {plain_line(text)}"
            return f"{said}, {turn_words(state)}" if index.column() == STATE and turn_words(state) else said
        return None


def _cells(state: CollectionState) -> tuple[str, ...]:
    return (
        state.name,
        holds_words(state),
        passages_words(state),
        search_words(state),
        state_words(state)[0],
    )
