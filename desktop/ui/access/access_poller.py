"""Polls the Hub for access requests that wait for their publisher, at the intervals of `next_check_delay`, while the
window is open."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer

from desktop.hub.repository_access import next_check_delay

_LONGEST_TIMER_S = 600.0


@dataclass(frozen=True)
class PolledRequest:
    """One request: how often it was asked about, when last and when next, in seconds since 1970."""

    times: int
    last_check_at: float
    next: float


class AccessPoller(QObject):
    """Calls `ask` with a model's id when it is time. Asks nothing while `offline` says so."""

    def __init__(
        self,
        ask: Callable[[str], None],
        offline: Callable[[], bool],
        clock: Callable[[], float] = time.time,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._ask, self._offline, self._clock = ask, offline, clock
        self._followed: dict[str, PolledRequest] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.check_due)

    def add(self, model_id: str, asked: float) -> None:
        """Follow a request that was last asked about at `asked`."""
        held = self._followed.get(model_id)
        if held is not None and held.last_check_at >= asked:
            return
        times = held.times + 1 if held is not None else 1
        # A clock that was set back must not make the wait longer than it is meant to be.
        begun = min(asked, self._clock())
        self._followed[model_id] = PolledRequest(times, asked, begun + next_check_delay(times))
        self._set_timer()

    def remove(self, model_id: str) -> None:
        """It is decided: follow it no more."""
        self._followed.pop(model_id, None)

    def next_check_at(self, model_id: str) -> float:
        """When it is asked about next, 0 where it is not."""
        held = self._followed.get(model_id)
        return held.next if held is not None and not self._offline() else 0.0

    def check_due(self) -> None:
        """Ask about what is due."""
        now = self._clock()
        offline = self._offline()
        for model_id, held in list(self._followed.items()):
            if held.next <= now:
                # Also where it is not asked, or the answer does not come: the next time is later.
                times = held.times if offline else held.times + 1
                self._followed[model_id] = replace(held, times=times, next=now + next_check_delay(times))
                if not offline:
                    self._ask(model_id)
        self._set_timer()

    def close(self) -> None:
        """Ask no more."""
        self._followed.clear()
        self._timer.stop()

    def _set_timer(self) -> None:
        if not self._followed:
            self._timer.stop()
            return
        wait = min(held.next for held in self._followed.values()) - self._clock()
        self._timer.start(round(1000 * min(max(wait, 0.05), _LONGEST_TIMER_S)))
