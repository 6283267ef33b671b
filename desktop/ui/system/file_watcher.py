"""Watches a file that other processes write, without polling."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from desktop.background import Background

_PAUSE_MS = 120


class FileWatcher(QObject):
    """`changed` where `stamp` (called off the main thread) gives another value than before.

    Changes to `file` and to a database's journal are reported by the system; `check` looks at once.
    """

    changed = Signal()

    def __init__(
        self, file: Path, stamp: Callable[[], object], background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._files = (file, file.with_name(file.name + "-wal"))
        self._folder = file.parent
        self._stamp, self._background = stamp, background
        self._known: object = None
        self._begun = self._closed = False
        self._watcher: QFileSystemWatcher | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._ask)

    def start(self) -> None:
        """Watch from now on."""
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self.check)
        self._watcher.fileChanged.connect(self.check)
        self._ask()

    def check(self) -> None:
        """Look soon whether anything changed."""
        if not self._closed and not self._timer.isActive():
            self._timer.start()

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._timer.stop()
        if self._watcher is not None:
            self._watcher.deleteLater()
            self._watcher = None

    def _ask(self) -> None:
        if self._closed:
            return
        self._follow()
        self._background.pool(self._stamp, self._compare)

    def _follow(self) -> None:
        """Files come and go: SQLite removes its journal, and puts a new one in its place. A folder that is not there
        yet is seen to come by the one it will lie in."""
        if self._watcher is None:
            return
        watched = {*self._watcher.files(), *self._watcher.directories()}
        folder = next((each for each in (self._folder, *self._folder.parents) if each.exists()), None)
        wanted = {str(each) for each in (folder, *self._files) if each is not None and each.exists()}
        if new := wanted - watched:
            self._watcher.addPaths(sorted(new))
        if old := set(self._watcher.directories()) - wanted:
            self._watcher.removePaths(sorted(old))

    def _compare(self, stamp: object) -> None:
        if self._closed:
            return
        before, self._known = self._known, stamp
        if self._begun and stamp != before:
            self.changed.emit()
        self._begun = True
