"""What a person points at, read to its end: the file behind a link or in a folder, hashed where it lies or copied."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.engine.adapter_header import read_adapter, read_model_or_adapter
from desktop.engine.gguf_header import GgufHeader, header_of_pieces, read_header
from desktop.engine.projector_header import ProjectorHeader, read_projector
from desktop.errors import EngineError, IntegrityError, NotFoundError
from desktop.file_stamp import FileStamp, stamp_at
from desktop.hub.repository_files import is_model_file_name
from desktop.library.file_hashes import FileHashes, HashProgress, file_changing_error, hash_of_parts
from desktop.library.installed_models import installed_id, persistent_stamp
from desktop.library.model_copy import ModelCopy, copy_files, copy_names
from desktop.library.model_projector import InstalledProjector, installed_projector
from desktop.library.other_apps.discovered_model import DiscoveredModel, skip_reasons
from desktop.library.other_apps.folder_scan import printable_line
from desktop.library.other_apps.model_discovery import discover_in, is_encodable_path
from desktop.library.other_apps.unusable_files import download_control_file
from desktop.paths import absolute, expanded
from desktop.split_files import first_part, pieces_in, pieces_of
from desktop.translation import tr

_MOST_NAMED = 5


@dataclass(frozen=True)
class HashedSource:
    """A model whose files were read to their end. `hashes` and `stamps` are those of `files`, in their order.

    `copied` is the copy where one was made: its files have no place of their own yet, the projector's last among them.
    `projector` is what is to be kept of the model's, read like them, and `seen` what that says of itself.
    """

    header: GgufHeader
    files: tuple[Path, ...]
    hashes: tuple[str, ...]
    stamps: tuple[FileStamp, ...]
    copied: ModelCopy | None = None
    projector: InstalledProjector | None = None
    seen: ProjectorHeader | None = None

    @property
    def sha256(self) -> str:
        return hash_of_parts(self.hashes)

    @property
    def persistent_stamps(self) -> tuple[tuple[int, int, int], ...]:
        """What is noted of each file with the model."""
        return tuple(persistent_stamp(stamp) for stamp in self.stamps)

    def discard(self) -> None:
        """Delete the copy, where one was made."""
        if self.copied is not None:
            self.copied.discard()


def read_source_header(source: Path | DiscoveredModel, *, copy: bool, adapters: bool = False) -> GgufHeader:
    """The header of what a person points at: a file, a link to one, or a folder with one model in it.

    Of a file that was cut, `files` are its pieces: they can be read as a copy alone, which joins them. With `adapters`
    it may be an adapter (LoRA) as well.

    Raises NotFoundError where there is nothing, or a name that the engine cannot be given (a copy gets another one),
    EngineError where it is no sound model.
    """
    path = source.path if isinstance(source, DiscoveredModel) else source
    path = absolute(expanded(path))
    path = _only_model(path, copy=copy) if path.is_dir() else first_part(path)
    if not copy and not is_encodable_path(path):
        raise NotFoundError(
            tr("{file} has a name that cannot be written as text.").format(file=printable_line(path.name)),
            tr("It is not in UTF-8, and the engine could not open it."),
            tr("Rename it, or import it as a copy."),
        )
    try:
        return _finished(read_model_or_adapter(path) if adapters else read_header(path, embedding=None))
    except EngineError:
        pieces = pieces_of(path) if copy else None
        if pieces is not None:
            return header_of_pieces(pieces)
        real = Path(os.path.realpath(path))
        if not path.is_symlink() or real.is_symlink():
            raise
    # What belongs to a file is found by its name, which a link need not have.
    return read_source_header(real, copy=copy, adapters=adapters)


def _finished(header: GgufHeader) -> GgufHeader:
    """The header, where no download program still fills the files with what they should hold."""
    for file in header.files:
        control = download_control_file(file)
        if control is not None:
            raise IntegrityError(
                tr("{file} is still being downloaded by another program.").format(file=printable_line(file.name)),
                tr("{control}, which lies beside it, says so.").format(control=printable_line(control.name)),
                tr("Let that program finish. If it did, delete that file, and import the model again."),
            )
    return header


def hash_in_place(
    header: GgufHeader,
    hashes: FileHashes,
    progress: HashProgress | None,
    stop: threading.Event | None,
    projector: ProjectorHeader | None = None,
) -> HashedSource:
    """Read a model where it lies, and its projector. Raises as `FileHashes.sha256` does, and IntegrityError where one
    changes meanwhile."""
    others = (projector.path,) if projector is not None else ()
    found = hashes.hash_all_with_stamps((*header.files, *others), progress, stop)
    count = len(header.files)
    stamps = tuple(stamp for _, stamp in found[:count])
    kept = installed_projector(read_projector(projector.path), *found[-1]) if projector is not None else None
    hashed = tuple(sha256 for sha256, _ in found[:count])
    return HashedSource(_again(header, stamps), header.files, hashed, stamps, None, kept, projector)


def copy_whole(
    header: GgufHeader,
    name: str,
    hashes: FileHashes,
    models: Path,
    progress: HashProgress | None,
    stop: threading.Event | None,
    projector: ProjectorHeader | None = None,
) -> HashedSource:
    """Copy a model below `models` with its projector, and read it on the way. Raises as `copy_files` does, and
    IntegrityError as above.

    The copy is read once more: what was written is not what lies there, where another program writes to it too.
    """
    before = _stamps(header)
    pieces = pieces_of(header.path) if len(header.files) > 1 else None
    # Pieces are joined on the way.
    files = (Path(pieces.name),) if pieces is not None else header.files
    names = copy_names(files, installed_id(name, "").rstrip("-"))
    beside = (projector.path, _beside(projector.path, names)) if projector is not None else None
    copied = copy_files(header.files, names, models, progress, stop, beside)
    try:
        header = _again(header, before)
        if pieces is not None:
            header = read_header(copied.files[0], embedding=None)
        found = hashes.hash_all_with_stamps(copied.files, None, stop)
        if tuple(sha256 for sha256, _ in found) != copied.hashes:
            raise file_changing_error(copied.files[0])
    except BaseException:
        copied.discard()
        raise
    stamps, count = tuple(stamp for _, stamp in found), len(names)
    kept = None
    if projector is not None:
        kept = installed_projector(projector, copied.hashes[-1], stamps[-1], copied=True)
    return HashedSource(header, copied.files[:count], copied.hashes[:count], stamps[:count], copied, kept, projector)


def _beside(projector: Path, names: Sequence[str]) -> str:
    """A name for the copy of a projector that none of the model's files has."""
    name = copy_names((projector,), "mmproj")[0]
    return f"mmproj-{name}" if name in names or is_model_file_name(name) else name


def check_claimed_hashes(read: HashedSource, claims: tuple[str, ...]) -> None:
    """Raise IntegrityError where a file is not what its name claims, as a damaged blob of another app's."""
    for file, sha256, claim in zip(read.header.files, read.hashes, claims, strict=False):
        if claim and claim != sha256:
            raise IntegrityError(
                tr("{file} is damaged.").format(file=printable_line(file.name)),
                tr("Its contents are not those that its name stands for."),
                tr("Have the program that it belongs to download it again."),
            )


def _only_model(folder: Path, *, copy: bool) -> Path:
    """The one model in a folder, or the first piece of the one that was cut where it is copied.

    Raises NotFoundError where there is none, or where there are several.
    """
    findings = discover_in(folder)
    if len(findings.models) == 1:
        return findings.models[0].path
    if not findings.models:
        cut = pieces_in(folder)
        if copy and len(cut) == 1:
            return cut[0].files[0]
        lines = skip_reasons(findings.skipped)[:_MOST_NAMED]
        if not findings.complete:
            lines.append(tr("It holds more than could be looked at."))
        raise NotFoundError(
            tr("There is no model in {folder}.").format(folder=printable_line(folder)),
            " ".join(lines),
            tr("Name a GGUF file, or another folder."),
        )
    names = ", ".join(printable_line(each.path.relative_to(folder)) for each in findings.models[:_MOST_NAMED])
    raise NotFoundError(
        tr("There are {count} models in {folder}.").format(count=len(findings.models), folder=printable_line(folder)),
        names if len(findings.models) <= _MOST_NAMED else tr("Among them: {names}.").format(names=names),
        tr("Name the file of one."),
    )


def _stamps(header: GgufHeader) -> tuple[FileStamp, ...]:
    found = tuple(stamp for file in header.files if (stamp := stamp_at(file)) is not None)
    if len(found) != len(header.files):
        raise file_changing_error(header.path)
    return found


def _again(header: GgufHeader, stamps: tuple[FileStamp, ...]) -> GgufHeader:
    """The header of the files that have these stamps, read anew: the one that is known may be of others that lay there
    before. Raises IntegrityError where they changed or vanished meanwhile, EngineError where they are no model."""
    pieces = pieces_of(header.path) if len(header.files) > 1 else None
    if pieces is not None:
        again = header_of_pieces(pieces)
    else:
        again = read_adapter(header.path) if header.adapter else read_header(header.path, embedding=None)
    if again.files != header.files or _stamps(header) != stamps:
        raise file_changing_error(header.path)
    return again
