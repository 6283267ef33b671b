"""The one client: whatever Latchkey asks of any server goes through here, past the switch and into the log."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from desktop.network.answers import Headers, Response
from desktop.network.exchange import Exchange
from desktop.network.failures import RequestError, StoppedError
from desktop.network.switch import OfflineSwitch
from desktop.network.token import AccessToken

__all__ = ["Client", "RequestError", "Response", "StoppedError", "Streamed", "Timeouts"]

MOST_BYTES = 8 << 20


@dataclass(frozen=True)
class Timeouts:
    """Seconds: for a connection, for silence while reading and writing, for a whole small request."""

    connect: float = 10
    read: float = 30
    write: float = 30
    whole: float = 60


class Streamed(Protocol):
    """An answer whose body is fetched bit by bit, as the bytes that came."""

    status: int
    headers: Headers
    url: str

    @property
    def encoding(self) -> str:
        """The Content-Encoding where the server packed the body against our wish; "" otherwise."""

    def chunks(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The body in pieces of `size` bytes, the last one shorter. Raises RequestError ("timeout", "cut", "protocol"),
        StoppedError, and ForbiddenError where the switch goes off-line meanwhile."""

    def read_into(self, buffer: memoryview) -> int:
        """Fill `buffer` with what is there, at least one byte; how many, 0 at the end. The quick way; raises the
        same."""

    def close(self) -> None:
        """End it, from any thread: a read that waits ends with StoppedError within half a second."""


class Client:
    """Asks servers. For any number of threads; `log` is called from them, once for each request, also failed ones.

    `proxy` is an address, "" or None for what the system says, "direct" for none. `ca_file` is trusted besides the
    system's own certificates. Every wait ends.
    """

    def __init__(
        self,
        *,
        switch: OfflineSwitch,
        log: Callable[[Exchange], None],
        proxy: str | None = None,
        ca_file: Path | None = None,
        timeouts: Timeouts | None = None,
        retries: int = 3,
    ) -> None: ...

    def request(
        self,
        purpose: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: AccessToken | None = None,
        follow: bool = True,
        most_bytes: int = MOST_BYTES,
        stop: threading.Event | None = None,
    ) -> Response:
        """A small answer as a whole, whatever its status. Redirects are followed unless `follow` is False.

        Raises RequestError (see its kinds; more than `most_bytes` is "too-large"), ForbiddenError while off-line and
        StoppedError where `stop` was set.
        """
        raise NotImplementedError

    def stream(
        self,
        purpose: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: AccessToken | None = None,
        follow: bool = True,
        stop: threading.Event | None = None,
    ) -> AbstractContextManager[Streamed]:
        """The same for a large answer: use as a context. It is logged when it ends. No limit on its whole time."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections that are kept for the next request: at the end, and when the switch goes off-line."""
