"""Checks across the tables of a catalog. Each check yields the table at fault, the key in it, and why."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.atomic_file import read_bounded
from desktop.catalog.catalog import CatalogEntry, Dataset, License, PromptTemplate
from desktop.catalog.toml_file import TomlLines
from desktop.translation import tr

_LARGEST_TEXT = 16 << 20


@dataclass(frozen=True, eq=False)
class CatalogTable:
    """One table that reads well by itself: the file and the place it stands in, and its value."""

    file: Path
    lines: TomlLines
    kind: str
    index: int
    where: str
    value: Any


RejectedTables = tuple[CatalogTable, str, str]


def check_catalog(
    items: Sequence[CatalogTable], text_folders: Sequence[Path], *, thorough: bool, own: Path | None = None
) -> list[RejectedTables]:
    """Every table that does not hold, with the key that is wrong ("$.license") and why.

    What rests on a table that was lost is lost as well, so this goes on until nothing more is. Only a `thorough` check
    reads the licenses' texts to look for their clauses. `own` is the file that a person wrote themselves.
    """
    lost: list[RejectedTables] = [*_duplicates(items)]
    held = _without(items, lost)
    for check_one in (lambda each: _license(each, text_folders, thorough), _model, lambda each: _shipped(each, own)):
        lost += [found for item in held for found in _first(check_one, item)]
    held = _without(items, lost)
    while more := [*_dangling(held), *_texts_needed(held)]:
        lost += more
        held = _without(held, more)
    return lost + _circles(held)


def _without(items: Sequence[CatalogTable], lost: Sequence[RejectedTables]) -> list[CatalogTable]:
    gone = {id(item) for item, _, _ in lost}
    return [item for item in items if id(item) not in gone]


def _first(check_one: Callable[[CatalogTable], Iterator[RejectedTables]], item: CatalogTable) -> list[RejectedTables]:
    found = next(check_one(item), None)
    return [found] if found else []


def _duplicates(items: Sequence[CatalogTable]) -> Iterator[RejectedTables]:
    """Ids that were given before; models and datasets share one row of ids, licenses and their Hub names another."""
    seen: dict[tuple[str, str], CatalogTable] = {}
    for item in items:
        row = "node" if item.kind in ("model", "dataset") else item.kind
        names = [("$.id", item.value.id)]
        if isinstance(item.value, License):
            names += [("$.hub_ids", name) for name in item.value.hub_ids if name.casefold() != item.value.id.casefold()]
        for key, name in names:
            before = seen.setdefault((row, name.casefold()), item)
            if before is not item:
                yield (
                    item,
                    key,
                    tr("{name} is taken by {other} in {file}").format(
                        name=name, other=before.where, file=before.file.name
                    ),
                )
                break


def _license(item: CatalogTable, text_folders: Sequence[Path], thorough: bool) -> Iterator[RejectedTables]:
    """Its texts are there, and the clauses stand in them."""
    license_ = item.value
    if not isinstance(license_, License):
        return
    for key, place in (("$.text", license_.text), ("$.acceptable_use", license_.acceptable_use)):
        if place and not any((folder / place).is_file() for folder in text_folders):
            yield item, key, tr("there is no file {file}").format(file=place)
    if not license_.text or not thorough:
        return
    texts = [_read(place, text_folders) for place in (license_.text, license_.acceptable_use)]
    words = _words(" ".join(texts))
    for index, clause in enumerate(license_.restriction):
        if _words(clause.quote) not in words:
            key = f"$.restriction[{index}].quote"
            yield item, key, tr("“{quote}” does not stand in {file}").format(quote=clause.quote, file=license_.text)


def _model(item: CatalogTable) -> Iterator[RejectedTables]:
    """What a model says of itself fits together."""
    entry = item.value
    if not isinstance(entry, CatalogEntry):
        return
    inherits = any(base.inherits for base in entry.base)
    if entry.origin == "derived" and not inherits:
        yield item, "$.origin", tr("a derived model names what it was derived from")
    if entry.origin != "derived" and inherits:
        yield item, "$.origin", tr("a model built on the weights of another is derived")
    if entry.gate == "closed" and (entry.file or entry.gguf or entry.architecture):
        yield item, "$.gate", tr("a closed model has no files, no repository of them and no architecture")
    if entry.gate != "closed" and entry.runnable and not entry.architecture:
        yield item, "$.architecture", tr("the architecture is missing")
    names = [file.name for file in entry.file]
    if len(set(names)) != len(names):
        yield item, "$.file", tr("two files have the same name")
    if entry.offered and not entry.gguf and not all(file.shipped for file in entry.offered):
        yield item, "$.file", tr("files need the repository that holds them (gguf)")


def _shipped(item: CatalogTable, own: Path | None) -> Iterator[RejectedTables]:
    """Only Latchkey's own catalog says what comes with Latchkey: that needs no acceptance."""
    if isinstance(item.value, CatalogEntry) and item.file == own:
        for index, file in enumerate(item.value.file):
            if file.shipped:
                yield item, f"$.file[{index}].shipped", tr("only the catalog of Latchkey says which files come with it")


def _dangling(items: Sequence[CatalogTable]) -> Iterator[RejectedTables]:
    """References to ids that do not exist."""
    licenses = {item.value.id for item in items if isinstance(item.value, License)}
    prompts = {item.value.id for item in items if isinstance(item.value, PromptTemplate)}
    nodes = {item.value.id for item in items if isinstance(item.value, CatalogEntry | Dataset)}
    for item in items:
        value = item.value
        if isinstance(value, Dataset) and value.license and value.license not in licenses:
            yield (
                item,
                "$.license",
                tr("names the license {license}, which is not listed").format(license=value.license),
            )
        elif isinstance(value, CatalogEntry):
            yield from _dangling_of(item, value, licenses, prompts, nodes)


def _dangling_of(
    item: CatalogTable, entry: CatalogEntry, licenses: set[str], prompts: set[str], nodes: set[str]
) -> Iterator[RejectedTables]:
    for name in entry.licenses:
        if name not in licenses:
            key = "$.license" if name == entry.license else "$.more_licenses"
            yield item, key, tr("names the license {license}, which is not listed").format(license=name)
            return
    if entry.prompt and entry.prompt not in prompts:
        yield item, "$.prompt", tr("names the prompt {prompt}, which is not listed").format(prompt=entry.prompt)
        return
    for base in entry.base:
        if base.id not in nodes:
            yield item, "$.base", tr("names {base} as its base, which is not listed").format(base=base.id)
            return


def _texts_needed(items: Sequence[CatalogTable]) -> Iterator[RejectedTables]:
    """A license without a text cannot be accepted, so nothing that can be fetched may be under it."""
    without = {item.value.id for item in items if isinstance(item.value, License) and not item.value.text}
    for item in items:
        entry = item.value
        if (
            isinstance(entry, CatalogEntry)
            and entry.gate != "closed"
            and (lacking := without.intersection(entry.licenses))
        ):
            yield (
                item,
                "$.license",
                tr("{license} has no text, so nobody could accept it").format(license=", ".join(sorted(lacking))),
            )


def _circles(items: Sequence[CatalogTable]) -> list[RejectedTables]:
    """Models that were built, by whatever way round, on themselves."""
    bases: dict[str, list[str]] = defaultdict(list)
    for item in items:
        if isinstance(item.value, CatalogEntry):
            bases[item.value.id] = [base.id for base in item.value.base]
    lost: list[RejectedTables] = [
        (item, "$.base", tr("is built on itself: {circle}").format(circle=" → ".join(circle)))
        for item in items
        if isinstance(item.value, CatalogEntry) and (circle := _circle_from(item.value.id, bases))
    ]
    # What rests on a circle would have no beginning either.
    gone = {item.value.id for item, _, _ in lost}
    while True:
        more = [
            (item, "$.base", tr("rests on {base}, which is built on itself").format(base=base))
            for item in items
            if isinstance(item.value, CatalogEntry) and item.value.id not in gone
            for base in bases[item.value.id]
            if base in gone
        ]
        if not more:
            return lost
        lost += more[:1]
        gone.add(more[0][0].value.id)


def _circle_from(start: str, bases: dict[str, list[str]]) -> list[str] | None:
    seen: set[str] = set()
    waiting = [[start]]
    while waiting:
        path = waiting.pop()
        for base in bases.get(path[-1], []):
            if base == start:
                return [*path, base]
            if base not in seen:
                seen.add(base)
                waiting.append([*path, base])
    return None


def _read(place: str, folders: Sequence[Path]) -> str:
    for folder in folders if place else ():
        try:
            return read_bounded(folder / place, _LARGEST_TEXT, follow_link=True).decode("utf-8-sig", "replace")
        except OSError:
            continue
    return ""


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
