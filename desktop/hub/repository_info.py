"""What the Hub tells of a model repository, as values: its commit, gate, license, bases and model files."""

from dataclasses import dataclass
from typing import Any, Literal

from desktop.catalog.base_model_name import NOT_NAMED, base_model_name
from desktop.catalog.license_terms import Relation
from desktop.errors import ForbiddenError
from desktop.file_stamp import is_sha256
from desktop.hub.hub_response import as_count, as_line, as_lines, as_list, as_object, as_text, unexpected_response
from desktop.hub.repository import is_commit, is_repository_id
from desktop.hub.repository_files import (
    FilePart,
    RepositoryFile,
    check_repository_path,
    group_parts,
    is_projector_name,
)

Gated = Literal[False, "auto", "manual"]

_MOST_FILES = 20_000
_MOST_BASES = 32
_MOST_TAGS = 500
_MOST_FIELDS = 50
_LONGEST_PROMPT = 50_000
_RELATIONS: dict[str, Relation] = {
    "quantized": "quantization",
    "finetune": "fine-tune",
    "adapter": "fine-tune",
    "merge": "merge",
}


@dataclass(frozen=True)
class CardBase:
    """What a card names as a base: a repository's id, and how the model was made from it."""

    id: str
    relation: Relation


@dataclass(frozen=True)
class RepositoryInfo:
    """A model repository at one commit, `sha`.

    `licenses` are the Hub's ids as the card has them; `license_name` and `license_link` belong to "other". `bases` are
    what it names itself; `datasets` what it says it was trained on. `files` are the models in it, smallest first;
    `skipped` are names of model files that cannot be offered: parts without their others, and names unfit for a disk.
    `gate_prompt` is what its publisher asks before access, `gate_fields` the fields of its form. `hub_id` is what the
    Hub calls the repository whatever its name, "" where it does not tell. `projectors` are the files (mmproj) that let
    its models see.
    """

    id: str
    sha: str
    gated: Gated
    private: bool
    disabled: bool
    licenses: tuple[str, ...]
    license_name: str
    license_link: str
    bases: tuple[CardBase, ...]
    datasets: tuple[str, ...]
    tags: tuple[str, ...]
    files: tuple[RepositoryFile, ...]
    skipped: tuple[str, ...]
    names: frozenset[str]
    gate_prompt: str
    gate_fields: tuple[str, ...]
    downloads: int
    likes: int
    changed: str
    hub_id: str = ""
    projectors: tuple[FilePart, ...] = ()

    @property
    def license(self) -> str:
        """The first license's id on the Hub; "" where the card names none."""
        return self.licenses[0] if self.licenses else ""

    @property
    def hashes_hidden(self) -> bool:
        """Whether a model file's sha256 is not told, as before access to a gated repository."""
        return any(not part.sha256 for file in self.files for part in file.parts)

    def find(self, quantization: str) -> RepositoryFile | None:
        """The file of this quantization, in any spelling."""
        wanted = quantization.casefold()
        return next((each for each in self.files if each.quantization.casefold() == wanted), None)


@dataclass(frozen=True)
class SearchResult:
    """A repository that a search gave: less is known of it than of one that was asked for by name."""

    id: str
    gated: Gated
    licenses: tuple[str, ...]
    bases: tuple[CardBase, ...]
    tags: tuple[str, ...]
    downloads: int
    likes: int
    changed: str


def parse_repository_info(answer: Any, host: str) -> RepositoryInfo:
    """The information in the API's answer. Raises NetworkError where it is not one about a repository."""
    top = as_object(answer)
    repository, sha = as_line(top.get("id") or top.get("modelId")), as_line(top.get("sha"))
    if not is_repository_id(repository) or not is_commit(sha):
        raise unexpected_response(host, technical=f"id {repository!r}, sha {sha!r}")
    card, tags = as_object(top.get("cardData")), as_lines(as_list(top.get("tags"), _MOST_TAGS), _MOST_TAGS)
    names, parts, unfit = _files(as_list(top.get("siblings"), _MOST_FILES))
    files, incomplete = group_parts(parts)
    return RepositoryInfo(
        id=repository,
        sha=sha,
        gated=parse_gated(top.get("gated", False)),
        private=top.get("private") is True,
        disabled=top.get("disabled") is True,
        licenses=_licenses(card, tags),
        license_name=as_line(card.get("license_name")),
        license_link=_link(as_line(card.get("license_link"), 500)),
        bases=_bases(card, tags, repository),
        datasets=tuple(dict.fromkeys([*as_lines(card.get("datasets"), _MOST_BASES), *_tagged(tags, "dataset:")])),
        tags=tags,
        files=files,
        skipped=tuple(sorted({*incomplete, *unfit})),
        names=frozenset(names),
        gate_prompt=as_text(card.get("extra_gated_prompt"), _LONGEST_PROMPT),
        gate_fields=tuple(
            as_line(name) for name in list(as_object(card.get("extra_gated_fields")))[:_MOST_FIELDS] if as_line(name)
        ),
        downloads=as_count(top.get("downloads")),
        likes=as_count(top.get("likes")),
        changed=as_line(top.get("lastModified"), 40),
        hub_id=as_line(top.get("_id"), 40),
        projectors=tuple(part for part in parts if is_projector_name(part.name)),
    )


def parse_search_result(answer: Any) -> SearchResult | None:
    """One repository in the answer to a search; None where it has no usable name."""
    top = as_object(answer)
    repository = as_line(top.get("id") or top.get("modelId"))
    if not is_repository_id(repository):
        return None
    card, tags = as_object(top.get("cardData")), as_lines(as_list(top.get("tags"), _MOST_TAGS), _MOST_TAGS)
    return SearchResult(
        repository,
        parse_gated(top.get("gated", False)),
        _licenses(card, tags),
        _bases(card, tags, repository),
        tags,
        as_count(top.get("downloads")),
        as_count(top.get("likes")),
        as_line(top.get("lastModified") or top.get("createdAt"), 40),
    )


def parse_gated(value: Any) -> Gated:
    """The gate. What is neither open nor known is taken for the stricter one."""
    if value is False or value is None:
        return False
    return "auto" if value == "auto" else "manual"


def _files(siblings: list[Any]) -> tuple[list[str], list[FilePart], list[str]]:
    """All names that can be kept on a disk, all their files, and the names of model files that cannot."""
    names: dict[str, FilePart] = {}
    unfit: list[str] = []
    for each in siblings:
        entry = as_object(each)
        name = entry.get("rfilename")
        if not isinstance(name, str) or name in names:
            continue
        try:
            check_repository_path(name)
        except ForbiddenError:
            if name.lower().endswith(".gguf"):
                unfit.append(as_line(name))
            continue
        large = as_object(entry.get("lfs"))
        sha256 = as_line(large.get("sha256") or large.get("oid"), 64)
        size = as_count(large.get("size")) or as_count(entry.get("size"))
        # Before access, 64 asterisks stand in its place.
        names[name] = FilePart(name, size, sha256 if is_sha256(sha256) else "")
    return list(names), list(names.values()), unfit


def _licenses(card: dict[str, Any], tags: tuple[str, ...]) -> tuple[str, ...]:
    """By the card; where that says nothing, by the tags that the Hub made of an earlier one."""
    return as_lines(card.get("license"), 8, 80) or tuple(_tagged(tags, "license:"))[:8]


def _link(link: str) -> str:
    """A link that can be opened without harm: to the web, or to a file of the repository."""
    if link.lower().startswith(("https://", "http://")):
        return link
    return link if link and ":" not in link and ".." not in link and not link.startswith(("/", "\\")) else ""


def _bases(card: dict[str, Any], tags: tuple[str, ...], itself: str) -> tuple[CardBase, ...]:
    """The bases in card and tags, each once. A relation comes from the card, else from a tag that names it."""
    said = _RELATIONS.get(as_line(card.get("base_model_relation"), 20).casefold())
    relations: dict[str, Relation] = {}
    named = _named(card.get("base_model"))
    for tag in _tagged(tags, "base_model:"):
        kind, _, rest = tag.partition(":")
        if rest and kind in _RELATIONS:
            relations[base_model_name(rest).casefold()] = _RELATIONS[kind]
        named.append(rest if rest and kind in _RELATIONS else tag)
    fallback: Relation = "merge" if "merge" in tags else "quantization" if "gguf" in tags else "fine-tune"
    found: dict[str, CardBase] = {}
    for name in named:
        base = base_model_name(name)
        key = base.casefold()
        if len(found) == _MOST_BASES and key not in found:
            base, key = NOT_NAMED, NOT_NAMED
        if key != itself.casefold() and key not in found:
            found[key] = CardBase(base, said or relations.get(key, fallback))
    return tuple(found.values())


def _named(value: Any) -> list[str]:
    """The bases that a card names, one or a list of them. What is neither a name nor nothing is a base not named."""
    listed = value if isinstance(value, list) else [value]
    said = [each if isinstance(each, str) else NOT_NAMED for each in listed if each is not None and each != {}]
    return [each for each in said if each.strip()][: _MOST_BASES + 1]


def _tagged(tags: tuple[str, ...], prefix: str) -> list[str]:
    return [tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix) and len(tag) > len(prefix)]
