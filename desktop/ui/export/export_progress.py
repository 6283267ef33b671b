"""How far an export is, for one that takes its time: with a button that ends it."""

import threading

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QProgressDialog, QWidget

from desktop.chat.export.chat_exporter import ExportProgress
from desktop.translation import tr
from desktop.ui.parts.untrusted_text import set_window_title

_AFTER_MS = 700
_LOOKS_MS = 100


class ExportProgressDialog(QProgressDialog):
    """Shows itself after a moment. `progress` is what the export tells from its thread and asks there."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, tr("Cancel"), 0, 0, parent)
        set_window_title(self, tr("Latchkey"))
        self.setAccessibleName(text)
        self.setAutoClose(False)
        self.setAutoReset(False)
        self.setMinimumDuration(10**9)  # it is shown below, however quick the first steps are
        self._done = (0, 0)
        self._stop = threading.Event()
        self.progress = ExportProgress(self._tell, self._stop.is_set)
        self._show_timer = QTimer(self)
        self._show_timer.setSingleShot(True)
        self._show_timer.setInterval(_AFTER_MS)
        self._show_timer.timeout.connect(self.show)
        self._show_timer.start()
        self._looking = QTimer(self)
        self._looking.setInterval(_LOOKS_MS)
        self._looking.timeout.connect(self._look)
        self._looking.start()
        self.canceled.connect(self.stop)

    @property
    def stopped(self) -> bool:
        """Whether it is to be given up."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Have the export given up."""
        self._stop.set()

    def end(self) -> None:
        """The export is over."""
        self._show_timer.stop()
        self._looking.stop()
        self.hide()
        self.deleteLater()

    def _tell(self, done: int, count: int) -> None:
        self._done = (done, count)  # read on the main thread, where it is drawn

    def _look(self) -> None:
        done, count = self._done
        if count > 1 and self.isVisible():
            self.setMaximum(count)
            self.setValue(done)
