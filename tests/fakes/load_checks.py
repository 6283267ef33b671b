"""Doors for tests of the engine: one that lets every file through, and tells what it was asked."""

from collections.abc import Callable
from pathlib import Path

from desktop.engine.engine_protocol import StopSignal
from desktop.file_stamp import ModelFile


def _let_through(path: Path) -> None:
    del path


class OpenLoadCheck:
    """A check that admits what `admit` does not refuse, and lets it stay while `check_loaded` does not object."""

    def __init__(
        self,
        admit: Callable[[Path], object] = _let_through,
        *,
        record_load: Callable[[Path], object] = _let_through,
        check_loaded: Callable[[Path], object] = _let_through,
    ) -> None:
        self._admit, self._loaded, self._holds = admit, record_load, check_loaded

    def admit(self, path: Path, stop: StopSignal | None = None) -> tuple[ModelFile, ...]:
        self._admit(path)
        return ()

    def record_load(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        self._loaded(path)

    def check_loaded(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        self._holds(path)
