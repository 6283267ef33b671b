"""Somebody wants a transfer to end: what runs of it is told at once, from whichever thread that comes."""

import threading
from typing import Literal

from desktop.hub.transfer.values import HaltedError


class Halting:
    """Whether and why a transfer is to end. For any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: Literal["paused", "cancelled"] | None = None
        self._events: list[threading.Event] = []

    def halt(self, reason: Literal["paused", "cancelled"]) -> None:
        """End it. Cancelling one that is being paused cancels it."""
        with self._lock:
            if self._reason != "cancelled":
                self._reason = reason
            events = list(self._events)
        for event in events:
            event.set()

    def event(self) -> threading.Event:
        """One that is set when it is to end. Whoever asked for it may set it too, for itself."""
        event = threading.Event()
        with self._lock:
            self._events.append(event)
            if self._reason is not None:
                event.set()
        return event

    def drop(self, event: threading.Event) -> None:
        """This one needs no telling any more."""
        with self._lock:
            self._events.remove(event)

    @property
    def reason(self) -> Literal["paused", "cancelled"] | None:
        """Why it is to end; None while it is not."""
        with self._lock:
            return self._reason

    def check(self) -> None:
        """Raise HaltedError where it is to end."""
        reason = self.reason
        if reason is not None:
            raise HaltedError(reason)
