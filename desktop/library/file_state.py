"""Whether an imported file is still the one that was hashed, told without reading it: so that a model that vanished or
changed is noticed where it is listed, long before anybody loads it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from desktop.errors import IntegrityError, NotFoundError, UserError
from desktop.file_stamp import FileStamp, stamp_at
from desktop.library.imported import ImportedModel
from desktop.split_files import parts_of
from desktop.translation import tr

FileState = Literal["here", "missing", "changed"]


def file_state(model: ImportedModel) -> FileState:
    """Whether all files of `model` are there, and look as they did when they were hashed: size, time and inode.

    Of a model that was kept before these were noted, its size alone tells. Where the state is "changed", hashing it
    again settles whether it is still the same (`Importer.verify`).
    """
    stamps = stamps_of(parts_of(Path(model.path)))
    if stamps is None:
        return "missing"
    if model.stamps:
        return "here" if stamps == model.stamps else "changed"
    return "here" if sum(size for size, _, _ in stamps) == model.size else "changed"


def stamps_of(files: Sequence[Path]) -> tuple[tuple[int, int, int], ...] | None:
    """Size, modification time (ns) and inode of each file; None where one of them is no file, or cannot be seen."""
    stamps = []
    for file in files:
        stamp = stamp_at(file)
        if stamp is None or not file.is_file():
            return None
        stamps.append(noted(stamp))
    return tuple(stamps)


def noted(stamp: FileStamp) -> tuple[int, int, int]:
    """What is noted of a file with a model. It has to stay the same where a disk is mounted anew, so it is for a look
    only; what is loaded is known by its whole stamp."""
    return stamp.size, stamp.modified_ns, stamp.inode


def state_error(model: ImportedModel, state: FileState) -> UserError | None:
    """What to tell a person of a model in that state; None where nothing is wrong."""
    if state == "missing":
        files = parts_of(Path(model.path))
        gone = next((file for file in files if not file.exists()), files[0])
        return NotFoundError(
            tr("The file of {model} is no longer there.").format(model=model.name),
            tr("It was {file}.").format(file=gone),
            tr("Put it back, connect the disk it is on, or remove the model from the library."),
        )
    if state == "changed":
        return IntegrityError(
            tr("The file of {model} has changed since it was added.").format(model=model.name),
            tr("It is {file}.").format(file=model.path),
            tr("Check it again, put the former file back, or remove the model from the library."),
        )
    return None
