"""Takes folders of the machine that built out of where a file looks for its libraries.

Some builds of Python write their own prefix into every module (RUNPATH). In a bundle all libraries lie beside the file
or are the system's, and on another machine such a folder is missing, or somebody else's.
"""

import re
from pathlib import Path

from bundle import elf

_SECTION = re.compile(r"Dynamic section at offset 0x([0-9a-f]+) contains")
_ENTRY = re.compile(r"^ 0x[0-9a-f]+ \((\w+)\)\s*(.*)$", re.MULTILINE)
_ENTRY_SIZE = 16  # Elf64_Dyn: a tag and a value


def forget_search_path(file: Path) -> str:
    """Take the search path out of `file` where it names no folder relative to the file (`$ORIGIN`); what it was, ""
    where nothing was done. The file keeps its length. Raises OSError."""
    told = elf.readelf("--dynamic", file)
    section = _SECTION.search(told)
    entries: list[tuple[str, str]] = _ENTRY.findall(told)
    for number, (kind, value) in enumerate(entries):
        if kind in ("RPATH", "RUNPATH") and "$ORIGIN" not in value and section is not None:
            begin = int(section.group(1), 16)
            data = bytearray(file.read_bytes())
            place, end = begin + number * _ENTRY_SIZE, begin + len(entries) * _ENTRY_SIZE
            # Those behind move up, and one more that is empty ends the list.
            data[place:end] = data[place + _ENTRY_SIZE : end] + bytes(_ENTRY_SIZE)
            file.write_bytes(data)
            return value.partition("[")[2].rstrip("]")
    return ""
