"""What a worker says, before anybody else hears it: a worker that was taken over may say anything, as often as it can.

A message of another shape, or with figures out of their bounds (see `messages`), is none, and ends the worker.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from desktop.engine.framing import FrameReader
from desktop.engine.messages import LONGEST_TEXT, LONGEST_WORDS, Done, Event, Failed, Probed, Ready
from desktop.engine.safe_text import safe_line, safe_text

LARGEST_EVENT = 4 * 1024 * 1024
_EVENTS_PER_S = 1_000  # a worker sends some 60 a second, and one for each piece of a prompt
_BURST = 4_000
_BYTES_PER_EVENT = 16_384
_OWN_KINDS = ("engine", "resource", "bug")
_S = TypeVar("_S", bound=msgspec.Struct)


class EventIntake:
    """Reads events from a file descriptor, which it owns, no faster than anybody can hear them."""

    def __init__(
        self,
        descriptor: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reader: FrameReader[Event] = FrameReader(descriptor, Event, LARGEST_EVENT)
        self._clock, self._sleep = clock, sleep
        self._room, self._counted_at = float(_BURST), clock()

    def read(self) -> Event | None:
        """The next event, waiting for it; None where the worker closed the pipe. Raises FramingError, OSError.

        PipeEndedError where it closed the pipe inside a message.
        """
        event = self._reader.read()
        self._slow_down(1 + self._reader.last_size / _BYTES_PER_EVENT)
        return None if event is None else made_safe(event)

    def close(self) -> None:
        self._reader.close()

    def _slow_down(self, cost: float) -> None:
        """Sleep where events of `cost` came faster than they may; the worker waits at its end of the pipe then."""
        now = self._clock()
        self._room = min(_BURST, self._room + (now - self._counted_at) * _EVENTS_PER_S) - cost
        self._counted_at = now
        if self._room < 0:
            self._sleep(-self._room / _EVENTS_PER_S)


def made_safe(event: Event) -> Event:
    """`event` as it may be shown and logged. An answer's text stays as it is: whoever shows it takes care of that."""
    match event:
        case Probed(devices=devices):
            return _in_lines(event, devices=tuple(_in_lines(device) for device in devices))
        case Ready(info=info):
            return _in_lines(event, info=_in_lines(info))
        case Done():
            return _in_lines(event)
        case Failed():
            kind = event.kind if event.kind in _OWN_KINDS else "engine"  # of licenses and files the app alone decides
            technical = safe_text(event.technical, LONGEST_TEXT)
            return _in_lines(event, kind=kind, technical=technical, died=False)
        case _:
            return event


def _in_lines(value: _S, **others: Any) -> _S:
    """`value` with `others`, and each other text of it in one safe line."""
    for name in value.__struct_fields__:
        field = getattr(value, name)
        if name in others:
            continue
        if isinstance(field, str):
            others[name] = safe_line(field, LONGEST_WORDS)
        elif isinstance(field, tuple):
            others[name] = tuple(safe_line(each, LONGEST_WORDS) for each in field)
    return msgspec.structs.replace(value, **others)
