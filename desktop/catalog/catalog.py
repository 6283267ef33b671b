"""The catalog as values: licenses, prompts, datasets, models. `catalog_file` makes them from models.toml.

Every struct is one table of the file, field for field; the fields are documented here only.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Literal

import msgspec

from desktop.catalog.license_terms import INHERITING, Gate, Origin, Relation, Restriction, Strength
from desktop.file_stamp import SHA256_PATTERN

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]*$", max_length=100)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Sha256 = Annotated[str, msgspec.Meta(pattern=f"^({SHA256_PATTERN})?$")]
Place = Annotated[str, msgspec.Meta(pattern=r"^(?!/)(?!.*(^|/)\.\.(/|$))[^\\:]*$")]
Fact = Literal["license", "gate", "lineage", "prompt", "architecture", "context", "parameters", "date", "files"]
Date = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}(-\d{2}(-\d{2})?)?)?$")]


class LicenseClause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A restriction and where the license states it.

    `clause` is its number or heading ("1.b.i"), `says` one sentence of ours, `quote` words of the text by which the
    clause is found (they have to stand in it, white space aside).
    """

    restriction: Restriction
    clause: Words
    says: Words
    quote: Words


class LicenseEdition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another honest edition of a license's text, known by its hash: a publisher's web page, a package's copy.

    `differs` says in what from the text that ships: in white space alone, or in words (numbers and quotation marks are
    words). `source` says who publishes it, `note` more of the difference.
    """

    sha256: Annotated[str, msgspec.Meta(pattern=f"^{SHA256_PATTERN}$")]
    differs: Literal["white space", "words"]
    source: Words
    note: str = ""


class License(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A license. `id` is an SPDX id, or `LicenseRef-…`.

    `text` is the file under `licenses/` of the resources that holds it, byte for byte as published; "" only where the
    text is not ours to ship and nothing is ever fetched under it (closed models). `source` says where it was taken
    from, `retrieved` when, `publishers_file` that its sha256 was seen to be that of the publisher's own file. `hub_ids`
    are the names that the Hub and GGUF headers use for it. `attribution` is the line that it asks to be shown,
    `acceptable_use` a second text that it incorporates. `edition` are other editions of the text. `note` says what
    could not be checked.
    """

    id: Id
    name: Words
    text: Place = ""
    source: str = ""
    retrieved: Date = ""
    publishers_file: bool = False
    hub_ids: tuple[str, ...] = ()
    edition: tuple[LicenseEdition, ...] = ()
    restriction: tuple[LicenseClause, ...] = ()
    attribution: str = ""
    acceptable_use: Place = ""
    note: str = ""

    @property
    def spdx(self) -> str | None:
        """The SPDX id; None where SPDX lists no such license."""
        return None if self.id.startswith("LicenseRef-") else self.id

    @property
    def restrictions(self) -> tuple[Restriction, ...]:
        """What it restricts, each named once, in the order of its clauses."""
        return tuple(dict.fromkeys(clause.restriction for clause in self.restriction))


class PromptTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a family wants to be spoken to: a Jinja chat template, and the strings at which an answer ends.

    Used where a model's file carries no template of its own. `source` says where the publisher documents the format.
    """

    id: Id
    template: Annotated[str, msgspec.Meta(min_length=1)]
    stops: tuple[str, ...] = ()
    source: str = ""


class Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Data that a model was trained on, as a node of lineage. `license` is "" where its terms are not known."""

    id: Id
    name: Words
    publisher: Words
    license: str = ""
    note: str = ""


class EntryBase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a model was built on: the id of a model or a dataset (outside the catalog: its repository or name), and
    how."""

    id: Words
    relation: Relation

    @property
    def inherits(self) -> bool:
        """Whether its weights live on in the model."""
        return self.relation in INHERITING


class EntryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a model. `size` in bytes, 0 where it could not be checked; so `sha256` "".

    `shipped` is its place under the resources where it travels with the app, else "". `source` says where a file was
    found that is not in the repository `gguf`: it is recognized by its hash, and never offered.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[^/\\:\x00-\x1f]+$", max_length=200)]
    quantization: Words
    size: Annotated[int, msgspec.Meta(ge=0)] = 0
    sha256: Sha256 = ""
    shipped: Place = ""
    source: str = ""


class CatalogEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What facts of an entry were compared with, and on which day. `source` is a file at a commit, a page, a header."""

    facts: Annotated[tuple[Fact, ...], msgspec.Meta(min_length=1)]
    source: Words
    compared: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class CatalogEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model of the catalog.

    `license` is its own; `more_licenses` are others that its publisher names beside it. `gate` is how one gets its
    weights. `architecture` is llama.cpp's name, "" for a model without weights to be had; `not_runnable` says why it
    cannot run, "" where it can. `origin` says whether it was trained from nothing, built on others (`base`), or is of
    unknown lineage. `repository` is the publisher's on the Hub, `gguf` the one that holds `file` (the same, or that of
    somebody who may publish it), `page` a web address that says more. `prompt` names a prompt, for files without a
    chat template. `context_length` in tokens; `parameters` counts weights, `active_parameters` those
    that one token passes through (0: all of them, or as the name says); `published` is a date. `chat` is False for
    base models, which only complete text. `evidence` says what its facts were compared with, `unchecked` what could
    not be checked.
    """

    id: Id
    name: Words
    family: Words
    publisher: Words
    license: str
    gate: Gate
    summary: Words
    architecture: str = ""
    origin: Origin = "pretrained"
    base: tuple[EntryBase, ...] = ()
    more_licenses: tuple[str, ...] = ()
    not_runnable: str = ""
    repository: str = ""
    gguf: str = ""
    page: str = ""
    file: tuple[EntryFile, ...] = ()
    prompt: str = ""
    context_length: Annotated[int, msgspec.Meta(ge=0)] = 0
    parameters: Annotated[int, msgspec.Meta(ge=0)] = 0
    active_parameters: Annotated[int, msgspec.Meta(ge=0)] = 0
    languages: tuple[str, ...] = ()
    published: Date = ""
    chat: bool = True
    strengths: tuple[Strength, ...] = ()
    evidence: tuple[CatalogEvidence, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def without_evidence(self) -> tuple[Fact, ...]:
        """The facts it states that nothing was compared with."""
        stated: dict[Fact, object] = {
            "license": True,
            "gate": True,
            "lineage": self.base,
            "prompt": self.prompt,
            "architecture": self.architecture,
            "context": self.context_length,
            "parameters": self.parameters,
            "date": self.published,
            "files": self.file,
        }
        compared = {fact for each in self.evidence for fact in each.facts}
        return tuple(fact for fact, value in stated.items() if value and fact not in compared)

    @property
    def licenses(self) -> tuple[str, ...]:
        """Its own license and those its publisher names beside it."""
        return (self.license, *self.more_licenses)

    @property
    def offered(self) -> tuple[EntryFile, ...]:
        """The files that its repository holds."""
        return tuple(each for each in self.file if not each.source)

    @property
    def runnable(self) -> bool:
        return not self.not_runnable


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Every license, prompt, dataset and model. The version is that of the file's format."""

    version: Literal[1]
    license: tuple[License, ...] = ()
    prompt: tuple[PromptTemplate, ...] = ()
    dataset: tuple[Dataset, ...] = ()
    model: tuple[CatalogEntry, ...] = ()
    # Ids of what a person's own file describes: it adds to Latchkey's catalog, and never speaks for what that lists.
    own_licenses: frozenset[str] = frozenset()
    own_models: frozenset[str] = frozenset()

    @property
    def shipped(self) -> "Catalog":
        """What Latchkey's own catalog says."""
        if not self.own_licenses and not self.own_models:
            return self
        licenses = tuple(each for each in self.license if each.id not in self.own_licenses)
        models = tuple(each for each in self.model if each.id not in self.own_models)
        return Catalog(1, licenses, self.prompt, self.dataset, models)

    def find_license(self, name: str) -> License | None:
        """The license with this id or Hub name, whatever its letters' case; None where the catalog knows none."""
        return self._by_name.get(name.casefold())

    @cached_property
    def _by_name(self) -> dict[str, License]:
        """Licenses by their ids and Hub names in small letters: a list of models asks thousands of times."""
        found: dict[str, License] = {}
        for each in self.license:
            for name in (each.id, *each.hub_ids):
                found.setdefault(name.casefold(), each)
        return found

    def find_model(self, model_id: str) -> CatalogEntry | None:
        """The entry with this id."""
        return self._model_by_id.get(model_id)

    @cached_property
    def _model_by_id(self) -> dict[str, CatalogEntry]:
        """Of several entries with one id the first, as they are read in their order."""
        return {each.id: each for each in reversed(self.model)}

    def find_dataset(self, dataset_id: str) -> Dataset | None:
        """The dataset with this id."""
        return next((dataset for dataset in self.dataset if dataset.id == dataset_id), None)

    def find_prompt(self, prompt_id: str) -> PromptTemplate | None:
        """The prompt with this id."""
        return next((prompt for prompt in self.prompt if prompt.id == prompt_id), None)


def copied_models(
    catalog: Catalog, repositories: Iterable[str], hashes: Iterable[str] = ()
) -> tuple[CatalogEntry, ...]:
    """The models whose files, or whose publisher's, lie in one of the `repositories`, or that have a file of one of
    these sha256. Entries of a person's own file are never among them."""
    wanted, bytes_ = {each.casefold() for each in repositories if each}, {each for each in hashes if each}
    return tuple(
        entry
        for entry in catalog.model
        if entry.id not in catalog.own_models
        and (
            wanted & {entry.repository.casefold(), entry.gguf.casefold()}
            or (bytes_ and any(file.sha256 in bytes_ for file in entry.file))
        )
    )
