"""Taking in a model file that a person has: its header read, its license and lineage noted, its contents hashed."""

import contextlib
import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from desktop.engine.gguf_header import GgufHeader
from desktop.engine.projector_header import ProjectorHeader
from desktop.errors import ForbiddenError, IntegrityError, NotFoundError, ResourceError, UserError
from desktop.library.disk_use import delete_owned_files, remove_installed, same_file
from desktop.library.file_hashes import FileHashes, HashProgress, hash_of_parts
from desktop.library.import_source import (
    HashedSource,
    check_claimed_hashes,
    copy_whole,
    hash_in_place,
    read_source_header,
)
from desktop.library.installed_models import (
    InstalledModel,
    file_state,
    file_state_error,
    installed_from_header,
    installed_id,
    persistent_stamps,
    title_of_header,
)
from desktop.library.library import Library
from desktop.library.library_model import LibraryModel
from desktop.library.model_projector import InstalledProjector, installed_projector, is_changed, projector_beside
from desktop.library.model_recognition import can_be_recognized_now, identity_in, with_app_hints, with_identity
from desktop.library.other_apps.discovered_model import DiscoveredModel
from desktop.licenses.ledger import Ledger
from desktop.licenses.license_texts import LicenseTexts
from desktop.licenses.policy import forbids_imports
from desktop.licenses.policy_file import PolicySource
from desktop.split_files import parts_of
from desktop.translation import tr

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImportResult:
    """A model that was to be added. `existed` says that the library had it already, at `model.path`, where it stays."""

    model: LibraryModel
    existed: bool = False


class Importer:
    """Adds files to the library and takes them out of it; both are recorded in the ledger. For any thread.

    `models` is the folder for copies. By `texts`, license texts that lie beside a file are recognized.
    """

    def __init__(
        self,
        library: Library,
        hashes: FileHashes,
        ledger: Ledger,
        policy: PolicySource,
        models: Path,
        texts: LicenseTexts | None = None,
    ) -> None:
        self._library = library
        self._hashes = hashes
        self._ledger = ledger
        self._policy = policy
        self._models = models
        self._texts = texts
        self._lock = threading.Lock()

    def add(
        self,
        source: Path | DiscoveredModel,
        license_id: str = "",
        *,
        copy: bool = False,
        adapters: bool = False,
        progress: HashProgress | None = None,
        stop: threading.Event | None = None,
    ) -> LibraryModel:
        """As `import_file`; the model alone."""
        return self.import_file(source, license_id, copy=copy, adapters=adapters, progress=progress, stop=stop).model

    def import_file(
        self,
        source: Path | DiscoveredModel,
        license_id: str = "",
        *,
        copy: bool = False,
        adapters: bool = False,
        progress: HashProgress | None = None,
        stop: threading.Event | None = None,
    ) -> ImportResult:
        """Add a GGUF file, or the one model in a folder: where it lies, or as a copy among Latchkey's models.

        All of it is read; `progress` gets bytes done and bytes in all, `stop` ends it with HashingStoppedError.
        `license_id` is the license that the person says it is under, beside what its header says. Of a model that
        another app fetched, what its folder says is noted as a hint, and a file that is not what its name claims is
        refused. With `adapters` the file may be an adapter (LoRA), which is listed among no models.

        Raises NotFoundError for a file or license that is not there, EngineError for no sound model, IntegrityError for
        one that changes or is damaged, ForbiddenError where a policy forbids imports, ResourceError where a copy or the
        record cannot be written.
        """
        if (refusal := forbids_imports(self._policy.current())) is not None:
            raise refusal
        stated = self.stated_license(license_id)
        header = read_source_header(source, copy=copy, adapters=adapters)
        existing = self._same_file(header.path)
        found = source if isinstance(source, DiscoveredModel) else None
        projector = projector_beside(header, found.projector if found is not None else None)
        if existing is not None and not self._adds(existing, stated, copy, header, found, projector):
            return ImportResult(self._model(existing), existed=True)
        if copy:
            name = found.name if found is not None else title_of_header(header)
            read = copy_whole(header, name, self._hashes, self._models, progress, stop, projector)
        else:
            read = hash_in_place(header, self._hashes, progress, stop, projector)
        try:
            check_claimed_hashes(read, found.claims if found is not None else ())
            with self._lock:
                return self._register(read, found, stated)
        except BaseException:
            read.discard()
            raise

    def verify(
        self, model_id: str, *, progress: HashProgress | None = None, stop: threading.Event | None = None
    ) -> LibraryModel:
        """Read an imported or fetched model to its end, whatever was remembered of it; the model, where it is the same.

        Raises NotFoundError where there is none or its file is gone, IntegrityError where it is another one now,
        ResourceError where it cannot be read, HashingStoppedError.
        """
        record = self._kept(model_id)
        files = parts_of(Path(record.path))
        stamps = persistent_stamps(files)
        if stamps is None and (missing := file_state_error(record, "missing")) is not None:
            raise missing
        self._hashes.forget(files)
        if hash_of_parts(self._hashes.hash_all(files, progress, stop)) != record.sha256:
            raise IntegrityError(
                tr("The file of {model} is not the one that was added.").format(model=record.name),
                tr("{file} holds something else now.").format(file=record.path),
                tr("Put the former file back, or remove the model and import this one."),
            )
        if stamps != record.stamps and stamps is not None and stamps == persistent_stamps(files):
            self._library.installed_models.save(replace(record, stamps=stamps))
        return self._model(record)

    def remove(self, model_id: str, *, loaded: Collection[Path] = ()) -> int:
        """Take an imported or fetched model out of the library; the bytes that were freed.

        Only a copy or a download of ours is deleted. `loaded` are the files that an engine holds right now: theirs is
        refused with UserError. Raises NotFoundError where there is no such model, ForbiddenError for the built-in one,
        ResourceError where its files cannot be deleted: it stays in the library then.
        """
        with self._lock:
            try:
                record = self._kept(model_id)
            except NotFoundError:
                if self._library.find(model_id).built_in:
                    title = tr("The built-in model is part of Latchkey and cannot be removed.")
                    raise ForbiddenError(title) from None
                raise
            subject = self._library.subject_of(record)
            return remove_installed(record, subject, self._library.installed_models, self._ledger, self._models, loaded)

    def _register(self, read: HashedSource, found: DiscoveredModel | None, stated: str) -> ImportResult:
        """Note it in ledger and library; or find that the library has it."""
        kept = self._library.installed_models.all()
        existing = next((each for each in kept if each.sha256 == read.sha256), None)
        stays = existing is not None and self._is_here(existing) and (read.copied is None or existing.copied)
        copied = read.copied is not None
        if existing is not None and stays and not self._adds(existing, stated, copied, read.header, found, read.seen):
            read.discard()
            return ImportResult(self._model(existing), existed=True)
        model = self._described(read, found, stated, existing)
        if existing is not None and stays:
            read.discard()
            model = replace(model, path=existing.path, copied=existing.copied, stamps=existing.stamps)
            if read.copied is not None and read.seen is not None and model.projector is read.projector:
                found_again = self._hashes.hash_with_stamp(read.seen.path)
                model = replace(model, projector=installed_projector(read.seen, *found_again))
        elif read.copied is not None:
            files = read.copied.move_to(self._models, model.id)
            model = replace(model, path=str(files[0]), copied=True)
            for file, sha256, stamp in zip(files, read.hashes, read.stamps, strict=False):
                self._hashes.remember(file, sha256, stamp)
            if read.projector is not None:
                model = replace(model, projector=replace(read.projector, path=str(files[-1]), copied=True))
        self._record(model, stated, [each for each in kept if each.path == model.path and each.id != model.id])
        if existing is not None and not stays:
            self._drop_former(existing, model)
        return ImportResult(self._model(model))

    def _is_here(self, record: InstalledModel) -> bool:
        """Whether its file is where it was, and holds what it held: read once more where that is not known."""
        try:
            return file_state(record) == "here" and self._hashes.hashed_model(Path(record.path)).sha256 == record.sha256
        except UserError:
            return False

    def _record(self, model: InstalledModel, stated: str, replaced: list[InstalledModel]) -> None:
        """Record `model` in ledger and library, and that the file in its place before is gone."""
        try:
            for former in replaced:
                subject = self._library.subject_of(former)
                self._ledger.append(subject.ledger_event("removed", note=tr("Another file was put in its place.")))
                self._library.installed_models.delete(former.id)
            note = tr("Said to be under {license}.").format(license=stated) if stated else ""
            self._ledger.append(self._library.subject_of(model).ledger_event("imported", note=note))
            self._library.installed_models.save(model)
        except BaseException:
            if not any(each.path == model.path for each in self._library.installed_models.all()):
                delete_owned_files(model, self._models)
            raise

    def _drop_former(self, former: InstalledModel, model: InstalledModel) -> None:
        """Delete a copy of ours that is damaged or half gone, now that the whole model is here again."""
        if former.copied and former.path != model.path:
            try:
                delete_owned_files(former, self._models)
            except ResourceError:
                _log.warning("the damaged copy %s could not be deleted", former.path)

    def _described(
        self, read: HashedSource, found: DiscoveredModel | None, stated: str, existing: InstalledModel | None
    ) -> InstalledModel:
        """What is kept of it where it lies. Of a model that the library knew, what it is called stays."""
        catalog, header = self._library.catalog, read.header
        model = installed_from_header(header, catalog, stated or (existing.stated if existing is not None else ""))
        model = replace(
            model,
            id=installed_id(model.name, read.sha256),
            sha256=read.sha256,
            stamps=read.persistent_stamps,
            projector=read.projector,
        )
        if found is not None:
            model = with_app_hints(model, found, catalog, self._texts)
        identity = identity_in(self._library, header, read.sha256, read.hashes, found)
        model = with_identity(model, identity, self._library)
        if existing is None:
            return model
        return replace(
            model,
            id=existing.id,
            name=model.name if identity is not None else existing.name,
            entry=model.entry or existing.entry,
            # The same bytes under another name are what they were: it would take the terms of that model away.
            likely="" if model.entry else existing.likely or model.likely,
            witness=existing.witness or model.witness if not model.entry else model.witness,
            licenses=tuple(dict.fromkeys((*existing.licenses, *model.licenses))),
            bases=tuple(dict.fromkeys((*existing.bases, *model.bases))),
            quantized=existing.quantized or model.quantized,
            model=existing.model,
            repository=existing.repository or model.repository,
            commit=existing.commit if existing.repository else model.commit,
            vouched=existing.vouched,
            added=existing.added,
            projector=_kept_projector(existing, model),
            endpoint=existing.endpoint if existing.model or not model.entry else model.endpoint,
        )

    def _adds(
        self,
        existing: InstalledModel,
        stated: str,
        copy: bool,
        header: GgufHeader,
        found: DiscoveredModel | None,
        projector: ProjectorHeader | None,
    ) -> bool:
        """Whether importing it again adds anything: a license not stated yet, a copy of our own, what it is, or a
        projector."""
        if (stated and stated != existing.stated) or (copy and not existing.copied):
            return True
        if projector is not None and (existing.projector is None or is_changed(existing.projector)):
            return True
        # Of a model in several files the whole's hash tells nothing of theirs; its names do.
        return can_be_recognized_now(existing, header, (existing.sha256,), found, self._library)

    def stated_license(self, license_id: str) -> str:
        """The id of the license that a person names, "" for none. Raises NotFoundError where none is called so."""
        if not license_id:
            return ""
        known = self._library.catalog.find_license(license_id)
        if known is None or not known.text:
            raise NotFoundError(
                tr("There is no license called {license}.").format(license=license_id),
                "",
                tr("“latchkey licenses list” names them."),
            )
        return known.id

    def _same_file(self, path: Path) -> InstalledModel | None:
        """What is kept of the very file at `path`, where it is known not to have changed since it was read."""
        for record in self._library.installed_models.all():
            if same_file(Path(record.path), path) and self._hashes.cached_model(Path(record.path)) == record.sha256:
                return record
        return None

    def _kept(self, model_id: str) -> InstalledModel:
        """What is kept of a model, by the id of its file, else of its model. Raises NotFoundError."""
        kept = self._library.installed_models.all()
        by_file = (each for each in kept if each.id == model_id)
        by_model = (each for each in kept if model_id in (each.model, each.entry))
        found = next(by_file, None) or next(by_model, None)
        if found is not None:
            return found
        self._library.find(model_id)  # it says more of one that is no model at all
        raise NotFoundError(tr("There is no imported model called {model}.").format(model=model_id))

    def _model(self, record: InstalledModel) -> LibraryModel:
        """The library's model for what is kept of it: a file that the catalog lists goes by its entry's id."""
        if not record.entry:
            with contextlib.suppress(NotFoundError):
                return self._library.find(record.id)
        return self._library.find(self._library.subject_of(record).id)


def _kept_projector(existing: InstalledModel, model: InstalledModel) -> InstalledProjector | None:
    """The one that it has, as long as that is as it was; else the one that was found now."""
    kept = existing.projector
    return kept if kept is not None and (model.projector is None or not is_changed(kept)) else model.projector
