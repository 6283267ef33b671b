"""The icon in the system's tray, and the notifications that the system shows."""

import html
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from desktop.translation import tr
from desktop.ui.parts.untrusted_text import plain_line

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusMessage

_STAYS_MS = 20_000
_LOOK_EVERY_MS = 3_000
_PORTAL = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Notification")


def is_tray_available() -> bool:
    """Whether this desktop has a tray now."""
    return QSystemTrayIcon.isSystemTrayAvailable()


def can_close_to_tray() -> bool:
    """Whether a window that is closed can be got back from a tray here. On macOS the system ends a program by closing
    its windows, so that none may refuse."""
    return sys.platform != "darwin" and is_tray_available()


class TrayIcon(QObject):
    """`opened` where a person presses the icon, `message_pressed` for a notification, `quit_asked` in its menu; `lost`
    where the tray went away while `keep` holds the icon there."""

    opened = Signal()
    message_pressed = Signal()
    quit_asked = Signal()
    lost = Signal()

    def __init__(self, icon: QIcon, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept = False
        self._menu = QMenu()
        self._menu.addAction(tr("Open Latchkey"), self.opened.emit)
        self._menu.addAction(tr("Quit Latchkey"), self.quit_asked.emit)
        self._icon = QSystemTrayIcon(icon, self)
        self._icon.setToolTip("Latchkey")
        self._icon.setContextMenu(self._menu)
        self._icon.activated.connect(self._activated)
        self._icon.messageClicked.connect(self.message_pressed)
        self._leave_timer = QTimer(self)
        self._leave_timer.setSingleShot(True)
        self._leave_timer.setInterval(_STAYS_MS)
        self._leave_timer.timeout.connect(self._leave)
        self._watch = QTimer(self)
        self._watch.setInterval(_LOOK_EVERY_MS)
        self._watch.timeout.connect(self._look)

    def keep(self, kept: bool) -> None:
        """The icon stays in the tray until it is let go: it is the way back to a window that is hidden."""
        self._kept = kept
        if kept:
            self._icon.show()
            self._watch.start()
        else:
            self._watch.stop()
            self._leave()

    def notify(self, title: str, text: str) -> bool:
        """Have the system say `title` and `text`; False where nothing here can."""
        if is_tray_available() and QSystemTrayIcon.supportsMessages():
            self._icon.show()
            self._icon.showMessage(plain_line(title), notification_body(text), self._icon.icon(), _STAYS_MS)
            self._leave_timer.start()
            return True
        return _send_to_portal(title, text)

    def close(self) -> None:
        """Take the icon away."""
        self._kept = False
        self._watch.stop()
        self._leave()
        self._menu.deleteLater()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason != QSystemTrayIcon.ActivationReason.Context:
            self.opened.emit()

    def _leave(self) -> None:
        self._leave_timer.stop()
        if not self._kept:
            self._icon.hide()

    def _look(self) -> None:
        if not is_tray_available():
            self.lost.emit()


def notification_body(text: str, platform: str = sys.platform) -> str:
    """`text` as the body of a notification: on Linux desktops that is markup (`org.freedesktop.Notifications`), where a
    model's words could place links and images."""
    return html.escape(text, quote=False) if platform.startswith("linux") else text


def portal_message(title: str, text: str) -> "QDBusMessage":
    """What tells a Linux desktop without a tray to show a notification: one of the portal, whose arguments are texts
    alone (`org.freedesktop.Notifications` wants an unsigned number, which Qt for Python cannot send)."""
    from PySide6.QtDBus import QDBusMessage

    message = QDBusMessage.createMethodCall(*_PORTAL, "AddNotification")
    message.setArguments(["answer-finished", {"title": title, "body": text}])
    return message


def _send_to_portal(title: str, text: str) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    from desktop.ui.system.session_bus import session_bus

    bus = session_bus()
    return bus is not None and bus.send(portal_message(title, text))
