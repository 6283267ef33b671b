"""Model files that a person brought along: one small JSON file each says where it lies and what it said of itself.

One file for each, so that window and command can add and remove at the same time without a lock.
"""

import base64
import re
import unicodedata
from pathlib import Path

import msgspec

from desktop.catalog.base_name import find_base
from desktop.catalog.entries import Catalog
from desktop.engine.header import Header
from desktop.errors import IntegrityError, ResourceError
from desktop.json_file import read_struct
from desktop.library.identity import Witness, sources_of
from desktop.library.title import title_of, visible
from desktop.translation import tr
from desktop.whole_file import write_whole

_ENDING = ".json"
_ID_DIGITS = 32  # of the sha256; older imports have 8 of them as they are, and keep their ids


class ImportedModel(msgspec.Struct, frozen=True):
    """An imported model. `size` in bytes, of all its files; `sha256` as `hashes.FileHashes.model` gives it.

    `licenses` are ids that the catalog knows, or names that it does not; `stated` is the one that the person named at
    import, "" for none; `claimed` are those of them that neither the file nor a card names. `bases` are what the header
    says it was made from ("organization/name"). `quantized` says that it names somebody who quantized it. `entry` is
    the catalog's entry of the same sha256, or the model of that sha256 that was looked up at the Hub, "" for none.
    `likely` is the catalog's entry that it was recognized as by words alone, which counts as what the file was made
    from. `witness` is what decided.

    A file that was fetched from the Hub is kept in the same way: `model` is then the id of the model that it is a file
    of ("" for a file that a person brought), `repository` and `commit` say where it came from, and `vouched` that its
    hash was known beforehand. Of a file that a person brought, `repository` and `commit` are hints at most.
    `added` is when it was fetched, in seconds since 1970, and `endpoint` from which Hub; of a file that a person
    brought, `endpoint` is the Hub by whose word it is `entry`.

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
    claimed: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    quantized: bool = False
    context_length: int = 0
    entry: str = ""
    likely: str = ""
    witness: Witness = ""
    copied: bool = False
    model: str = ""
    repository: str = ""
    commit: str = ""
    vouched: bool = False
    added: float = 0.0
    endpoint: str = ""
    stamps: tuple[tuple[int, int, int], ...] = ()

    @property
    def known_as(self) -> str:
        """The id of the model that this is a file of, as far as that is known; "" where it is not."""
        return self.model or self.entry or self.likely

    @property
    def decided_by(self) -> Witness:
        """By what it is known which model this is: of what was fetched, by where from; "" where it is not known."""
        return "repository" if self.model else "sha256" if self.entry else self.witness


def from_header(header: Header, catalog: Catalog, stated: str = "") -> ImportedModel:
    """What a model file says of itself, not yet hashed: its path stands for its id.

    `stated` is a license that a person names beside it. A header's own license can be added to, not talked away.
    """
    # A header that names no base may name where its model came from: of what the catalog knows, the terms apply.
    sources = [each for each in sources_of(header) if find_base(each, catalog) is not None]
    named = [name for name in (header.license, header.license_name) if name and name.casefold() != "other"]
    known = [license_.id for name in named if (license_ := catalog.find_license(name)) is not None]
    own = known[:1] or named[:1]
    return ImportedModel(
        id=str(header.path),
        name=title_of_header(header),
        path=str(header.path),
        size=header.file_size,
        sha256="",
        quantization=header.quantization,
        architecture=header.architecture,
        publisher=visible(_text(header, "general.organization")) or visible(_text(header, "general.author")),
        licenses=tuple(dict.fromkeys([*own, *([stated] if stated else [])])),
        stated=stated,
        claimed=(stated,) if stated and stated not in own else (),
        bases=header.base_models or tuple(sources),
        quantized=bool(_text(header, "general.quantized_by")),
        context_length=header.context_length,
    )


def title_of_header(header: Header, file_name: str = "", repository: str = "") -> str:
    """What a file is called that nothing is known of but its header, `file_name` where it goes by another, and the
    `repository` that it came from."""
    basename, size, finetune = (_text(header, f"general.{key}") for key in ("basename", "size_label", "finetune"))
    composed = [" ".join(each for each in parts if each) for parts in ((basename, size, finetune), (basename, size))]
    file_name = file_name or header.path.name
    others = (*composed, basename)
    return title_of(header.name, file_name, repository=repository, others=others, architecture=header.architecture)


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
    """An id by which a person finds it: the name in plain letters, and as much of the file's hash as nobody can make
    another file for: what was accepted is accepted for an id."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9.]+", "-", plain.lower()).strip("-.")[:60].strip("-.")
    mark = base64.b32encode(bytes.fromhex(sha256[:_ID_DIGITS])).decode().lower().rstrip("=")
    return f"{slug or 'model'}-{mark}"


def _read(file: Path) -> ImportedModel | None:
    try:
        model = read_struct(file, ImportedModel)
    except FileNotFoundError:  # removed meanwhile
        return None
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error)) from error
    return model if f"{model.id}{_ENDING}" == file.name else None


def _unreadable(file: Path, reason: str) -> IntegrityError:
    return IntegrityError(
        tr("The list of imported models cannot be read."),
        tr("{file}: {reason}.").format(file=file, reason=reason),
        tr("Move that file elsewhere and import its model again."),
    )
