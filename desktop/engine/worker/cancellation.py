"""Which requests a person stopped: set by the thread that reads the pipe, read by the one that computes."""

import ctypes
import threading


class Cancellation:
    """`flag` is the two-byte buffer whose first byte stops a computation of llama.cpp: see `cancel_function`."""

    def __init__(self) -> None:
        self.flag = (ctypes.c_uint8 * 2)()
        self._lock = threading.Lock()
        self._running: set[int] = set()
        self._cancelled: set[int] = set()

    @property
    def pending(self) -> bool:
        """Whether something that runs was stopped and is not over."""
        return bool(self.flag[0])

    def begin(self, request_id: int) -> None:
        """From now on a cancel of `request_id` sets the flag; one that came before has set it."""
        with self._lock:
            self._running.add(request_id)
            self._update()

    def end(self, request_id: int) -> None:
        """The request is over."""
        with self._lock:
            self._running.discard(request_id)
            self._cancelled.discard(request_id)
            self._update()

    def cancel(self, request_id: int) -> None:
        """Stop the request, now or as soon as it begins."""
        with self._lock:
            self._cancelled.add(request_id)
            self._update()

    def is_cancelled(self, request_id: int) -> bool:
        with self._lock:
            return request_id in self._cancelled

    def _update(self) -> None:
        self.flag[0] = 1 if self._running & self._cancelled else 0
