"""The Hub's answers about the models that were looked up: one small JSON file each, for use offline.

A model of the catalog is kept under its id there, any other under its repository ("owner/name"), which is its id.
Records are kept for each Hub separately: what one answers says nothing about the models of another.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from desktop.atomic_file import DamagedFileError, read_struct, write_atomically
from desktop.catalog.catalog import Catalog, CatalogEntry, License
from desktop.catalog.lineage import Lineage, LineageNode, node_in, trace_lineage
from desktop.catalog.repository_name import HUB_HOSTS, MAIN, is_repository_id, parse_repository_name, strip_decoration
from desktop.errors import NotFoundError, ResourceError
from desktop.file_stamp import FileStamp, stamp_from_stat
from desktop.hub.repository import DEFAULT_ENDPOINT
from desktop.hub.repository_access import AccessState
from desktop.hub.repository_files import FilePart
from desktop.library.hardware_fit import ModelDimensions
from desktop.translation import tr

_ENDING = ".json"
_LARGEST = 32 << 20  # a repository may hold thousands of files


class HubFileRecord(msgspec.Struct, frozen=True):
    """A model file of the repository. `size` in bytes of all its parts."""

    name: str
    quantization: str
    size: int
    parts: tuple[FilePart, ...]


class PublisherTextRecord(msgspec.Struct, frozen=True):
    """The license text in the publisher's repository: `file` is its name there, `source` its address, `sha256` that of
    its bytes, `license` the id of the license that it is the text of. `retrieved` is a date."""

    license: str
    file: str
    sha256: str
    source: str
    retrieved: str


class HubAccessRecord(msgspec.Struct, frozen=True):
    """What the Hub last said about access: when (seconds since 1970), how often it was asked since it last changed, and
    whether there was access once."""

    state: AccessState
    message: str
    repository: str
    time: float
    asked: int = 1
    granted_once: bool = False


class HubRecord(msgspec.Struct, frozen=True):
    """A model at the Hub at one commit. `node` and `ancestors` are its lineage as card, tags and header tell it.

    `repository` holds the files. `gate_prompt` is what the publisher asks before access; `gate_repository` is the
    publisher's own repository where that is gated and not the one with the files. `measure` is what memory is
    estimated by. `not_runnable` says why a file of it could not run here, "" where nothing speaks against it.
    `looked` is in seconds since 1970, `endpoint` the Hub that was asked. `names` are other names of the repository, as
    it was called before: the Hub leads on from them; `base_names` are such of what it was built on. `hub_id` is what
    the Hub calls it whatever its name ("" untold). `projectors` are the files that let its models see pictures.
    """

    id: str
    repository: str
    commit: str
    gated: Literal[False, "auto", "manual"]
    node: LineageNode
    ancestors: tuple[LineageNode, ...] = ()
    files: tuple[HubFileRecord, ...] = ()
    left_out: tuple[str, ...] = ()
    gate_prompt: str = ""
    gate_fields: tuple[str, ...] = ()
    gate_repository: str = ""
    text: PublisherTextRecord | None = None
    access: HubAccessRecord | None = None
    architecture: str = ""
    context_length: int = 0
    has_template: bool = False
    measure: ModelDimensions | None = None
    not_runnable: str = ""
    chosen: str = ""
    downloads: int = 0
    looked: float = 0.0
    endpoint: str = ""
    names: tuple[str, ...] = ()
    base_names: tuple[str, ...] = ()
    hub_id: str = ""
    projectors: tuple[FilePart, ...] = ()

    @property
    def endpoint_or_default(self) -> str:
        """The Hub that was asked."""
        return self.endpoint or DEFAULT_ENDPOINT

    @property
    def all_names(self) -> frozenset[str]:
        """Its id and every name that its repository has or had, in small letters."""
        return frozenset(each.casefold() for each in (self.id, self.repository, *self.names) if each)

    @property
    def wants_access(self) -> bool:
        """Whether its publisher gates it: where the files lie, or in the repository of its own."""
        return self.gated is not False or bool(self.gate_repository)

    def file(self, name: str) -> HubFileRecord | None:
        """The file of this name or quantization, in any letters' case."""
        wanted = name.casefold()
        same = (each for each in self.files if wanted in (each.name.casefold(), each.quantization.casefold()))
        by_base = (each for each in self.files if each.name.rpartition("/")[2].casefold() == wanted)
        return next(same, None) or next(by_base, None)

    def lineage(self, catalog: Catalog, start: LineageNode) -> Lineage:
        """The lineage of `start`, its node with whatever is known besides; what the catalog knows of its ancestors is
        taken from there."""
        kept = {node.id: node for node in self.ancestors}

        def find(node_id: str) -> LineageNode | None:
            return node_in(catalog, node_id) or kept.get(node_id)

        return trace_lineage(start, find, catalog.find_license)


def publisher_license(text: PublisherTextRecord, known: License | None, own: tuple[str, str] | None = None) -> License:
    """The license that a publisher's own text stands for: the catalog's, from another source; else one of which only
    the text is known, with id and name of its `own` where they are not those that its card names."""
    if own is not None or known is None:
        license_id, name = own or (text.license, text.license)
        return License(id=license_id, name=name, source=text.source, retrieved=text.retrieved, publishers_file=True)
    return msgspec.structs.replace(known, source=text.source, retrieved=text.retrieved, publishers_file=True)


class HubRecords:
    """The models looked up so far, in `folder`. For any number of threads and processes.

    `endpoint` gives the Hub that is asked now: what that one said comes first.
    """

    def __init__(self, folder: Path, endpoint: Callable[[], str] = lambda: DEFAULT_ENDPOINT) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._read: dict[str, tuple[FileStamp, HubRecord | None]] = {}

    def all(self) -> tuple[HubRecord, ...]:
        """Every one, by id. What cannot be read counts as never looked up: it can be asked for again."""
        try:
            names = sorted(each.name for each in self._folder.iterdir() if each.suffix == _ENDING)
        except OSError:
            return ()
        found = [model for name in names if (model := self._one(name)) is not None]
        return tuple(sorted(found, key=lambda each: each.id.casefold()))

    def find(self, model_id: str, endpoint: str = "") -> HubRecord | None:
        """The one with this id, or whose repository has or had this name, in any letters' case, or this address.

        What was learned at `endpoint`, where one is named; else at the Hub that is asked now, else at another.
        """
        if not model_id:
            return None
        first = endpoint or self._endpoint()
        found = self._one(_file_name(model_id, first))
        if found is not None and _is_from(found, first):
            return found
        wanted = model_id.casefold()
        ranked = [each for each in self.all() if not endpoint or _is_from(each, endpoint)]
        ranked.sort(key=lambda each: (each.id.casefold() != wanted, not _is_from(each, first), each.endpoint))
        found = next((each for each in ranked if wanted in each.all_names), None)
        return self.find(id_, endpoint) if found is None and (id_ := _addressed(model_id)) else found

    def of_hub(self, hub_id: str, endpoint: str) -> HubRecord | None:
        """The one that this Hub calls so for itself, whatever its repository is called."""
        same = (each for each in self.all() if hub_id and each.hub_id == hub_id and _is_from(each, endpoint))
        return next(same, None)

    def save(self, model: HubRecord) -> None:
        """Store `model` in place of its earlier record. Raises ResourceError."""
        target = self._folder / _file_name(model.id, model.endpoint)
        try:
            write_atomically(target, msgspec.json.encode(model))
        except OSError as error:
            raise ResourceError(
                tr("What the Hub said of {model} could not be kept.").format(model=model.id),
                tr("Writing {file} failed: {reason}.").format(file=target, reason=error.strerror),
                tr("Free some space or make the folder writable, and try again."),
            ) from error

    def delete(self, model_id: str) -> None:
        """Delete the record."""
        for each in self.all():
            if each.id.casefold() == model_id.casefold():
                for name in {_file_name(each.id), _file_name(each.id, each.endpoint)}:
                    (self._folder / name).unlink(missing_ok=True)

    def _one(self, name: str) -> HubRecord | None:
        path = self._folder / name
        try:
            stamp = stamp_from_stat(path.stat())
            held = self._read.get(name)
            if held is None or held[0] != stamp:
                held = self._read[name] = (stamp, _decoded(path, name))
        except OSError:
            return None
        return held[1]


def _addressed(text: str) -> str:
    """The repository whose address this is, "" where it is none, or names one of its files or versions."""
    if "://" not in text and strip_decoration(text).lower().removeprefix("www.").partition("/")[0] not in HUB_HOSTS:
        return ""
    try:
        name = parse_repository_name(text)
    except NotFoundError:
        return ""
    return "" if name.file or name.quantization or name.revision != MAIN else name.id


def _decoded(path: Path, name: str) -> HubRecord | None:
    try:
        model = read_struct(path, HubRecord, largest=_LARGEST)
    except DamagedFileError:
        return None
    return model if name in (_file_name(model.id), _file_name(model.id, model.endpoint)) else None


def _is_from(model: HubRecord, endpoint: str) -> bool:
    return model.endpoint_or_default == endpoint


def _file_name(model_id: str, endpoint: str = "") -> str:
    """A name that no id can lead out of the folder with, and that keeps two ids apart, and two Hubs."""
    key = model_id.casefold() if endpoint in ("", DEFAULT_ENDPOINT) else f"{endpoint}\n{model_id.casefold()}"
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:32] + _ENDING


def model_id_of(text: str, catalog: Catalog, known: HubRecords, endpoint: str) -> str:
    """The id of the model that `text` names; `text` as it is where no name is known for it, as for a path.

    Addresses of the Hub at `endpoint` count beside those of the usual one.
    """
    if catalog.find_model(text) is not None:
        return text
    found = known.find(text)
    if found is not None:
        return found.id
    repository = _repository(text, endpoint)
    if repository and (found := known.find(repository)) is not None:
        return found.id
    entry = entry_by_id_or_repository(text, repository, catalog)
    return entry.id if entry is not None else text


def entry_by_id_or_repository(text: str, repository: str, catalog: Catalog) -> CatalogEntry | None:
    """The catalog's model of this id in other letters, else the one whose files lie in this repository, else the one
    whose publisher's that is; None where there is none."""
    name, wanted = text.strip().casefold(), repository.casefold()
    ids = (each for each in catalog.model if each.id.casefold() == name)
    copies = (each for each in catalog.model if wanted and each.gguf.casefold() == wanted)
    originals = (each for each in catalog.model if wanted and each.repository.casefold() == wanted)
    return next(ids, None) or next(copies, None) or next(originals, None)


def _repository(text: str, endpoint: str) -> str:
    """The repository that `text` names, "" where it names none."""
    if "/" not in text:
        return ""
    from desktop.hub.repository import parse_repository  # brings the network's addresses along, which few starts need

    try:
        found = parse_repository(text, endpoint).id
    except NotFoundError:
        return ""
    return found if is_repository_id(found) else ""
