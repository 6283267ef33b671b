"""What Qt reports of itself goes into the log, and not to the terminal that the window was opened from."""

import logging

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_log = logging.getLogger("latchkey.qt")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def log_qt_messages() -> None:
    """From now on Qt's messages are records of the logger "latchkey.qt"."""
    qInstallMessageHandler(_record)


def leave_qt_messages() -> None:
    """Qt writes its messages itself again: to be called before the interpreter ends."""
    qInstallMessageHandler(None)


def _record(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    _log.log(_LEVELS.get(kind, logging.WARNING), "%s: %s", context.category, message)
