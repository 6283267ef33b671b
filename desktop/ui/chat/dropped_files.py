"""What was dropped on the chat: how many files there are in it, and what else they may be meant for."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.ui.parts.given_data import is_folder, is_model_name

_MOST_LOOKED_AT = 20_000
_MOST_COUNTED = 5_000


@dataclass(frozen=True)
class DroppedFiles:
    """`files` are the first of them in order, those in folders too, no more than were asked for; `count` is how many
    there are (`more`: at least). `folders` are those dropped themselves."""

    paths: tuple[Path, ...]
    files: tuple[Path, ...]
    count: int
    more: bool
    folders: tuple[Path, ...]
    models: int

    @property
    def are_models(self) -> bool:
        """Whether they are model files and nothing else."""
        return bool(self.count) and self.models == self.count

    @property
    def may_be_chats(self) -> bool:
        """Whether they may be chats that another program exported."""
        return not self.folders and bool(self.files) and all(file.suffix.lower() == ".json" for file in self.files)


def dropped_files(paths: Sequence[Path], most: int, is_cancelled: Callable[[], bool]) -> DroppedFiles:
    """Look at what was dropped; folders are gone through, but for hidden ones and links. Not on the main thread."""
    folders = tuple(path for path in paths if is_folder(path))
    files: list[Path] = []
    count = models = 0
    more = False
    for path in _walk(paths, folders):
        count += 1
        models += is_model_name(path.name)
        if len(files) < most:
            files.append(path)
        if count >= _MOST_COUNTED or is_cancelled():
            more = True
            break
    return DroppedFiles(tuple(paths), tuple(files), count, more, folders, models)


def _walk(paths: Sequence[Path], folders: Sequence[Path]) -> Iterator[Path]:
    yield from (path for path in paths if path not in folders)
    looked_at = 0
    for folder in folders:
        for root, inner, names in os.walk(folder):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                looked_at += 1
                if looked_at > _MOST_LOOKED_AT:
                    return
                if not name.startswith(".") and _is_file(path := Path(root, name)):
                    yield path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
