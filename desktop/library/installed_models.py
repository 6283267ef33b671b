"""The record of every installed model, imported or downloaded: where its file lies, and what it says of itself.

One small JSON file for each, so that window and command can add and remove at the same time without a lock.
"""

import base64
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from desktop.atomic_file import read_struct, write_atomically
from desktop.catalog.base_model_name import find_base
from desktop.catalog.catalog import Catalog
from desktop.engine.gguf_header import GgufHeader
from desktop.engine.unsupported_file import ModelKind
from desktop.errors import IntegrityError, NotFoundError, ResourceError, UserError
from desktop.file_stamp import FileStamp, stamp_at
from desktop.library.model_identity import IdentifiedBy, sources_of
from desktop.library.model_projector import InstalledProjector
from desktop.library.model_title import model_title, visible_line
from desktop.split_files import parts_of
from desktop.translation import tr

_ENDING = ".json"
_ID_DIGITS = 32  # of the sha256; older imports have 8 of them as they are, and keep their ids


class InstalledModel(msgspec.Struct, frozen=True):
    """An installed model, imported or downloaded. `size` in bytes, of all its files; `sha256` as `FileHashes.model`
    gives it.

    `licenses` are ids that the catalog knows, or names that it does not; `stated` is the one that the person named at
    import, "" for none; `claimed` are those of them that neither the file nor a card names. `bases` are what the header
    says it was made from ("organization/name"). `quantized` says that it names somebody who quantized it. `entry` is
    the catalog's entry of the same sha256, or the model of that sha256 that was looked up at the Hub, "" for none.
    `likely` is the catalog's entry that it was recognized as by words alone, which counts as what the file was made
    from. `witness` is what decided.

    Of a file that was downloaded from the Hub, `model` is the id of the model that it is a file of ("" for a file that
    a person brought), `repository` and `commit` say where it came from, and `vouched` that its
    hash was known beforehand. Of a file that a person brought, `repository` and `commit` are hints at most.
    `added` is when it was fetched, in seconds since 1970, and `endpoint` from which Hub; of a file that a person
    brought, `endpoint` is the Hub by whose word it is `entry`.

    `adapter` says that it is no model but an adapter (LoRA) to one, `kind` what a model is for. `projector` lets it see
    pictures, None where it cannot; `size`, `sha256` and `stamps` leave it out.

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
    witness: IdentifiedBy = ""
    copied: bool = False
    model: str = ""
    repository: str = ""
    commit: str = ""
    vouched: bool = False
    added: float = 0.0
    endpoint: str = ""
    stamps: tuple[tuple[int, int, int], ...] = ()
    adapter: bool = False
    kind: ModelKind = "chat"
    projector: InstalledProjector | None = None

    @property
    def model_id(self) -> str:
        """The id of the model that this is a file of, as far as that is known; "" where it is not."""
        return self.model or self.entry or self.likely

    @property
    def identified_by(self) -> IdentifiedBy:
        """By what it is known which model this is: of what was fetched, by where from; "" where it is not known."""
        return "repository" if self.model else "sha256" if self.entry else self.witness


def installed_from_header(header: GgufHeader, catalog: Catalog, stated: str = "") -> InstalledModel:
    """What a model file says of itself, not yet hashed: its path stands for its id.

    `stated` is a license that a person names beside it. A header's own license can be added to, not talked away.
    """
    # A header that names no base may name where its model came from: of what the catalog knows, the terms apply.
    sources = [each for each in sources_of(header) if find_base(each, catalog) is not None]
    named = [name for name in (header.license, header.license_name) if name and name.casefold() != "other"]
    known = [license_.id for name in named if (license_ := catalog.find_license(name)) is not None]
    own = known[:1] or named[:1]
    return InstalledModel(
        id=str(header.path),
        name=title_of_header(header),
        path=str(header.path),
        size=header.file_size,
        sha256="",
        quantization=header.quantization,
        architecture=header.architecture,
        publisher=visible_line(_text(header, "general.organization")) or visible_line(_text(header, "general.author")),
        licenses=tuple(dict.fromkeys([*own, *([stated] if stated else [])])),
        stated=stated,
        claimed=(stated,) if stated and stated not in own else (),
        bases=header.base_models or tuple(sources),
        quantized=bool(_text(header, "general.quantized_by")),
        context_length=header.context_length,
        adapter=header.adapter,
        kind=header.kind,
    )


def installed_files(model: InstalledModel) -> list[Path]:
    """All its files, its projector last."""
    files = parts_of(Path(model.path))
    return [*files, Path(model.projector.path)] if model.projector is not None else list(files)


def title_of_header(header: GgufHeader, file_name: str = "", repository: str = "") -> str:
    """What a file is called that nothing is known of but its header, `file_name` where it goes by another, and the
    `repository` that it came from."""
    basename, size, finetune = (_text(header, f"general.{key}") for key in ("basename", "size_label", "finetune"))
    composed = [" ".join(each for each in parts if each) for parts in ((basename, size, finetune), (basename, size))]
    file_name = file_name or header.path.name
    others = (*composed, basename)
    return model_title(header.name, file_name, repository=repository, others=others, architecture=header.architecture)


def _text(header: GgufHeader, key: str) -> str:
    value = header.metadata.get(key, "")
    return value[:300] if isinstance(value, str) else ""


class InstalledModels:
    """The records of all installed models, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[InstalledModel]:
        """Every installed model, by name. Raises IntegrityError where the record of one cannot be read."""
        try:
            files = sorted(each for each in self._folder.iterdir() if each.suffix == _ENDING)
        except (FileNotFoundError, NotADirectoryError):  # nothing was ever kept, as where no home can be made
            return []
        except OSError as error:
            raise _unreadable(self._folder, error.strerror or str(error)) from error
        found = [model for file in files if (model := _read(file)) is not None]
        return sorted(found, key=lambda model: (model.name.casefold(), model.id))

    def save(self, model: InstalledModel) -> None:
        """Store the record `model`, in place of an earlier one of the same id. Raises ResourceError."""
        target = self._folder / f"{model.id}{_ENDING}"
        try:
            write_atomically(target, msgspec.json.format(msgspec.json.encode(model)))
        except OSError as error:
            raise ResourceError(
                tr("The model could not be added."),
                tr("Writing {file} failed: {reason}.").format(file=target, reason=error.strerror),
                tr("Free some space or make the folder writable, and try again."),
            ) from error

    def delete(self, model_id: str) -> None:
        """Delete the record of this model; its file stays where it is."""
        (self._folder / f"{model_id}{_ENDING}").unlink(missing_ok=True)


def installed_id(name: str, sha256: str) -> str:
    """An id by which a person finds it: the name in plain letters, and as much of the file's hash as nobody can make
    another file for: what was accepted is accepted for an id."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9.]+", "-", plain.lower()).strip("-.")[:60].strip("-.")
    mark = base64.b32encode(bytes.fromhex(sha256[:_ID_DIGITS])).decode().lower().rstrip("=")
    return f"{slug or 'model'}-{mark}"


def _read(file: Path) -> InstalledModel | None:
    try:
        model = read_struct(file, InstalledModel)
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


FileState = Literal["here", "missing", "changed"]


def file_state(model: InstalledModel) -> FileState:
    """Whether all files of `model` are there, and look as they did when they were hashed: size, time and inode.

    Of a model that was kept before these were noted, its size alone tells. Where the state is "changed", hashing it
    again settles whether it is still the same (`Importer.verify`).
    """
    stamps = persistent_stamps(parts_of(Path(model.path)))
    if stamps is None:
        return "missing"
    if model.stamps:
        return "here" if stamps == model.stamps else "changed"
    return "here" if sum(size for size, _, _ in stamps) == model.size else "changed"


def persistent_stamps(files: Sequence[Path]) -> tuple[tuple[int, int, int], ...] | None:
    """Size, modification time (ns) and inode of each file; None where one of them is no file, or cannot be seen."""
    stamps = []
    for file in files:
        stamp = stamp_at(file)
        if stamp is None or not file.is_file():
            return None
        stamps.append(persistent_stamp(stamp))
    return tuple(stamps)


def persistent_stamp(stamp: FileStamp) -> tuple[int, int, int]:
    """What is noted of a file with a model. It has to stay the same where a disk is mounted anew, so it is for a look
    only; what is loaded is known by its whole stamp."""
    return stamp.size, stamp.modified_ns, stamp.inode


def file_state_error(model: InstalledModel, state: FileState) -> UserError | None:
    """What to tell a person of a model in that state; None where nothing is wrong."""
    if state == "missing":
        return missing_file_error(model.name, Path(model.path))
    if state == "changed":
        return IntegrityError(
            tr("The file of {model} has changed since it was added.").format(model=model.name),
            tr("It is {file}.").format(file=model.path),
            tr("Check it again, put the former file back, or remove the model from the library."),
        )
    return None


def missing_file_error(name: str, path: Path) -> NotFoundError:
    """What to tell a person of the model `name` whose file, or a part of it, is gone from `path`."""
    files = parts_of(path)
    gone = next((file for file in files if not file.exists()), files[0])
    return NotFoundError(
        tr("The file of {model} is no longer there.").format(model=name),
        tr("It was {file}.").format(file=gone),
        tr("Put it back, connect the disk it is on, or remove the model from the library."),
    )
