"""The input of the license check: one model with all that its terms follow from, as a value. The library makes it."""

from dataclasses import dataclass

from desktop.catalog.catalog import LicenseEdition
from desktop.catalog.license_terms import Gate
from desktop.catalog.lineage import Lineage
from desktop.licenses.built_in_model import is_built_in
from desktop.licenses.ledger_record import EventKind, LedgerEvent

UNKNOWN_LICENSE = "LicenseRef-Unknown"
"""The license in whose text a person states that they looked for the terms themselves."""


@dataclass(frozen=True)
class NeededLicense:
    """A license that has to be acknowledged for a model, and the text that is in force for it now.

    `comes_from` is the id of the model (itself or an ancestor) that brings it, `from_name` its name. `own` says
    that the text is the publisher's own, which is found by the model and not by the license. `tagged` is the id of the
    license that its card names where the text is not that one's, "" otherwise. `editions` are other texts of it that
    are known by their hashes.
    """

    id: str
    name: str
    text_sha256: str
    comes_from: str
    from_name: str
    own: bool = False
    tagged: str = ""
    editions: tuple[LicenseEdition, ...] = ()

    def edition(self, sha256: str) -> LicenseEdition | None:
        """The other edition that has this hash; None where none is known."""
        return next((each for each in self.editions if each.sha256 == sha256), None)


@dataclass(frozen=True)
class LicenseSubject:
    """A model before the license check.

    `needed` are its licenses, ancestors' first; `lineage` carries its effective terms. `file_sha256` is what its file
    has to hash to ("" where nothing is known, as for a model that is not here). `hash_vouched` says that its publisher
    or the catalog gave that hash. `shipped` says that the catalog of Latchkey itself names a file of it that comes
    along. `attribution` are the lines that its licenses ask to be shown.

    For policies, which distinguish who claims something: `names` are all names of its repositories, former ones too,
    also of its ancestors'. `origins` are the repositories that it comes from as the Hub or Latchkey's catalog says,
    `endpoint` the Hub that said something of it ("" none). `own_entry`: it is described in the person's own catalog.
    `claims` are ids of licenses that it is under as the person alone says. `served_at` is the address of the endpoint
    that runs it, "" where it is on this machine, and `served_as` what it is called there.
    """

    id: str
    name: str
    publisher: str
    gate: Gate | None
    needed: tuple[NeededLicense, ...]
    lineage: Lineage
    repository: str = ""
    commit: str = ""
    file_sha256: str = ""
    hash_vouched: bool = False
    shipped: bool = False
    imported: bool = False
    not_runnable: str = ""
    attribution: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    endpoint: str = ""
    own_entry: bool = False
    claims: frozenset[str] = frozenset()
    served_at: str = ""
    served_as: str = ""

    @property
    def ledger_id(self) -> str:
        """By what the ledger names it. What an endpoint runs has no file, and so no hash: it is the endpoint's address
        and its name there, whatever the endpoint is called here."""
        return f"{self.served_at}#{self.served_as}" if self.served_at else self.id

    @property
    def built_in(self) -> bool:
        """Whether it is the built-in model by what the library knows. To load a file, its own hash decides."""
        return self.shipped and is_built_in(self.file_sha256)

    def ledger_event(self, event: EventKind, **more: str) -> LedgerEvent:
        """What happened to this model, as the ledger is told it; `more` adds to what names the model."""
        named = {
            "model": self.ledger_id,
            "model_name": self.name,
            "repository": self.repository,
            "commit": self.commit,
            "file_sha256": self.file_sha256,
        }
        return LedgerEvent(event=event, **{**named, **more})
