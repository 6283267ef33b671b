"""An adapter (LoRA) or a projector (mmproj) that may go with a model: checked for whether it fits, and admitted by the
license check."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.engine.adapter_header import check_adapter_fits, read_adapter
from desktop.engine.engine_protocol import LoadCheck, StopSignal
from desktop.engine.gguf_header import GgufHeader
from desktop.engine.projector_header import check_projector, read_projector
from desktop.errors import EngineError, NotFoundError
from desktop.file_stamp import ModelFile, stamp_from_stat
from desktop.translation import tr


@dataclass(frozen=True)
class AdmittedAdapter:
    """An adapter's file as the license check admitted it; `from_check` is () where it let in whatever lay there."""

    path: Path
    file: ModelFile
    from_check: tuple[ModelFile, ...] = ()

    @classmethod
    def of(cls, path: Path, model: GgufHeader, license_check: LoadCheck, stop: StopSignal | None) -> "AdmittedAdapter":
        """Check that the adapter at `path` fits `model`, then ask the license check. Raises UserError."""
        header = read_adapter(path)
        check_adapter_fits(header, model)
        found = license_check.admit(path, stop)
        return cls(path, (found or files_as_they_are(header.files))[0], found)


@dataclass(frozen=True)
class AdmittedProjector:
    """A projector's file as the license check admitted it, else as `AdmittedAdapter`; it takes `memory` bytes."""

    path: Path
    file: ModelFile
    from_check: tuple[ModelFile, ...]
    memory: int

    @classmethod
    def of(
        cls, path: Path, model: GgufHeader, license_check: LoadCheck, stop: StopSignal | None
    ) -> "AdmittedProjector":
        """Check that the projector at `path` fits `model`, then ask the license check. Raises UserError."""
        header = read_projector(path)
        check_projector(header, model)
        found = license_check.admit(path, stop)
        return cls(path, (found or files_as_they_are((path,)))[0], found, header.memory)


def files_as_they_are(files: Sequence[Path]) -> tuple[ModelFile, ...]:
    """The files as they are now, for a license check that lets in whatever lies there.

    Raises NotFoundError where one is gone.
    """
    try:
        return tuple(ModelFile(str(file.absolute()), stamp_from_stat(file.stat())) for file in files)
    except OSError as error:
        raise NotFoundError(tr("A file of this model is gone."), str(error)) from error


def readable_path(path: str) -> Path:
    """`path`. Raises EngineError where its name is in no encoding that can be passed on."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EngineError(
            tr("The name of this file or of a folder above it is not readable."), remedy=tr("Rename it.")
        ) from error
    return Path(path)
