"""Going through folders that others made, within bounds: loops, a hundred thousand files, folders that may not be read.

Nothing here writes, and no file is opened that is not a regular one: reading a pipe might never return.
"""

import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from desktop.atomic_file import read_bounded
from desktop.library.other_apps.discovered_model import SkippedFile
from desktop.safe_text import mark_unseen
from desktop.translation import tr

_MOST_ENTRIES = 200_000
_MOST_SECONDS = 15.0
_MOST_LEFT_OUT = 200
_LONGEST_REASON = 1000
_BLANKS_AND_JOINERS = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\u200c\u200d"
)


class ScanBudget:
    """What a look into one app's folders may cost at most: entries of folders, and seconds by `clock`."""

    def __init__(
        self,
        stop: threading.Event,
        *,
        entries: int = _MOST_ENTRIES,
        seconds: float = _MOST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.complete = True
        self.left_out: list[SkippedFile] = []
        self._closed: set[Path] = set()
        self._stop = stop
        self._entries = entries
        self._clock = clock
        self._end = clock() + seconds

    def spend(self, entries: int = 1) -> bool:
        """Take `entries` from it; False once there is nothing left, or the look was stopped."""
        self._entries -= entries
        if self._entries < 0 or self._stop.is_set() or self._clock() > self._end:
            self.complete = False
        return self.complete

    def skip(self, app: str, path: Path, reason: str, name: str = "") -> None:
        """Note what cannot be offered, and why. More than a person would read is not noted."""
        if len(self.left_out) < _MOST_LEFT_OUT:
            self.left_out.append(
                SkippedFile(app, path, name or printable_line(path.name), printable_line(reason, _LONGEST_REASON))
            )

    def skip_unreadable(self, app: str, folder: Path, reason: str) -> None:
        """Note a folder that may not be read, with whom it belongs to; one note for all that lies in a closed one."""
        closed = _closed_above(folder)
        if closed in self._closed:
            return
        self._closed.add(closed)
        sentence = tr("The folder cannot be read: {reason}.").format(reason=reason)
        owner, group = _owner_of(closed)
        if owner:
            hint = tr("It belongs to {owner}: have yourself added to the group {group}, then log in again.")
            sentence += " " + hint.format(owner=owner, group=group)
        self.skip(app, folder, sentence, printable_line(folder))


Note = Callable[[str, Path, Collection[str], ScanBudget], None]


def walk(
    app: str, top: Path, budget: ScanBudget, wanted: Callable[[str], bool], depth: int = 8, note: Note | None = None
) -> Iterator[Path]:
    """The regular files under `top` whose names are `wanted`, folder by folder, each folder's by name.

    Links are followed, each folder is gone into once. What cannot be read is left out with its reason. `note` is called
    with the names of all files of each folder.
    """
    seen: set[tuple[int, int]] = set()
    folders = [(top, 0)]
    while folders:
        folder, level = folders.pop()
        identity = device_and_inode(folder)
        if identity is None or identity in seen:
            continue
        seen.add(identity)
        below: list[Path] = []
        names: list[str] = []
        for entry in entries_of(app, folder, budget):
            kind = _kind(entry)
            if kind == "folder":
                below.append(folder / entry.name)
            elif kind == "file":
                names.append(entry.name)
            elif wanted(entry.name):
                budget.skip(app, folder / entry.name, _no_file(entry))
        yield from (folder / name for name in names if wanted(name))
        if note is not None and names:
            note(app, folder, names, budget)
        if level < depth:
            folders += [(each, level + 1) for each in reversed(below)]


def entries_of(app: str, folder: Path, budget: ScanBudget) -> list[os.DirEntry[str]]:
    """What lies in `folder`, by name, as far as the budget reaches; nothing where there is no such folder."""
    found: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not budget.spend():
                    break
                found.append(entry)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        budget.skip_unreadable(app, folder, error.strerror or str(error))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        budget.skip(
            app, folder, tr("The folder cannot be read: {reason}.").format(reason=reason), printable_line(folder)
        )
    return sorted(found, key=lambda entry: entry.name)


def device_and_inode(path: Path) -> tuple[int, int] | None:
    """Device and inode of what is at `path`, links followed; None where nothing can be seen there."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def has_permission(path: Path, mode: int) -> bool:
    """Whether this process has a right (os.R_OK, os.X_OK) to what is at `path`."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def is_folder(path: Path) -> bool:
    """Whether a folder can be seen at `path`; not so where one above it may not be looked into."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def read_small(path: Path, most: int) -> bytes | None:
    """The contents of a regular file of at most `most` bytes; None for any other, and where it cannot be read."""
    try:
        return read_bounded(path, most, follow_link=True)
    except (OSError, ValueError):
        return None


def printable_line(text: str | Path, most: int = 120) -> str:
    """`text` on one line, with nothing in it that cannot be seen or written, and of bounded length.

    Blanks of all widths stay as they are, and so do the joiners that some scripts and emoji are written with.
    """
    return mark_unseen(str(text), most, keep=_BLANKS_AND_JOINERS)


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_dir():
            return "folder"
        return "file" if entry.is_file() else ""
    except OSError:  # a link that leads round in a circle, among others
        return ""


def _no_file(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return tr("It is a link to a file that is not there: connect the disk it is on, or fetch it again.")
    return tr("It is not a regular file.")


def _closed_above(folder: Path) -> Path:
    """The uppermost of the folders down to `folder` that may not be looked into."""
    for each in reversed((folder, *folder.parents)):
        if is_folder(each) and not has_permission(each, os.X_OK):
            return each
    return folder


def _owner_of(folder: Path) -> tuple[str, str]:
    """The names of user and group; "" where there are none to be told, and where the group gives no right to read."""
    try:
        if not folder.stat().st_mode & stat.S_IXGRP:
            return "", ""
        return folder.owner(), folder.group()
    except (OSError, KeyError, NotImplementedError):
        return "", ""
