"""The files of one export: a single file, or the members of a zip archive, read within bounds."""

import zipfile
from contextlib import AbstractContextManager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from types import TracebackType


class ExportFiles(AbstractContextManager["ExportFiles"]):
    """`path` opened to be read: a zip archive by its members, any other file as the one member of its own name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = zipfile.ZipFile(path) if zipfile.is_zipfile(path) else None

    def names(self) -> tuple[str, ...]:
        """The members' names with "/" between folders, in their order."""
        return (self.path.name,) if self._zip is None else tuple(self._zip.namelist())

    def head(self, name: str, size: int = 65_536) -> bytes:
        """The first `size` bytes of a member."""
        if self._zip is None:
            with self.path.open("rb") as file:
                return file.read(size)
        with self._zip.open(name) as member:
            return member.read(size)

    def read(self, name: str) -> bytes | mmap:
        """All of a member. A file that lies by itself is mapped and not read."""
        if self._zip is not None:
            return self._zip.read(name)
        with self.path.open("rb") as file:
            return mmap(file.fileno(), 0, access=ACCESS_READ)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._zip is not None:
            self._zip.close()
