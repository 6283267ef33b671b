"""The door of an engine that is measured with random weights: they are nobody's, so no license is asked for them.

It is the benchmark's alone, and lets in nothing but the one file whose bytes the benchmark made itself. A file that
somebody names passes the license door.
"""

from pathlib import Path

from desktop.cli.bench.model import OwnModel
from desktop.engine.interface import Stop
from desktop.engine.model_file import ModelFile
from desktop.errors import ForbiddenError
from desktop.library.hashes import FileHashes, HashedModel
from desktop.translation import tr


class WrittenFileDoor:
    """Admits `model`, as long as it is just what was written. A `Door`."""

    def __init__(self, model: OwnModel) -> None:
        self._model = model
        self._admitted: HashedModel | None = None

    def admit(self, path: Path, stop: Stop | None = None) -> tuple[ModelFile, ...]:
        """Raises ForbiddenError for any other file."""
        self._admitted = None
        hashed = FileHashes(path.parent).hashed_model(path, anew=True, stop=stop)
        if hashed.sha256 != self._model.sha256:
            raise _another(path)
        self._admitted = hashed
        return hashed.files

    def loaded(self, path: Path) -> None:
        self.holds(path)

    def holds(self, path: Path) -> None:
        if self._admitted is None or not self._admitted.is_unchanged():
            raise _another(path)


def _another(path: Path) -> ForbiddenError:
    return ForbiddenError(
        tr("{file} is not what the benchmark wrote.").format(file=path.name), "", tr("Run the benchmark again.")
    )
