"""Lists the crates of Rust that a wheel is built of, for rust_crates.toml.

    python packaging/bundle/list_crates.py NAME CRATE SOURCE-ARCHIVE [SITE-PACKAGES...]

NAME is the wheel's, CRATE the crate that it is built of, SOURCE-ARCHIVE its sdist (`pip download --no-deps
--no-binary`), whose Cargo.lock says which crates of which versions it takes. That lock serves all systems and features:
left out is what only Windows, macOS or browsers need, what only compiling needs, and what is optional and off. A lock
says no licenses: these are taken from the bills of materials in the wheels of SITE-PACKAGES, else from
rust_crates.toml; "?" stands where nobody says one. The list may name more than the linker left in.
"""

import json
import re
import sys
import tarfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bundle import rust_crates

_ELSEWHERE = re.compile(
    r"windows|wasm|wasi|wit-bindgen|js-sys|web-sys|core-foundation|security-framework|schannel|system-configuration|"
    r"redox|r-efi|target-lexicon|pyo3-build-config|vcpkg|pkg-config|autocfg|version_check|cc$|shlex"
)
Manifests = Mapping[str, Mapping[str, Any]]


def main() -> int:
    """Print the table of the wheel; 1 where a license is missing."""
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    name, crate, archive, *folders = sys.argv[1:]
    lock, manifests = read_archive(Path(archive))
    terms = dict(known_licenses())
    for folder in folders:
        terms |= dict(licenses_of_wheels(Path(folder)))
    found = crates(lock, manifests, crate)
    print(f'[{name}]\nversion = "{manifests[crate]["package"]["version"]}"\n\n[{name}.crates]')
    for each, version in found:
        own = manifests.get(each, {}).get("package", {}).get("license")
        print(f'"{each} {version}" = "{own or terms.get(each, "?")}"')
    return int(any(each not in manifests and each not in terms for each, _ in found))


def read_archive(archive: Path) -> tuple[Mapping[str, Any], Manifests]:
    """The Cargo.lock in `archive`, and the manifests of the crates in it, by name. Raises OSError, ValueError."""
    lock: Mapping[str, Any] = {}
    manifests: dict[str, Mapping[str, Any]] = {}
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            place = Path(member.name)
            if place.name not in ("Cargo.lock", "Cargo.toml") or (file := opened.extractfile(member)) is None:
                continue
            read = tomllib.loads(file.read().decode())
            if place.name == "Cargo.lock":
                lock = lock or read
            elif "package" in read:
                manifests[read["package"]["name"]] = read
    return lock, manifests


def crates(lock: Mapping[str, Any], manifests: Manifests, root: str) -> list[tuple[str, str]]:
    """Name and version of `root` and of all that is compiled into it, in order."""
    packages: dict[str, list[Mapping[str, Any]]] = {}
    for package in lock["package"]:
        packages.setdefault(package["name"], []).append(package)
    found: set[tuple[str, str]] = set()
    ahead = [packages[root][0]]
    while ahead:
        package = ahead.pop()
        key = (package["name"], package["version"])
        if key in found or _ELSEWHERE.match(package["name"]):
            continue
        found.add(key)
        taken = _taken(manifests[package["name"]]) if package["name"] in manifests else None
        for line in package.get("dependencies", ()):
            name, _, version = line.partition(" ")
            if taken is None or name in taken:
                version = version.partition(" ")[0]
                ahead += [each for each in packages[name] if version in ("", each["version"])]
    return sorted(found)


def _taken(manifest: Mapping[str, Any]) -> set[str]:
    """What a crate of the archive itself depends on when it runs, with its features as they are by default."""
    features = manifest.get("features", {}).get("default", [])
    on = {each.removeprefix("dep:").partition("/")[0] for each in features}
    taken = set()
    for name, told in manifest.get("dependencies", {}).items():
        told = told if isinstance(told, dict) else {}
        if not told.get("optional") or name in on:
            taken.add(told.get("package", name))
    return taken


def known_licenses() -> Iterator[tuple[str, str]]:
    """The license of each crate that rust_crates.toml names."""
    for each in rust_crates.LISTS.values():
        for crate, terms in each.crates.items():
            yield crate.partition(" ")[0], terms


def licenses_of_wheels(packages: Path) -> Iterator[tuple[str, str]]:
    """The license of each crate that a wheel in `packages` names in its own bill of materials."""
    for file in sorted(packages.glob("*.dist-info/sboms/*.json")):
        for entry in json.loads(file.read_bytes()).get("components", ()):
            terms = [each["expression"] for each in entry.get("licenses", ()) if "expression" in each]
            if str(entry.get("purl", "")).startswith("pkg:cargo/") and terms:
                yield entry["name"], " ".join(terms[0].replace("/", " OR ").split())


if __name__ == "__main__":
    sys.exit(main())
