"""Server-sent events, read within bounds (https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2). Lines
end with a line feed, as those of every server that is known do."""

LONGEST_EVENT = 4 << 20
"""Bytes of one event, and of one line."""


class EventTooLongError(Exception):
    """A line, or an event, does not come to an end."""


class EventStream:
    """Takes bytes as they come and gives the data of each event that is whole. Names, ids and comments count for
    nothing."""

    def __init__(self, longest: int = LONGEST_EVENT) -> None:
        self._longest = longest
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that `data` completes. Raises EventTooLongError."""
        first, *more = data.split(b"\n")
        self._line.append(first)
        self._held += len(first)
        found = []
        for each in more:
            if (whole := self._take(b"".join(self._line).removesuffix(b"\r"))) is not None:
                found.append(whole)
            self._line = [each]
            self._held += len(each)
        if self._held > self._longest:
            raise EventTooLongError
        return found

    def _take(self, line: bytes) -> bytes | None:
        if not line:
            whole, self._data, self._held = b"\n".join(self._data) if self._data else None, [], 0
            return whole
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        else:
            self._held -= len(line)
        return None
