"""Server-sent events, however they are cut and ended."""

from __future__ import annotations

import pytest

from desktop.network.event_stream import EventTooLargeError, server_events

TEXT = (
    "\ufeff: hello\n\nid: 1\nretry: 250\ndata\n\n"
    "event: message\r\ndata: ü one\r\ndata:two\r\n\r\n"
    "data: x\rid: 7\r\r"
    "data: lost"
).encode()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_however_they_arrive(size: int) -> None:
    pieces = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    found = [(each.event, each.data.decode(), each.id, each.retry) for each in server_events(pieces, 1000)]
    assert found == [("message", "", "1", 250), ("message", "ü one\ntwo", "1", 250), ("message", "x", "7", 250)]


@pytest.mark.parametrize("text", [b"data: " + b"x" * 200, b"data: xxxxxxxx\n" * 20, b": xxxxxxxx\n" * 20])
def test_an_event_has_an_end(text: bytes) -> None:
    with pytest.raises(EventTooLargeError):
        list(server_events([text[at : at + 50] for at in range(0, len(text), 50)], 100))
