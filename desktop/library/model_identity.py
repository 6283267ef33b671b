"""Which model of the catalog a file is, decided from the evidence for it: a pure function over values.

The evidence in its order: the sha256, the Hub repository it came from, its file name, its header. A hash that is known
is proof. All others are words that anybody can write, so each counts only where nothing else in the file contradicts
it; and what is recognized by words keeps every term that the file names itself (see `subject_builder`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from desktop.catalog.catalog import Catalog, CatalogEntry
from desktop.catalog.lineage import node_of_entry, trace_in
from desktop.catalog.repository_name import repository_id
from desktop.engine.gguf_header import GgufHeader
from desktop.hub.repository import DEFAULT_ENDPOINT
from desktop.library.hub_records import HubRecord
from desktop.library.model_title import is_generic, is_run_token, name_key, name_tokens, name_without_packing
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryModel

IdentifiedBy = Literal["", "sha256", "repository", "file-name", "header"]

# A file may leave out what an entry counts (a vision tower) or hold a tied matrix twice.
_LEAST, _MOST = 0.85, 1.15
_ROUNDED = 0.75, 1.3
_SIZE = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)([bm])")
_NEUTRAL = frozenset({"model", "models", "gguf", "ggml", "hf", "the"})
# Who packs the models of others, and puts a name before theirs.
_PACKERS = ("bartowski", "unsloth", "thebloke", "mradermacher", "lmstudio-community", "ggml-org", "quantfactory")
_SOURCES = (
    "general.source.repo_url",
    "general.source.huggingface.repository",
    "general.source.url",
    "general.repo_url",
    "general.url",
)


@dataclass(frozen=True)
class IdentityEvidence:
    """What is known of a file. `hashes` are the sha256 of its parts, `sha256` that of the whole.

    `repository` ("owner/name") is where the folder it lies in says it came from; `sources` are repositories that its
    header names as its origin, `bases` what its header says it was made from. `name` is the header's name for it,
    `parts` are its basename, size, fine-tune and version there, "" for what it does not say. `parameters` counts the
    values of its tensors.
    """

    sha256: str = ""
    hashes: tuple[str, ...] = ()
    repository: str = ""
    sources: tuple[str, ...] = ()
    file_name: str = ""
    architecture: str = ""
    parameters: int = 0
    name: str = ""
    parts: tuple[str, str, str, str] = ("", "", "", "")
    bases: tuple[str, ...] = ()

    @property
    def composed(self) -> tuple[str, str]:
        """The name that the parts make, with the size and without it: converters count where no name says a size."""
        basename, _, finetune, version = self.parts
        short = " ".join(each for each in (basename, finetune, version) if each)
        return " ".join(each for each in self.parts if each) if basename else "", short


@dataclass(frozen=True)
class ModelIdentity:
    """`model` is the id of the catalog's entry, or of a model that was looked up; `witness` is what decided.

    `endpoint` is the Hub by whose word a hash is that model's, "" where it is the catalog's, or no hash decided.
    """

    model: str
    witness: IdentifiedBy
    endpoint: str = ""


def evidence_of(
    header: GgufHeader, *, sha256: str = "", hashes: tuple[str, ...] = (), repository: str = "", file_name: str = ""
) -> IdentityEvidence:
    """What a header, and what was found out around it, tell. `file_name` is the file's own where none is given."""
    return IdentityEvidence(
        sha256=sha256,
        hashes=hashes,
        repository=repository,
        sources=sources_of(header),
        file_name=file_name or header.path.name,
        architecture=header.architecture,
        parameters=header.parameters,
        name=header.name,
        parts=(
            _text(header, "basename"),
            _text(header, "size_label"),
            _text(header, "finetune"),
            _text(header, "version"),
        ),
        bases=header.base_models,
    )


def sources_of(header: GgufHeader) -> tuple[str, ...]:
    """The repositories that a header names as where the model came from, each once."""
    return tuple(dict.fromkeys(each for key in _SOURCES if (each := _repository(header.metadata.get(key)))))


def identify(evidence: IdentityEvidence, catalog: Catalog, known: Iterable[HubRecord] = ()) -> ModelIdentity | None:
    """The model that the evidence speaks for; None where nothing does, or where it contradicts itself.

    `known` are the models that were looked up at the Hub, whose files' hashes count like the catalog's.
    """
    if (by_hash := _by_hash(evidence, catalog, known)) is not None:
        return by_hash
    names = _CatalogNames(catalog)
    for repositories in ((evidence.repository,), evidence.sources):
        named = [each for repository in repositories for each in _in_repository(repository, catalog)]
        named = [each for each in named if not names.names_another(evidence.file_name, each)]
        if found := _only(each for each in named if _header_agrees(evidence, each, names)):
            return ModelIdentity(found.id, "repository")
    by_file = names.called(evidence.file_name)
    witness: IdentifiedBy = "file-name" if by_file else "header"
    named = by_file or _called_by_header(evidence, names)
    found = _only(each for each in named if _all_agrees(evidence, each, names))
    if found is None:
        return None
    bases = {each.id for base in evidence.bases for each in _in_repository(base, catalog)}
    return ModelIdentity(found.id, "repository" if bases == {found.id} else witness)


def entry_by_name_prefix(words: str, catalog: Catalog) -> str:
    """The id of the catalog's chat model whose name begins with these words; "" where none does, or where they leave
    open which of several it is. What other libraries call "llama3.2 1b", the catalog calls by its whole name."""
    wanted = name_key(words)
    found = [each for each in catalog.model if wanted and each.chat and name_key(each.id).startswith(wanted)]
    found.sort(key=lambda each: name_key(each.id) != wanted)
    decided = any(_SIZE.fullmatch(token) for token in name_tokens(words)) or len(found) == 1
    return found[0].id if found and (decided or name_key(found[0].id) == wanted) else ""


def recognition_of(model: "LibraryModel") -> str:
    """What decided which model a file on this disk is, in one sentence; "" where nothing did, and for the built-in one,
    which came along."""
    if model.identified_by == "repository" and not model.imported:
        return tr("Recognized by the Hub repository that it was fetched from.")
    return {
        "": "",
        "sha256": tr("Recognized by its sha256."),
        "repository": tr("Recognized by the Hub repository that its folder or its header names."),
        "file-name": tr("Recognized by its file name and its header."),
        "header": tr("Recognized by its header."),
    }[model.identified_by]


# --- witnesses -------------------------------------------------------------------------------------------------------


def _by_hash(evidence: IdentityEvidence, catalog: Catalog, known: Iterable[HubRecord]) -> ModelIdentity | None:
    if evidence.sha256:
        for entry in catalog.model:
            if any(file.sha256 == evidence.sha256 for file in entry.file):
                return ModelIdentity(entry.id, "sha256")
    if evidence.hashes and all(evidence.hashes):
        for model in sorted(
            known, key=lambda each: each.endpoint_or_default != DEFAULT_ENDPOINT
        ):  # whose word counts under policies
            if any(tuple(part.sha256 for part in file.parts) == evidence.hashes for file in model.files):
                return ModelIdentity(model.id, "sha256", model.endpoint_or_default)
    return None


def _in_repository(repository: str, catalog: Catalog) -> list[CatalogEntry]:
    wanted = (repository_id(repository) or repository).casefold()
    if not wanted:
        return []
    return [each for each in catalog.model if wanted in (each.repository.casefold(), each.gguf.casefold())]


def _called_by_header(evidence: IdentityEvidence, names: "_CatalogNames") -> list[CatalogEntry]:
    """What the header calls it. Parts that name no fine-tune may be those of one, so they make no base model."""
    composed = names.called(evidence.composed[0])
    if not evidence.parts[2]:
        composed = [each for each in composed if each.chat]
    return [*names.called(evidence.name), *composed]


# --- what may contradict them ----------------------------------------------------------------------------------------


def _same_shape(evidence: IdentityEvidence, entry: CatalogEntry) -> bool:
    """Whether the file can be this model at all. Of an entry without figures nobody can tell."""
    if not entry.parameters or not evidence.parameters or entry.architecture != evidence.architecture:
        return False
    return _LEAST <= evidence.parameters / entry.parameters <= _MOST


def _header_agrees(evidence: IdentityEvidence, entry: CatalogEntry, names: "_CatalogNames") -> bool:
    """Whether shape, bases and names of the header leave it possible."""
    return (
        _same_shape(evidence, entry)
        and all(names.may_name(text, entry) for text in (evidence.name, evidence.composed[1]))
        and names.bases_allow(evidence.bases, entry)
    )


def _all_agrees(evidence: IdentityEvidence, entry: CatalogEntry, names: "_CatalogNames") -> bool:
    """Whether nothing at all speaks against it, the file's own name and the folder's repository included."""
    around = (evidence.file_name, evidence.repository, *evidence.sources)
    return _header_agrees(evidence, entry, names) and all(names.may_name(text, entry) for text in around)


class _CatalogNames:
    """The names of the catalog's models, for one question."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._texts = {each.id: _texts_of(each) for each in catalog.model}
        self._keys = {each.id: _keys_of(each, self._texts[each.id]) for each in catalog.model}
        self._words = {token for texts in self._texts.values() for text in texts for token in name_tokens(text)}

    def called(self, text: str) -> list[CatalogEntry]:
        """The models that are called exactly so, whatever was packed around the name."""
        name = name_without_packing(text)
        key = name_key(name)
        if not key or is_generic(name):
            return []
        return [each for each in self._catalog.model if key in self._keys[each.id]]

    def may_name(self, text: str, entry: CatalogEntry) -> bool:
        """Whether `text` leaves it possible that the file is `entry`: it is no model's name, or it says nothing but
        what the entry's names and its publisher say, and how it was trained. Any other word names another model."""
        name = name_without_packing(text)
        if is_generic(name) or name_key(name) in self._keys[entry.id]:
            return True
        if self.called(text) and not self._is_part(name, entry):
            return False
        own = {token for each in (*self._texts[entry.id], *_owners_of(entry)) for token in name_tokens(each)}
        return all(self._says_no_other(token, own, entry.parameters) for token in name_tokens(name))

    def names_another(self, text: str, entry: CatalogEntry) -> bool:
        """Whether `text` speaks of `entry` and says more, as the name of a fine-tune does."""
        own = {token for each in self._texts[entry.id] for token in name_tokens(each)}
        return not self.may_name(text, entry) and bool(own.intersection(name_tokens(name_without_packing(text))))

    def bases_allow(self, bases: Iterable[str], entry: CatalogEntry) -> bool:
        """Whether everything that a header names as its base is the entry itself or lives on in it."""
        own: set[str] | None = None
        for base in bases:
            if name_key(name_without_packing(base)) in self._keys[entry.id]:
                continue  # a copy of it under another owner
            own = own if own is not None else family_of(entry, self._catalog)
            if not own & {each.id for each in self.base(base)}:
                return False
        return True

    def base(self, base: str) -> list[CatalogEntry]:
        """The models that a header's base can mean: by repository or id, else by name."""
        wanted = base.casefold()
        return (
            _in_repository(base, self._catalog)
            or [each for each in self._catalog.model if each.id == wanted]
            or self.called(base)
        )

    def _is_part(self, name: str, entry: CatalogEntry) -> bool:
        """Whether a name is but the family's, which is another model's whole name only by chance ("phi-4")."""
        return name_key(name) == name_key(entry.family)

    def _says_no_other(self, token: str, own: set[str], parameters: int) -> bool:
        if token in own or token in _NEUTRAL:
            return True
        if size := _SIZE.fullmatch(token):  # converters count, publishers round
            return _ROUNDED[0] <= float(size[1]) * (1e9 if size[2] == "b" else 1e6) / parameters <= _ROUNDED[1]
        if token[:-1].isdigit() and token.endswith("k"):  # a context length
            return not any(each[:-1].isdigit() and each.endswith("k") for each in own)
        return is_run_token(token) and token not in self._words


def family_of(entry: CatalogEntry, catalog: Catalog) -> set[str]:
    """The ids of a model and of every ancestor whose weights live on in it."""
    lineage = trace_in(catalog, node_of_entry(entry))
    return {entry.id, *(each.node.id for each in lineage.ancestors if each.inherits)}


def _texts_of(entry: CatalogEntry) -> tuple[str, ...]:
    """What a model is called: by the catalog, in its repositories, and in the names of its files."""
    packed = (
        name_without_packing(each) for each in (entry.repository, entry.gguf, *(file.name for file in entry.file))
    )
    return tuple(dict.fromkeys([entry.id, entry.name, *(each for each in packed if not is_generic(each))]))


def _owners_of(entry: CatalogEntry) -> tuple[str, ...]:
    owners = (each.partition("/")[0] for each in (entry.repository, entry.gguf) if "/" in each)
    return (entry.publisher, *owners, *_PACKERS)


def _keys_of(entry: CatalogEntry, texts: Iterable[str]) -> set[str]:
    """The keys of its names, alone and behind that of its publisher or of who packed it."""
    keys = {key for text in texts if (key := name_key(text))}
    owners = {name_key(owner) for owner in _owners_of(entry)}
    owners |= {token for owner in _owners_of(entry)[:2] for token in name_tokens(owner)[:1]}
    return keys | {owner + key for owner in owners for key in keys}


def _only(entries: Iterable[CatalogEntry]) -> CatalogEntry | None:
    """The one there is; None where there are several, as where there is none."""
    found = {each.id: each for each in entries}
    return next(iter(found.values())) if len(found) == 1 else None


def _text(header: GgufHeader, key: str) -> str:
    value = header.metadata.get(f"general.{key}", "")
    return value if isinstance(value, str) else ""


def _repository(value: object) -> str:
    return repository_id(value) if isinstance(value, str) else ""
