"""Doors for tests of the engine: one that lets every file through, and tells what it was asked."""

from collections.abc import Callable
from pathlib import Path

from desktop.engine.engine_protocol import StopSignal
from desktop.file_stamp import ModelFile


def _let_through(path: Path) -> None:
    del path


class OpenDoor:
    """A door that admits what `admit` does not refuse, and lets it stay while `holds` does not object."""

    def __init__(
        self,
        admit: Callable[[Path], object] = _let_through,
        *,
        loaded: Callable[[Path], object] = _let_through,
        holds: Callable[[Path], object] = _let_through,
    ) -> None:
        self._admit, self._loaded, self._holds = admit, loaded, holds

    def admit(self, path: Path, stop: StopSignal | None = None) -> tuple[ModelFile, ...]:
        self._admit(path)
        return ()

    def loaded(self, path: Path) -> None:
        self._loaded(path)

    def holds(self, path: Path) -> None:
        self._holds(path)
