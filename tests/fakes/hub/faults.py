"""What can go wrong between here and a Hub, on purpose: each fault is a value, and applies to the requests it names."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Listener = Literal["hub", "cdn", "elsewhere"]

Kind = Literal[
    "cut",  # the connection ends before byte `at` of the file, or after `after` bytes of the answer
    "stall",  # the same, but the connection stays open and silent
    "silent",  # the request is taken and never answered
    "close",  # the connection is closed without an answer
    "ignore-range",  # the whole file with 200, whatever was asked for
    "wrong-range",  # 206 for other bytes than those asked for: `amount` later
    "too-little",  # `amount` bytes less than there are, announced as if that were all
    "too-much",  # `amount` bytes more than there are, announced so
    "wrong-bytes",  # byte `at` of the file arrives flipped
    "gzip",  # compressed though nobody asked for it
    "no-length",  # without Content-Length: the end of the connection is the end of the file
    "no-validators",  # without ETag and Last-Modified
    "login-page",  # 200 and a web page, as a hotel's network does
    "redirect-loop",  # to itself, for ever
    "redirect-elsewhere",  # to another host
    "status",  # `status` with `headers` and `body`
]


@dataclass(frozen=True)
class Fault:
    """One fault. It applies to requests to listener `on` whose path contains `path` and whose method is in `methods`.

    `times` is how often; None is for ever. `skip` lets that many matching requests pass first. `at` is a byte of the
    file, and the fault then waits for a request that asks for it; `after` counts bytes of one answer; `reset` ends a
    connection by RST. `amount` is in bytes.
    """

    kind: Kind
    on: Listener = "cdn"
    path: str = ""
    methods: tuple[str, ...] = ("GET",)
    times: int | None = 1
    skip: int = 0
    at: int | None = None
    after: int = 0
    amount: int = 1
    reset: bool = False
    status: int = 500
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass
class _Armed:
    fault: Fault
    left: int | None
    skip: int


@dataclass
class Faults:
    """The faults in force, first in first out. Safe to use from any thread."""

    _armed: list[_Armed] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, faults: Iterable[Fault]) -> None:
        """Put more faults in force."""
        with self._lock:
            self._armed += [_Armed(fault, fault.times, fault.skip) for fault in faults]

    def clear(self) -> None:
        """From now on everything works."""
        with self._lock:
            self._armed.clear()

    def take(self, listener: Listener, method: str, path: str, span: tuple[int, int] | None = None) -> Fault | None:
        """The fault for this request, counted as used; None where none applies.

        `span` is the part of a file that is about to be sent. Faults of the way (status, silence, redirects) are
        looked for before it is known, those of the body once it is.
        """
        with self._lock:
            for armed in self._armed:
                fault = armed.fault
                if fault.on != listener or method not in fault.methods or fault.path not in path:
                    continue
                if armed.left == 0 or (fault.kind in _OF_THE_BODY) != (span is not None):
                    continue
                if span is not None and fault.at is not None and not span[0] <= fault.at < span[1]:
                    continue
                if armed.skip:
                    armed.skip -= 1
                    continue
                if armed.left is not None:
                    armed.left -= 1
                return fault
        return None


_OF_THE_BODY = frozenset(
    {
        "cut",
        "stall",
        "ignore-range",
        "wrong-range",
        "too-little",
        "too-much",
        "wrong-bytes",
        "gzip",
        "no-length",
        "no-validators",
    }
)
