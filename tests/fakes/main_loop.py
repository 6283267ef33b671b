"""A main thread for tests: what is posted waits until the test lets it run, as events do in the window."""

import queue
import time
from collections.abc import Callable

PATIENCE_S = 30.0


class MainLoop:
    """`post` from any thread; `run_until` runs what was posted on the thread of the test."""

    def __init__(self) -> None:
        self._posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def post(self, function: Callable[[], None]) -> None:
        self._posted.put(function)

    def run_until(self, condition: Callable[[], bool]) -> None:
        """Run what is posted until `condition` holds; fails when it does not come to hold."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            try:
                self._posted.get(timeout=0.05)()
            except queue.Empty:
                assert time.monotonic() < end, "what was waited for did not happen"

    def run_what_waits(self) -> None:
        """Run what was posted so far."""
        while not self._posted.empty():
            self._posted.get()()
