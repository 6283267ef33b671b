"""What ELF files say of themselves, by `readelf`: what they are linked to, and how new a C library they need."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_SONAME = re.compile(r"\(SONAME\).*\[(.+)\]")
_VERSION = re.compile(r"Name: GLIBC_(\d+)\.(\d+)")


def elf_files(folder: Path) -> Iterator[Path]:
    """Every ELF file below `folder`, links left out, in a fixed order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def needed_libraries(file: Path) -> tuple[str, ...]:
    """The names of the libraries that `file` is linked to."""
    return tuple(_NEEDED.findall(readelf("--dynamic", file)))


def library_name(file: Path) -> str:
    """The name by which others are linked to `file`; "" where it says none."""
    found = _SONAME.search(readelf("--dynamic", file))
    return found.group(1) if found else ""


def newest_glibc(files: Iterable[Path]) -> tuple[int, int]:
    """The version of the GNU C library that all of `files` run with; (0, 0) where none says one."""
    found = (_VERSION.findall(readelf("--version-info", file)) for file in files)
    return max(((int(major), int(minor)) for each in found for major, minor in each), default=(0, 0))


def readelf(what: str, file: Path) -> str:
    """What the program of that name says of `file` when it is asked for `what`, such as "--dynamic"."""
    command = ["readelf", "--wide", what, str(file)]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin"}
    ).stdout
