"""Taking a model out of the library: its record goes, and of its files only those that are our own."""

import contextlib
import os
from collections.abc import Collection
from pathlib import Path

from desktop.errors import ResourceError, UserError
from desktop.library.imported import ImportedModel, ImportedModels
from desktop.library.space import bytes_freed, is_inside, own_files
from desktop.licenses.ledger import Ledger
from desktop.licenses.subject import Subject
from desktop.split_files import parts_of
from desktop.translation import tr


def remove_import(
    kept: ImportedModel,
    subject: Subject,
    imports: ImportedModels,
    ledger: Ledger,
    models: Path,
    loaded: Collection[Path] = (),
) -> int:
    """Remove `kept`; the bytes that were freed. Its files are deleted first: where one resists, the record stays.

    Raises UserError where it is among the files `loaded`, ResourceError where a file cannot be deleted.
    """
    files = parts_of(Path(kept.path))
    if any(same_file(file, other) for file in files for other in loaded):
        raise UserError(
            tr("{model} is loaded right now.").format(model=kept.name),
            "",
            tr("Choose another model, then remove this one."),
        )
    others = {
        os.path.realpath(file) for other in imports.all() if other.id != kept.id for file in parts_of(Path(other.path))
    }
    freed = delete_own(kept, models, others)
    ledger.append(subject.fact("removed"))
    imports.forget(kept.id)
    return freed


def delete_own(kept: ImportedModel, models: Path, others: Collection[str] = ()) -> int:
    """Delete the copy or download of ours that `kept` is; the bytes that were freed. Raises ResourceError.

    A file that is among the real paths of `others`, models that stay, is not deleted.
    """
    files = [file for file in own_files(kept, models) if os.path.realpath(file) not in others]
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
