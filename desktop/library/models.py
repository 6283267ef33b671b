"""The models on this disk, as values, and the one way from what a person typed to a model file.

For now these are the models that travel with the app, and any GGUF file named by its path.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from desktop.catalog.entries import Catalog, Entry, EntryFile, read_catalog
from desktop.engine.header import Header, read_header
from desktop.errors import NotFoundError
from desktop.paths import Paths
from desktop.translation import tr


@dataclass(frozen=True)
class LibraryModel:
    """A model file that is on this disk. `size` in bytes; `license` an id, or "" where the file names none.

    `restrictions` are those of the license, where the catalog knows it. For a file given by path, `id` is that path.
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


class Library:
    """The models on this disk. Reads headers and the catalog when asked, and keeps nothing open."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._catalog: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """The catalog, read at first use. Raises IntegrityError where it does not hold."""
        if self._catalog is None:
            self._catalog = read_catalog(self._paths.catalog)
        return self._catalog

    def models(self) -> list[LibraryModel]:
        """Every model that is here and whose header can be read, the built-in one first."""
        return [
            self._shipped(entry, file, path)
            for entry in self.catalog.model
            for file in entry.file
            if (path := self._shipped_path(file)) is not None
        ]

    def find(self, id_or_path: str) -> LibraryModel:
        """The model with this id, or the file at this path.

        Raises NotFoundError where there is neither, and EngineError where the file cannot be a model.
        """
        for entry in self.catalog.model:
            if entry.id != id_or_path:
                continue
            for file in entry.file:
                if (path := self._shipped_path(file)) is not None:
                    return self._shipped(entry, file, path)
        path = Path(id_or_path).expanduser()
        if path.is_dir():
            raise NotFoundError(
                tr("{path} is a folder, not a model file.").format(path=id_or_path), "", tr("Name the GGUF file in it.")
            )
        if path.exists():
            return self._by_path(path.absolute())
        if os.sep in id_or_path or "/" in id_or_path or id_or_path.lower().endswith(".gguf"):
            raise NotFoundError(tr("There is no file {path}.").format(path=id_or_path), "", tr("Check the path."))
        raise NotFoundError(
            tr("There is no model called {model}.").format(model=id_or_path),
            "",
            tr("“latchkey models list” names the models on this disk; a GGUF file is named by its path."),
        )

    def entry(self, model: LibraryModel) -> Entry | None:
        """The catalog's entry for `model`; None where the catalog does not know it."""
        return next((entry for entry in self.catalog.model if entry.id == model.id), None)

    def _shipped_path(self, file: EntryFile) -> Path | None:
        path = self._paths.resources / file.shipped
        return path if file.shipped and path.is_file() else None

    def _shipped(self, entry: Entry, file: EntryFile, path: Path) -> LibraryModel:
        return LibraryModel(
            id=entry.id,
            name=entry.name,
            publisher=entry.publisher,
            quantization=file.quantization,
            path=path,
            size=path.stat().st_size,
            license=entry.license,
            restrictions=self._restrictions(entry.license),
            built_in=True,
        )

    def _by_path(self, path: Path) -> LibraryModel:
        header: Header = read_header(path)
        known = self.catalog.find_license(header.license) if header.license else None
        license_id = known.id if known else header.license
        return LibraryModel(
            id=str(path),
            name=header.name or path.stem,
            publisher="",
            quantization=header.quantization,
            path=path,
            size=header.file_size,
            license=license_id,
            restrictions=self._restrictions(license_id),
        )

    def _restrictions(self, license_id: str) -> tuple[str, ...]:
        known = self.catalog.find_license(license_id)
        return known.restrictions if known else ()
