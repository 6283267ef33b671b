"""Names of models that lie in several files.

Parts are files of their own, written by llama.cpp's gguf-split: `name-00001-of-00002.gguf`. Pieces are what is left of
one file that was cut to be uploaded: `name.gguf.part1of2`, `name.gguf-split-a`, `name.gguf.001`; they have to be put
together again. This is the one place that knows how either is called; letters count the same in any case.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop.atomic_file import open_regular

MOST_FILES = 1000
_MOST_ENTRIES = 100_000
_FLAGS = re.IGNORECASE | re.ASCII | re.DOTALL

_NUMBERS = r"(?P<number>\d{1,6})(?P<of>-of-)(?P<count>\d{1,6})"
_PART = re.compile(rf"(?P<head>.+[-_.]){_NUMBERS}(?P<ending>\.gguf)", _FLAGS)
_PART_OF_STEM = re.compile(rf"[-_.]{_NUMBERS}$", _FLAGS)

_WORD = r"(?:parts?|split|piece|chunk|segment|seg)"
_OF = r"(?:[-_. ]?of[-_. ]?(?P<count>\d{1,4}))?"
# What follows the name of the whole file, which ends in ".gguf".
_SURE_PIECES = (
    rf"(?P<sign>[-_. ]?{_WORD}[-_. ]?)(?P<id>\d{{1,4}}|[a-z]|[a-z]{{2}}|a[a-z]{{2}})(?P<tail>{_OF})",
    rf"(?P<sign>[-_. ]?)(?P<id>\d{{2,4}}|\d(?=[-_. ]?of)|a[a-z]|aa[a-z])(?P<tail>{_OF})",
)
_LONGEST_SIGN = 40
# These are names of whole files too: what is in them has to tell.
_LIKELY_PIECES = (
    rf"(?P<head>(?P<whole>.+)[-_. ]{_WORD}[-_. ]?)(?P<id>\d{{1,4}}|[a-z])(?P<tail>{_OF}\.gguf)",
    r"(?P<head>(?P<whole>.+)\.)(?P<id>\d{3})(?P<tail>(?P<count>\d{0}))",
    r"(?P<head>(?P<whole>x))(?P<id>[a-z]{2})(?P<tail>(?P<count>\d{0}))",  # as `split` calls them by itself
)
_SURE = [re.compile(each, _FLAGS) for each in _SURE_PIECES]
_LIKELY = [re.compile(each, _FLAGS) for each in _LIKELY_PIECES]
_ARCHIVE_VOLUME = re.compile(
    r".+\.(?:7z|zip|rar|tar|tgz|gz|xz|zst|bz2)\.\d{2,4}|.+\.(?:z|r)\d{2}|.+\.part\d{1,4}\.rar", _FLAGS
)


@dataclass(frozen=True)
class SplitPart:
    """What the name of a part says: it is the `number`th of `count`."""

    head: str
    number: int
    count: int
    width: int
    tail: str

    @property
    def group(self) -> tuple[str, int]:
        """The same for all parts of a model in one folder."""
        return self.head.casefold(), self.count

    @property
    def stem(self) -> str:
        """The model's name without number and ending."""
        return self.head[:-1]

    def name(self, number: int) -> str:
        """The name of another part, spelled as this one."""
        return f"{self.head}{number:0{self.width}d}{self.tail}"


def part_of(name: str) -> SplitPart | None:
    """What the name of a file says of parts; None where it names none, or more than a model can have."""
    match = _PART.fullmatch(name)
    if match is None:
        return None
    number, count = int(match["number"]), int(match["count"])
    if not 1 <= number <= count <= MOST_FILES:
        return None
    tail = match["of"] + match["count"] + match["ending"]
    return SplitPart(match["head"], number, count, len(match["number"]), tail)


def is_numbered(name: str) -> bool:
    """Whether a name counts parts as llama.cpp does, with five digits: nobody calls a whole file so."""
    match = _PART.fullmatch(name)
    return match is not None and match["head"][-1] == "-" and len(match["number"]) == len(match["count"]) == 5


def parts_of(path: Path) -> list[Path]:
    """All files of the model whose first one is `path`, by the numbers in its name; `path` alone where it has none.

    A part whose ending is in other letters than the first one's is found as well. Where a name that is not spelled as
    llama.cpp does has no other parts beside it, it is that of a whole file.
    """
    part = part_of(path.name)
    if part is None or part.number != 1 or part.count == 1:
        return [path]
    named = [path, *(path.with_name(part.name(number)) for number in range(2, part.count + 1))]
    missing = [number for number, file in enumerate(named) if number and not os.path.lexists(file)]
    if missing:
        others = _parts_beside(path.parent, part)
        for number in missing:
            named[number] = others.get(number + 1, named[number])
        if not is_numbered(path.name) and not any(os.path.lexists(file) for file in named[1:]):
            return [path]
    return named


def first_part(path: Path) -> Path:
    """The first file of the model that `path` is a later part of; `path` itself where it is none.

    Where no such file is there, the name it would have.
    """
    part = part_of(path.name)
    if part is None or part.number == 1:
        return path
    named = path.with_name(part.name(1))
    return named if os.path.lexists(named) else _parts_beside(path.parent, part).get(1, named)


def without_part(name: str) -> str:
    """A file's name, without ending, less the number of its part."""
    return _PART_OF_STEM.sub("", name)


def _parts_beside(folder: Path, part: SplitPart) -> dict[int, Path]:
    """The parts of the same model in `folder`, however their names are spelled."""
    found: dict[int, Path] = {}
    for name in sorted(_names_in(folder)):
        other = part_of(name)
        if other is not None and other.group == part.group:
            found.setdefault(other.number, folder / name)
    return found


@dataclass(frozen=True)
class FilePieces:
    """One file that was cut. `name` is that of the whole, `files` are the pieces that are here, in their order.

    `count` is how many there are, as far as names tell; `missing` are the names of those between that are not here.
    """

    name: str
    files: tuple[Path, ...]
    count: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class _PieceName:
    head: str
    number: int
    letters: int
    tail: str
    whole: str
    count: int
    sure: bool
    id: str

    @property
    def group(self) -> tuple[str, str, int]:
        return self.head.casefold(), self.tail.casefold(), self.letters

    def name(self, number: int) -> str:
        if not self.letters:
            return f"{self.head}{number:0{len(self.id)}d}{self.tail}"
        signs, rest = "", number
        for _ in range(self.letters):
            rest, sign = divmod(rest, 26)
            signs = chr(ord("a") + sign) + signs
        return f"{self.head}{signs.upper() if self.id.isupper() else signs}{self.tail}"


def is_piece(name: str) -> bool:
    """Whether a file of this name is a piece of a GGUF file that was cut, and can be nothing else."""
    piece = _piece_of(name)
    return piece is not None and piece.sure


def whole_name(name: str) -> str:
    """The name of the whole file that one of this name is a piece of; the name itself where it can be no piece."""
    piece = _piece_of(name)
    return piece.whole if piece is not None and piece.sure else name


def is_archive_volume(name: str) -> bool:
    """Whether a file of this name is a volume of an archive that lies in several."""
    return _ARCHIVE_VOLUME.fullmatch(name) is not None


def pieces_of(path: Path) -> FilePieces | None:
    """The pieces of the file that `path` is a piece of; None where it is none.

    Names that whole files have as well (`name.part1.gguf`) count where the first of them alone begins as GGUF does.
    """
    piece = _piece_of(path.name)
    if piece is None:
        return None
    found = {piece.number: path}
    for name in sorted(_names_in(path.parent)):
        other = _piece_of(name)
        if other is not None and other.group == piece.group and name != path.name:
            found.setdefault(other.number, path.parent / name)
    return _gathered(piece, found)


def pieces_in(folder: Path) -> tuple[FilePieces, ...]:
    """All files in `folder` that were cut."""
    groups: dict[tuple[str, str, int], tuple[_PieceName, dict[int, Path]]] = {}
    for name in sorted(_names_in(folder)):
        piece = _piece_of(name)
        if piece is not None:
            groups.setdefault(piece.group, (piece, {}))[1].setdefault(piece.number, folder / name)
    return tuple(found for piece, files in groups.values() if (found := _gathered(piece, files)) is not None)


def _piece_of(name: str) -> _PieceName | None:
    if is_archive_volume(name) or part_of(name) is not None:
        return None
    # The last one: what lies before it is the name of the whole, whatever it is.
    end = name.lower().rfind(".gguf") + len(".gguf")
    whole, rest = name[:end], name[end:]
    if len(whole) > len(".gguf") and 0 < len(rest) <= _LONGEST_SIGN:
        for pattern in _SURE:
            if match := pattern.fullmatch(rest):
                return _piece(match, whole + match["sign"], whole, sure=True)
    for pattern in _LIKELY:
        if match := pattern.fullmatch(name):
            return _piece(match, match["head"], f"{match['whole']}.gguf", sure=False)
    return None


def _piece(match: re.Match[str], head: str, whole: str, *, sure: bool) -> _PieceName:
    text = match["id"]
    letters = 0 if text.isdecimal() else len(text)
    number = int(text) if not letters else _ordinal(text.lower())
    return _PieceName(head, number, letters, match["tail"], whole, int(match["count"] or 0), sure, text)


def _ordinal(letters: str) -> int:
    number = 0
    for sign in letters:
        number = number * 26 + ord(sign) - ord("a")
    return number


def _gathered(piece: _PieceName, found: dict[int, Path]) -> FilePieces | None:
    first = 0 if piece.letters or 0 in found else 1
    last = max(*found, piece.count + first - 1) if piece.count else max(found)
    if last - first >= MOST_FILES or (not piece.sure and not _is_cut(first, found)):
        return None
    if piece.sure and len(found) > 1 and sum(_begins_gguf(file) for file in found.values()) > 1:
        return None  # copies of whole files, as `name.gguf.01` of a download tool
    # The shortest number is the one that was least filled up with zeros.
    shortest = min((_piece_of(file.name) or piece for file in found.values()), key=lambda each: len(each.id))
    missing = tuple(shortest.name(number) for number in range(first, last + 1) if number not in found)
    files = tuple(found[number] for number in sorted(found))
    return FilePieces(piece.whole, files, last - first + 1, missing)


def _is_cut(first: int, found: dict[int, Path]) -> bool:
    """Whether of several files the first one alone begins as GGUF does."""
    return len(found) > 1 and [number for number in found if _begins_gguf(found[number])] == [first]


def _begins_gguf(path: Path) -> bool:
    try:
        with os.fdopen(open_regular(path, follow_link=True), "rb") as file:
            return file.read(4) == b"GGUF"
    except (OSError, ValueError):
        return False


def _names_in(folder: Path) -> Iterator[str]:
    """The names in a folder, as many as a folder of models has at most; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_MOST_ENTRIES), entries, strict=False):
                yield entry.name
    except (OSError, ValueError):
        return
