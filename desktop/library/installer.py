"""A fetched file becomes a model of the library: its header read, its terms completed by it, the ledger written."""

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from desktop.catalog.base_model_name import base_model_name, find_base
from desktop.catalog.catalog import Catalog, EntryBase
from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.engine.projector_header import find_projector
from desktop.errors import UserError
from desktop.file_stamp import FileStamp, stamp_at
from desktop.hub.repository_files import target_path
from desktop.hub.transfer.disk import delete_files
from desktop.hub.transfer.transfer_types import FetchedFile
from desktop.library.download_records import DownloadRecord
from desktop.library.file_hashes import FileHashes, file_changing_error, hash_of_parts
from desktop.library.hardware_fit import dimensions_of
from desktop.library.hub_records import HubRecord
from desktop.library.installed_models import (
    InstalledModel,
    file_state,
    installed_files,
    installed_from_header,
    installed_id,
    persistent_stamp,
    title_of_header,
)
from desktop.library.library import Library
from desktop.library.model_projector import InstalledProjector, installed_projector
from desktop.library.model_recognition import with_card
from desktop.licenses.ledger import Ledger
from desktop.licenses.license_subject import LicenseSubject
from desktop.licenses.license_verdict import LicenseVerdict


class Installer:
    """`verdict` asks the license check whether a model may be fetched."""

    def __init__(
        self, library: Library, hashes: FileHashes, ledger: Ledger, verdict: Callable[[LicenseSubject], LicenseVerdict]
    ) -> None:
        self._library, self._hashes, self._ledger, self._verdict = library, hashes, ledger, verdict

    def check(self, subject: LicenseSubject) -> None:
        """Raise what the license check has against fetching the model."""
        error = self._verdict(subject).error
        if error is not None:
            raise error

    def install(self, record: DownloadRecord, fetched: tuple[FetchedFile, ...]) -> str:
        """Enter a model whose files are all here; its id. Raises EngineError for what is no sound model, IntegrityError
        where another program changed what was fetched, and ResourceError where library or ledger cannot be written."""
        fetched, projector = self._projector(record, fetched)
        header, stamps = self._read(fetched)
        known = self._library.hub_records.find(record.model_id, record.endpoint)
        if known is not None:
            self._library.hub_records.save(with_header_terms(known, header, self._library.catalog))
        model = replace(self._model(record, fetched, header), stamps=tuple(persistent_stamp(stamp) for stamp in stamps))
        model = replace(model, projector=projector)
        if known is not None and self._library.catalog.shipped.find_model(known.id) is None:
            model = with_card(model, known)
        kept = next((each for each in self._library.installed_models.all() if each.sha256 == model.sha256), None)
        # The very same bytes under another name: once is enough.
        twice = kept is not None and kept.copied and kept.path != model.path and self._is_here(kept)
        if kept is not None:
            model = _in_place_of(kept, model)
            if twice:
                model = kept if kept.model else replace(model, path=kept.path, stamps=kept.stamps)
                model = replace(model, projector=kept.projector or projector)
        if kept is None or kept.model != model.model:
            # First the ledger: should the process end here, it says so twice, and never leaves a model out.
            self._ledger.append(self._library.subject_of(model).ledger_event("downloaded"))
        self._library.installed_models.save(model)
        for each in fetched if twice else ():
            each.path.unlink(missing_ok=True)
        return self._library.find(model.id).id

    def discard(self, record: DownloadRecord, folder: Path) -> None:
        """Delete what was fetched whole into `folder` and became no model, as a file that is none. Files of models, and
        any that was not found to be the one that was wanted, stay. Raises ResourceError."""
        models = {
            os.path.realpath(file) for each in self._library.installed_models.all() for file in installed_files(each)
        }
        for part in record.parts:
            file = target_path(folder, part.name)
            ours = part.sha256 and self._hashes.cached(file) == part.sha256
            if ours and os.path.realpath(file) not in models:
                delete_files(file)

    def _read(self, fetched: tuple[FetchedFile, ...]) -> tuple[GgufHeader, list[FileStamp]]:
        """The header of what was fetched, read together with all of it: what was written is not what lies there, where
        another program writes to it too."""
        read = [self._hashes.hash_with_stamp(each.path) for each in fetched]
        header = read_header(fetched[0].path, embedding=None)
        for each, (sha256, stamp) in zip(fetched, read, strict=True):
            if sha256 != each.sha256 or stamp_at(each.path) != stamp:
                raise file_changing_error(each.path)
        return header, [stamp for _, stamp in read]

    def _projector(
        self, record: DownloadRecord, fetched: tuple[FetchedFile, ...]
    ) -> tuple[tuple[FetchedFile, ...], InstalledProjector | None]:
        """The model's own files, and what is kept of the projector that was fetched with them: None where none was, or
        one that cannot be used. Raises as `_read`."""
        if not record.projector:
            return fetched, None
        last = fetched[-1]
        sha256, stamp = self._hashes.hash_with_stamp(last.path)
        header = find_projector(last.path)
        if sha256 != last.sha256 or stamp_at(last.path) != stamp:
            raise file_changing_error(last.path)
        made = installed_projector(header, sha256, stamp, copied=True) if header is not None else None
        return fetched[:-1], made

    def _is_here(self, kept: InstalledModel) -> bool:
        """Whether the file of `kept` is where it was, and holds what it held."""
        try:
            return file_state(kept) == "here" and self._hashes.hashed_model(Path(kept.path)).sha256 == kept.sha256
        except UserError:
            return False

    def _model(self, record: DownloadRecord, fetched: tuple[FetchedFile, ...], header: GgufHeader) -> InstalledModel:
        files = [each.path for each in fetched]
        sha256 = hash_of_parts([each.sha256 for each in fetched])
        return replace(
            installed_from_header(header, self._library.catalog),
            id=installed_id(_name(record, header), sha256),
            name=_name(record, header),
            path=str(files[0]),
            size=sum(each.size for each in fetched),
            sha256=sha256,
            quantization=record.quantization or header.quantization,
            copied=True,
            model=record.model_id,
            repository=record.repository,
            commit=record.commit,
            endpoint=record.endpoint,
            vouched=all(each.verified for each in fetched),
            added=time.time(),
        )


def with_header_terms(known: HubRecord, header: GgufHeader, catalog: Catalog) -> HubRecord:
    """`known`, with whatever license and base the header of a fetched file names besides."""
    named = [each for each in (header.license, header.license_name) if each and each.casefold() != "other"]
    ids = [license_.id if (license_ := catalog.find_license(each)) is not None else each for each in named[:1]]
    licenses = tuple(dict.fromkeys((*known.node.licenses, *ids)))
    bases = {base.id.casefold(): base for base in known.node.bases}
    for name in header.base_models:
        entry = find_base(name, catalog)
        base = entry.id if entry is not None else base_model_name(name)
        if base.casefold() not in (known.id.casefold(), known.repository.casefold()):
            bases.setdefault(base.casefold(), EntryBase(base, "quantization"))
    node = dataclasses.replace(known.node, licenses=licenses, bases=tuple(bases.values()))
    return replace(
        known,
        node=dataclasses.replace(node, origin="derived" if node.origin == "unknown" and bases else node.origin),
        architecture=header.architecture,
        context_length=header.context_length,
        has_template=header.has_template,
        measure=dimensions_of(header),
    )


def _in_place_of(kept: InstalledModel, model: InstalledModel) -> InstalledModel:
    """`model`, with what a person stated of the same bytes, and the terms that were known of them."""
    return replace(
        model,
        id=kept.id,
        licenses=tuple(dict.fromkeys((*model.licenses, *kept.licenses))),
        bases=tuple(dict.fromkeys((*model.bases, *kept.bases))),
        stated=kept.stated,
        claimed=tuple(each for each in kept.claimed if each not in model.licenses),
        projector=model.projector or kept.projector,
        entry=kept.entry,
        likely=kept.likely,
        witness=kept.witness,
    )


def _name(record: DownloadRecord, header: GgufHeader) -> str:
    return title_of_header(header, record.file, record.repository)
