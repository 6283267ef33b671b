"""The models on this disk, in the catalog and looked up at the Hub, and the one way from a typed name to a model."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from desktop.catalog.catalog import Catalog, CatalogEntry, EntryFile, License
from desktop.catalog.catalog_file import CatalogProblem, CatalogReadResult, read_catalog, unreadable_catalog
from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.endpoints.endpoint import ServedModel
from desktop.engine.gguf_header import read_header
from desktop.engine.unsupported_file import ModelKind
from desktop.errors import NotFoundError
from desktop.file_stamp import FileStamp, stamp_at
from desktop.hub.repository import DEFAULT_ENDPOINT
from desktop.library.disk_use import same_file
from desktop.library.endpoint_models import EndpointModels
from desktop.library.hub_records import HubRecord, HubRecords, model_id_of, publisher_license
from desktop.library.installed_models import (
    FileState,
    InstalledModel,
    InstalledModels,
    file_state,
    installed_from_header,
)
from desktop.library.library_model import LibraryCard, LibraryModel, ListedModel, command_id
from desktop.library.missing_model import missing_model_error, unknown_file_error
from desktop.library.model_projector import subject_of_projector
from desktop.library.model_title import disambiguated
from desktop.library.publisher_license import PublisherLicense, publisher_license_in_force
from desktop.library.subject_builder import (
    subject_of_entry,
    subject_of_hub_record,
    subject_of_installed,
    with_download,
    with_known_hash,
)
from desktop.licenses.license_subject import LicenseSubject
from desktop.licenses.license_texts import LicenseTexts
from desktop.licenses.license_verdict import unreadable_ledger_verdict
from desktop.paths import Paths, expanded
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.licenses.acknowledgements import Acknowledgements


class Library:
    """The models on this disk and those of the catalog. May be used from any thread; keeps nothing open.

    `acknowledgements` is called where a card is wanted: what gives verdicts needs the library first. `served` gives the
    models that endpoints run: they are listed after those on this disk.
    """

    def __init__(
        self,
        paths: Paths,
        texts: LicenseTexts,
        acknowledgements: "Callable[[], Acknowledgements]",
        endpoint: Callable[[], str] = lambda: DEFAULT_ENDPOINT,
        served: Callable[[], tuple[ServedModel, ...]] = tuple,
    ) -> None:
        self._paths, self._texts, self._endpoint = paths, texts, endpoint
        self._acknowledgements = acknowledgements
        self._lock = threading.Lock()
        self._read: CatalogReadResult | None = None
        self._stamp: FileStamp | None = None
        self.installed_models = InstalledModels(paths.imports)
        self._remote = EndpointModels(served, lambda: self.catalog, self._text_sha256)
        self.hub_records = HubRecords(paths.known_models, endpoint)

    @property
    def catalog(self) -> Catalog:
        """The catalog, read again where a person's own file changed; of a file with mistakes, what is right in it."""
        return self._current().catalog

    @property
    def problems(self) -> tuple[CatalogProblem, ...]:
        """The mistakes in the catalog that ships and in the person's own."""
        return self._current().problems

    def models(self) -> list[LibraryModel]:
        """Every chat model that is here, the built-in one first. Raises IntegrityError where they cannot be listed."""
        return [each.model for each in self.installed() if each.model is not None]

    def installed(self, kind: ModelKind = "chat") -> list[ListedModel]:
        """The models of a kind that are here, as they are listed."""
        here = [each for each in reversed(self._here()) if _is_here(each) and _is_model(each, kind)]
        # A copy of the very same file is no other model.
        own = list({(each.subject.id, each.subject.file_sha256): each for each in here}.values())[::-1]
        return own + (self._remote.listed() if kind == "chat" else [])

    def adapters(self) -> list[ListedModel]:
        """Every adapter (LoRA) that was imported, by name. They are listed among no models, and found by their ids."""
        return [each for each in self._here() if not _is_model(each)]

    def list_models(self) -> list[ListedModel]:
        """Every model: first those on this disk, then those looked up at the Hub, then the catalog's, in its order."""
        here = self._listed_here()
        ids = {listed.subject.id for listed in here}
        catalog = self.catalog
        known = {each.id: self.hub_records.find(each.id) or each for each in self.hub_records.all()}
        # A file that was recognized stands for its model, unless somebody asked the Hub about that one.
        ids |= {each.entry.id for each in here if each.entry is not None and _is_here(each)} - known.keys()
        others = [self._listed_entry(entry, known.get(entry.id)) for entry in catalog.model if entry.id not in ids]
        found = [
            self._listed_known(each)
            for each in known.values()
            if each.id not in ids and catalog.find_model(each.id) is None
        ]
        return here + self._remote.listed() + found + others

    def listed_files(self) -> list[ListedModel]:
        """Every model as `listed` gives it, and after those that are here each further file of one."""
        listed = self.list_models()
        seen = {each.model.path for each in listed if each.model is not None}
        kept = [self.find_listed(each.id) for each in self.installed_models.all() if not each.adapter]
        more = [each for each in kept if each.model is not None and each.model.path not in seen]
        here = [each for each in listed if each.model is not None]
        return [*here, *more, *(each for each in listed if each.model is None)]

    def card(self, id_or_path: str) -> LibraryCard:
        """One model with its license verdict. Raises what `find_listed` does, and UserError where the ledger cannot be
        read for another reason than its key."""
        return self.card_of(self.find_listed(id_or_path))

    def cards(self) -> list[LibraryCard]:
        """Every model with its license verdict."""
        return [self.card_of(listed) for listed in self.list_models()]

    def cards_here(self, kind: ModelKind = "chat") -> list[LibraryCard]:
        """Every model of a kind on this disk with its license verdict."""
        return [self.card_of(listed) for listed in self.installed(kind)]

    def card_of(self, listed: ListedModel) -> LibraryCard:
        """`listed` with its license verdict; without the ledger's key, with what stands in its way."""
        acknowledgements, subject = self._acknowledgements(), listed.subject
        try:
            verdict = acknowledgements.verdict(subject)
        except LedgerKeyLockedError as error:  # the built-in model answers all the same
            return LibraryCard(listed, unreadable_ledger_verdict(subject, error))
        refused = frozenset(acknowledgements.purpose_refusals(subject) if verdict.refusal == "license" else ())
        return LibraryCard(listed, verdict, refused)

    def knows_owner(self, name: str) -> bool:
        """Whether a repository of somebody called `name` is known: of the catalog's models, or looked up at the Hub."""
        owner = f"{name.casefold()}/"
        known = (each.id for each in self.hub_records.all())
        listed = (name for each in self.catalog.model for name in (each.id, each.repository, each.gguf))
        return any(each.casefold().startswith(owner) for each in (*listed, *known))

    def id_of(self, name: str) -> str:
        """The id of the model that is called so; `name` itself where nothing is known by it, as a path."""
        return model_id_of(name, self.catalog, self.hub_records, self._endpoint())

    def find_listed(self, id_or_path: str) -> ListedModel:
        """The model of this name, here or not, or the imported file at this path.

        Raises NotFoundError where there is neither, and LicenseError for a file that was never imported.
        """
        model_id = self.id_of(id_or_path)
        known = self.hub_records.find(model_id)
        for listed in self._here():
            if listed.model is not None and model_id in _ids(listed, listed.model):
                return listed
        entry = self.catalog.find_model(model_id)
        if entry is not None:
            return self._listed_entry(entry, known)
        if known is not None:
            return self._listed_known(known)
        return self._remote.find(id_or_path) or self._at_path(self.find(id_or_path).path)

    def find(self, id_or_path: str) -> LibraryModel:
        """The model of this name, or the file at this path, imported or not.

        Raises NotFoundError where there is neither, and EngineError where the file cannot be a model.
        """
        here = self._here()
        model_id = self.id_of(id_or_path)
        kept = self.hub_records.find(model_id)
        for listed in here:
            if listed.model is not None and model_id in _ids(listed, listed.model):
                return listed.model
        entry = self.catalog.find_model(model_id)
        remote = self._remote.find(id_or_path) if entry is None and kept is None else None
        if remote is not None and remote.model is not None:
            return remote.model
        path = expanded(id_or_path)
        if path.is_dir():
            raise NotFoundError(
                tr("{path} is a folder, not a model file.").format(path=id_or_path), "", tr("Name the GGUF file in it.")
            )
        if path.exists():
            known = next((each.model for each in here if each.model and same_file(each.model.path, path)), None)
            if known is not None and (known.adapter or known.kind != "chat"):
                return known
            header = read_header(path.absolute())
            return known or self._model_of(installed_from_header(header, self.catalog), imported=False)
        for listed in here if kept is None else ():  # recognized as that model, and known by an id of its own
            if listed.model is not None and listed.entry is not None and listed.entry.id == model_id:
                return listed.model
        raise missing_model_error(
            id_or_path,
            known=entry is not None or kept is not None,
            fetchable=entry is None or bool(entry.gguf),
            ids=[*map(command_id, here), *(each.id for each in self.catalog.model)],
        )

    def subject_at(self, path: Path) -> LicenseSubject:
        """What the license check looks at for the file at `path`, a model's or a projector's, or for what stands there
        for a model that an endpoint runs. Raises LicenseError where it was never imported."""
        if (remote := self._remote.at(path)) is not None:
            return remote.subject
        for each in self._here():
            projector = each.model.projector if each.model is not None else None
            if projector is not None and same_file(Path(projector.path), path):
                return subject_of_projector(each.subject, projector)
        return self._at_path(path).subject

    def subject_of(self, model: InstalledModel) -> LicenseSubject:
        """What the license check looks at for an imported model."""
        name = model.model or model.entry  # "" where its very hash is not known
        entry, known = self.catalog.find_model(name), self.hub_records.find(name, model.endpoint)
        as_file = with_download if model.model else with_known_hash
        if entry is not None:
            return as_file(self._subject_of_entry(entry, known, model), model)
        if known is not None:
            own = self._own_text(known)
            return as_file(subject_of_hub_record(known, self.catalog, self._text_sha256, own, model), model)
        return subject_of_installed(model, self.catalog, self._text_sha256)

    def publishers_text(self, model_id: str, license_id: str) -> tuple[License, str] | None:
        """The publisher's own text of a model's license, as (license, sha256), where that is the one in force."""
        known = self.hub_records.find(model_id)
        own = self._own_text(known)
        if known is None or known.text is None or own is None or own.id != license_id:
            return None
        renamed = (own.id, own.name) if own.id != own.license else None
        return publisher_license(known.text, self.catalog.find_license(own.license), renamed), own.sha256

    def text_sha256(self, license_id: str) -> str:
        """The hash of the text in force, "" for a license whose text is not ours to ship."""
        return self._text_sha256(license_id)

    # --- the catalog ---------------------------------------------------------------------------------------------

    def _current(self) -> CatalogReadResult:
        own = self._paths.own_catalog
        stamp = stamp_at(own)
        with self._lock:
            if self._read is None or stamp != self._stamp:
                folders = (self._paths.resources, self._paths.config)
                self._read = read_catalog(self._paths.catalog, own, text_folders=folders)
                self._stamp = stamp
            return self._read

    def _text_sha256(self, license_id: str) -> str:
        license_ = self.catalog.find_license(license_id)
        if license_ is None or not license_.text:
            return ""
        return self._texts.text_of(license_).sha256

    def _own_text(self, known: HubRecord | None) -> PublisherLicense | None:
        return publisher_license_in_force(known, self.catalog, self._texts) if known is not None else None

    def _subject_of_entry(
        self, entry: CatalogEntry, known: HubRecord | None, file: InstalledModel | None = None
    ) -> LicenseSubject:
        return subject_of_entry(entry, self.catalog, self._text_sha256, known, self._own_text(known), file)

    # --- what is here --------------------------------------------------------------------------------------------

    def _here(self) -> list[ListedModel]:
        found = [
            self._listed_shipped(entry, file, path)
            for entry in self.catalog.model
            for file in entry.file
            if (path := self._shipped_path(file)) is not None
        ]
        if not found and self._current().problems and not self.catalog.model:
            raise unreadable_catalog(self.problems[0])
        here = found + self._imported({listed.subject.id for listed in found})
        return disambiguated(here, (entry.name for entry in self.catalog.model))

    def _imported(self, seen: set[str]) -> list[ListedModel]:
        """What was imported or fetched, by name. Of several files of a model, the oldest stands for it."""
        kept = self.installed_models.all()
        states = {each.id: file_state(each) for each in kept}
        found: dict[str, ListedModel] = {}
        for each in sorted(kept, key=lambda one: (states[one.id] == "missing", one.added)):
            found[each.id] = self._listed_import(each, states[each.id], seen)
            seen.add(found[each.id].subject.id)
        return [found[each.id] for each in kept]

    def _listed_here(self) -> list[ListedModel]:
        """What is here, each model once: a second file of it is found by its path, or by an id of its own."""
        models = [listed for listed in self._here() if _is_model(listed)]
        return list({listed.subject.id: listed for listed in reversed(models)}.values())[::-1]

    def _at_path(self, path: Path) -> ListedModel:
        for listed in self._here():
            if listed.model is not None and same_file(listed.model.path, path):
                return listed
        raise unknown_file_error(path)

    def _listed_entry(self, entry: CatalogEntry, known: HubRecord | None = None) -> ListedModel:
        return ListedModel(self._subject_of_entry(entry, known), entry, None, known)

    def _listed_known(self, known: HubRecord) -> ListedModel:
        subject = subject_of_hub_record(known, self.catalog, self._text_sha256, self._own_text(known))
        return ListedModel(subject, None, None, known)

    def _shipped_path(self, file: EntryFile) -> Path | None:
        if not file.shipped:
            return None
        path = self._paths.resources / file.shipped
        return path if path.is_file() else None

    def _listed_shipped(self, entry: CatalogEntry, file: EntryFile, path: Path) -> ListedModel:
        subject = subject_of_entry(entry, self.catalog, self._text_sha256)
        model = LibraryModel(
            id=entry.id,
            name=entry.name,
            publisher=entry.publisher,
            quantization=file.quantization,
            path=path,
            size=path.stat().st_size,
            license=entry.license,
            restrictions=subject.lineage.restrictions,
            built_in=True,
            attribution=subject.attribution,
            **self._prompt(entry),
        )
        return ListedModel(subject, entry, model)

    def _nearest(self, subject: LicenseSubject) -> CatalogEntry | None:
        """The nearest ancestor whose weights live on in the model; None where it is no chat model or not known.

        What was made of a base model speaks in a way of its own.
        """
        near = [each.node.id for each in reversed(subject.lineage.ancestors) if each.inherits]
        entry = next((entry for name in near if (entry := self.catalog.find_model(name)) is not None), None)
        return entry if entry is not None and entry.chat else None

    def _prompt(self, entry: CatalogEntry | None) -> "_CatalogPrompt":
        prompt = self.catalog.find_prompt(entry.prompt) if entry is not None and entry.prompt else None
        if prompt is None:
            return {"chat_template": "", "stops": ()}
        return {"chat_template": prompt.template, "stops": prompt.stops}

    def _listed_import(self, kept: InstalledModel, state: FileState, seen: set[str]) -> ListedModel:
        entry = self.catalog.find_model(kept.model_id)
        subject = self.subject_of(kept)
        # Of a model in several files, each after the first goes by the file's own id.
        model_id = kept.id if subject.id in seen else subject.id
        known = self.hub_records.find(kept.model, kept.endpoint)
        model = replace(self._model_of(kept, model_id, imported=not kept.model), state=state, file_id=kept.id)
        return ListedModel(subject, entry, model, known)

    def _model_of(self, kept: InstalledModel, model_id: str = "", *, imported: bool) -> LibraryModel:
        subject = self.subject_of(kept)
        entry = self.catalog.find_model(kept.model_id)
        return LibraryModel(
            id=model_id or subject.id,
            name=subject.name,
            publisher=subject.publisher,
            quantization=kept.quantization,
            path=Path(kept.path),
            size=kept.size,
            license=subject.lineage.node.licenses[0] if subject.lineage.node.licenses else "",
            restrictions=subject.lineage.restrictions,
            imported=imported,
            attribution=subject.attribution,
            identified_by=kept.identified_by if entry is not None or kept.model else "",
            adapter=kept.adapter,
            kind=kept.kind,
            projector=kept.projector,
            **self._prompt(entry or self._nearest(subject)),
        )


class _CatalogPrompt(TypedDict):
    chat_template: str
    stops: tuple[str, ...]


def _is_here(listed: ListedModel) -> bool:
    return listed.model is not None and listed.model.state != "missing"


def _is_model(listed: ListedModel, kind: ModelKind | None = None) -> bool:
    return listed.model is None or (not listed.model.adapter and kind in (None, listed.model.kind))


def _ids(listed: ListedModel, model: LibraryModel) -> tuple[str, ...]:
    return (listed.subject.id, model.id, model.file_id)
