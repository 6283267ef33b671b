"""The cards as Qt asks for them: one row per card and one per section, and only what passes the filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from desktop.translation import tr
from desktop.ui.models.filters import Filters, passes
from desktop.ui.models.words import Face, State, face_of, is_built_in, is_closed, search_text, size_text

if TYPE_CHECKING:
    from desktop.library.models import Card
    from desktop.library.task_choice import TaskChoice
    from desktop.ui.models.findings import Finding, Section

Index = QModelIndex | QPersistentModelIndex


class Role(IntEnum):
    """What a row can be asked for beside its text: the face of its card, or that it is a section's heading."""

    FACE = Qt.ItemDataRole.UserRole + 1
    HEADING = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True)
class Heading:
    """The name of a section."""

    text: str


class CardRows(QAbstractListModel):
    """Rows of cards in their sections. Faces are made once, what a card is found by when something is searched."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cards: tuple[Card, ...] = ()
        self._faces: dict[str, Face] = {}
        self._found_by: dict[str, str] = {}
        self._filters = Filters()
        self._rows: list[Heading | str] = []
        self._places: dict[str, int] = {}
        self._by_id: dict[str, Card] = {}
        self._notes: Mapping[str, State] = {}
        self._choices: Mapping[str, TaskChoice] = {}
        self._found: tuple[Section, ...] = ()

    @property
    def filters(self) -> Filters:
        return self._filters

    def show(
        self,
        cards: Sequence["Card"],
        filters: Filters,
        notes: Mapping[str, State] | None = None,
        found: Sequence["Section"] = (),
        choices: Mapping[str, "TaskChoice"] | None = None,
    ) -> bool:
        """Show those of `cards` that pass, after what was `found`; whether other rows are shown than before (and not
        only other words). `notes` are the states of models that are not here, `choices` the models chosen for this
        computer, both by id; None for those of before."""
        if tuple(cards) is not self._cards or notes is not None:
            self._cards = tuple(cards)
            self._notes = notes if notes is not None else self._notes
            self._choices = choices if choices is not None else self._choices
            self._by_id = {card.listed.subject.id: card for card in cards}
            self._faces = {
                key: face_of(card, self._notes.get(key), self._choices.get(key)) for key, card in self._by_id.items()
            }
            self._found_by = {}
        self._found = tuple(found)
        self._faces |= {each.face.id: each.face for section in found for each in section.findings
                        if each.face.id not in self._by_id}  # fmt: skip
        self._filters = filters
        rows = self._sections([card for card in self._cards if self._passes(card)])
        if rows == self._rows:
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return False
        self.beginResetModel()
        self._rows = rows
        self._places = {row: place for place, row in enumerate(rows) if isinstance(row, str)}
        self.endResetModel()
        return True

    def _passes(self, card: "Card") -> bool:
        key = card.listed.subject.id
        note = self._notes.get(key)
        if self._filters.runs_here and note is not None and not note.fits:
            return False
        if self._filters.words and key not in self._found_by:
            self._found_by[key] = search_text(card)
        return passes(card, self._filters, self._found_by.get(key))

    def _sections(self, cards: Sequence["Card"]) -> list[Heading | str]:
        here = [card for card in cards if card.listed.model is not None]
        closed = [card for card in cards if card.listed.model is None and is_closed(card)]
        absent = [card for card in cards if card.listed.model is None and not is_closed(card)]
        looked = [card for card in absent if card.listed.entry is None]
        others = [card for card in absent if card.listed.entry is not None]
        total = sum(card.listed.model.size for card in here if card.listed.model is not None)
        sections = (
            (tr("For this computer"), self._proposed()),
            (tr("On this computer · {size}").format(size=size_text(total)), here),
            (tr("Looked up on the Hub · {count}").format(count=len(looked)), looked),
            (tr("Catalog · {count}").format(count=len(others)), others),
            (tr("Closed: no weights to be had · {count}").format(count=len(closed)), closed),
        )
        rows: list[Heading | str] = []
        for section in self._found:
            keys = [each.face.id for each in section.findings]
            rows += [Heading(section.heading if keys else section.empty), *keys]
        shown: set[Heading | str] = set(rows)  # what was found and is known as well stands where it was found
        for text, listed in sections:
            held = [key for card in listed if (key := card.listed.subject.id) not in shown]
            if held:
                rows += [Heading(text), *held]
                shown.update(held)
        return rows

    def _proposed(self) -> list["Card"]:
        """The cards to begin with: those chosen for this computer that are not here, while nothing is searched."""
        if self._filters.words.strip() or replace(self._filters, words="") != Filters():
            return []
        return [self._by_id[key] for key, each in self._choices.items() if key in self._by_id and not each.here]

    def finding(self, key: str) -> "Finding | None":
        """What was found under this key, and is not in the library yet."""
        if key in self._by_id:
            return None
        return next((each for section in self._found for each in section.findings if each.face.id == key), None)

    # --- asked by the page and the list --------------------------------------------------------------------------

    def row_of(self, model_id: str | None) -> int | None:
        """The row of a model, None where it is not shown."""
        return self._places.get(model_id) if model_id is not None else None

    def card(self, model_id: str) -> "Card | None":
        """The card of a model, shown or filtered out."""
        return self._by_id.get(model_id)

    def id_at(self, row: int) -> str | None:
        """The model of a row, None for a section's heading and beyond the end."""
        held = self._rows[row] if 0 <= row < len(self._rows) else None
        return held if isinstance(held, str) else None

    def next_row(self, row: int, step: int) -> int | None:
        """The next row with a card, up (-1) or down (1); None where there is none."""
        row += step
        while 0 <= row < len(self._rows):
            if isinstance(self._rows[row], str):
                return row
            row += step
        return None

    @property
    def ids(self) -> list[str]:
        """The models shown, in order."""
        return list(self._places)

    def first_id(self, in_use: str | None) -> str | None:
        """The model to show first: the one that answers; where that is only the built-in one, the first for this
        computer."""
        used = self._by_id.get(in_use) if in_use is not None else None
        if used is None or (is_built_in(used) and self._proposed()):
            return next(iter(self._places), None)
        return in_use

    @property
    def headings(self) -> list[str]:
        """The sections shown, in order."""
        return [row.text for row in self._rows if isinstance(row, Heading)]

    # --- asked by Qt ---------------------------------------------------------------------------------------------

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
        face = self._faces[row]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return face.spoken
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return face.described
        return face if role == Role.FACE else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.id_at(index.row()) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
