"""A model's files copied into a folder of their own among ours: hashed on the way, and deleted again where that
fails."""

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from desktop.atomic_file import open_regular, sync_folder
from desktop.byte_size import size_text
from desktop.errors import NotFoundError, ResourceError, UserError
from desktop.hub.transfer.disk import free_space
from desktop.library.disk_use import delete_leftover, leftovers
from desktop.library.file_hashes import HashingStoppedError, HashProgress, file_changing_error, size_of
from desktop.translation import tr

_PIECE_BYTES = 4 << 20
_LONGEST_NAME = 200  # bytes; file systems keep 255
_numbers = itertools.count(1)


@dataclass(frozen=True)
class ModelCopy:
    """A finished copy that has no place yet. `folder` is temporary; `hashes` are those of `files`, in their order."""

    folder: Path
    files: tuple[Path, ...]
    hashes: tuple[str, ...]

    def discard(self) -> None:
        """Delete it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def move_to(self, models: Path, name: str) -> tuple[Path, ...]:
        """Move it to a folder of that name among the models, or of one like it; its files. Raises ResourceError."""
        for number in itertools.count(1):
            folder = models / (name if number == 1 else f"{name}-{number}")
            if folder.exists() and number < 1000:
                continue
            try:
                self.folder.rename(folder)
            except OSError as error:
                self.discard()
                raise _failed(models, error) from error
            sync_folder(models)
            return tuple(folder / file.name for file in self.files)
        raise AssertionError


def copy_files(
    files: Sequence[Path],
    names: Sequence[str],
    models: Path,
    progress: HashProgress | None,
    stop: threading.Event | None,
    beside: tuple[Path, str] | None = None,
) -> ModelCopy:
    """Copy `files` under `names` into a new folder below `models`; under one name alone they are joined, in order.
    `beside` is one more, and its name there: the last one of the copy.

    Raises ResourceError where space does not suffice or something cannot be read or written, NotFoundError where a file
    vanished, IntegrityError where one grows, HashingStoppedError where it was stopped: nothing of it is left then.
    """
    delete_partial_copies(models)
    whole = sum(size_of(file) for file in (*files, *(beside or ())[:1]))
    _check_space(whole, models)
    folder = models / f".import-{os.getpid()}-{next(_numbers)}.part"
    try:
        models.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        raise _failed(models, error) from error
    made: list[Path] = []
    hashes: list[str] = []
    meter = _CopyProgress(whole, progress, stop)
    try:
        sources = [[file] for file in files] if len(names) > 1 else [list(files)]
        if beside is not None:
            sources, names = [*sources, [beside[0]]], [*names, beside[1]]
        for group, name in zip(sources, names, strict=True):
            made.append(folder / name)
            hashes.append(_copy(group, made[-1], meter))
        sync_folder(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return ModelCopy(folder, tuple(made), tuple(hashes))


def delete_partial_copies(models: Path) -> int:
    """Delete what copies left that were cut off (by a crash, or with the power); the bytes that were freed."""
    freed = 0
    for leftover in leftovers(models):
        if leftover.kind == "copy":
            with contextlib.suppress(OSError):
                freed += delete_leftover(leftover, models)
    return freed


def copy_names(files: Sequence[Path], slug: str) -> list[str]:
    """Names for copies: the files' own, where every system can keep and show them; `slug` for one without an ending."""
    if len(files) == 1 and files[0].suffix.lower() != ".gguf":
        return [f"{slug}.gguf"]
    return [_clean(file.name) for file in files]


def _clean(name: str) -> str:
    """The name without what cannot be shown or kept, the same for all parts of a model, and with its ending."""
    shown = "".join(sign if sign.isprintable() and sign not in '<>:"|?*\\/' else "_" for sign in name)
    stem, ending = shown[:-24], shown[-24:]  # "-00001-of-00002.gguf" is 20 long
    while len((stem + ending).encode()) > _LONGEST_NAME and stem:
        stem = stem[:-1]
    return stem + ending


class _CopyProgress:
    """Counts the bytes of all files together, tells of them, and notices that somebody gave up."""

    def __init__(self, whole: int, progress: HashProgress | None, stop: threading.Event | None) -> None:
        self._whole, self._progress, self._stop = whole, progress, stop
        self._done = 0

    def check(self, source: Path) -> None:
        if self._stop is not None and self._stop.is_set():
            raise HashingStoppedError(tr("{file} was not copied to its end.").format(file=source))

    def add(self, size: int, source: Path) -> None:
        self._done += size
        if self._done > self._whole:
            raise file_changing_error(source)
        if self._progress is not None:
            self._progress(self._done, self._whole)


def _copy(sources: Sequence[Path], target: Path, meter: _CopyProgress) -> str:
    """Copy one file, or what several hold one after the other, and write it out; its sha256."""
    digest = hashlib.sha256()
    try:
        with target.open("xb", buffering=0) as writing:
            for source in sources:
                with _opened(source) as reading:
                    _pump(reading, writing, source, meter, digest.update)
            os.fsync(writing.fileno())
    except OSError as error:
        raise _failed(target.parent, error) from error
    return digest.hexdigest()


def _opened(source: Path) -> FileIO:
    try:
        return FileIO(open_regular(source, follow_link=True))
    except FileNotFoundError as error:
        raise NotFoundError(tr("There is no file {file}.").format(file=source), "", tr("Check the path.")) from error
    except OSError as error:
        raise _unreadable(source, error) from error


def _pump(
    reading: FileIO, writing: FileIO, source: Path, meter: _CopyProgress, told: Callable[[memoryview], None]
) -> None:
    """Write what is read until nothing is left, and tell it. An OSError that leaves here was met in writing."""
    piece = bytearray(_PIECE_BYTES)
    view = memoryview(piece)
    while True:
        meter.check(source)
        try:
            size = reading.readinto(piece)
        except OSError as error:
            raise _unreadable(source, error) from error
        if not size:
            return
        told(view[:size])
        written = 0
        while written < size:
            written += writing.write(view[written:size])
        meter.add(size, source)


def _check_space(needed: int, models: Path) -> None:
    free = free_space(models)
    if free is not None and needed > free:
        raise ResourceError(
            tr("There is not enough space to copy this model."),
            tr("It takes {needed}; {free} are free.").format(
                needed=size_text(needed, "gigabytes"), free=size_text(free, "gigabytes")
            ),
            tr("Free some space, or import it without copying."),
        )


def _unreadable(file: Path, error: OSError) -> UserError:
    return ResourceError(
        tr("{file} could not be read: {reason}.").format(file=file, reason=error.strerror or error),
        "",
        tr("Check the disk that it is on, and try again."),
    )


def _failed(folder: Path, error: OSError) -> UserError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return ResourceError(
        tr("The model could not be copied."),
        tr("Writing to {folder} failed: {reason}.").format(folder=folder, reason=error.strerror or error),
        tr("Free some space, or import it without copying.")
        if full
        else tr("Make the folder writable, or import the model without copying."),
    )
