"""What the names of a repository's files tell: which are models, of which quantization, and which belong together."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from desktop.catalog.quantization import NAME
from desktop.split_files import is_numbered, is_piece, part_of, without_part

_QUANTIZATION = re.compile(rf"(?:^|[-._/ ])(?P<kind>{NAME})(?=$|[-._/ ])", re.IGNORECASE)
_ELSEWHERE = re.compile(r"(?:^|[-._])(?:mmproj|imatrix)(?:[-._]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class FilePart:
    """One file as it lies in the repository. `size` in bytes; `sha256` is "" where the Hub does not tell it."""

    name: str
    size: int
    sha256: str = ""


@dataclass(frozen=True)
class RepositoryFile:
    """A model in a repository: one file, or the parts of one that was split.

    `name` is that of the first part, with the repository's folders. `size` in bytes of all parts. `sha256` is the
    file's where there is one part and the Hub tells it, else "". `quantization` is "" where no name says it.
    """

    name: str
    size: int
    sha256: str
    quantization: str
    parts: tuple[FilePart, ...]


def quantization_of(name: str) -> str:
    """The quantization that a file's name says, as llama.cpp writes it; else what its folder says; else ""."""
    folder, _, base = name.rpartition("/")
    stem = without_part(re.sub(r"\.gguf$", "", base, flags=re.IGNORECASE))
    for text in (stem, folder):
        # The last one: "f16" may stand before it, as what it was made from.
        if found := _QUANTIZATION.findall(text):
            return re.sub(r"^FP?(16|32)$", r"F\1", str(found[-1]).upper())
    return ""


def is_model(name: str) -> bool:
    """Whether a file of this name is a model, and not a projector or the matrix that a quantization was made with."""
    base = name.rpartition("/")[2]
    if not base.lower().endswith(".gguf"):
        return False
    if not _ELSEWHERE.search(base[:-5]):
        return True
    # "…-imatrix-Q4_K_M.gguf" is a model that was quantized with one; a projector has a quantization of its own.
    return "mmproj" not in base.lower() and bool(quantization_of(base))


def gather(files: Iterable[FilePart]) -> tuple[tuple[RepositoryFile, ...], tuple[str, ...]]:
    """The models among `files`, smallest first, and the names of parts that miss others of their model
    and of pieces of files that were cut."""
    singles: list[RepositoryFile] = []
    incomplete: list[str] = []
    groups: dict[tuple[str, str, int], dict[int, FilePart]] = {}
    for file in files:
        folder, _, base = file.name.rpartition("/")
        if is_piece(base):
            incomplete.append(file.name)
        if not is_model(file.name):
            continue
        part = part_of(base)
        if part is None and is_numbered(base):
            incomplete.append(file.name)
        elif part is None:
            singles.append(joined((file,)))
        else:
            groups.setdefault((folder, *part.group), {}).setdefault(part.number, file)
    for (_, _, count), parts in groups.items():
        alone = next(iter(parts.values())) if len(parts) == 1 else None
        if alone is not None and not is_numbered(alone.name):
            singles.append(joined((alone,)))  # a whole file, whatever its name counts
        elif sorted(parts) == list(range(1, count + 1)):
            singles.append(joined(tuple(parts[number] for number in range(1, count + 1))))
        else:
            incomplete += sorted(part.name for part in parts.values())
    return tuple(sorted(singles, key=lambda each: (each.size, each.name))), tuple(incomplete)


def joined(parts: tuple[FilePart, ...]) -> RepositoryFile:
    """The model that these parts make, in their order."""
    single = len(parts) == 1
    return RepositoryFile(
        parts[0].name,
        sum(part.size for part in parts),
        parts[0].sha256 if single else "",
        quantization_of(parts[0].name),
        parts,
    )
