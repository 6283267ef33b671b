"""Frames: messages over a pipe, as a 4-byte big-endian length and then that many bytes of MessagePack.

A clean end (the other side closed between two messages) is told apart from a broken one. `EventReader` reads what a
worker sends, which is trusted with nothing: so many events a second, and their texts made safe to show.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from desktop.engine.message_bounds import LONGEST_TEXT, LONGEST_WORDS
from desktop.engine.worker_messages import AnswerDone, Event, ModelDescribed, ModelReady, ProbeResult, RequestFailed
from desktop.safe_text import safe_line, safe_text

LARGEST_MESSAGE = 64 * 1024 * 1024
_HEADER = 4
_CHUNK = 256 * 1024
T = TypeVar("T")
LARGEST_EVENT = 4 * 1024 * 1024
_EVENTS_PER_S = 1_000  # a worker sends some 60 a second, and one for each piece of a prompt
_BURST = 4_000
_BYTES_PER_EVENT = 16_384
_OWN_KINDS = ("engine", "context-full", "resource", "bug")
_S = TypeVar("_S", bound=msgspec.Struct)


class FrameError(Exception):
    """What came over the pipe is no message: too long, cut off or not what was expected."""


class PipeEndedError(FrameError):
    """The pipe ended inside a message: whoever wrote it is gone."""

    def __init__(self) -> None:
        super().__init__("the pipe ended inside a message")


class FrameWriter:
    """Writes messages to a file descriptor, whole ones, from any thread. Owns the descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._encoder = msgspec.msgpack.Encoder()
        self._lock = threading.Lock()
        self._closed = False

    def write(self, message: msgspec.Struct) -> None:
        """Send `message`. Raises FrameError where it is too long, OSError where the other side is gone."""
        body = self._encoder.encode(message)
        if len(body) > LARGEST_MESSAGE:
            raise FrameError(f"a message of {len(body)} bytes is too long")
        rest = memoryview(len(body).to_bytes(_HEADER, "big") + body)
        with self._lock:
            if self._closed:
                raise BrokenPipeError("the pipe is closed")
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._descriptor)


class FrameReader(Generic[T]):
    """Reads messages of type `kind` (a Struct or a union of them) from a file descriptor. Owns the descriptor.

    A message of more than `largest` bytes is none. `last_size` is the length in bytes of the last one that was read.
    """

    def __init__(self, descriptor: int, kind: Any, largest: int = LARGEST_MESSAGE) -> None:
        self.last_size = 0
        self._largest = largest
        self._descriptor = descriptor
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._buffer = bytearray()

    def read(self) -> T | None:
        """The next message, waiting for it; None where the other side closed. Raises FrameError.

        PipeEndedError where the other side closed inside a message.
        """
        header = self._take(_HEADER)
        if header is None:
            return None
        length = int.from_bytes(header, "big")
        if length > self._largest:
            raise FrameError(f"a message of {length} bytes is too long")
        self.last_size = length
        body = self._take(length)
        if body is None:
            raise PipeEndedError
        try:
            return self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise FrameError(f"not a message: {error}") from error

    def close(self) -> None:
        os.close(self._descriptor)

    def _take(self, count: int) -> bytes | None:
        """Exactly `count` bytes; None where the pipe ended before the first of them."""
        while len(self._buffer) < count:
            chunk = os.read(self._descriptor, _CHUNK)
            if not chunk:
                if self._buffer:
                    raise PipeEndedError
                return None
            self._buffer += chunk
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


class EventReader:
    """Reads events from a file descriptor, which it owns, at a limited rate."""

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
        """The next event, waiting for it; None where the worker closed the pipe. Raises FrameError, OSError.

        PipeEndedError where it closed the pipe inside a message.
        """
        event = self._reader.read()
        self._slow_down(1 + self._reader.last_size / _BYTES_PER_EVENT)
        return None if event is None else sanitized(event)

    def close(self) -> None:
        self._reader.close()

    def _slow_down(self, cost: float) -> None:
        """Sleep where events of `cost` came faster than they may; the worker waits at its end of the pipe then."""
        now = self._clock()
        self._room = min(_BURST, self._room + (now - self._counted_at) * _EVENTS_PER_S) - cost
        self._counted_at = now
        if self._room < 0:
            self._sleep(-self._room / _EVENTS_PER_S)


def sanitized(event: Event) -> Event:
    """`event` as it may be shown and logged. An answer's text stays as it is: whoever shows it takes care of that."""
    match event:
        case ProbeResult(devices=devices):
            return _in_lines(event, devices=tuple(_in_lines(device) for device in devices))
        case ModelReady(info=info) | ModelDescribed(info=info):
            return _in_lines(event, info=_in_lines(info))
        case AnswerDone():
            return _in_lines(event)
        case RequestFailed():
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
