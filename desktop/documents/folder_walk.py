"""What of a folder belongs to a collection: the documents in it and below it, with their stamps.

Left out are hidden files and folders, what programs make (node_modules and the like), links, and Latchkey's own
folders; files of other kinds are counted.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from desktop.errors import StoppedError
from desktop.file_stamp import FileStamp, stamp_from_stat

MOST_FILES = 200_000
"""So many files of a folder are taken at most."""
_DEEPEST = 64

_SUFFIXES = """
    .pdf .docx .odt .xlsx .xlsm .csv .tsv .tab .htm .html .xhtml .eml .txt .text .md .markdown .rst .adoc
    .asciidoc .org .tex .bib .log .srt .vtt .json .jsonl .yaml .yml .toml .xml .ini .cfg .conf .properties .sql
    .py .pyi .ipynb .js .mjs .cjs .ts .tsx .jsx .vue .svelte .css .scss .less .c .h .cc .cpp .cxx .hh .hpp .hxx
    .cs .java .kt .kts .scala .go .rs .rb .php .pl .pm .lua .r .jl .m .mm .swift .dart .ex .exs .erl .hs .ml .fs
    .clj .lisp .el .vb .ps1 .sh .bash .zsh .fish .bat .cmd .mk .cmake .gradle .groovy .tf .proto .graphql
"""
DOCUMENT_SUFFIXES = frozenset(_SUFFIXES.split())
"""The ends of names that are read in folders, in small letters; a file that a person adds by itself is always tried."""

_NOT_ENTERED = frozenset(
    (
        *("node_modules", "bower_components", "__pycache__", "site-packages", "venv", "CVS"),
        *("$RECYCLE.BIN", "System Volume Information", "lost+found"),
    )
)


@dataclass
class FolderWalk:
    """What was found. `skipped` files are of other kinds; `closed` folders could not be looked into; `cut` says that
    there are more than MOST_FILES."""

    files: list[tuple[Path, FileStamp]] = field(default_factory=list)
    skipped: int = 0
    closed: int = 0
    cut: bool = False


def walk_folder(
    root: Path, own_folders: Sequence[Path] = (), is_cancelled: Callable[[], bool] = lambda: False
) -> FolderWalk:
    """Look through `root`. `own_folders` are not entered. Raises OSError where `root` itself cannot be looked into,
    StoppedError where `is_cancelled` says so."""
    found = FolderWalk()
    own = {key for each in own_folders if (key := _folder_key(each)) is not None}
    waiting = [(os.fspath(root), 0)]
    with os.scandir(root):
        pass
    while waiting and not found.cut:
        folder, depth = waiting.pop()
        if is_cancelled():
            raise StoppedError
        for entry in _entries(folder, found):
            if entry.name.startswith((".", "~$")) or entry.name.endswith("~"):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _NOT_ENTERED and depth < _DEEPEST and _folder_key(entry.path) not in own:
                        waiting.append((entry.path, depth + 1))
                    continue
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # it went meanwhile
            if not stat.S_ISREG(status.st_mode) or Path(entry.name).suffix.lower() not in DOCUMENT_SUFFIXES:
                found.skipped += 1
                continue
            if len(found.files) >= MOST_FILES:
                found.cut = True
                break
            found.files.append((Path(entry.path), stamp_from_stat(status)))
    return found


def lies_within(path: Path, folders: Sequence[Path]) -> bool:
    """Whether `path` is one of `folders` or lies below one, links followed."""
    real = Path(os.path.realpath(path))
    roots = [Path(os.path.realpath(each)) for each in folders]
    return any(real == root or root in real.parents for root in roots)


def _entries(folder: str, found: FolderWalk) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as listed:
            yield from listed
    except OSError:
        found.closed += 1


def _folder_key(folder: Path | str) -> tuple[int, int] | None:
    try:
        status = Path(folder).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
