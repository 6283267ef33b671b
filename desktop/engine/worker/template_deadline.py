"""Ends a chat template that takes too long: by an exception in its thread, or by the end of the process where that does
not help.

The thread that watches is started once. One that is started for each prompt might not begin where memory runs out, and
Python's `Thread.start` waits for that without end.
"""

import contextlib
import ctypes
import os
import threading
import time
import weakref
from collections.abc import Iterator

TEMPLATE_STUCK = 86
"""The exit code of a worker whose template could not be stopped."""
_GRACE_S = 2.0


class DeadlineExceeded(BaseException):
    """The code under a deadline ran too long. Not an Exception, so that no handler inside swallows it."""


class TemplateDeadline:
    """Deadlines of one thread's work, one at a time. Its own thread ends with this object."""

    def __init__(self) -> None:
        self._watch = _Watch()
        weakref.finalize(self, self._watch.close)
        threading.Thread(target=self._watch.run, name="deadline", daemon=True).start()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Raise DeadlineExceeded inside the block once `seconds` have passed."""
        watch = self._watch
        watch.begin(seconds)
        try:
            yield
        finally:
            watch.end()


class _Watch:
    """What the watching thread knows: whom it watches, and until when."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._thread = 0
        self._due: float | None = None
        self._number = 0
        self._closed = False

    def begin(self, seconds: float) -> None:
        with self._changed:
            self._thread, self._due = threading.get_ident(), time.monotonic() + seconds
            self._number += 1
            self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._due = None
            self._number += 1
            _raise_in(self._thread, None)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def run(self) -> None:
        with self._changed:
            while not self._closed:
                left = None if self._due is None else self._due - time.monotonic()
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                number, self._due = self._number, None
                _raise_in(self._thread, ctypes.py_object(DeadlineExceeded))
                if not self._changed.wait_for(lambda number=number: self._number != number, _GRACE_S):  # type: ignore[misc]
                    os.write(2, b"\nlatchkey: the chat template could not be stopped\n")
                    os._exit(TEMPLATE_STUCK)


def _raise_in(thread: int, what: object) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
