"""Reads models.toml into a `Catalog`: every value is checked, every mistake reported with its line.

A table with a mistake is left out, and so is whatever rests on it; the rest is used. A person's own file adds to the
catalog that ships and cannot change what is in it.
"""

import errno
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from desktop.catalog import catalog_checks
from desktop.catalog.catalog import Catalog, CatalogEntry, Dataset, License, PromptTemplate
from desktop.catalog.catalog_checks import CatalogTable
from desktop.catalog.toml_file import TomlLines, read_toml
from desktop.errors import IntegrityError
from desktop.translation import tr

_KINDS: dict[str, type[Any]] = {"license": License, "prompt": PromptTemplate, "dataset": Dataset, "model": CatalogEntry}
_LARGEST = 16 << 20
_PATH = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")
_FIELD = re.compile(r"(?:unknown|required) field `([^`]+)`")
T = TypeVar("T")


@dataclass(frozen=True)
class CatalogProblem:
    """A mistake in a catalog file: the file, the line (from 1), what it is about ("model qwen3-8b"), one sentence."""

    file: Path
    line: int
    where: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file.name}:{self.line}: "
        return f"{place}{self.where}: {self.message}" if self.where else f"{place}{self.message}"


@dataclass(frozen=True)
class CatalogReadResult:
    """The catalog, of all that holds, and what does not."""

    catalog: Catalog
    problems: tuple[CatalogProblem, ...]


def read_catalog(
    shipped: Path, own: Path | None = None, *, text_folders: Sequence[Path] = (), thorough: bool = False
) -> CatalogReadResult:
    """The catalog in `shipped` and in a person's `own` file, where there is one.

    Texts of licenses are looked for in `text_folders`; only a `thorough` reading looks for the clauses in them. Nothing
    is raised: a file that cannot be read is a problem.
    """
    items: list[CatalogTable] = []
    problems: list[CatalogProblem] = []
    for path in (shipped, own) if own is not None else (shipped,):
        if path == shipped or os.path.lexists(path):
            _read_file(path, items, problems)
    lost = catalog_checks.check_catalog(items, text_folders, thorough=thorough, own=own)
    problems += [CatalogProblem(item.file, item.lines.of_key(item.kind, item.index, key), item.where, why)
                 for item, key, why in lost]  # fmt: skip
    gone = {id(item) for item, _, _ in lost}
    held = [item for item in items if id(item) not in gone]

    def of(kind: str, type_: type[T]) -> tuple[T, ...]:
        return tuple(item.value for item in held if item.kind == kind and isinstance(item.value, type_))

    def own_ids(kind: str) -> frozenset[str]:
        return frozenset(item.value.id for item in held if item.file == own and item.kind == kind)

    catalog = Catalog(
        1,
        license=of("license", License),
        prompt=of("prompt", PromptTemplate),
        dataset=of("dataset", Dataset),
        model=of("model", CatalogEntry),
        own_licenses=own_ids("license"),
        own_models=own_ids("model"),
    )
    return CatalogReadResult(catalog, tuple(sorted(problems, key=lambda each: (each.file != shipped, each.line))))


def unreadable_catalog(problem: CatalogProblem) -> IntegrityError:
    """Nothing can be read of the catalog that ships."""
    return IntegrityError(
        tr("The catalog cannot be read."),
        tr("{file}: {reason}.").format(file=problem.file, reason=problem.message),
        tr("Install Latchkey again to restore it."),
    )


def _read_file(path: Path, items: list[CatalogTable], problems: list[CatalogProblem]) -> None:
    try:
        text, tables = read_toml(path, _LARGEST)
    except OSError as error:
        reason = tr("it is too large to be a catalog") if error.errno == errno.EFBIG else error.strerror or str(error)
        problems.append(CatalogProblem(path, 1, "", reason))
        return
    except ValueError as error:
        found = re.search(r"line (\d+)", str(error))
        problems.append(CatalogProblem(path, int(found[1]) if found else 1, "", str(error)))
        return
    lines = TomlLines(text)
    version = tables.pop("version", None)
    if version != 1:
        problems.append(CatalogProblem(path, 1, "", tr("version has to be 1, the version that this Latchkey reads")))
        return
    for kind, value in tables.items():
        if kind not in _KINDS or not isinstance(value, list):
            sentence = tr("“{name}” is not known here; there are [[license]], [[prompt]], [[dataset]] and [[model]]")
            problems.append(CatalogProblem(path, 1, "", sentence.format(name=kind)))
            continue
        for index, table in enumerate(value):
            _read_table(path, lines, kind, index, table, items, problems)


def _read_table(
    path: Path,
    lines: TomlLines,
    kind: str,
    index: int,
    table: Any,
    items: list[CatalogTable],
    problems: list[CatalogProblem],
) -> None:
    named = table.get("id") if isinstance(table, dict) else None
    where = f"{kind} {named}" if isinstance(named, str) else f"{kind} {index + 1}"
    try:
        value = msgspec.convert(table, _KINDS[kind])
    except msgspec.ValidationError as error:
        message = str(error)
        at = _PATH.search(message)
        field = _FIELD.search(message)
        key = (at[1] if at else "$") + (f".{field[1]}" if field and "unknown" in message else "")
        problems.append(CatalogProblem(path, lines.of_key(kind, index, key), where, _plain(message)))
        return
    items.append(CatalogTable(path, lines, kind, index, where, value))


def _plain(message: str) -> str:
    """msgspec's sentence without its notation."""
    return _PATH.sub(lambda match: f" ({match[1].lstrip('$.')})" if match[1] != "$" else "", message)
