"""The files that were admitted, opened before this process gives up all others, and loaded by these descriptors.

A file can be exchanged for another, and back, while nobody looks at its name. What is open stays what it is: on Linux
llama.cpp is given the names of the descriptors. Elsewhere it is given the files' own names, and the app looks at them
again once the model is loaded.
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from desktop.atomic_file import open_regular
from desktop.file_stamp import ModelFile, stamp_from_stat

_OTHERS = 256
"""Files that a worker has open besides."""


class FileChangedError(Exception):
    """File `number` of the model, counted from 0, is not what was admitted."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class AdmittedFiles:
    """The files of one model, open for as long as this process lives: some file systems number a file anew once nobody
    has it open, and the app would take it for another one."""

    def __init__(self, files: Sequence[ModelFile]) -> None:
        self._files = tuple(files)
        _allow_open_files(2 * len(files) + _OTHERS)  # llama.cpp opens each of them once more
        self._descriptors = [_open(file) for file in self._files]

    @property
    def descriptors(self) -> list[int]:
        """Of those that could be opened."""
        return [each for each in self._descriptors if each is not None]

    def names(self) -> tuple[str, ...]:
        """By what llama.cpp opens them. Raises FileChangedError where one is another file now, or was changed."""
        for number, (file, descriptor) in enumerate(zip(self._files, self._descriptors, strict=True)):
            if descriptor is None or stamp_from_stat(os.fstat(descriptor)) != file.stamp:
                raise FileChangedError(number)
        if sys.platform != "linux":
            return tuple(file.path for file in self._files)
        names = tuple(f"/proc/self/fd/{descriptor}" for descriptor in self._descriptors)
        # Without /proc there are no such names.
        return names if all(os.path.lexists(name) for name in names) else tuple(file.path for file in self._files)


def _allow_open_files(count: int) -> None:
    """Let this process have `count` files open, where the system allows as many: some begin with 256."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _open(file: ModelFile) -> int | None:
    try:
        return open_regular(Path(file.path), follow_link=True)
    except OSError:
        return None
