"""Taking in a model file that a person has: its header read, its license and lineage noted, its contents hashed."""

import os
import shutil
from pathlib import Path

from msgspec.structs import replace

from desktop.engine.header import Header, read_header
from desktop.errors import ForbiddenError, NotFoundError, ResourceError
from desktop.library.hashes import FileHashes
from desktop.library.imported import from_header, id_for
from desktop.library.models import Library, LibraryModel
from desktop.licenses.ledger import Ledger
from desktop.licenses.policy import PolicyFile, forbidden
from desktop.translation import tr


class Importer:
    """Adds files to the library and takes them out of it; both are recorded in the ledger."""

    def __init__(self, library: Library, hashes: FileHashes, ledger: Ledger, policy: PolicyFile, models: Path) -> None:
        self._library = library
        self._hashes = hashes
        self._ledger = ledger
        self._policy = policy
        self._models = models

    def add(self, path: Path, license_id: str = "", *, copy: bool = False) -> LibraryModel:
        """Add the GGUF file at `path`: where it lies, or as a copy among Latchkey's models. Hashes all of it.

        `license_id` is the license that the person says it is under, beside what its header says. Raises NotFoundError
        for a file or license that is not there, EngineError for no sound model, ForbiddenError where a policy forbids
        imports, ResourceError where a copy or the record cannot be written.
        """
        policy = self._policy.current()
        if not policy.imports:
            raise forbidden(policy, tr("models from files of your own"))
        stated = self._stated(license_id)
        path = path.expanduser().absolute()
        header = read_header(path)
        sha256 = self._hashes.model(header.files)
        if copy:
            path = self._copied(header)
        catalog = self._library.catalog
        model = replace(
            from_header(header, catalog, stated),
            id=id_for(header.name or path.stem, sha256),
            path=str(path),
            sha256=sha256,
            entry=next((each.id for each in catalog.model if any(file.sha256 == sha256 for file in each.file)), ""),
            copied=copy,
        )
        subject = self._library.subject_of(model)
        note = tr("Said to be under {license}.").format(license=stated) if stated else ""
        self._ledger.append(subject.fact("imported", note=note))
        self._library.imports.keep(model)
        return self._library.find(subject.id)

    def remove(self, model_id: str) -> int:
        """Take an imported model out of the library; the bytes that were freed. Only a copy of ours is deleted.

        Raises NotFoundError where there is no such model, ForbiddenError for the built-in one.
        """
        found = next((each for each in self._library.imports.all() if model_id in (each.id, each.entry)), None)
        if found is None:
            if self._library.find(model_id).built_in:
                raise ForbiddenError(tr("The built-in model is part of Latchkey and cannot be removed."))
            raise NotFoundError(tr("There is no imported model called {model}.").format(model=model_id))
        self._ledger.append(self._library.subject_of(found).fact("removed"))
        self._library.imports.forget(found.id)
        if not found.copied:
            return 0
        shutil.rmtree(Path(found.path).parent, ignore_errors=True)
        return found.size

    def _stated(self, license_id: str) -> str:
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

    def _copied(self, header: Header) -> Path:
        """The model's files copied into a folder of their own among ours; the path of the first."""
        folder = self._models / f"{header.path.stem[:80]}-{os.getpid()}-{header.path.stat().st_mtime_ns}"
        needed, free = header.file_size, _free(self._models)
        if free is not None and needed > free:
            raise ResourceError(
                tr("There is not enough space to copy this model."),
                tr("It takes {needed:.1f} GB; {free:.1f} GB are free.").format(needed=needed / 1e9, free=free / 1e9),
                tr("Free some space, or import it without copying."),
            )
        try:
            folder.mkdir(parents=True)
            for file in header.files:
                shutil.copyfile(file, folder / file.name)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise ResourceError(
                tr("The model could not be copied."),
                tr("Writing to {folder} failed: {reason}.").format(folder=folder, reason=error.strerror),
                tr("Free some space, or import it without copying."),
            ) from error
        return folder / header.path.name


def _free(folder: Path) -> int | None:
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None
