"""The baseline for the window's start: a bare Qt window with one text field and nothing else. Run by its path, as a
process.

Says when it was first painted and when it took typing, as `measured_window` does; both read `time.monotonic`.
"""

import json
import sys
import time

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow


class FirstPaintTimer(QObject):
    """Waits for a window's first paint, and for the event loop to come to rest after it; then says when, and leaves."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self._painted)  # this event is seen before it is handled
        return False

    def _painted(self) -> None:
        painted = time.monotonic()
        QTimer.singleShot(0, lambda: self._say(painted))

    def _say(self, painted: float) -> None:
        sys.stdout.write(json.dumps({"painted": painted, "usable": time.monotonic()}) + "\n")
        sys.stdout.flush()
        QApplication.quit()


def main() -> None:
    application = QApplication(sys.argv)
    window = QMainWindow()
    field = QLineEdit(window)
    window.setCentralWidget(field)
    first_paint = FirstPaintTimer()
    field.installEventFilter(first_paint)
    window.resize(1100, 720)
    window.show()
    field.setFocus()
    application.exec()


if __name__ == "__main__":
    main()
