"""Latchkey's own files, as places where nothing of a person's choosing is written: exports and backups ask here."""

import os
from pathlib import Path

from desktop.errors import ResourceError
from desktop.paths import Paths
from desktop.translation import tr


def refuse_own_file(target: Path, paths: Paths) -> None:
    """Raise ResourceError where a file that is written to `target` would come to lie among those that Latchkey keeps:
    who names such a place means another thing. In the folder of the backups new files may be made."""
    folder = Path(os.path.realpath(target.parent))
    above = (folder, *folder.parents)
    if _is_any(above, paths.backups) and not os.path.lexists(target):
        return
    # A file of Latchkey's own may be a link to where the person keeps it, and a link may lead to such a file.
    linked = (paths.database_file, paths.ledger_file, *_files_in(paths.config))
    if _is_any(above, paths.config) or _is_any(above, paths.data) or _is_any(linked, target):
        raise ResourceError(
            tr("{file} lies among Latchkey's own files.").format(file=target),
            tr("Nothing was written there."),
            tr("Choose another name, in a folder of your own."),
        )


def _files_in(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _is_any(places: tuple[Path, ...], searched: Path) -> bool:
    """Whether one of `places` is the same file or folder as `searched`, whichever names they have."""
    return any(_is_same(place, searched) for place in places)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
