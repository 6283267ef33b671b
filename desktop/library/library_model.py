"""Models as the library gives them: a file on this disk, a listed model, and a card with the license verdict."""

from dataclasses import dataclass
from pathlib import Path

from desktop.catalog.catalog import CatalogEntry
from desktop.catalog.license_terms import Purpose
from desktop.endpoints.endpoint import ServedModel
from desktop.engine.unsupported_file import ModelKind
from desktop.library.hub_records import HubRecord
from desktop.library.installed_models import FileState
from desktop.library.model_identity import IdentifiedBy
from desktop.library.model_projector import InstalledProjector
from desktop.licenses.license_subject import LicenseSubject
from desktop.licenses.license_verdict import LicenseVerdict


@dataclass(frozen=True)
class LibraryModel:
    """A model file that is on this disk, or a model that an endpoint runs (`served`), which has no file: `path` stands
    for it then. `size` in bytes; `license` an id, or "" where the file names none.

    `restrictions` are the effective ones, through its lineage; `attribution` the lines its licenses ask to be shown.
    `chat_template` and `stops` are the catalog's prompt for it, where its file carries none. For a file given by path
    that was never imported, `id` is that path. `file_id` is the file's own id, by which it is found as well. `state`
    says whether the file is still there, and still the one that was hashed. `identified_by` is by what it was
    recognized as the model that it is shown as, "" where it was not. `adapter` says that it is an adapter (LoRA) to a
    model, and none itself; `kind` what a model is for: only chat models are offered for chats. `projector` is what lets
    it see pictures, None where it cannot.
    """

    id: str
    name: str
    publisher: str
    quantization: str
    path: Path
    size: int
    license: str
    restrictions: tuple[str, ...] = ()
    built_in: bool = False
    imported: bool = False
    attribution: tuple[str, ...] = ()
    chat_template: str = ""
    stops: tuple[str, ...] = ()
    state: FileState = "here"
    file_id: str = ""
    identified_by: IdentifiedBy = ""
    adapter: bool = False
    kind: ModelKind = "chat"
    projector: InstalledProjector | None = None
    served: ServedModel | None = None

    @property
    def endpoint(self) -> str:
        """The address of the endpoint that runs it; "" where it is on this machine."""
        return self.served.endpoint.address if self.served is not None else ""

    @property
    def projector_path(self) -> Path | None:
        """The file that lets it see pictures, where it is there. What an endpoint runs is taken to see, unless it says
        otherwise."""
        if self.served is not None:
            return self.path if self.served.model.sees_images is not False else None
        return Path(self.projector.path) if self.projector is not None and self.projector.is_here else None


@dataclass(frozen=True)
class ListedModel:
    """A model as it is listed: before the license check, in the catalog (or None), and on this disk (or None).

    `hub_record` is what the Hub said of it, None where nobody looked it up.
    """

    subject: LicenseSubject
    entry: CatalogEntry | None
    model: LibraryModel | None
    hub_record: HubRecord | None = None


@dataclass(frozen=True)
class LibraryCard:
    """A listed model, and what the license check says of it; where a license waits, which purposes are ruled out."""

    listed: ListedModel
    verdict: LicenseVerdict
    refused_purposes: frozenset[Purpose] = frozenset()


def command_id(listed: ListedModel) -> str:
    """What names it in a command: of a model with several files here, each after the first goes by an id of its own."""
    return listed.model.id if listed.model is not None else listed.subject.id
