"""Has the weekly backup made while a window is open, some minutes after the start and then as it becomes due."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background
from desktop.errors import StoppedError, UserError

if TYPE_CHECKING:
    from desktop.backup.automatic_backup import AutomaticBackup

_FIRST_MS = 3 * 60 * 1000
_EACH_MS = 60 * 60 * 1000


class BackupTimer(QObject):
    """Asks `backup` in the background. `failed` carries why one could not be made: once, until one can be."""

    failed = Signal(object)

    def __init__(self, backup: "AutomaticBackup", background: Background) -> None:
        super().__init__()
        self._backup, self._background = backup, background
        self._told = self._closed = self._busy = False
        self._timer = QTimer(self)
        self._timer.setInterval(_FIRST_MS)
        self._timer.timeout.connect(self.ask)

    def start(self) -> None:
        """Ask from now on."""
        self._timer.start()

    def ask(self) -> None:
        """Have one made now where it is due."""
        if self._closed or self._busy:
            return
        self._timer.setInterval(_EACH_MS)
        self._busy = True
        self._background.pool(lambda: self._backup.run(self._go_on), self._made, self._failed)

    def close(self) -> None:
        """Ask no more, and give up what is being written."""
        self._closed = True
        self._timer.stop()

    def _go_on(self, done: int, total: int) -> None:
        if self._closed:
            raise StoppedError

    def _made(self, written: object) -> None:
        self._busy = False
        self._told = self._told and written is None

    def _failed(self, error: UserError) -> None:
        self._busy = False
        if not self._told and not self._closed:
            self._told = True
            self.failed.emit(error)
