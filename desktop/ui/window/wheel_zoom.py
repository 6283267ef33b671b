"""Ctrl and the wheel make the text larger and smaller."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QWidget

_NOTCH = 120  # of a mouse's wheel; touchpads send less of it at a time


class WheelZoom(QObject):
    """Calls `larger` or `smaller` for each notch of a wheel that is turned with Ctrl held, where no part of `window`
    has another use for it (see `Transcript.wheelEvent`)."""

    def __init__(self, window: QWidget, larger: Callable[[], None], smaller: Callable[[], None]) -> None:
        super().__init__(window)
        self._larger, self._smaller = larger, smaller
        self._turned = 0
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Wheel or not isinstance(event, QWheelEvent):
            return False
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return False
        turned = event.angleDelta().y()
        self._turned = self._turned + turned if turned * self._turned >= 0 else turned
        while abs(self._turned) >= _NOTCH:
            (self._larger if self._turned > 0 else self._smaller)()
            self._turned -= _NOTCH if self._turned > 0 else -_NOTCH
        event.accept()
        return True
