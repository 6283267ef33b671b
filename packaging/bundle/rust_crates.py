"""Crates of Rust inside wheels: which ones, for a wheel that does not say it, and which texts their licenses ask for.

A crate that several licenses are offered for is taken under the one that asks for least: Apache-2.0, of which a copy is
in every bundle, or one that asks for nothing. What is under MIT, BSD or Zlib alone wants its copyright notice; these
stand in `resources/licenses/bundled/rust-crates.txt`.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from bundle.part import Part
from packageurl import PackageURL

LICENSES = Path(__file__).resolve().parents[2] / "resources" / "licenses"
NOTICES = LICENSES / "bundled" / "rust-crates.txt"
"""Each line `name: Copyright …` is a crate's; the licenses stand below."""
_NOTHING_ASKED = frozenset(("0BSD", "CC0-1.0", "MIT-0", "Unlicense"))
_OF_UNICODE = {"Unicode-3.0": "bundled/Unicode-3.0.txt", "Unicode-DFS-2016": "bundled/icu.txt"}


class CrateList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a wheel is built of, by its Cargo.lock: for which version of the wheel, and "name version" with the license
    of each crate."""

    version: str
    crates: dict[str, str]


LISTS = msgspec.convert(
    tomllib.loads(Path(__file__).with_name("rust_crates.toml").read_text(encoding="utf-8")), dict[str, CrateList]
)


def listed(holder: Part) -> Iterator[Part]:
    """The crates inside `holder` by rust_crates.toml. Raises ValueError where that list is of another version."""
    if (found := LISTS.get(holder.name)) is None:
        return
    if found.version != holder.version:
        raise ValueError(
            f"rust_crates.toml lists the crates of {holder.name} {found.version}, and {holder.version} is here: "
            "python packaging/bundle/list_crates.py SOURCE-ARCHIVE makes the list anew."
        )
    for crate, terms in found.crates.items():
        name, _, version = crate.partition(" ")
        purl = PackageURL("cargo", None, name, version).to_string()
        yield Part(name, version, "library", terms, purl, texts=texts_of(name, terms), holder=holder.name)


def texts_of(name: str, terms: str) -> tuple[Path, ...]:
    """The texts that go with the crate `name`, which is under `terms` (SPDX)."""
    found = (_text_of(name, options) for options in _choices(terms))
    return tuple(dict.fromkeys(LICENSES / place for place in found if place))


def without_notice(parts: Iterable[Part]) -> list[str]:
    """The crates among `parts` that want a copyright notice of which none is at hand."""
    return sorted(
        f"{part.name} {part.version}"
        for part in parts
        if part.purl.startswith("pkg:cargo/")
        and any(_text_of(part.name, each) is None for each in _choices(part.license))
    )


def _choices(terms: str) -> list[list[str]]:
    """All that holds at once, and for each of these the licenses of which one may be chosen."""
    return [
        [each.strip(" ()") for each in re.split(r"\s+OR\s+|/", together)] for together in re.split(r"\s+AND\s+", terms)
    ]


def _text_of(name: str, options: list[str]) -> str | None:
    """The place of the text for one of `options`; "" where none is asked for, None where it is not at hand."""
    if any(each.startswith("Apache-2.0") for each in options):
        return "apache-2.0.txt"
    if not _NOTHING_ASKED.isdisjoint(options):
        return ""
    for each in options:
        if each in _OF_UNICODE:
            return _OF_UNICODE[each]
    return "bundled/rust-crates.txt" if name in _noticed() else None


def _noticed() -> frozenset[str]:
    return frozenset(re.findall(r"^([\w-]+): Copyright", NOTICES.read_text(encoding="utf-8"), re.MULTILINE))
