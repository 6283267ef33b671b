"""What the page of models leaves out: by words, by license, by gate, and by whether a model can run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from desktop.ui.models.words import is_closed, search_text

if TYPE_CHECKING:
    from desktop.library.models import Card
    from desktop.licenses.subject import Subject

Licenses = Literal["any", "open", "commercial"]
Gates = Literal["any", "open"]

_ASKS_ONLY_FOR_COPIES = frozenset({"attribution", "share-alike"})


@dataclass(frozen=True)
class Filters:
    """`words` all have to be found in a card; the other fields leave nothing out by default."""

    words: str = ""
    runs_here: bool = False
    licenses: Licenses = "any"
    gates: Gates = "any"


def passes(card: "Card", filters: Filters, found_by: str | None = None) -> bool:
    """Whether `card` is shown. `found_by` is its `search_text`, where that is at hand."""
    subject = card.listed.subject
    if filters.runs_here and (is_closed(card) or subject.not_runnable):
        return False
    if filters.licenses != "any" and not _license_passes(subject, filters.licenses):
        return False
    if filters.gates == "open" and subject.gate != "open" and card.listed.model is None:
        return False
    if not filters.words.strip():
        return True
    text = found_by if found_by is not None else search_text(card)
    return all(word in text for word in filters.words.casefold().split())


def _license_passes(subject: "Subject", wanted: Licenses) -> bool:
    """What is not known counts as restricted."""
    lineage = subject.lineage
    if not lineage.node.licenses or any(flag.kind != "unknown-lineage" for flag in lineage.unknown):
        return False
    if wanted == "commercial":
        return lineage.forbidding("commercial") is None and subject.gate != "closed"
    return _ASKS_ONLY_FOR_COPIES.issuperset(lineage.restrictions) and subject.gate != "closed"
