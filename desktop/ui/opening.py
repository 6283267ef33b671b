"""A model file that was double-clicked while Latchkey runs, where the system tells of it by an event (macOS)."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QFileOpenEvent


class FileOpening(QObject):
    """On macOS the system asks a running program to open a file by an event, not by its arguments."""

    def __init__(self, open_files: Callable[[Sequence[Path]], None]) -> None:
        super().__init__()
        self._open_files = open_files

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self._open_files([Path(event.file())])
            return True
        return super().eventFilter(watched, event)
