"""Libraries that came inside another part: compiled into a wheel, or put beside its modules.

Newer wheels say it themselves, in `.dist-info/sboms` (PEP 770); those that do not stand in a table here, each with the
place from which its version is read.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bundle.part import Part
from packageurl import PackageURL


@dataclass(frozen=True)
class Embedded:
    """A library that wheels of `holder` contain. `sign` is a pattern for one of its files, which is not there where the
    bundle leaves it out; `version` reads its version from the holder and its site-packages."""

    holder: str
    name: str
    license: str
    sign: str
    version: Callable[[Part, Path], str]
    texts: tuple[str, ...] = field(default=())
    """Its license texts, in `resources/licenses/bundled`: for wheels that bring none."""


def _same(holder: Part, packages: Path) -> str:
    return holder.version


def _vendored(holder: Part, packages: Path) -> str:
    return f"vendored-by-{holder.name}-{holder.version}"


def _of_file_name(pattern: str) -> Callable[[Part, Path], str]:
    def version(holder: Part, packages: Path) -> str:
        found = (re.search(pattern, place) for place in holder.files)
        return next((match.group(1) for match in found if match), "")

    return version


def _of_text(pattern: str, place: str) -> Callable[[Part, Path], str]:
    def version(holder: Part, packages: Path) -> str:
        file = packages / place
        found = re.search(pattern, file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else None
        return found.group(1) if found else ""

    return version


def _pdfium(holder: Part, packages: Path) -> str:
    file = packages / "pypdfium2_raw" / "version.json"
    found = json.loads(file.read_bytes()) if file.is_file() else {}
    return ".".join(str(found[each]) for each in ("major", "minor", "build", "patch")) if found else ""


LGPL = ("LGPL-3.0-only.txt", "GPL-3.0-only.txt")
QT_LICENSE = "LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only"
TABLE = (
    Embedded("pyside6-essentials", "qt", QT_LICENSE, "*Qt6Core*", _same, LGPL),
    Embedded(
        "pyside6-essentials", "icu", "Unicode-DFS-2016", "*libicudata*", _of_file_name(r"libicudata\.so\.([\d.]+)"),
        ("icu.txt",),
    ),
    Embedded("llama-cpp-python", "llama.cpp", "MIT", "*llama*", _vendored, ("llama.cpp.txt",)),
    Embedded("pypdfium2", "pdfium", "BSD-3-Clause AND Apache-2.0", "*pdfium*", _pdfium),
    Embedded(
        "numpy", "openblas", "BSD-3-Clause", "*openblas*",
        _of_text(r'(?s)"scipy-openblas".*?"version": "([^"]+)"', "numpy/__config__.py"),
    ),
    Embedded(
        "numpy", "libgfortran", "GPL-3.0-or-later WITH GCC-exception-3.1", "*libgfortran*",
        _of_file_name(r"libgfortran-[^/]*\.so\.([\d.]+)"),
    ),
    Embedded(
        "numpy", "libquadmath", "LGPL-2.1-or-later", "*libquadmath*",
        _of_file_name(r"libquadmath-[^/]*\.so\.([\d.]+)"),
    ),
    Embedded("pillow", "xz", "0BSD", "*liblzma*", _of_file_name(r"liblzma-[^/]*\.so\.([\d.]+)")),
    Embedded(
        "pillow", "zstd", "BSD-3-Clause OR GPL-2.0-only", "*libzstd*", _of_file_name(r"libzstd-[^/]*\.so\.([\d.]+)")
    ),
    Embedded(
        "lxml", "libxml2", "MIT", "*etree*",
        _of_text(r'LIBXML_DOTTED_VERSION "([^"]+)"', "lxml/includes/libxml/xmlversion.h"), ("libxml2.txt",),
    ),
    Embedded(
        "lxml", "libxslt", "MIT", "*etree*",
        _of_text(r'LIBXSLT_DOTTED_VERSION "([^"]+)"', "lxml/includes/libxslt/xsltconfig.h"), ("libxslt.txt",),
    ),
    Embedded("pystemmer", "snowball", "BSD-3-Clause", "*Stemmer*", _vendored),
)  # fmt: skip
"""What wheels contain and do not say in a form that a program can read."""

SIGNS: Mapping[str, str] = {
    "OpenJPEG": "*libopenjp2*",
    "libjpeg / libjpeg-turbo": "*libjpeg*",
    "raqm": "*_imagingft*",
    "fribidi-shim": "*_imagingft*",
    "FreeType": "*libfreetype*",
    "HarfBuzz": "*libharfbuzz*",
    "Little CMS 2": "*liblcms2*",
    "FriBiDi": "*fribidi*",
}
"""For names in the wheels' own lists: a file that is there where the library is. Others are looked for by name."""
# Of libraries whose license those lists leave out.
_UNSAID = {"libXau": "MIT-open-group", "openssl": "Apache-2.0"}
LICENSE_TEXTS = Path(__file__).resolve().parents[2] / "resources" / "licenses" / "bundled"


def embedded_parts(holder: Part, packages: Path) -> Iterator[Part]:
    """What `holder` contains. `packages` is the site-packages that it lies in."""
    if holder.kind != "python":
        return
    for each in TABLE:
        if each.holder == holder.name and any(fnmatchcase(place, each.sign) for place in holder.files):
            version = each.version(holder, packages)
            yield Part(
                name=each.name,
                version=version,
                kind="library",
                license=each.license,
                purl=PackageURL("generic", None, each.name, version or None).to_string(),
                texts=tuple(LICENSE_TEXTS / name for name in each.texts),
                holder=holder.name,
            )
    seen: set[tuple[str, str]] = set()
    for folder in sorted(packages.glob("*.dist-info")):
        if re.sub(r"[-_.]+", "-", folder.name.partition("-")[0]).lower() == holder.name:
            for file in sorted((folder / "sboms").glob("*.json")):
                for part in _of_sbom(json.loads(file.read_bytes()), holder):
                    if (part.name, part.version) not in seen:
                        seen.add((part.name, part.version))
                        yield part


def _of_sbom(bom: Mapping[str, Any], holder: Part) -> Iterator[Part]:
    """The libraries that a wheel's own list names: not its own modules, and not what the bundle leaves out."""
    for entry in bom.get("components", ()):
        name, version, purl = str(entry["name"]), str(entry.get("version", "")), str(entry.get("purl", ""))
        if entry.get("scope") == "excluded" or purl.startswith(f"pkg:pypi/{holder.name}@") or "=file:" in purl:
            continue
        sign = SIGNS.get(name, f"*{name}*" if entry.get("scope") == "optional" else "")
        if sign and not any(fnmatchcase(place, sign) for place in holder.files):
            continue
        yield Part(
            name=name,
            version=version,
            kind="library",
            license=_license(entry),
            purl=purl.partition("?")[0] or PackageURL("generic", None, name, version or None).to_string(),
            holder=holder.name,
        )


def _license(entry: Mapping[str, Any]) -> str:
    found = []
    for each in entry.get("licenses", ()):
        given = each.get("expression") or each.get("license", {}).get("id") or each.get("license", {}).get("name")
        if given:
            found.append(str(given))
    if not found:
        return _UNSAID.get(entry["name"], "")
    return " AND ".join(f"({each})" if len(found) > 1 and " OR " in each else each for each in found)
