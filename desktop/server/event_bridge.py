"""From the engine's threads to the server's loop: the events of one answer, in order and within bounds."""

import asyncio
import contextlib
import threading
from collections import deque
from enum import Enum

from desktop.engine.worker_messages import AnswerEvent, EmbedEvent

MOST_WAITING = 4096
"""Events that may wait for a client that reads slowly: some minutes of an answer."""


class Interruption(Enum):
    """What ends an answer from outside."""

    CLIENT_GONE = "client gone"
    SERVER_STOPS = "server stops"
    TOO_SLOW = "too slow"


BridgedEvent = AnswerEvent | EmbedEvent | Interruption


class EventBridge:
    """The events of one answer. Made on the loop that takes them; `put` and `interrupt` may be called from any
    thread."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._loop = asyncio.get_running_loop()
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[BridgedEvent] = deque()
        self._interrupted = False
        self._some = asyncio.Event()

    @property
    def interrupted(self) -> bool:
        """Whether what was taken and not told yet is for nobody."""
        return self._interrupted

    def put(self, event: AnswerEvent | EmbedEvent) -> None:
        """Add an event. Where too many wait, the answer is interrupted instead."""
        with self._lock:
            full = len(self._waiting) >= self._most
            if not self._interrupted and not full:
                self._waiting.append(event)
        if full:
            self.interrupt(Interruption.TOO_SLOW)
        else:
            self._wake()

    def interrupt(self, why: Interruption) -> None:
        """Have the answer end for this reason, before anything that still waits. The first reason counts."""
        with self._lock:
            if self._interrupted:
                return
            self._interrupted = True
            self._waiting.clear()
            self._waiting.append(why)
        self._wake()

    async def take(self, seconds: float) -> list[BridgedEvent]:
        """All events that wait, at least one; none where there is none for so long."""
        if not self._waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._some.wait()
        with self._lock:
            self._some.clear()
            taken = list(self._waiting)
            self._waiting.clear()
        return taken

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody takes events any more
            self._loop.call_soon_threadsafe(self._some.set)
