"""Libraries that came inside another part: compiled into a wheel, or put beside its modules.

Newer wheels say it themselves, in `.dist-info/sboms` (PEP 770); what others contain stands in embedded.toml, each
library with the place from which its version is read, and for Rust in rust_crates.toml.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
from bundle import rust_crates
from bundle.part import Part
from packageurl import PackageURL

HERE = Path(__file__).resolve().parent
LICENSES = HERE.parents[1] / "resources" / "licenses"


class Embedded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A library that wheels contain, as embedded.toml has it."""

    license: str
    sign: str | tuple[str, ...]
    version: str = ""
    file: str = ""
    pattern: str = ""
    json: tuple[str, ...] = ()
    file_name: str = ""
    texts: tuple[str, ...] = ()

    def is_in(self, places: Sequence[str]) -> bool:
        """Whether a wheel of which the bundle holds `places` still contains it."""
        signs = (self.sign,) if isinstance(self.sign, str) else self.sign
        return any(fnmatchcase(place, sign) for place in places for sign in signs)

    def version_in(self, holder: Part, packages: Path) -> str:
        """Its version inside `holder`, whose files lie in `packages`; "" where it cannot be read."""
        if self.version == "same":
            return holder.version
        if self.file_name:
            found = (re.search(self.file_name, place) for place in holder.files)
            return next((match.group(1) for match in found if match), "")
        if not self.file:
            return f"vendored-by-{holder.name}-{holder.version}"
        for file in sorted(packages.glob(self.file)):
            text = file.read_text(encoding="utf-8", errors="replace")
            if self.json:
                values = json.loads(text)
                return ".".join(str(values[key]) for key in self.json)
            if match := re.search(self.pattern, text):
                return match.group(1)
        return ""


TABLE: Mapping[str, Mapping[str, Embedded]] = msgspec.convert(
    tomllib.loads((HERE / "embedded.toml").read_text(encoding="utf-8")), dict[str, dict[str, Embedded]]
)
"""What wheels contain and do not say: by the wheel's name, then by the library's."""

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


def embedded_parts(holder: Part, packages: Path) -> Iterator[Part]:
    """What `holder` contains. `packages` is the site-packages that it lies in."""
    if holder.kind != "python":
        return
    for name, each in TABLE.get(holder.name, {}).items():
        if each.is_in(holder.files):
            version = each.version_in(holder, packages)
            yield Part(
                name=name,
                version=version,
                kind="library",
                license=each.license,
                purl=PackageURL("generic", None, name, version or None).to_string(),
                texts=tuple(LICENSES / text for text in each.texts),
                holder=holder.name,
            )
    yield from rust_crates.listed(holder)
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
        terms = _license(entry)
        yield Part(
            name=name,
            version=version,
            kind="library",
            license=terms,
            purl=purl.partition("?")[0] or PackageURL("generic", None, name, version or None).to_string(),
            texts=rust_crates.texts_of(name, terms) if purl.startswith("pkg:cargo/") else (),
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
