"""A connection to the server within bounds: how many there are, how long one may take to ask, and for how long it may
leave its answer unread."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

MOST_CONNECTIONS = 1000
ASK_WITHIN_S = 30.0
"""How long a connection may take to send the head of a request."""
READ_WITHIN_S = 30.0
"""How long a client may take nothing of what was sent to it."""


class BoundedConnection(H11Protocol):
    """uvicorn's, with those bounds. One that goes beyond them is cut."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._asking: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            self._stop_asking()
        elif self._asking is None and not self.transport.is_closing():
            self._wait_for_request()  # some of a head came, and uvicorn waits for the rest for ever

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_asking()
        self._stop_unread()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self._unread or self.loop.call_later(READ_WITHIN_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_unread()
        super().resume_writing()

    def _wait_for_request(self) -> None:
        self._asking = self.loop.call_later(ASK_WITHIN_S, self._end_unasked)

    def _end_unasked(self) -> None:
        self._asking = None
        if not self.transport.is_closing():
            self.transport.abort()

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._asking = None

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
        self._unread = None
