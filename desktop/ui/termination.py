"""The system's request that the process end: the window is closed, so that everything is stored."""

import os
import signal

from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication, QWidget


def close_on_signals(window: QWidget) -> object:
    """Close the window where the system asks the process to end (not on Windows), as long as what is given is kept."""
    if os.name != "posix":
        return None
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it ignored
            signal.signal(number, lambda *_: None)
    notifier = QSocketNotifier(reading, QSocketNotifier.Type.Read)

    def woken() -> None:
        try:
            os.read(reading, 64)
        except BlockingIOError:
            return
        window.close()
        QApplication.quit()

    notifier.activated.connect(woken)
    return notifier
