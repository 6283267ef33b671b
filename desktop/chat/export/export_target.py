"""The place that an export is written to: a file, whole or not at all; or a pipe or a device, as the bytes come.

Nothing is written through a link: what it leads to belongs to somebody else's idea of that name. Where it may be
replaced, the new file takes the link's place, and what the link led to stays as it was.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from desktop.atomic_file import open_atomically, write_error
from desktop.errors import NotFoundError, ResourceError, UserError
from desktop.translation import tr


class TargetTakenError(UserError):
    """Something lies there already, and nobody said that it may be replaced."""


class ExportPlace(Protocol):
    """Where an export goes; see `ExportTarget`, which is the usual one. `path` is None where it is no file."""

    @property
    def path(self) -> Path | None: ...
    @property
    def streams(self) -> bool: ...
    def check(self) -> None: ...
    def open(self) -> AbstractContextManager[BinaryIO]: ...


@dataclass(frozen=True)
class ExportTarget:
    """`path`, from the root on or not. With `replaces` a file that is there gives way to the new one."""

    path: Path
    replaces: bool = False

    def check(self) -> None:
        """Raise the error that `open` would begin with; nothing is written."""
        try:
            mode = self.path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            if not self.path.parent.is_dir():
                raise NotFoundError(
                    tr("There is no folder {folder}.").format(folder=self.path.parent),
                    "",
                    tr("Make it, or choose another one."),
                ) from None
            return
        except OSError as error:
            raise self._failed(error) from error
        if self.streams:
            return
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise ResourceError(
                tr("{file} is not a file.").format(file=self.path),
                tr("Something else has this name, and is not replaced."),
                tr("Choose another name."),
            )
        if not self.replaces:
            raise self._taken()

    @property
    def streams(self) -> bool:
        """Whether a pipe or a device that takes bytes one after another lies there, perhaps behind a link."""
        try:
            mode = self.path.stat().st_mode
        except OSError:
            return False
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """What to write to. A file is put in place when the block ends, and dropped where the block raises.

        Raises TargetTakenError, NotFoundError where the folder is missing, ResourceError where writing fails.
        """
        self.check()
        try:
            if self.streams:
                with os.fdopen(os.open(self.path, os.O_WRONLY), "wb") as stream:
                    yield stream
            else:
                with open_atomically(self.path, replaces=self.replaces) as file:
                    yield file
        except FileExistsError:
            raise self._taken() from None
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def _taken(self) -> TargetTakenError:
        if self.path.is_symlink():
            return TargetTakenError(
                tr("{file} is a link that is there already.").format(file=self.path), "", tr("Choose another name.")
            )
        return TargetTakenError(tr("{file} is there already.").format(file=self.path), "", tr("Choose another name."))

    def _failed(self, error: OSError) -> ResourceError:
        return write_error(
            tr("The chats could not be exported."),
            self.path,
            error,
            tr("Free some space, or choose a folder that you may write to."),
        )
