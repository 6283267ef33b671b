"""The catalog as values, and the one reader of models.toml."""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from desktop.errors import IntegrityError
from desktop.translation import tr

Gate = Literal["open", "click-through", "hub-auto", "hub-manual", "closed"]
Restriction = Literal[
    "research-only",
    "non-commercial",
    "attribution",
    "no-derivatives",
    "share-alike",
    "acceptable-use",
    "user-cap",
    "region",
    "no-output-training",
]


class License(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A license: an SPDX id (or `LicenseRef-…`), its name, and what it restricts."""

    id: str
    name: str
    restrictions: tuple[Restriction, ...] = ()


class EntryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a model. `shipped` is its place under the resources where it travels with the app, else ""."""

    name: str
    quantization: str
    shipped: str = ""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model of the catalog. `lineage` names what it was built on, nearest ancestor first."""

    id: str
    name: str
    family: str
    publisher: str
    license: str
    gate: Gate
    architecture: str
    lineage: tuple[str, ...] = ()
    file: tuple[EntryFile, ...] = ()


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every entry and every license they name."""

    version: Literal[1]
    license: tuple[License, ...] = ()
    model: tuple[Entry, ...] = ()

    def find_license(self, license_id: str) -> License | None:
        """The license with this id, whatever its letters' case; None where the catalog does not know it."""
        wanted = license_id.casefold()
        return next((known for known in self.license if known.id.casefold() == wanted), None)


def read_catalog(path: Path) -> Catalog:
    """The catalog in `path`.

    Raises IntegrityError where it is missing, malformed, or names a license that it does not hold.
    """
    try:
        catalog = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Catalog)
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    except (ValueError, msgspec.ValidationError) as error:
        raise _broken(path, str(error)) from error
    for entry in catalog.model:
        if catalog.find_license(entry.license) is None:
            raise _broken(
                path,
                tr("{model} names the license {license}, which is not listed").format(
                    model=entry.id, license=entry.license
                ),
            )
    return catalog


def _broken(path: Path, reason: str) -> IntegrityError:
    return IntegrityError(
        tr("The catalog cannot be read."),
        tr("{file}: {reason}.").format(file=path, reason=reason),
        tr("Install Latchkey again to restore it."),
    )
