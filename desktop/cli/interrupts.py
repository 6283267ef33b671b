"""Ctrl+C while an answer comes: the first one stops the answer, the second one ends the command."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Within the block the first Ctrl+C calls `stop`, which must take no lock: it interrupts whatever runs.

    The second one raises KeyboardInterrupt. Off the main thread nothing changes: signals do not arrive there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = False

    def pressed_now(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        stop()

    previous = signal.signal(signal.SIGINT, pressed_now)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
