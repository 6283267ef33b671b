"""Model files that a person brought along: one small JSON file each says where it lies and what it said of itself.

One file for each, so that window and command can add and remove at the same time without a lock.
"""

import re
import unicodedata
from pathlib import Path

import msgspec

from desktop.catalog.entries import Catalog
from desktop.engine.header import Header
from desktop.errors import IntegrityError, ResourceError
from desktop.translation import tr
from desktop.whole_file import write_whole

_ENDING = ".json"


class ImportedModel(msgspec.Struct, frozen=True):
    """An imported model. `size` in bytes, of all its files; `sha256` as `hashes.FileHashes.model` gives it.

    `licenses` are ids that the catalog knows, or names that it does not; `stated` is the one that the person named at
    import, "" for none. `bases` are what the header says it was made from ("organization/name"). `quantized` says that
    it names somebody who quantized it. `entry` is the catalog's entry of the same sha256, "" for none.

    A file that was fetched from the Hub is kept in the same way: `model` is then the id of the model that it is a file
    of ("" for a file that a person brought), `repository` and `commit` say where it came from, and `vouched` that its
    hash was known beforehand. Of a file that a person brought, `repository` and `commit` are hints at most.
    `added` is when it was fetched, in seconds since 1970.

    `stamps` are size, modification time (ns) and inode of each file when it was hashed, () where nobody noted them.
    """

    id: str
    name: str
    path: str
    size: int
    sha256: str
    quantization: str
    architecture: str
    publisher: str = ""
    licenses: tuple[str, ...] = ()
    stated: str = ""
    bases: tuple[str, ...] = ()
    quantized: bool = False
    context_length: int = 0
    entry: str = ""
    copied: bool = False
    model: str = ""
    repository: str = ""
    commit: str = ""
    vouched: bool = False
    added: float = 0.0
    stamps: tuple[tuple[int, int, int], ...] = ()


def from_header(header: Header, catalog: Catalog, stated: str = "") -> ImportedModel:
    """What a model file says of itself, not yet hashed: its path stands for its id.

    `stated` is a license that a person names beside it. A header's own license can be added to, not talked away.
    """
    named = [name for name in (header.license, header.license_name) if name and name.casefold() != "other"]
    known = [license_.id for name in named if (license_ := catalog.find_license(name)) is not None]
    return ImportedModel(
        id=str(header.path),
        name=header.name or header.path.stem,
        path=str(header.path),
        size=header.file_size,
        sha256="",
        quantization=header.quantization,
        architecture=header.architecture,
        publisher=_text(header, "general.organization") or _text(header, "general.author"),
        licenses=tuple(dict.fromkeys([*(known[:1] or named[:1]), *([stated] if stated else [])])),
        stated=stated,
        bases=header.base_models,
        quantized=bool(_text(header, "general.quantized_by")),
        context_length=header.context_length,
    )


def _text(header: Header, key: str) -> str:
    value = header.metadata.get(key, "")
    return value[:300] if isinstance(value, str) else ""


class ImportedModels:
    """What is kept of every imported model, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[ImportedModel]:
        """Every imported model, by name. Raises IntegrityError where what is kept of one cannot be read."""
        try:
            files = sorted(each for each in self._folder.iterdir() if each.suffix == _ENDING)
        except (FileNotFoundError, NotADirectoryError):  # nothing was ever kept, as where no home can be made
            return []
        except OSError as error:
            raise _unreadable(self._folder, error.strerror or str(error)) from error
        found = [model for file in files if (model := _read(file)) is not None]
        return sorted(found, key=lambda model: (model.name.casefold(), model.id))

    def keep(self, model: ImportedModel) -> None:
        """Keep what is known of `model`, in place of what was known of the same id. Raises ResourceError."""
        target = self._folder / f"{model.id}{_ENDING}"
        try:
            write_whole(target, msgspec.json.format(msgspec.json.encode(model)))
        except OSError as error:
            raise ResourceError(
                tr("The model could not be added."),
                tr("Writing {file} failed: {reason}.").format(file=target, reason=error.strerror),
                tr("Free some space or make the folder writable, and try again."),
            ) from error

    def forget(self, model_id: str) -> None:
        """Keep nothing of this model any more; its file stays where it is."""
        (self._folder / f"{model_id}{_ENDING}").unlink(missing_ok=True)


def id_for(name: str, sha256: str) -> str:
    """An id that a person can type: the name in plain letters, and the beginning of the file's hash."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9.]+", "-", plain.lower()).strip("-.")[:60].strip("-.")
    return f"{slug or 'model'}-{sha256[:8]}"


def _read(file: Path) -> ImportedModel | None:
    try:
        model = msgspec.json.decode(file.read_bytes(), type=ImportedModel)
    except FileNotFoundError:  # removed meanwhile
        return None
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error)) from error
    except (ValueError, msgspec.ValidationError) as error:
        raise _unreadable(file, str(error)) from error
    return model if f"{model.id}{_ENDING}" == file.name else None


def _unreadable(file: Path, reason: str) -> IntegrityError:
    return IntegrityError(
        tr("The list of imported models cannot be read."),
        tr("{file}: {reason}.").format(file=file, reason=reason),
        tr("Move that file elsewhere and import its model again."),
    )
