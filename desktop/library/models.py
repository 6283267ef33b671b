"""The models on this disk and in the catalog, as values, and the one way from what a person typed to a model."""

import os
import shlex
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from desktop.catalog.entries import Catalog, Entry, EntryFile, License
from desktop.catalog.reading import CatalogRead, Problem, read_catalog
from desktop.engine.header import read_header
from desktop.errors import IntegrityError, LicenseError, NotFoundError
from desktop.library.file_state import FileState, file_state
from desktop.library.imported import ImportedModel, ImportedModels, from_header
from desktop.library.known import KnownModel, KnownModels, publishers_license
from desktop.library.subjects import OwnText, of_download, subject_of_entry, subject_of_import, subject_of_known
from desktop.licenses.door import Verdict
from desktop.licenses.subject import Subject
from desktop.licenses.texts import LicenseTexts, same_words
from desktop.paths import Paths
from desktop.translation import tr


@dataclass(frozen=True)
class LibraryModel:
    """A model file that is on this disk. `size` in bytes; `license` an id, or "" where the file names none.

    `restrictions` are the effective ones, through its lineage; `attribution` the lines its licenses ask to be shown.
    `chat_template` and `stops` are the catalog's prompt for it, where its file carries none. For a file given by path
    that was never imported, `id` is that path. `file_id` is the file's own id, by which it is found as well. `state`
    says whether the file is still there, and still the one that was hashed.
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


@dataclass(frozen=True)
class Listed:
    """A model as it is listed: before the door, in the catalog (or None), and on this disk (or None).

    `known` is what the Hub said of it, None where nobody looked it up.
    """

    subject: Subject
    entry: Entry | None
    model: LibraryModel | None
    known: KnownModel | None = None


@dataclass(frozen=True)
class Card:
    """A listed model, and what the door says of it."""

    listed: Listed
    verdict: Verdict


class Library:
    """The models on this disk and those of the catalog. May be used from any thread; keeps nothing open."""

    def __init__(self, paths: Paths, texts: LicenseTexts) -> None:
        self._paths = paths
        self._texts = texts
        self._lock = threading.Lock()
        self._read: CatalogRead | None = None
        self._stamp: object = None
        self.imports = ImportedModels(paths.imports)
        self.known = KnownModels(paths.known_models)

    @property
    def catalog(self) -> Catalog:
        """The catalog, read again where a person's own file changed; of a file with mistakes, what is right in it."""
        return self._current().catalog

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The mistakes in the catalog that ships and in the person's own."""
        return self._current().problems

    def models(self) -> list[LibraryModel]:
        """Every model file that is here, the built-in one first. Raises IntegrityError where they cannot be listed."""
        here = (each for each in self._here() if each.model is not None and each.model.state != "missing")
        # A copy of the very same file is no other model.
        once = {(each.subject.id, each.subject.file_sha256): each.model for each in reversed(list(here))}
        return [model for model in reversed(once.values()) if model is not None]

    def listed(self) -> list[Listed]:
        """Every model: first those on this disk, then those looked up at the Hub, then the catalog's, in its order."""
        here = self._listed_here()
        ids = {listed.subject.id for listed in here}
        catalog = self.catalog
        known = {each.id: each for each in self.known.all()}
        others = [self._listed_entry(entry, known.get(entry.id)) for entry in catalog.model if entry.id not in ids]
        found = [
            self._listed_known(each)
            for each in known.values()
            if each.id not in ids and catalog.find_model(each.id) is None
        ]
        return here + found + others

    def listed_one(self, id_or_path: str) -> Listed:
        """The model with this id, here or not, or the imported file at this path.

        Raises NotFoundError where there is neither, and LicenseError for a file that was never imported.
        """
        known = self.known.find(id_or_path)
        # What is kept is found in any letters' case; from here on it goes by its own.
        model_id = known.id if known is not None else id_or_path
        for listed in self._here():
            if listed.model is not None and model_id in _ids(listed, listed.model):
                return listed
        entry = self.catalog.find_model(model_id)
        if entry is not None:
            return self._listed_entry(entry, known)
        if known is not None:
            return self._listed_known(known)
        return self._at_path(self.find(id_or_path).path)

    def find(self, id_or_path: str) -> LibraryModel:
        """The model with this id, or the file at this path, imported or not.

        Raises NotFoundError where there is neither, and EngineError where the file cannot be a model.
        """
        here = self._here()
        kept = self.known.find(id_or_path)
        model_id = kept.id if kept is not None else id_or_path
        for listed in here:
            if listed.model is not None and model_id in _ids(listed, listed.model):
                return listed.model
        path = Path(id_or_path).expanduser()
        if path.is_dir():
            raise NotFoundError(
                tr("{path} is a folder, not a model file.").format(path=id_or_path), "", tr("Name the GGUF file in it.")
            )
        if path.exists():
            header = read_header(path.absolute())
            known = next((each.model for each in here if each.model is not None and _same(each.model.path, path)), None)
            return known or self._model_of(from_header(header, self.catalog), imported=False)
        entry = self.catalog.find_model(model_id)
        if entry is not None and not entry.gguf:
            raise NotFoundError(
                tr("{model} is not on this computer.").format(model=id_or_path),
                "",
                tr("“latchkey models show {model}” says what it takes to get it.").format(model=id_or_path),
            )
        if entry is not None or kept is not None:
            raise NotFoundError(
                tr("{model} is not on this computer.").format(model=id_or_path),
                "",
                tr("“latchkey models get {model}” fetches it.").format(model=id_or_path),
            )
        if os.sep in id_or_path or "/" in id_or_path or id_or_path.lower().endswith(".gguf"):
            raise NotFoundError(tr("There is no file {path}.").format(path=id_or_path), "", tr("Check the path."))
        raise NotFoundError(
            tr("There is no model called {model}.").format(model=id_or_path),
            "",
            tr("“latchkey models list” names the models; a GGUF file is named by its path."),
        )

    def subject_at(self, path: Path) -> Subject:
        """What the door looks at for the file at `path`. Raises LicenseError where it was never imported."""
        return self._at_path(path).subject

    def subject_of(self, model: ImportedModel) -> Subject:
        """What the door looks at for an imported model."""
        catalog = self.catalog
        entry = catalog.find_model(model.model) if model.model else None
        known = self.known.find(model.model) if model.model else None
        if entry is not None:
            return of_download(self._subject_of_entry(entry, known, model), model)
        if known is not None:
            own = self._own_text(known)
            return of_download(subject_of_known(known, catalog, self._text_sha256, own, model), model)
        return subject_of_import(model, catalog, self._text_sha256)

    def publishers_text(self, model_id: str, license_id: str) -> tuple[License, str] | None:
        """The publisher's own text of a model's license, as (license, sha256), where that is the one in force."""
        known = self.known.find(model_id)
        if known is None or known.text is None or known.text.license != license_id:
            return None
        found = self.catalog.find_license(license_id)
        return (publishers_license(known.text, found), known.text.sha256) if self._own_text(known) is not None else None

    def text_sha256(self, license_id: str) -> str:
        """The hash of the text in force, "" for a license whose text is not ours to ship."""
        return self._text_sha256(license_id)

    # --- the catalog ---------------------------------------------------------------------------------------------

    def _current(self) -> CatalogRead:
        own = self._paths.own_catalog
        try:
            status = own.stat()
            stamp: object = (status.st_size, status.st_mtime_ns, status.st_ino)
        except OSError:
            stamp = None
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
        return self._texts.of(license_).sha256

    def _own_text(self, known: KnownModel | None) -> OwnText | None:
        """The publisher's own text, where it says other words than the catalog's for the same license."""
        if known is None or known.text is None:
            return None
        license_ = self.catalog.find_license(known.text.license)
        if license_ is not None and license_.text:
            try:
                kept = self._texts.of_publisher(license_, known.text.sha256)
                if same_words(self._texts.of(license_).data, kept.data):
                    return None
            except IntegrityError:
                pass  # who wants to read it is told; what was accepted of it stands
        return OwnText(known.text.license, publishers_license(known.text, license_).name, known.text.sha256)

    def _subject_of_entry(self, entry: Entry, known: KnownModel | None, file: ImportedModel | None = None) -> Subject:
        return subject_of_entry(entry, self.catalog, self._text_sha256, known, self._own_text(known), file)

    # --- what is here --------------------------------------------------------------------------------------------

    def _here(self) -> list[Listed]:
        found = [
            self._listed_shipped(entry, file, path)
            for entry in self.catalog.model
            for file in entry.file
            if (path := self._shipped_path(file)) is not None
        ]
        if not found and self._current().problems and not self.catalog.model:
            raise _no_catalog(self.problems[0])
        return found + self._imported({listed.subject.id for listed in found})

    def _imported(self, seen: set[str]) -> list[Listed]:
        """What was imported or fetched, by name. Of several files of a model, the oldest stands for it."""
        kept = self.imports.all()
        states = {each.id: file_state(each) for each in kept}
        found: dict[str, Listed] = {}
        for each in sorted(kept, key=lambda one: (states[one.id] == "missing", one.added)):
            found[each.id] = self._listed_import(each, states[each.id], seen)
            seen.add(found[each.id].subject.id)
        return [found[each.id] for each in kept]

    def _listed_here(self) -> list[Listed]:
        """What is here, each model once: a second file of it is found by its path, or by an id of its own."""
        return list({listed.subject.id: listed for listed in reversed(self._here())}.values())[::-1]

    def _at_path(self, path: Path) -> Listed:
        for listed in self._here():
            if listed.model is not None and _same(listed.model.path, path):
                return listed
        raise _unknown_file(path)

    def _listed_entry(self, entry: Entry, known: KnownModel | None = None) -> Listed:
        return Listed(self._subject_of_entry(entry, known), entry, None, known)

    def _listed_known(self, known: KnownModel) -> Listed:
        subject = subject_of_known(known, self.catalog, self._text_sha256, self._own_text(known))
        return Listed(subject, None, None, known)

    def _shipped_path(self, file: EntryFile) -> Path | None:
        path = self._paths.resources / file.shipped
        return path if file.shipped and path.is_file() else None

    def _listed_shipped(self, entry: Entry, file: EntryFile, path: Path) -> Listed:
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
        return Listed(subject, entry, model)

    def _nearest(self, subject: Subject) -> Entry | None:
        """The nearest ancestor whose weights live on in the model; None where it is no chat model or not known.

        What was made of a base model speaks in a way of its own.
        """
        near = [each.node.id for each in reversed(subject.lineage.ancestors) if each.inherits]
        entry = next((entry for name in near if (entry := self.catalog.find_model(name)) is not None), None)
        return entry if entry is not None and entry.chat else None

    def _prompt(self, entry: Entry | None) -> "_Prompt":
        prompt = self.catalog.find_prompt(entry.prompt) if entry is not None and entry.prompt else None
        if prompt is None:
            return {"chat_template": "", "stops": ()}
        return {"chat_template": prompt.template, "stops": prompt.stops}

    def _listed_import(self, kept: ImportedModel, state: FileState, seen: set[str]) -> Listed:
        entry_id = kept.model or kept.entry
        entry = self.catalog.find_model(entry_id) if entry_id else None
        subject = self.subject_of(kept)
        # Of a model in several files, each after the first goes by the file's own id.
        model_id = kept.id if subject.id in seen else subject.id
        known = self.known.find(kept.model) if kept.model else None
        model = replace(self._model_of(kept, model_id, imported=not kept.model), state=state, file_id=kept.id)
        return Listed(subject, entry, model, known)

    def _model_of(self, kept: ImportedModel, model_id: str = "", *, imported: bool) -> LibraryModel:
        subject = self.subject_of(kept)
        entry = self.catalog.find_model(kept.model or kept.entry) if kept.model or kept.entry else None
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
            **self._prompt(entry or self._nearest(subject)),
        )


class _Prompt(TypedDict):
    chat_template: str
    stops: tuple[str, ...]


def _ids(listed: Listed, model: LibraryModel) -> tuple[str, ...]:
    return (listed.subject.id, model.id, model.file_id)


def _same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file."""
    if one.absolute() == other.absolute():
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False


def _unknown_file(path: Path) -> LicenseError:
    return LicenseError(
        tr("{file} was never imported, so no license of it is accepted.").format(file=path.name),
        "",
        tr(
            "Add it with “latchkey models import {path}”, then accept its license with “latchkey licenses accept”."
        ).format(path=shlex.quote(str(path))),
    )


def _no_catalog(problem: Problem) -> IntegrityError:
    return IntegrityError(
        tr("The catalog cannot be read."),
        tr("{file}: {reason}.").format(file=problem.file, reason=problem.message),
        tr("Install Latchkey again to restore it."),
    )
