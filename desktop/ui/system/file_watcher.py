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
        if not self._closed:
            self._background.pool(self._look, self._hear)

    def _look(self) -> tuple[object, set[str]]:
        """The stamp, and what is there to watch. Files come and go: SQLite removes its journal, and puts a new one in
        its place. A folder that is not there yet is seen to come by the one it will lie in."""
        folder = next((each for each in (self._folder, *self._folder.parents) if each.exists()), None)
        there = {str(each) for each in (folder, *self._files) if each is not None and each.exists()}
        return self._stamp(), there

    def _hear(self, found: tuple[object, set[str]]) -> None:
        stamp, there = found
        if self._follow(there):
            self.check()  # it may have changed before it was watched
        self._compare(stamp)

    def _follow(self, there: set[str]) -> bool:
        """Watch what is `there`; whether some of it was not watched before."""
        if self._watcher is None:
            return False
        watched = {*self._watcher.files(), *self._watcher.directories()}
        if old := set(self._watcher.directories()) - there:
            self._watcher.removePaths(sorted(old))
        new = sorted(there - watched)
        return bool(new) and len(self._watcher.addPaths(new)) < len(new)

    def _compare(self, stamp: object) -> None:
        if self._closed:
            return
        before, self._known = self._known, stamp
        if self._begun and stamp != before:
            self.changed.emit()
        self._begun = True
