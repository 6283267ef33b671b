"""Compares two bundles, or two other folders, file by file.

    python packaging/bundle/compare_builds.py FOLDER FOLDER

Prints what only one of them holds and what differs, with the first byte that does; says nothing of times. Exits with 1
where anything differs. Of the executable, the archive of modules is compared member by member, so that one sees which
module it is.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 1 << 20
_SHOWN = 10


@dataclass(frozen=True)
class Difference:
    """A place below both folders, and what is not the same there."""

    place: str
    what: str


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs=2)
    first, second = parser.parse_args().folders
    found = list(differences(first, second))
    for each in found:
        print(f"{each.place}: {each.what}")
    count = sum(1 for path in first.rglob("*") if path.is_file() or path.is_symlink())
    print(f"{count} files, {len(found)} differences")
    return 1 if found else 0


def differences(first: Path, second: Path) -> Iterator[Difference]:
    """What differs between two folders, in the order of places. Raises OSError where one cannot be read."""
    for folder in (first, second):
        if not folder.is_dir():
            raise NotADirectoryError(f"{folder} is no folder")
    places = sorted({path.relative_to(folder) for folder in (first, second) for path in folder.rglob("*")})
    for place in places:
        if what := _difference(first / place, second / place):
            yield Difference(place.as_posix(), what)


def _difference(first: Path, second: Path) -> str:
    kinds = _kind(first), _kind(second)
    if kinds[0] != kinds[1]:
        return f"{kinds[0]} in the first, {kinds[1]} in the second"
    if kinds[0] == "link":
        targets = first.readlink(), second.readlink()
        return "" if targets[0] == targets[1] else f"leads to {targets[0]} and to {targets[1]}"
    if kinds[0] != "file":
        return ""
    if (first.stat().st_mode ^ second.stat().st_mode) & 0o777:
        return f"rights {first.stat().st_mode & 0o777:o} and {second.stat().st_mode & 0o777:o}"
    at = first_difference(first, second)
    if at is None:
        return ""
    sizes = f"{first.stat().st_size} and {second.stat().st_size} bytes, first difference at {at}"
    members = _members(first, second)
    return f"{sizes}{f'; {members}' if members else ''}"


def _kind(path: Path) -> str:
    if path.is_symlink():
        return "link"
    if path.is_dir():
        return "folder"
    return "file" if path.is_file() else "nothing"


def first_difference(first: Path, second: Path) -> int | None:
    """The number of the first byte that two files do not share, counted from 0; None where they are the same."""
    at = 0
    with first.open("rb") as one, second.open("rb") as other:
        while True:
            blocks = one.read(_BLOCK), other.read(_BLOCK)
            if blocks[0] != blocks[1]:
                pairs = zip(*blocks, strict=False)
                same = next((number for number, pair in enumerate(pairs) if pair[0] != pair[1]), None)
                return at + (min(map(len, blocks)) if same is None else same)
            if not blocks[0]:
                return None
            at += len(blocks[0])


def _members(first: Path, second: Path) -> str:
    """Which modules differ in the archives behind two executables; "" where they are none or nobody can read them."""
    try:
        from PyInstaller.archive.readers import CArchiveReader
    except ImportError:
        return ""
    contents = []
    for path in (first, second):
        try:
            archive = CArchiveReader(str(path)).open_embedded_archive("PYZ.pyz")
        except Exception:  # noqa: BLE001 - of the library's making, for any file that is no executable of it
            return ""
        contents.append({name: archive.extract(name, raw=True) for name in archive.toc})
    one, other = contents
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    shown = ", ".join(names[:_SHOWN])
    return f"modules: {shown}{f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''}" if names else ""


if __name__ == "__main__":
    sys.exit(main())
