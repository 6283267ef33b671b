"""The session's message bus, by which a desktop on Linux is told of progress and notifications."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusConnection


def session_bus() -> "QDBusConnection | None":
    """The session's bus; None where there is none."""
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return None  # asking Qt for it would start one
    from PySide6.QtDBus import QDBusConnection

    bus = QDBusConnection.sessionBus()
    return bus if bus.isConnected() else None
