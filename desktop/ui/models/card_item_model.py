"""The cards as Qt asks for them: one row per card and one per section, and only what passes the filters above them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QAbstractListModel, QObject, Qt

from desktop.byte_size import size_text
from desktop.library.status import is_closed
from desktop.translation import tr
from desktop.ui.models.model_text import (
    CardText,
    StatusLabel,
    card_text,
    is_built_in,
    search_text,
)
from desktop.ui.parts.data_table import Index

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryCard
    from desktop.library.recommendations import TaskRecommendation
    from desktop.licenses.license_subject import LicenseSubject
    from desktop.ui.models.search_hits import HitSection, SearchHit

Licenses = Literal["any", "open", "commercial"]
Gates = Literal["any", "open"]
_ASKS_ONLY_FOR_COPIES = frozenset({"attribution", "share-alike"})


@dataclass(frozen=True)
class CardFilters:
    """`words` all have to be found in a card; the other fields leave nothing out by default."""

    words: str = ""
    runs_here: bool = False
    licenses: Licenses = "any"
    gates: Gates = "any"


def passes(card: "LibraryCard", filters: CardFilters, found_by: str | None = None) -> bool:
    """Whether `card` is shown. `found_by` is its `search_text`, where that is at hand."""
    subject = card.listed.subject
    if filters.runs_here and (is_closed(card.listed) or subject.not_runnable):
        return False
    if filters.licenses != "any" and not _license_passes(subject, filters.licenses):
        return False
    if filters.gates == "open" and subject.gate != "open" and card.listed.model is None:
        return False
    if not filters.words.strip():
        return True
    text = found_by if found_by is not None else search_text(card)
    return all(word in text for word in filters.words.casefold().split())


def _license_passes(subject: "LicenseSubject", wanted: Licenses) -> bool:
    """What is not known counts as restricted."""
    lineage = subject.lineage
    if not lineage.node.licenses or any(flag.kind != "unknown-lineage" for flag in lineage.unknown):
        return False
    if wanted == "commercial":
        return lineage.forbidding("commercial") is None and subject.gate != "closed"
    return _ASKS_ONLY_FOR_COPIES.issuperset(lineage.restrictions) and subject.gate != "closed"


class CardRole(IntEnum):
    """What a row can be asked for beside its text: the `CardText` of its card, or that it is a section's heading."""

    CARD_TEXT = Qt.ItemDataRole.UserRole + 1
    HEADING = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True)
class CardHeading:
    """The name of a section."""

    text: str


class CardItemModel(QAbstractListModel):
    """Rows of cards in their sections. Each `CardText` is made once, its search text at the first search."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cards: tuple[LibraryCard, ...] = ()
        self._card_texts: dict[str, CardText] = {}
        self._found_by: dict[str, str] = {}
        self._filters = CardFilters()
        self._rows: list[CardHeading | str] = []
        self._places: dict[str, int] = {}
        self._by_id: dict[str, LibraryCard] = {}
        self._notes: Mapping[str, StatusLabel] = {}
        self._choices: Mapping[str, TaskRecommendation] = {}
        self._found: tuple[HitSection, ...] = ()

    @property
    def filters(self) -> CardFilters:
        return self._filters

    def show(
        self,
        cards: Sequence["LibraryCard"],
        filters: CardFilters,
        notes: Mapping[str, StatusLabel] | None = None,
        found: Sequence["HitSection"] = (),
        choices: Mapping[str, "TaskRecommendation"] | None = None,
    ) -> bool:
        """Show those of `cards` that pass, after what was `found`; whether other rows are shown than before (and not
        only other words). `notes` are the states of models that are not here, `choices` the models chosen for this
        computer, both by id; None for those of before."""
        if tuple(cards) is not self._cards or notes is not None:
            self._cards = tuple(cards)
            self._notes = notes if notes is not None else self._notes
            self._choices = choices if choices is not None else self._choices
            self._by_id = {card.listed.subject.id: card for card in cards}
            self._card_texts = {
                key: card_text(card, self._notes.get(key), self._choices.get(key)) for key, card in self._by_id.items()
            }
            self._found_by = {}
        self._found = tuple(found)
        self._card_texts |= {each.card_text.id: each.card_text for section in found for each in section.findings
                        if each.card_text.id not in self._by_id}  # fmt: skip
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

    def _passes(self, card: "LibraryCard") -> bool:
        key = card.listed.subject.id
        note = self._notes.get(key)
        if self._filters.runs_here and note is not None and not note.fits_machine:
            return False
        if self._filters.words and key not in self._found_by:
            self._found_by[key] = search_text(card)
        return passes(card, self._filters, self._found_by.get(key))

    def _sections(self, cards: Sequence["LibraryCard"]) -> list[CardHeading | str]:
        away = [card for card in cards if card.listed.subject.served_at]
        here = [card for card in cards if card.listed.model is not None and not card.listed.subject.served_at]
        closed = [card for card in cards if is_closed(card.listed)]
        absent = [card for card in cards if card.listed.model is None and not is_closed(card.listed)]
        looked = [card for card in absent if card.listed.entry is None]
        others = [card for card in absent if card.listed.entry is not None]
        total = sum(card.listed.model.size for card in here if card.listed.model is not None)
        sections = (
            (tr("For this computer"), self._proposed()),
            (tr("On this computer · {size}").format(size=size_text(total, "two")), here),
            (tr("At endpoints, not on this machine · {count}").format(count=len(away)), away),
            (tr("Looked up on the Hub · {count}").format(count=len(looked)), looked),
            (tr("Catalog · {count}").format(count=len(others)), others),
            (tr("Closed: no weights to be had · {count}").format(count=len(closed)), closed),
        )
        rows: list[CardHeading | str] = []
        for section in self._found:
            keys = [each.card_text.id for each in section.findings]
            rows += [CardHeading(section.heading if keys else section.empty), *keys]
        shown: set[CardHeading | str] = set(rows)  # what was found and is known as well stands where it was found
        for text, listed in sections:
            held = [key for card in listed if (key := card.listed.subject.id) not in shown]
            if held:
                rows += [CardHeading(text), *held]
                shown.update(held)
        return rows

    def _proposed(self) -> list["LibraryCard"]:
        """The cards to begin with: those chosen for this computer that are not here, while nothing is searched."""
        if self._filters.words.strip() or replace(self._filters, words="") != CardFilters():
            return []
        return [self._by_id[key] for key, each in self._choices.items() if key in self._by_id and not each.here]

    def hit_at(self, key: str) -> "SearchHit | None":
        """What was found under this key, and is not in the library yet."""
        if key in self._by_id:
            return None
        return next((each for section in self._found for each in section.findings if each.card_text.id == key), None)

    # --- asked by the page and the list --------------------------------------------------------------------------

    def row_of(self, model_id: str | None) -> int | None:
        """The row of a model, None where it is not shown."""
        return self._places.get(model_id) if model_id is not None else None

    def card(self, model_id: str) -> "LibraryCard | None":
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
        return [row.text for row in self._rows if isinstance(row, CardHeading)]

    # --- asked by Qt ---------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if isinstance(row, CardHeading):
            if role == CardRole.HEADING:
                return True
            return row.text if role == Qt.ItemDataRole.DisplayRole else None
        drawn = self._card_texts[row]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return drawn.spoken
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return drawn.described
        return drawn if role == CardRole.CARD_TEXT else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.id_at(index.row()) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
