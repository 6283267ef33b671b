"""Ctrl+C and signals: what stops an answer, and what ends the command.

The first Ctrl+C stops the answer, the second one ends the command. SIGTERM, and the SIGHUP of a terminal that closes,
end it in order: what was said is stored.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

POLL_INTERVAL_S = 0.2
"""How long a command waits for anything at a time: while a lock is waited for, Ctrl+C is not noticed."""


@contextmanager
def stop_on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
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


class Terminated(BaseException):
    """The system asked this command to end. No Exception: nothing on the way takes it for a failure of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP raise Terminated; a second one ends the process at once.

    One that is ignored, as by nohup, stays so. Off the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated(number)

    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    taken = {number: signal.signal(number, end) for number in numbers if signal.getsignal(number) == signal.SIG_DFL}
    try:
        yield
    finally:
        for number, previous in taken.items():
            signal.signal(number, previous)


@contextmanager
def ignore_further_ends() -> Iterator[None]:
    """Within the block, which takes seconds at most, SIGTERM and SIGHUP change nothing: the command ends already, and
    some supervisors say it twice. Ctrl+C still counts. Off the main thread nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    taken = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, previous in taken.items():
            signal.signal(number, previous)
