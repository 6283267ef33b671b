"""Whether a button has stood where it is for long enough that a press of it is meant.

What is clicked must be what was seen: where text above grows, or the page scrolls by itself, a button can come under a
pointer whose click was meant for something else.
"""

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint
from PySide6.QtWidgets import QWidget

SETTLES_S = 0.5
_MOVES = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show)


class ClickGuard(QObject):
    """Watches where `widget` is on the screen. `clock` gives seconds."""

    def __init__(self, widget: QWidget, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(widget)
        self._widget, self._clock = widget, clock
        self._place, self._since = QPoint(), clock()
        self._watched: list[QWidget] = []
        self._watch()

    @property
    def is_settled(self) -> bool:
        """Whether the widget is seen and did not move within the last half second."""
        self._look()
        return self._clock() - self._since >= SETTLES_S

    def restart(self) -> None:
        """What stands there is something else now."""
        self._since = self._clock()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ParentChange or (event.type() == QEvent.Type.Show and watched is self._widget):
            self._watch()
        if event.type() in _MOVES:
            self._look(shown=event.type() == QEvent.Type.Show)
        return super().eventFilter(watched, event)

    def _watch(self) -> None:
        """Watch all that the widget moves with."""
        each: QWidget | None = self._widget
        while each is not None:
            if each not in self._watched:
                each.installEventFilter(self)
                self._watched.append(each)
            each = each.parentWidget()

    def _look(self, *, shown: bool = False) -> None:
        place = self._widget.mapToGlobal(QPoint(0, 0))
        if shown or place != self._place:
            self._place, self._since = place, self._clock()
