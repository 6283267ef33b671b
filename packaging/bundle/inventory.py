"""What is really inside a finished bundle: every file and every Python module, by the part that it comes from.

Facts come from PyInstaller's tables of contents (what came from where), from each distribution's RECORD and METADATA,
from `dpkg` for the system's libraries, and from what wheels say of what they contain (embedded.py). A file of which
nobody says where it comes from is named, not guessed.
"""

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path

from bundle import license_names
from bundle.embedded import embedded_parts
from bundle.part import Part
from bundle.system_parts import system_parts
from packageurl import PackageURL

INSIDE = "_internal"
MODEL = f"{INSIDE}/desktop/_data/resources/builtin/latchkey-guide.gguf"
WRITTEN_LATER = ("glibc-version", f"{INSIDE}/latchkey.cdx.json", f"{INSIDE}/THIRD-PARTY-NOTICES.txt")
"""What the build adds after PyInstaller: texts and facts about the bundle itself."""
_LLAMA = f"{INSIDE}/llama_cpp/lib/"
_LICENSE_FILE = re.compile(r"(licen[sc]e|copying|notice|copyright|authors|patents)", re.IGNORECASE)
_TEXT_SUFFIXES = frozenset(("", ".txt", ".md", ".rst", ".ijg", ".apache", ".bsd", ".python"))


@dataclass(frozen=True)
class Inventory:
    """The parts, by name; and places of files that belong to none of them."""

    parts: tuple[Part, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contents:
    """What PyInstaller says that it put together."""

    files: Mapping[str, Path]
    """The source of each file, by its place below the bundle's folder."""
    modules: Mapping[str, Path] = field(default_factory=dict)
    """The source of each Python module, by its name."""


def take_inventory(bundle: Path, work: Path, packages: Path) -> Inventory:
    """What is in `bundle`. `work` is PyInstaller's folder of the build (build/bundle-work/latchkey), `packages` the
    environment's site-packages that the bundle was made of.

    Raises OSError where one of them is missing, and ValueError where a table cannot be read.
    """
    contents = read_contents(work)
    installed = _Installed(packages)
    places = [path.relative_to(bundle).as_posix() for path in _plain_files(bundle)]
    owners: dict[str, Distribution] = {}
    loose: dict[str, Path] = {}
    unknown: list[str] = []
    for place in places:
        if place in WRITTEN_LATER or place.startswith(f"{INSIDE}/licenses/"):
            continue
        source = contents.files.get(place)
        if place.startswith(_LLAMA):  # also a plug-in that was added
            owner = installed.by_name("llama-cpp-python")
        elif place in ("latchkey", "latchkey.exe", "latchkey-window.exe"):
            owner = installed.by_name("pyinstaller")  # its loader, with the archive of modules behind it
        else:
            owner = installed.owner(source) if source else None
        if owner is not None:
            owners[place] = owner
        elif source is not None:
            loose[place] = source
        else:
            unknown.append(place)
    modules: dict[str, int] = defaultdict(int)
    others: dict[str, Path] = {}
    for name, source in contents.modules.items():
        if (owner := installed.owner(source)) is not None:
            modules[owner.metadata["Name"]] += 1
        elif source.suffix == ".py":
            others[name] = source
    parts = _python_parts(owners, modules, installed)
    system, left = system_parts(loose, others, installed.base)
    parts += system
    if MODEL in places:
        parts.append(_model_part(bundle, next(each for each in parts if each.name == "latchkey")))
    parts += [inner for part in list(parts) for inner in embedded_parts(part, packages)]
    ordered = sorted(parts, key=lambda each: (each.name.lower(), each.version, each.holder))
    return Inventory(tuple(ordered), tuple(sorted(unknown + left)))


def read_contents(work: Path) -> Contents:
    """PyInstaller's tables of contents in `work`. Raises OSError, ValueError."""
    files: dict[str, Path] = {}
    for place, source, kind in _entries(work / "COLLECT-00.toc"):
        if kind != "SYMLINK":
            inside = place if kind == "EXECUTABLE" else f"{INSIDE}/{place}"
            files[inside.replace("\\", "/")] = Path(source)
    return Contents(files, {name: Path(source) for name, source, _ in _entries(work / "PYZ-00.toc")})


def _entries(table: Path) -> Iterator[tuple[str, str, str]]:
    """The triples of a table: what a file or module is called inside, where it came from, of which kind it is."""
    try:
        values = ast.literal_eval(table.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{table} is no table of contents of PyInstaller's") from error
    for value in values if isinstance(values, (tuple, list)) else ():
        for entry in value if isinstance(value, list) else ():
            if isinstance(entry, tuple) and len(entry) == 3 and isinstance(entry[1], str):
                yield entry


def _plain_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]


class _Installed:
    """The distributions of an environment, and whose file a file is."""

    def __init__(self, packages: Path) -> None:
        self._packages = packages.resolve()
        self._by_file: dict[Path, Distribution] = {}
        self._by_name: dict[str, Distribution] = {}
        for each in distributions(path=[str(packages)]):
            self._by_name[_normal(each.metadata["Name"])] = each
            for file in each.files or ():
                self._by_file[self._packages / str(file)] = each
        self.base = _base_prefix(self._packages)

    def owner(self, source: Path) -> Distribution | None:
        """The distribution that brought the file `source`."""
        return self._by_file.get(source) or self._by_file.get(source.resolve())

    def by_name(self, name: str) -> Distribution | None:
        """The distribution that is called `name`."""
        return self._by_name.get(_normal(name))


def _base_prefix(packages: Path) -> Path:
    """Where the Python lies that the environment around `packages` was made with."""
    for folder in packages.parents:
        if (settings := folder / "pyvenv.cfg").is_file():
            found = re.search(r"^home\s*=\s*(.+)$", settings.read_text(encoding="utf-8"), re.MULTILINE)
            if found:
                home = Path(found.group(1).strip())
                return home.parent if home.name in ("bin", "Scripts") else home
    return Path(sys.base_prefix)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _python_parts(owners: Mapping[str, Distribution], modules: Mapping[str, int], installed: _Installed) -> list[Part]:
    files: dict[str, list[str]] = {name: [] for name in modules}
    for place, owner in owners.items():
        files.setdefault(owner.metadata["Name"], []).append(place)
    parts = []
    for name, places in files.items():
        found = installed.by_name(name)
        assert found is not None
        # Metadata alone is no code of it: importlib.metadata is asked for the version of what is not used.
        if modules.get(name, 0) or any(".dist-info/" not in place for place in places):
            parts.append(_python_part(found, places, modules.get(name, 0)))
    return parts


def _python_part(found: Distribution, places: list[str], modules: int) -> Part:
    name = _normal(found.metadata["Name"])
    texts = [
        (str(file), Path(str(found.locate_file(file))))
        for file in found.files or ()
        if ".dist-info" in str(file) and ("/licenses/" in str(file) or _LICENSE_FILE.search(file.name))
    ]
    return Part(
        name=name,
        version=found.version,
        kind="python",
        license=license_names.of_metadata(found.metadata),
        purl=PackageURL("pypi", None, name, found.version).to_string(),
        files=tuple(sorted(places)),
        modules=modules,
        texts=tuple(path for _, path in sorted(texts) if path.suffix.lower() in _TEXT_SUFFIXES and path.is_file()),
    )


def _model_part(bundle: Path, latchkey: Part) -> Part:
    card = bundle / Path(MODEL).with_name("README.md")
    return Part(
        name="latchkey-guide",
        version=latchkey.version,
        kind="model",
        license="Apache-2.0",
        purl=PackageURL("generic", None, "latchkey-guide", latchkey.version).to_string(),
        files=(MODEL,),
        texts=(card,) if card.is_file() else (),
    )


def as_json(inventory: Inventory) -> str:
    """The inventory for people and scripts: a part's places are counted, not listed."""
    rows = [
        {
            "name": part.name,
            "version": part.version,
            "kind": part.kind,
            "license": part.license,
            "inside": part.holder,
            "files": len(part.files),
            "modules": part.modules,
            "texts": len(part.texts),
        }
        for part in inventory.parts
    ]
    return json.dumps({"parts": rows, "unknown": inventory.unknown}, indent=1)
