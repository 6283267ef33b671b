"""Server-sent events (the HTML standard, 9.2.6) out of an answer's bytes, each within bounds."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_LONGEST_RETRY = 9


class EventTooLargeError(Exception):
    """An event is larger than what is taken."""


@dataclass(frozen=True)
class ServerEvent:
    """An event: its type ("message" where none was named), its data, the last id that was named up to it ("" where none
    was), and how many milliseconds the server wants a client to wait before it connects again, None where it says
    nothing. Data is b"" where the event had none."""

    event: str
    data: bytes
    id: str
    retry: int | None


def server_events(pieces: Iterable[bytes | memoryview], largest: int) -> Iterator[ServerEvent]:
    """The events in `pieces` of a body. One that is not ended by an empty line is none. Raises EventTooLargeError where
    one has more than `largest` bytes, and what `pieces` raise."""
    data: list[bytes] = []
    event, last_id, size = "", "", 0
    retry: int | None = None
    named = False
    for line in _lines(pieces, largest):
        if not line:
            if data or named:
                yield ServerEvent(event or "message", b"\n".join(data), last_id, retry)
            data, event, size, named = [], "", 0, False
            continue
        size += len(line)
        if size > largest:
            raise EventTooLargeError
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            last_id, named = value.decode("utf-8", "replace"), True
        elif name == b"retry" and value.isdigit() and len(value) <= _LONGEST_RETRY:
            retry = int(value)


def _lines(pieces: Iterable[bytes | memoryview], largest: int) -> Iterator[bytes]:
    """Lines, which end with CR LF, LF or CR, without their ends. A last one without an end is left out. A line of
    another field than those known counts as well."""
    begun: list[bytes] = []
    length = 0
    first, after_return = True, False
    for piece in pieces:
        rest = bytes(piece)
        if after_return and rest.startswith(b"\n"):
            rest = rest[1:]
        after_return = piece[-1:] == b"\r" if len(piece) else after_return
        ends = list(_END.finditer(rest))
        place = 0
        for found in ends:
            line = b"".join((*begun, rest[place : found.start()]))
            begun, length, place = [], 0, found.end()
            if first:
                line, first = line.removeprefix(_BOM), False
            yield line
        if place < len(rest):
            begun.append(rest[place:])
            length += len(rest) - place
            if length > largest:
                raise EventTooLargeError
