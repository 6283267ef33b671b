"""How far the downloads are, on the system's taskbar, where it has such a thing.

On Linux, docks that know the interface com.canonical.Unity.LauncherEntry (KDE's task manager, Ubuntu's dock, Plank)
listen for a signal on the session's bus. Qt 6 reaches neither the taskbar of Windows nor the dock of macOS with a
fraction; there the badge that Qt offers shows the percentage (macOS; on Windows nothing is shown).
"""

import logging
import sys
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusConnection, QDBusMessage

_log = logging.getLogger(__name__)
_INTERFACE = "com.canonical.Unity.LauncherEntry"
_PATH = "/com/canonical/unity/launcherentry/latchkey"
_APPLICATION = "application://latchkey.desktop"


class Taskbar:
    """`show` a fraction from 0 to 1; None for nothing. Says each percent once."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._shown: int | None = None

    def show(self, fraction: float | None) -> None:
        """Show how far it is."""
        percent = None if fraction is None else round(fraction * 100)
        if percent == self._shown:
            return
        self._shown = percent
        if sys.platform.startswith("linux"):
            _send(percent)
        elif sys.platform == "darwin":
            application = QGuiApplication.instance()
            if isinstance(application, QGuiApplication):
                application.setBadgeNumber(percent or 0)

    def clear(self) -> None:
        """Show nothing."""
        self.show(None)


def message_of(percent: int | None) -> "QDBusMessage":
    """The signal that says so."""
    from PySide6.QtDBus import QDBusMessage

    message = QDBusMessage.createSignal(_PATH, _INTERFACE, "Update")
    shown = {"progress": (percent or 0) / 100.0, "progress-visible": percent is not None}
    message.setArguments([_APPLICATION, shown])
    return message


def session_bus() -> "QDBusConnection | None":
    """The session's bus; None where there is none."""
    import os

    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return None  # asking Qt for it would start one
    from PySide6.QtDBus import QDBusConnection

    bus = QDBusConnection.sessionBus()
    return bus if bus.isConnected() else None


def _send(percent: int | None) -> None:
    bus = session_bus()
    if bus is not None and not bus.send(message_of(percent)):
        _log.info("the taskbar could not be told")
