"""Python's full garbage collection at rest, not in the middle of an answer.

Reading Markdown makes thousands of objects a second, which makes Python look through all there are every few seconds:
60 to 120 ms with some long answers on the page, in which the window stands still. Nothing of it is garbage then.
"""

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

_REST_MS = 3_000
_SELDOM = 1_000
"""Collections of the middle generation before Python makes a full one all the same: some minutes of streaming."""


class IdleCollection(QObject):
    """Collects all garbage some seconds after `postpone` was called last, and not while `is_busy` says so."""

    def __init__(self, is_busy: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._is_busy, self._before = is_busy, gc.get_threshold()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self._collect)
        gc.set_threshold(self._before[0], self._before[1], _SELDOM)

    def postpone(self) -> None:
        """Something was typed or shown: there will be garbage, and a person is at it."""
        self._timer.start()

    def close(self) -> None:
        """Collect as Python does it by itself from now on."""
        self._timer.stop()
        gc.set_threshold(*self._before)

    def _collect(self) -> None:
        if self._is_busy():
            self._timer.start()
        else:
            gc.collect()
