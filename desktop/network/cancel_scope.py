"""How long one request may wait, and what ends it sooner: the caller's stop, the switch, its own time running out.

Every wait here checks for that at least every quarter of a second.
"""

import threading
import time
from collections.abc import Callable

from desktop.errors import StoppedError
from desktop.network.offline_switch import OfflineSwitch
from desktop.network.request_error import timed_out

POLL_S = 0.25
_SWITCH_S = 0.5


class CancelScope:
    """The waits of one call, over all its tries and redirects, and the bytes of the current request.

    Used by one thread at a time; `close` may come from any.
    """

    def __init__(self, switch: OfflineSwitch, stop: threading.Event | None) -> None:
        self._switch = switch
        self._stop = stop
        self._closed = threading.Event()
        self._deadline = float("inf")
        self._asked = 0.0
        self.host = ""
        self.proxy = ""
        self.begin_request("", "")

    def begin_request(self, host: str, proxy: str) -> None:
        """Count from here for a request to `host`, through `proxy` or "" for none."""
        self.host, self.proxy = host, proxy
        self.sent = self.received = 0
        self.connected = self.ended = False
        self.close_connection: Callable[[], None] = _nothing

    def use_connection(self, close: Callable[[], None]) -> None:
        """A connection was opened for the request; `close` closes it, and is `close_connection` from now on."""
        self.connected, self.close_connection = True, close

    def set_timeout(self, seconds: float) -> None:
        """Let what follows take `seconds` altogether."""
        self._deadline = time.monotonic() + seconds

    def cancel(self) -> None:
        """End every wait with StoppedError."""
        self._closed.set()

    def check(self, *, fresh: bool = False) -> None:
        """Raise StoppedError, ForbiddenError (looked at twice a second, or now if `fresh`) or RequestError where it is
        time to end."""
        if self._closed.is_set() or (self._stop is not None and self._stop.is_set()):
            raise StoppedError
        now = time.monotonic()
        if now > self._deadline:
            raise timed_out(self.host, "the whole request took too long")
        if fresh or now - self._asked >= _SWITCH_S:
            self._asked = now
            self._switch.check()

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds, ending early as `check` does."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            self._closed.wait(min(left, POLL_S)) if self._stop is None else self._stop.wait(min(left, POLL_S))
        self.check()


def _nothing() -> None:
    """No connection was opened yet."""
