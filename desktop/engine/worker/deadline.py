"""A time limit on Python code that a stranger wrote: a model's chat template.

A watching thread raises `DeadlineExceeded` inside the thread that runs too long. Where that does not help (a single
C call that never returns to Python), the process ends itself; where even that cannot run, the app ends it.
"""

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator

TEMPLATE_STUCK = 86
_GRACE_S = 2.0


class DeadlineExceeded(BaseException):
    """The code under `deadline` ran too long. Not an Exception, so that no handler inside swallows it."""


def _raise_in(thread: int, what: object) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise DeadlineExceeded inside the block once `seconds` have passed."""
    me = threading.get_ident()
    lock, over = threading.Lock(), threading.Event()

    def watch() -> None:
        if over.wait(seconds):
            return
        with lock:
            if over.is_set():
                return
            _raise_in(me, ctypes.py_object(DeadlineExceeded))
        if not over.wait(_GRACE_S):
            os.write(2, b"\nlatchkey: the chat template could not be stopped\n")
            os._exit(TEMPLATE_STUCK)

    watcher = threading.Thread(target=watch, name="deadline", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:
            over.set()
            _raise_in(me, None)
