"""Lets a file run with an older C library, where only the name of a symbol's version keeps it from that.

glibc 2.35 gave `hypot` a second version, which computes the same and leaves out error handling of System V that nobody
can switch on any more (its NEWS say so). A Python that was compiled on a newer system asks for the new one, though
the old one serves it as well: its own code does not look at `errno` afterwards.
"""

import platform
import re
from pathlib import Path

from bundle import elf

OLDER_SERVES_AS_WELL = frozenset(("hypot",))
_FIRST = {"x86_64": "GLIBC_2.2.5", "aarch64": "GLIBC_2.17"}
"""The version that the first C library of each processor gave to all its symbols."""
_SYMBOL = re.compile(r" UND (\w+)@(GLIBC_2\.\d+)(?: |$)", re.MULTILINE)
_SECTION = re.compile(r"'\.gnu\.version_r'.*?Offset: 0x([0-9a-f]+)", re.DOTALL)
_NEED = re.compile(r"^\s+0x([0-9a-f]+):\s+Name: (GLIBC_[\d.]+)\s", re.MULTILINE)


def ask_for_older(file: Path, machine: str = platform.machine()) -> frozenset[str]:
    """Have `file` ask for the first version of symbols for which that serves as well; their names. The file keeps its
    length. Raises OSError.

    A needed version is an Elfxx_Vernaux: hash, flags, index, and the place of the name (System V ABI, "Symbol
    Versioning"). Hash and name of the first version are put where the newer one stood; symbols name an index, which
    stays.
    """
    symbols: dict[str, set[str]] = {}
    for name, version in _SYMBOL.findall(elf.readelf("--dyn-syms", file)):
        symbols.setdefault(version, set()).add(name)
    newer = {version for version, names in symbols.items() if names <= OLDER_SERVES_AS_WELL} - {_FIRST.get(machine)}
    told = elf.readelf("--version-info", file)
    section = _SECTION.search(told)
    if section is None or machine not in _FIRST:
        return frozenset()
    needs: dict[str, list[int]] = {}
    for place, version in _NEED.findall(told[section.start() :]):
        needs.setdefault(version, []).append(int(section.group(1), 16) + int(place, 16))
    if not newer or _FIRST[machine] not in needs:
        return frozenset()
    data = bytearray(file.read_bytes())
    first = needs[_FIRST[machine]][0]
    for version in newer:
        for place in needs[version]:
            data[place : place + 4] = data[first : first + 4]
            data[place + 8 : place + 12] = data[first + 8 : first + 12]
    file.write_bytes(data)
    return frozenset().union(*(symbols[version] for version in newer))
