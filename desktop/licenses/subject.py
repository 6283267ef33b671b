"""What the door looks at: one model with everything its terms rest on, as a value. The library makes it."""

from dataclasses import dataclass

from desktop.catalog.lineage import Lineage
from desktop.catalog.terms import Gate
from desktop.licenses.record import Event, Fact


@dataclass(frozen=True)
class NeededLicense:
    """A license that has to be acknowledged for a model, and the text that is in force for it now.

    `comes_from` is the id of the model (itself or an ancestor) that brings it, `from_name` its name. `own` says
    that the text is the publisher's own, which is found by the model and not by the license.
    """

    id: str
    name: str
    text_sha256: str
    comes_from: str
    from_name: str
    own: bool = False


@dataclass(frozen=True)
class Subject:
    """A model before the door. `needed` are its licenses, ancestors' first; `lineage` carries its effective terms.

    `file_sha256` is what its file has to hash to ("" where nothing is known, as for a model that is not here).
    `vouched` says that its publisher or the catalog gave that hash. `attribution` are the lines that its licenses ask
    to be shown.
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
    vouched: bool = False
    imported: bool = False
    not_runnable: str = ""
    attribution: tuple[str, ...] = ()

    def fact(self, event: Event, **more: str) -> Fact:
        """What happened to this model, as the ledger is told it; `more` adds to what names the model."""
        named = {
            "model": self.id,
            "model_name": self.name,
            "repository": self.repository,
            "commit": self.commit,
            "file_sha256": self.file_sha256,
        }
        return Fact(event=event, **{**named, **more})
