"""What the Hub said of the models that somebody looked up, kept: one small JSON file each, so that it holds offline.

A model of the catalog is kept under its id there, any other under its repository ("owner/name"), which is its id.
"""

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from desktop.catalog.entries import Catalog, License
from desktop.catalog.lineage import Lineage, Node, node_of_dataset, node_of_entry, trace
from desktop.errors import ResourceError
from desktop.hub.access import AccessState
from desktop.hub.names import FilePart
from desktop.library.fitting import Measure
from desktop.translation import tr
from desktop.whole_file import write_whole

_ENDING = ".json"


class KnownFile(msgspec.Struct, frozen=True):
    """A model file of the repository. `size` in bytes of all its parts."""

    name: str
    quantization: str
    size: int
    parts: tuple[FilePart, ...]


class PublishersText(msgspec.Struct, frozen=True):
    """The license as it lies in the publisher's repository at `commit`: `file` is its name there, `sha256` that of its
    bytes, `license` the id of the license that it is the text of. `retrieved` is a date."""

    license: str
    file: str
    sha256: str
    source: str
    retrieved: str


class KnownAccess(msgspec.Struct, frozen=True):
    """What the Hub last said about access: when (seconds since 1970), how often it was asked since it last changed, and
    whether there was access once."""

    state: AccessState
    message: str
    repository: str
    time: float
    asked: int = 1
    granted_once: bool = False


class KnownModel(msgspec.Struct, frozen=True):
    """A model at the Hub at one commit. `node` and `ancestors` are its lineage as card, tags and header tell it.

    `repository` holds the files. `gate_prompt` is what the publisher asks before access; `gate_repository` is the
    publisher's own repository where that is gated and not the one with the files. `measure` is what memory is
    estimated by. `not_runnable` says why a file of it could not run here, "" where nothing speaks against it.
    `looked` is in seconds since 1970.
    """

    id: str
    repository: str
    commit: str
    gated: Literal[False, "auto", "manual"]
    node: Node
    ancestors: tuple[Node, ...] = ()
    files: tuple[KnownFile, ...] = ()
    left_out: tuple[str, ...] = ()
    gate_prompt: str = ""
    gate_fields: tuple[str, ...] = ()
    gate_repository: str = ""
    text: PublishersText | None = None
    access: KnownAccess | None = None
    architecture: str = ""
    context_length: int = 0
    has_template: bool = False
    measure: Measure | None = None
    not_runnable: str = ""
    chosen: str = ""
    downloads: int = 0
    looked: float = 0.0
    endpoint: str = ""

    @property
    def wants_access(self) -> bool:
        """Whether its publisher gates it: where the files lie, or in the repository of its own."""
        return self.gated is not False or bool(self.gate_repository)

    def file(self, name: str) -> KnownFile | None:
        """The file of this name or quantization, in any letters' case."""
        wanted = name.casefold()
        same = (each for each in self.files if wanted in (each.name.casefold(), each.quantization.casefold()))
        by_base = (each for each in self.files if each.name.rpartition("/")[2].casefold() == wanted)
        return next(same, None) or next(by_base, None)

    def lineage(self, catalog: Catalog, start: Node) -> Lineage:
        """The lineage of `start`, its node with whatever is known besides; what the catalog knows of its ancestors is
        taken from there."""
        kept = {node.id: node for node in self.ancestors}

        def find(node_id: str) -> Node | None:
            entry = catalog.find_model(node_id)
            if entry is not None:
                return node_of_entry(entry)
            dataset = catalog.find_dataset(node_id)
            return node_of_dataset(dataset) if dataset is not None else kept.get(node_id)

        return trace(start, find, catalog.find_license)


def publishers_license(text: PublishersText, known: License | None) -> License:
    """The license that a publisher's own text stands for: the catalog's, from another source; else one of which only
    the text is known."""
    if known is None:
        return License(id=text.license, name=text.license, source=text.source, retrieved=text.retrieved)
    return msgspec.structs.replace(known, source=text.source, retrieved=text.retrieved)


class KnownModels:
    """The models looked up so far, in `folder`. For any number of threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int, int], KnownModel | None]] = {}

    def all(self) -> tuple[KnownModel, ...]:
        """Every one, by id. What cannot be read counts as never looked up: it can be asked for again."""
        try:
            names = sorted(each.name for each in self._folder.iterdir() if each.suffix == _ENDING)
        except OSError:
            return ()
        found = [model for name in names if (model := self._one(name)) is not None]
        return tuple(sorted(found, key=lambda each: each.id.casefold()))

    def find(self, model_id: str) -> KnownModel | None:
        """The one with this id; repositories are found in any letters' case."""
        return self._one(_file_name(model_id))

    def keep(self, model: KnownModel) -> None:
        """Keep `model` in place of what was known of it. Raises ResourceError."""
        target = self._folder / _file_name(model.id)
        try:
            write_whole(target, msgspec.json.encode(model))
        except OSError as error:
            raise ResourceError(
                tr("What the Hub said of {model} could not be kept.").format(model=model.id),
                tr("Writing {file} failed: {reason}.").format(file=target, reason=error.strerror),
                tr("Free some space or make the folder writable, and try again."),
            ) from error

    def forget(self, model_id: str) -> None:
        """Know nothing of it any more."""
        (self._folder / _file_name(model_id)).unlink(missing_ok=True)

    def _one(self, name: str) -> KnownModel | None:
        path = self._folder / name
        try:
            status = path.stat()
            stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
            held = self._read.get(name)
            if held is None or held[0] != stamp:
                held = self._read[name] = (stamp, _decoded(path.read_bytes(), name))
        except OSError:
            return None
        return held[1]


def _decoded(data: bytes, name: str) -> KnownModel | None:
    try:
        model = msgspec.json.decode(data, type=KnownModel)
    except (ValueError, msgspec.ValidationError):
        return None
    return model if _file_name(model.id) == name else None


def _file_name(model_id: str) -> str:
    """A name that no id can lead out of the folder with, and that keeps two ids apart."""
    return hashlib.sha256(model_id.casefold().encode()).hexdigest()[:32] + _ENDING
