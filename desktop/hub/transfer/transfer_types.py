"""What a transfer is asked for, how it is stopped and tried again, what it says while it runs, and what it gives."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Literal

import msgspec

from desktop.network.access_token import AccessToken

TransferState = Literal[
    "queued",  # waits for its turn
    "waiting",  # another process is fetching the same file
    "locating",  # the Hub is asked where the file is
    "checking",  # a file that is there already is read
    "fetching",
    "retrying",  # the connection broke or the server asked to wait (Retry-After): `note` says what happened
    "verifying",  # all bytes are there; their hash is being finished and they are written out
    "paused",
    "done",
    "failed",
    "cancelled",
]


class FileRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a repository at one commit, and what is known of it beforehand.

    `file` is its path within the repository, with slashes. `size` in bytes. `sha256` in hexadecimal, "" where nobody
    said it: then what the Hub names when asked for the file counts.
    """

    repository: str
    commit: str
    file: str
    size: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class FileLocation:
    """Where the bytes of a file are right now. `url` may carry a signature: it is neither kept nor shown.

    `etag` is what the Hub itself says of the file, whoever serves its bytes. `token` goes out only to its own host.
    """

    url: str = field(repr=False)
    size: int
    sha256: str = ""
    etag: str = ""
    token: AccessToken | None = None


LocateFile = Callable[[FileRequest, Event], FileLocation]


class TransferProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is. `done` and `total` in bytes, `rate` in bytes per second of the last seconds.

    `seconds_left` is None where it is not known. `note` is a sentence for the person where something is unusual.
    """

    state: TransferState
    done: int = 0
    total: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    connections: int = 0
    note: str = ""

    @property
    def is_stalled(self) -> bool:
        """Whether connections are open over which nothing came in the last seconds."""
        return self.state == "fetching" and self.connections > 0 and self.done > 0 and self.rate <= 0


class FetchedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is there in full. `sha256` is that of the bytes on this disk.

    `verified` says that a hash was known beforehand and holds; otherwise only the size could be compared. `received`
    counts the bytes that came over the network in this run, `again` those of them that had come before.
    """

    path: Path
    size: int
    sha256: str
    verified: bool
    received: int = 0
    refetched_bytes: int = 0
    restarted: bool = False
    connections: int = 0


class TransferStoppedError(Exception):
    """The transfer was paused or cancelled: nothing went wrong, and nobody has to be told."""

    def __init__(self, state: Literal["paused", "cancelled"]) -> None:
        super().__init__(state)
        self.state = state


@dataclass(frozen=True)
class RetryPolicy:
    """How often a transfer that gets no byte further is tried again, and how long it waits in between, in seconds.

    The wait doubles from `first_delay` to `max_delay`. Each byte that arrives makes it forget the failures before.
    """

    tries: int = 8
    first_delay: float = 0.5
    max_delay: float = 30.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return min(self.max_delay, self.first_delay * 2.0 ** min(max(0, failures - 1), 30))


class StopRequest:
    """Whether and why a transfer is to end. For any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: Literal["paused", "cancelled"] | None = None
        self._events: list[threading.Event] = []

    def stop(self, reason: Literal["paused", "cancelled"]) -> None:
        """End it. Cancelling one that is being paused cancels it."""
        with self._lock:
            if self._reason != "cancelled":
                self._reason = reason
            events = list(self._events)
        for event in events:
            event.set()

    def new_event(self) -> threading.Event:
        """One that is set when it is to end. Whoever asked for it may set it too, for itself."""
        event = threading.Event()
        with self._lock:
            self._events.append(event)
            if self._reason is not None:
                event.set()
        return event

    def forget_event(self, event: threading.Event) -> None:
        """No longer set this event when the transfer is to end."""
        with self._lock:
            self._events.remove(event)

    @property
    def reason(self) -> Literal["paused", "cancelled"] | None:
        """Why it is to end; None while it is not."""
        with self._lock:
            return self._reason

    def check(self) -> None:
        """Raise TransferStoppedError where it is to end."""
        reason = self.reason
        if reason is not None:
            raise TransferStoppedError(reason)
