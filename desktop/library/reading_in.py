"""What a person points at, read to its end: the file behind a link or in a folder, hashed where it lies or copied."""

import threading
from dataclasses import dataclass
from pathlib import Path

from desktop.engine.header import Header, read_header
from desktop.errors import EngineError, IntegrityError, NotFoundError
from desktop.library.copying import Copied, copy_files, copy_names
from desktop.library.elsewhere.finding import find_in, is_text
from desktop.library.elsewhere.found import FoundModel
from desktop.library.elsewhere.walking import shown
from desktop.library.file_state import stamps_of
from desktop.library.hashes import FileHashes, Progress, changing, hash_of_parts
from desktop.library.imported import id_for
from desktop.translation import tr

_MOST_NAMED = 5


@dataclass(frozen=True)
class Read:
    """A model whose files were read to their end. `hashes` and `stamps` are those of `files`, in their order.

    `copied` is the copy where one was made: its files have no place of their own yet.
    """

    header: Header
    files: tuple[Path, ...]
    hashes: tuple[str, ...]
    stamps: tuple[tuple[int, int, int], ...]
    copied: Copied | None = None

    @property
    def sha256(self) -> str:
        return hash_of_parts(self.hashes)

    def discard(self) -> None:
        """Delete the copy, where one was made."""
        if self.copied is not None:
            self.copied.discard()


def open_source(source: Path | FoundModel, *, copy: bool) -> Header:
    """The header of what a person points at: a file, a link to one, or a folder with one model in it.

    Raises NotFoundError where there is nothing, or a name that the engine cannot be given (a copy gets another one),
    EngineError where it is no sound model.
    """
    path = source.path if isinstance(source, FoundModel) else source
    path = path.expanduser().absolute()
    if path.is_dir():
        path = _only_model(path)
    if not copy and not is_text(path):
        raise NotFoundError(
            tr("{file} has a name that cannot be written as text.").format(file=shown(path.name)),
            tr("It is not in UTF-8, and the engine could not open it."),
            tr("Rename it, or import it as a copy."),
        )
    try:
        return read_header(path)
    except EngineError:
        if not path.is_symlink():
            raise
    # The parts of a model are found by its name, which a link need not have.
    return read_header(path.resolve())


def hash_in_place(header: Header, hashes: FileHashes, progress: Progress | None, stop: threading.Event | None) -> Read:
    """Read a model where it lies. Raises as `FileHashes.sha256` does, and IntegrityError where it changes meanwhile."""
    before = stamps_of(header.files)
    found = hashes.each(header.files, progress, stop)
    return Read(header, header.files, found, _unchanged(before, header))


def copy_whole(
    header: Header, name: str, models: Path, progress: Progress | None, stop: threading.Event | None
) -> Read:
    """Copy a model below `models`, and read it on the way. Raises as `copy_files` does, and IntegrityError as above."""
    before = stamps_of(header.files)
    names = copy_names(header.files, id_for(name, "").rstrip("-"))
    copied = copy_files(header.files, names, models, progress, stop)
    try:
        _unchanged(before, header)
    except BaseException:
        copied.discard()
        raise
    return Read(header, copied.files, copied.hashes, stamps_of(copied.files) or (), copied)


def check_claims(read: Read, claims: tuple[str, ...]) -> None:
    """Raise IntegrityError where a file is not what its name claims, as a damaged blob of another app's."""
    for file, sha256, claim in zip(read.header.files, read.hashes, claims, strict=False):
        if claim and claim != sha256:
            raise IntegrityError(
                tr("{file} is damaged.").format(file=shown(file.name)),
                tr("Its contents are not those that its name stands for."),
                tr("Have the program that it belongs to download it again."),
            )


def _only_model(folder: Path) -> Path:
    """The one model in a folder. Raises NotFoundError where there is none, or where there are several."""
    findings = find_in(folder)
    if len(findings.models) == 1:
        return findings.models[0].path
    if not findings.models:
        reasons = [f"{each.name}: {each.reason}" for each in findings.left_out[:_MOST_NAMED]]
        raise NotFoundError(
            tr("There is no model in {folder}.").format(folder=shown(folder)),
            " ".join(reasons),
            tr("Name a GGUF file, or another folder."),
        )
    names = ", ".join(shown(each.path.relative_to(folder)) for each in findings.models[:_MOST_NAMED])
    raise NotFoundError(
        tr("There are {count} models in {folder}.").format(count=len(findings.models), folder=shown(folder)),
        names if len(findings.models) <= _MOST_NAMED else tr("Among them: {names}.").format(names=names),
        tr("Name the file of one."),
    )


def _unchanged(before: tuple[tuple[int, int, int], ...] | None, header: Header) -> tuple[tuple[int, int, int], ...]:
    """The stamps, where they are as before; raises IntegrityError where the files changed or vanished meanwhile."""
    after = stamps_of(header.files)
    if after is None or after != before:
        raise changing(header.path)
    return after
