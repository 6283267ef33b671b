"""What a transfer is asked for, what it says while it runs, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Literal

import msgspec

from desktop.network.token import AccessToken

State = Literal[
    "queued",  # waits for its turn
    "waiting",  # another process is fetching the same file
    "locating",  # the Hub is asked where the file is
    "checking",  # a file that is there already is read
    "fetching",
    "retrying",  # the connection broke or the server asked for patience: `note` says what happened
    "verifying",  # all bytes are there; their hash is being finished and they are written out
    "paused",
    "done",
    "failed",
    "cancelled",
]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
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
class Located:
    """Where the bytes of a file are right now. `url` may carry a signature: it is neither kept nor shown.

    `etag` is what the Hub itself says of the file, whoever serves its bytes. `token` goes out only to its own host.
    """

    url: str = field(repr=False)
    size: int
    sha256: str = ""
    etag: str = ""
    token: AccessToken | None = None


Locate = Callable[[Wanted, Event], Located]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is. `done` and `total` in bytes, `rate` in bytes per second of the last seconds.

    `seconds_left` is None where it cannot be told. `note` is a sentence for the person where something is unusual.
    """

    state: State
    done: int = 0
    total: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    connections: int = 0
    note: str = ""


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is there in full. `sha256` is that of the bytes on this disk.

    `verified` says that a hash was known beforehand and holds; otherwise only the size could be compared. `received`
    counts the bytes that came over the network in this run, `again` those of them that had come before.
    """

    path: Path
    size: int
    sha256: str
    verified: bool
    received: int = 0
    again: int = 0
    restarted: bool = False
    connections: int = 0


class HaltedError(Exception):
    """The transfer was paused or cancelled: nothing went wrong, and nobody has to be told."""

    def __init__(self, state: Literal["paused", "cancelled"]) -> None:
        super().__init__(state)
        self.state = state


@dataclass(frozen=True)
class Patience:
    """How often a transfer that gets no byte further is tried again, and how long it waits in between, in seconds.

    The wait doubles from `first` to `most`. Each byte that arrives makes it forget the failures before.
    """

    tries: int = 8
    first: float = 0.5
    most: float = 30.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return min(self.most, self.first * 2.0 ** min(max(0, failures - 1), 30))
