"""What models take of the disk, what removing them would free, and what unfinished work left behind."""

import contextlib
import os
import re
import shutil
import stat
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from desktop.errors import ResourceError, UserError
from desktop.hub.transfer.disk import free_space
from desktop.library.installed_models import InstalledModel, InstalledModels, installed_files
from desktop.licenses.ledger import Ledger
from desktop.licenses.license_subject import LicenseSubject
from desktop.split_files import parts_of
from desktop.translation import tr

_COPY = re.compile(r"\.import-(\d+)-\d+\.part\Z")
_DOWNLOAD = re.compile(r"(?P<file>.+\.part)(?:\.[a-z.]+)?\Z")
_DEEPEST = 6
_MOST_ENTRIES = 100_000


@dataclass(frozen=True)
class ModelSpace:
    """An imported or fetched model's files. `size` in bytes; `frees` what removing it would free, 0 where its file is
    used in place (`owned` is False)."""

    id: str
    name: str
    path: Path
    size: int
    freed_bytes: int
    owned: bool


@dataclass(frozen=True)
class Leftover:
    """What an unfinished download or a copy that was cut off left. `files` are all of it, `size` in bytes on the disk.

    An unfinished download may still be wanted: whoever offers to delete it asks `Downloads` first.
    """

    kind: Literal["download", "copy"]
    path: Path
    files: tuple[Path, ...]
    size: int


@dataclass(frozen=True)
class DiskUse:
    """All of it. `folder` is where our models lie, `ours` the bytes they take there, `elsewhere` those of models used
    in place, `free` the bytes that are free where `folder` is (None: cannot be told)."""

    folder: Path
    models: tuple[ModelSpace, ...]
    leftovers: tuple[Leftover, ...]
    ours: int
    elsewhere: int
    free: int | None


def disk_use(imports: Iterable[InstalledModel], folder: Path) -> DiskUse:
    """What the models take, the largest first. A file that two models share counts once in the sums."""
    imports = list(imports)
    models = [_space(model, folder) for model in imports]
    sums = {ours: _taken([model for model in imports if model.copied is ours]) for ours in (True, False)}
    return DiskUse(
        folder=folder,
        models=tuple(sorted(models, key=lambda each: (-each.size, each.name.casefold()))),
        leftovers=leftovers(folder),
        ours=sums[True],
        elsewhere=sums[False],
        free=free_space(folder),
    )


def owned_files(model: InstalledModel, folder: Path) -> tuple[Path, ...]:
    """The model's files that are ours to delete: copies and downloads that really lie below `folder`."""
    ours = parts_of(Path(model.path)) if model.copied else []
    projector = [Path(model.projector.path)] if model.projector is not None and model.projector.copied else []
    return tuple(file for file in (*ours, *projector) if is_inside(file, folder) and os.path.lexists(file))


def is_inside(file: Path, folder: Path) -> bool:
    """Whether `file` itself, not what a link leads to, lies below `folder`, whatever links lead to it."""
    try:
        return file.parent.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def bytes_freed(files: Sequence[Path]) -> int:
    """What deleting all of `files` frees: nothing for a link, nor for a file that has another name elsewhere."""
    status = {file: found for file in dict.fromkeys(files) if (found := _status(file)) is not None}
    names = Counter((each.st_dev, each.st_ino) for each in status.values())
    whole = {(each.st_dev, each.st_ino): each for each in status.values() if stat.S_ISREG(each.st_mode)}
    return sum(_on_disk(each) for identity, each in whole.items() if each.st_nlink <= names[identity])


def leftovers(folder: Path) -> tuple[Leftover, ...]:
    """Unfinished downloads and copies below `folder`. A copy that somebody is making right now is none."""
    found: list[Leftover] = []
    parts: dict[Path, list[Path]] = {}
    budget = [_MOST_ENTRIES]
    for path, is_folder in _entries(folder, _DEEPEST, budget):
        copy = _COPY.match(path.name)
        if copy is not None and is_folder:
            if not _is_running(int(copy[1]), path):
                files = tuple(file for file, inner in _entries(path, _DEEPEST, budget) if not inner)
                found.append(Leftover("copy", path, files, bytes_freed(files)))
        elif not is_folder and (match := _DOWNLOAD.match(path.name)) is not None:
            parts.setdefault(path.with_name(match["file"]), []).append(path)
    for path, pieces in parts.items():
        found.append(Leftover("download", path, tuple(pieces), bytes_freed(pieces)))
    return tuple(sorted(found, key=lambda each: str(each.path)))


def delete_leftover(leftover: Leftover, folder: Path) -> int:
    """Delete a leftover below `folder`; the bytes that were freed. Raises OSError where something resists."""
    freed = bytes_freed(leftover.files)
    for file in leftover.files:
        if is_inside(file, folder):
            file.unlink(missing_ok=True)
    if leftover.kind == "copy" and is_inside(leftover.path, folder):
        shutil.rmtree(leftover.path)
    return freed


def _space(model: InstalledModel, folder: Path) -> ModelSpace:
    ours = owned_files(model, folder)
    return ModelSpace(
        id=model.id,
        name=model.name,
        path=Path(model.path),
        size=_taken([model]),
        freed_bytes=bytes_freed(ours),
        owned=bool(ours),
    )


def _taken(models: Iterable[InstalledModel]) -> int:
    """The bytes of these models' files, links followed, each file once."""
    sizes: dict[tuple[int, int], int] = {}
    for model in models:
        for file in installed_files(model):
            try:
                status = file.stat()
            except (OSError, ValueError):
                continue
            sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def _status(file: Path) -> os.stat_result | None:
    try:
        return file.lstat()
    except (OSError, ValueError):
        return None


def _on_disk(status: os.stat_result) -> int:
    """What a file takes: a download that is set up but not carried out is mostly holes."""
    blocks = getattr(status, "st_blocks", None)
    # Some file systems tell the blocks of a file only once it is written out.
    return status.st_size if not blocks else min(status.st_size, blocks * 512)


def _entries(folder: Path, depth: int, budget: list[int]) -> Iterable[tuple[Path, bool]]:
    """Everything below `folder`, with whether it is a folder. Links and unfinished copies are not gone into."""
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in inside:
        budget[0] -= 1
        if budget[0] < 0:
            return
        path = folder / entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        yield path, is_folder
        if is_folder and depth > 1 and _COPY.match(entry.name) is None:
            yield from _entries(path, depth - 1, budget)


def _is_running(pid: int, folder: Path) -> bool:
    """Whether the process that makes this copy still runs; a later one of the same number does not count."""
    import psutil  # few starts need it

    try:
        return psutil.Process(pid).create_time() <= folder.lstat().st_mtime + 1
    except (psutil.Error, OSError):
        return False


def remove_installed(
    kept: InstalledModel,
    subject: LicenseSubject,
    imports: InstalledModels,
    ledger: Ledger,
    models: Path,
    loaded: Collection[Path] = (),
) -> int:
    """Remove `kept`; the bytes that were freed. Its files are deleted first: where one resists, the record stays.

    Raises UserError where it is among the files `loaded`, ResourceError where a file cannot be deleted.
    """
    files = installed_files(kept)
    if any(same_file(file, other) for file in files for other in loaded):
        raise UserError(
            tr("{model} is loaded right now.").format(model=kept.name),
            "",
            tr("Choose another model, then remove this one."),
        )
    others = {
        os.path.realpath(file) for other in imports.all() if other.id != kept.id for file in installed_files(other)
    }
    freed = delete_owned_files(kept, models, others)
    ledger.append(subject.ledger_event("removed"))
    imports.delete(kept.id)
    return freed


def delete_owned_files(kept: InstalledModel, models: Path, others: Collection[str] = ()) -> int:
    """Delete the copy or download of ours that `kept` is; the bytes that were freed. Raises ResourceError.

    A file that is among the real paths of `others`, models that stay, is not deleted.
    """
    files = [file for file in owned_files(kept, models) if os.path.realpath(file) not in others]
    freed = bytes_freed(files)
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise ResourceError(
                tr("{model} could not be removed.").format(model=kept.name),
                tr("{file} cannot be deleted: {reason}.").format(file=file, reason=error.strerror or error),
                tr("Make sure that no program uses it and that its folder is writable, then remove it again."),
            ) from error
    for folder in dict.fromkeys(file.parent for file in files):
        _prune(folder, models)
    return freed


def _prune(folder: Path, models: Path) -> None:
    """Delete `folder` and those above it, below `models`, as far as they are empty."""
    with contextlib.suppress(OSError):
        while is_inside(folder, models):
            folder.rmdir()
            folder = folder.parent


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return one.absolute() == other.absolute()
