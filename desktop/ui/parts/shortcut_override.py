"""Escape for one widget alone, where it is a shortcut of the window as well."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent


def overrides_escape(event: QEvent, wanted: Callable[[], bool] | None = None) -> bool:
    """Whether `event` asks if the widget wants an Escape for itself, and it does: always, or where `wanted` says so.

    The event is then accepted, so that the key press comes to the widget and not to a shortcut. For `QWidget.event`,
    which then returns True; `wanted` is called for no other event, as some come before the widget is made.
    """
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    if event.key() != Qt.Key.Key_Escape or (wanted is not None and not wanted()):
        return False
    event.accept()
    return True
