"""Going through folders that others made, within bounds: loops, a hundred thousand files, folders that may not be read.

Nothing here writes, and no file is opened that is not a regular one: a pipe would hold us for ever.
"""

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from desktop.library.elsewhere.found import LeftOut
from desktop.translation import tr

_MOST_ENTRIES = 200_000
_MOST_SECONDS = 15.0
_MOST_LEFT_OUT = 200


class Budget:
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
        self.left_out: list[LeftOut] = []
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

    def leave_out(self, app: str, path: Path, reason: str, name: str = "") -> None:
        """Note what cannot be offered, and why. More than a person would read is not noted."""
        if len(self.left_out) < _MOST_LEFT_OUT:
            self.left_out.append(LeftOut(app, path, name or shown(path.name), reason))


def walk(app: str, top: Path, budget: Budget, wanted: Callable[[str], bool], depth: int = 8) -> Iterator[Path]:
    """The regular files under `top` whose names are `wanted`, folder by folder, each folder's by name.

    Links are followed, each folder is gone into once. What cannot be read is left out with its reason.
    """
    seen: set[tuple[int, int]] = set()
    folders = [(top, 0)]
    while folders:
        folder, level = folders.pop()
        identity = identity_of(folder)
        if identity is None or identity in seen:
            continue
        seen.add(identity)
        below: list[Path] = []
        for entry in entries_of(app, folder, budget):
            kind = _kind(entry)
            if kind == "folder":
                below.append(folder / entry.name)
            elif kind == "file" and wanted(entry.name):
                yield folder / entry.name
        if level < depth:
            folders += [(each, level + 1) for each in reversed(below)]


def entries_of(app: str, folder: Path, budget: Budget) -> list[os.DirEntry[str]]:
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
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        budget.leave_out(app, folder, tr("The folder cannot be read: {reason}.").format(reason=reason), shown(folder))
    return sorted(found, key=lambda entry: entry.name)


def identity_of(path: Path) -> tuple[int, int] | None:
    """Device and inode of what is at `path`, links followed; None where nothing can be seen there."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def read_small(path: Path, most: int) -> bytes | None:
    """The contents of a regular file of at most `most` bytes; None for any other, and where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return None
    try:
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(most + 1)
    except OSError:
        return None
    return data if len(data) <= most else None


def shown(text: str | Path, most: int = 120) -> str:
    """`text` on one line, with nothing in it that cannot be seen or written, and of bounded length."""
    line = "".join(sign if sign.isprintable() else "�" for sign in str(text))
    return line if len(line) <= most else line[: most - 1] + "…"


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_dir():
            return "folder"
        return "file" if entry.is_file() else ""
    except OSError:  # a link that leads round in a circle, among others
        return ""
