"""What the license pages show, as values: made off the main thread by `LicensePageLoader`, drawn by the pages."""

from dataclasses import dataclass, field
from typing import Literal

from desktop.catalog.catalog import LicenseClause
from desktop.catalog.license_terms import Purpose
from desktop.licenses.ledger import LedgerCheck
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.license_diff import AcceptedTextDiff, StandardTextDiff
from desktop.licenses.license_subject import LicenseSubject, NeededLicense
from desktop.ui.licenses.text_changes import DifferenceParagraph
from desktop.ui.parts.text_passages import TextPassage


@dataclass(frozen=True)
class RestrictionClause:
    """One restriction of a license, and where its clause stands in the text shown; None where it was not found."""

    clause: LicenseClause
    passage: TextPassage | None


@dataclass(frozen=True)
class AcceptanceInput:
    """What a person has filled in so far."""

    person: str = ""
    organization: str = ""
    purpose: Purpose | Literal[""] = ""


@dataclass(frozen=True)
class LicenseStepContent:
    """One license of one model, to be read and accepted, or only to be read.

    `text` is the text in force (or, to be read, the one that was accepted) and `sha256` that of its bytes. `number` of
    `count` licenses of the model is this. `why` says why it is asked for, `origin` where the text is from. `refused`
    gives the sentence why a purpose cannot be declared. `forbidden` says why nothing can be accepted at all. `record`
    is the acknowledgement in force, where there is one; `remark` says in what the texts accepted differ from those in
    force, where it counts all the same. `standard` names the license whose standard text the text shown
    can be compared with, "" where it is that text. `built_in` says that the model is a part of Latchkey, so that
    nothing has to be accepted, `unrestricted` that one click accepts it. `last_person` is the name typed last.
    """

    subject: LicenseSubject
    needed: NeededLicense
    text: str
    sha256: str
    origin: str
    restrictions: tuple[RestrictionClause, ...] = ()
    acceptable_use: str = ""
    number: int = 1
    count: int = 1
    why: str = ""
    refused: dict[Purpose, str] = field(default_factory=dict)
    forbidden: "Exception | None" = None
    record: LedgerRecord | None = None
    built_in: bool = False
    unrestricted: bool = False
    last_person: str = ""
    standard: str = ""
    remark: str = ""

    @property
    def to_accept(self) -> bool:
        """Whether it waits for the person."""
        return self.record is None and not self.built_in


@dataclass(frozen=True)
class AcceptedLicense:
    """A license that is accepted: the record that says so, and what the license restricts. `remark` says in what
    the texts accepted differ from those in force, where they count all the same."""

    record: LedgerRecord
    license_name: str
    restrictions: tuple[str, ...]
    remark: str = ""


@dataclass(frozen=True)
class WaitingLicense:
    """A license that waits for the person: what happened to it, said in one sentence, and its badge."""

    model_id: str
    model_name: str
    license_id: str
    badge: str
    sentence: str
    changed: bool


@dataclass(frozen=True)
class LedgerContent:
    """Everything the Licenses page shows. `names` are the licenses' by their ids, `search_texts` what a filter looks
    through, for each record."""

    check: LedgerCheck
    records: tuple[LedgerRecord, ...]
    in_force: tuple[AcceptedLicense, ...]
    waiting: tuple[WaitingLicense, ...]
    names: dict[str, str]
    search_texts: tuple[str, ...]


@dataclass(frozen=True)
class DifferenceContent:
    """What changed in a license of a model since it was accepted, or in what its text differs from the standard one."""

    subject: LicenseSubject
    difference: AcceptedTextDiff | StandardTextDiff
    paragraphs: tuple[DifferenceParagraph, ...]

    @property
    def from_step(self) -> bool:
        """Whether it is asked for in the license step, and leads back there."""
        return isinstance(self.difference, StandardTextDiff)


def short_hash(sha256: str) -> str:
    """A hash as it is recognized: its first and last four digits."""
    return f"{sha256[:4]}…{sha256[-4:]}" if len(sha256) > 12 else sha256
