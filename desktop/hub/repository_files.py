"""What the names of a repository's files tell: which are models, of which quantization, and which belong together."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from desktop.catalog.quantization import QUANTIZATION_PATTERN
from desktop.errors import ForbiddenError
from desktop.split_files import is_numbered, is_piece, part_of, without_part
from desktop.translation import tr

# What a file system keeps at most (255 bytes) less what the unfinished file appends to its name.
_LONGEST_BYTES = 255 - len(".part.state.new")
_LONGEST_PATH = 1024
_FORBIDDEN = set('<>:"|?*\\/')
_DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"} | {
    device + digit for device in ("COM", "LPT") for digit in "0123456789¹²³"
}


def check_file_name(name: str) -> str:
    """`name` where it can be the name of a file on every system; raises ForbiddenError otherwise."""
    if not name or name in (".", ".."):
        raise _refused(name, tr("It is no name of a file."))
    if any(unicodedata.category(sign)[0] == "C" for sign in name):
        raise _refused(name, tr("It contains characters that cannot be seen."))
    if found := sorted(_FORBIDDEN & set(name)):
        raise _refused(name, tr("It contains {characters}.").format(characters=" ".join(found)))
    if name[-1] in ". " or name[0] == " ":
        raise _refused(name, tr("It begins or ends with a blank or a dot."))
    if len(name.encode("utf-8")) > _LONGEST_BYTES:
        raise _refused(name, tr("It is longer than {most} bytes.").format(most=_LONGEST_BYTES))
    if name.split(".")[0].rstrip(" ").upper() in _DEVICES:
        raise _refused(name, tr("Windows keeps this name for a device."))
    return name


def check_repository_path(file: str) -> tuple[str, ...]:
    """The folders and the name in a file's path within its repository; raises ForbiddenError where one is unfit."""
    if len(file) > _LONGEST_PATH:
        raise _refused(file, tr("It is longer than {most} bytes.").format(most=_LONGEST_PATH))
    if file.startswith("/") or "\\" in file:
        raise _refused(file, tr("It leads out of the repository."))
    segments = tuple(file.split("/"))
    if ".." in segments:
        raise _refused(file, tr("It leads out of the repository."))
    return tuple(check_file_name(segment) for segment in segments)


def target_path(folder: Path, file: str) -> Path:
    """Where the file of a repository lies in `folder`: by its own name, without the repository's folders."""
    return folder / check_repository_path(file)[-1]


def quoted(file: str) -> str:
    """A file's path as part of an address."""
    return quote(file, safe="/")


def _refused(name: str, reason: str) -> ForbiddenError:
    shown = name if len(name) <= 80 else name[:60] + "…" + name[-15:]
    shown = "".join(sign if unicodedata.category(sign)[0] != "C" else "�" for sign in shown)
    return ForbiddenError(
        tr("A file with this name is not fetched: “{name}”.").format(name=shown),
        reason,
        tr("Tell the authors of the repository, or choose another file."),
    )


_QUANTIZATION = re.compile(rf"(?:^|[-._/ ])(?P<kind>{QUANTIZATION_PATTERN})(?=$|[-._/ ])", re.IGNORECASE)
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


def is_model_file_name(name: str) -> bool:
    """Whether a file of this name is a model, and not a projector or the matrix that a quantization was made with."""
    base = name.rpartition("/")[2]
    if not base.lower().endswith(".gguf"):
        return False
    if not _ELSEWHERE.search(base[:-5]):
        return True
    # "…-imatrix-Q4_K_M.gguf" is a model that was quantized with one; a projector has a quantization of its own.
    return "mmproj" not in base.lower() and bool(quantization_of(base))


def is_projector_name(name: str) -> bool:
    """Whether a file of this name is a projector (mmproj), in one part."""
    base = name.rpartition("/")[2].lower()
    return base.endswith(".gguf") and "mmproj" in base and part_of(base) is None and not is_piece(base)


def group_parts(files: Iterable[FilePart]) -> tuple[tuple[RepositoryFile, ...], tuple[str, ...]]:
    """The models among `files`, smallest first, and the names of parts that miss others of their model
    and of pieces of files that were cut."""
    singles: list[RepositoryFile] = []
    incomplete: list[str] = []
    groups: dict[tuple[str, str, int], dict[int, FilePart]] = {}
    for file in files:
        folder, _, base = file.name.rpartition("/")
        if is_piece(base):
            incomplete.append(file.name)
        if not is_model_file_name(file.name):
            continue
        part = part_of(base)
        if part is None and is_numbered(base):
            incomplete.append(file.name)
        elif part is None:
            singles.append(file_of_parts((file,)))
        else:
            groups.setdefault((folder, *part.group), {}).setdefault(part.number, file)
    for (_, _, count), parts in groups.items():
        alone = next(iter(parts.values())) if len(parts) == 1 else None
        if alone is not None and not is_numbered(alone.name):
            singles.append(file_of_parts((alone,)))  # a whole file, whatever its name counts
        elif sorted(parts) == list(range(1, count + 1)):
            singles.append(file_of_parts(tuple(parts[number] for number in range(1, count + 1))))
        else:
            incomplete += sorted(part.name for part in parts.values())
    return tuple(sorted(singles, key=lambda each: (each.size, each.name))), tuple(incomplete)


def file_of_parts(parts: tuple[FilePart, ...]) -> RepositoryFile:
    """The model that these parts make, in their order."""
    single = len(parts) == 1
    return RepositoryFile(
        parts[0].name,
        sum(part.size for part in parts),
        parts[0].sha256 if single else "",
        quantization_of(parts[0].name),
        parts,
    )
