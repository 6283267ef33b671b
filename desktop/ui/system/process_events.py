"""Calls to the main thread from other threads, signals that end the process, files to open, and Qt's messages.

Qt's own messages are in the log, and not in the terminal that the window was opened from.
"""

import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import (
    QEvent,
    QMessageLogContext,
    QObject,
    QSocketNotifier,
    Qt,
    QtMsgType,
    Signal,
    qInstallMessageHandler,
)
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from desktop.ui.system.fallback_font import provide_font

_log = logging.getLogger("latchkey.qt")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def qt_application(argv: Sequence[str]) -> QApplication:
    """The process's QApplication, made where there was none."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    made = QApplication(list(argv))
    made.setApplicationName("Latchkey")
    made.setDesktopFileName(desktop_file_name(os.environ))
    if sys.platform != "darwin":
        made.setStyle("Fusion")
    provide_font()
    return made


def desktop_file_name(environ: Mapping[str, str]) -> str:
    """The name of the desktop entry, by which Wayland finds the icon of a window. Flatpak's has the app's id."""
    return environ.get("FLATPAK_ID") or "latchkey"


class MainThreadCalls(QObject):
    """Runs functions on the main thread: the one way back from other threads."""

    _called = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._open = True
        self._called.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def call_on_main_thread(self, function: Callable[[], None]) -> None:
        """Run `function` on the main thread, later; not at all once this is closed."""
        if self._open:
            self._called.emit(function)

    def close(self) -> None:
        """Run nothing any more."""
        self._open = False

    def _run(self, function: Callable[[], None]) -> None:
        if self._open:
            function()


class ImportThread(QObject):
    """Imports `modules` in a thread of its own, from `start` on; then `imported` is emitted on the main thread."""

    imported = Signal()
    _done = Signal()

    def __init__(self, modules: Sequence[str]) -> None:
        super().__init__()
        self._modules = modules
        self._done.connect(self.imported, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        # No daemon: a thread that is cut off by the end of the program may take it down.
        threading.Thread(target=self._run, name="imports").start()

    def _run(self) -> None:
        for module in self._modules:
            importlib.import_module(module)
        self._done.emit()


def log_qt_messages() -> None:
    """From now on Qt's messages are records of the logger "latchkey.qt"."""
    qInstallMessageHandler(_record)


def leave_qt_messages() -> None:
    """Qt writes its messages itself again: to be called before the interpreter ends."""
    qInstallMessageHandler(None)


def _record(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    _log.log(_LEVELS.get(kind, logging.WARNING), "%s: %s", context.category, message)


class FileOpenFilter(QObject):
    """On macOS the system asks a running program to open a file by an event, not by its arguments."""

    def __init__(self, open_files: Callable[[Sequence[Path]], None]) -> None:
        super().__init__()
        self._open_files = open_files

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self._open_files([Path(event.file())])
            return True
        return super().eventFilter(watched, event)


def close_on_signals(close: Callable[[], object]) -> object:
    """Call `close` where the system asks the process to end (not on Windows), as long as what is given is kept."""
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
        close()
        QApplication.quit()

    notifier.activated.connect(woken)
    return notifier
