"""Text of answers in progress that waits to be drawn: gathered for a moment, and longer where drawing is dear."""

from PySide6.QtCore import QObject, QTimer, Signal

_FLUSH_MS = 60  # sixteen times a second reads as flowing, and leaves the cores to the worker
_SLOWEST_FLUSH_MS = 500

Pieces = list[tuple[str, bool]]
"""Texts in the order they came, and whether each is thinking."""


class PendingText(QObject):
    """`due` is emitted when what was added is to be drawn."""

    due = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pieces: dict[str, Pieces] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_FLUSH_MS)
        self._timer.timeout.connect(self.due)

    @property
    def interval_ms(self) -> int:
        """How long text is gathered now."""
        return self._timer.interval()

    def add(self, message_id: str, text: str, thinking: bool) -> None:
        """More of an answer."""
        waiting = self._pieces.setdefault(message_id, [])
        if waiting and waiting[-1][1] == thinking:
            waiting[-1] = (waiting[-1][0] + text, thinking)
        else:
            waiting.append((text, thinking))
        if not self._timer.isActive():
            self._timer.start()

    def take(self) -> dict[str, Pieces]:
        """All that waits, by message; it is forgotten here."""
        self._timer.stop()
        taken, self._pieces = self._pieces, {}
        return taken

    def forget(self, message_id: str) -> None:
        """Draw nothing of this answer that was added."""
        self._pieces.pop(message_id, None)

    def set_cost(self, seconds: float) -> None:
        """Drawing took so long: it takes a fifth of the time at most (a table of a hundred rows is dear)."""
        self._timer.setInterval(min(max(_FLUSH_MS, round(seconds * 5_000)), _SLOWEST_FLUSH_MS))
