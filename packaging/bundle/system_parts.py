"""The parts of a bundle that no wheel brought: packages of Debian's, as `dpkg` knows them, and Python itself."""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from bundle import license_names
from bundle.part import Part
from packageurl import PackageURL

INCORPORATED = Path(__file__).resolve().parents[2] / "resources" / "licenses" / "bundled" / "cpython.txt"
"""Licenses of what Python contains, such as expat and libmpdec: its LICENSE leaves them to its manual."""


def system_parts(loose: Mapping[str, Path], modules: Mapping[str, Path], base: Path) -> tuple[list[Part], list[str]]:
    """Of the files and modules that no distribution brought: Debian's packages and Python itself; and what is neither.

    A Python that Debian built is Debian's packages.
    """
    owners = debian_owners({*loose.values(), *modules.values()})
    packages: dict[str, tuple[list[str], int]] = {}
    python: list[str] = []
    python_modules, left = 0, []
    for place, source in loose.items():
        if (package := owners.get(source)) is not None:
            packages.setdefault(package, ([], 0))[0].append(place)
        elif source.is_relative_to(base) or source.name == "base_library.zip":
            python.append(place)
        else:
            left.append(place)
    for name, source in modules.items():
        if (package := owners.get(source)) is not None:
            places, count = packages.get(package, ([], 0))
            packages[package] = (places, count + 1)
        elif source.is_relative_to(base):
            python_modules += 1
        else:
            left.append(name)
    parts = [_debian_part(package, places, count) for package, (places, count) in packages.items()]
    if python or python_modules:
        parts.append(_cpython_part(base, python, python_modules))
    return parts, left


def debian_owners(sources: Iterable[Path]) -> dict[Path, str]:
    """The Debian package, such as "libffi8:amd64", of each file that one holds; {} where there is no `dpkg`."""
    real: dict[str, list[Path]] = defaultdict(list)
    for source in sources:
        path = source.resolve()
        real[str(path)].append(source)
        if path.is_relative_to("/usr/lib"):  # where /lib leads; older packages say /lib
            real[str(path).removeprefix("/usr")].append(source)
    if not real:
        return {}
    try:
        ran = subprocess.run(["dpkg", "-S", *sorted(real)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return {}
    owners: dict[Path, str] = {}
    for line in ran.stdout.splitlines():
        package, _, held = line.partition(": ")
        for source in real.get(held, ()):
            owners[source] = package.split(",")[0].strip()
    return owners


def _debian_part(package: str, places: list[str], modules: int) -> Part:
    form = "${Package}|${Version}|${source:Package}|${Architecture}"
    asked = subprocess.run(["dpkg-query", "-W", "-f", form, package], capture_output=True, text=True, check=True)
    name, version, source, architecture = asked.stdout.split("|")
    release = _release()
    text = Path("/usr/share/doc") / name / "copyright"
    purl = PackageURL(
        "deb", release["ID"], name, version, {"arch": architecture, "distro": release["VERSION_CODENAME"]}
    )
    return Part(
        name=name,
        version=version,
        kind="debian",
        license=license_names.of_debian(
            source, text.read_text(encoding="utf-8", errors="replace") if text.exists() else ""
        ),
        purl=purl.to_string(),
        files=tuple(sorted(places)),
        modules=modules,
        texts=(text,) if text.exists() else (),
    )


def _release() -> dict[str, str]:
    values = {"ID": "debian", "VERSION_CODENAME": "unknown"}
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        values[name] = value.strip('"')
    return values


def _cpython_part(base: Path, places: list[str], modules: int) -> Part:
    """Python itself. Its version stands in the header that is installed with it."""
    headers = sorted(base.glob("include/python3*/patchlevel.h")) + sorted(base.glob("include/patchlevel.h"))
    found = re.search(r'PY_VERSION\s+"([^"]+)"', headers[0].read_text(encoding="utf-8")) if headers else None
    version = found.group(1) if found else ".".join(map(str, sys.version_info[:3]))
    texts = (*sorted(base.glob("lib/python3*/LICENSE.txt")), base / "LICENSE.txt")
    return Part(
        name="cpython",
        version=version,
        kind="library",
        license="Python-2.0.1",
        purl=PackageURL("generic", None, "cpython", version).to_string(),
        files=tuple(sorted(places)),
        modules=modules,
        texts=(*[each for each in texts if each.is_file()][:1], INCORPORATED),
    )
