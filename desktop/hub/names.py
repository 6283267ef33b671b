"""What the names of a repository's files tell: which are models, of which quantization, and which belong together."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SPLIT = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)
_QUANTIZATION = re.compile(
    r"(?:^|[-._/ ])"
    r"(?P<kind>(?:UD-)?(?:I?Q[1-8](?:_[A-Z0-9]{1,3}){0,3}|TQ[12]_0|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4))"
    r"(?=$|[-._/ ])",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"(?:^|[-._])(?:mmproj|imatrix)(?:[-._]|$)", re.IGNORECASE)
_MOST_PARTS = 1000


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
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", re.sub(r"\.gguf$", "", base, flags=re.IGNORECASE))
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
    """The models among `files`, smallest first, and the names of parts that miss others of their model."""
    singles: list[RepositoryFile] = []
    groups: dict[tuple[str, int], dict[int, FilePart]] = {}
    for file in files:
        if not is_model(file.name):
            continue
        split = _SPLIT.match(file.name)
        if split is None:
            singles.append(joined((file,)))
        else:
            groups.setdefault((split["stem"], int(split["count"])), {})[int(split["number"])] = file
    incomplete: list[str] = []
    for (_, count), parts in groups.items():
        if 1 <= count <= _MOST_PARTS and sorted(parts) == list(range(1, count + 1)):
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
