"""Messages over a pipe: a 4-byte big-endian length, then that many bytes of MessagePack.

A clean end (the other side closed between two messages) is told apart from a broken one.
"""

import os
import threading
from typing import Any, Generic, TypeVar

import msgspec

LARGEST_MESSAGE = 64 * 1024 * 1024
_HEADER = 4
_CHUNK = 256 * 1024
T = TypeVar("T")


class FramingError(Exception):
    """What came over the pipe is no message: too long, cut off or not what was expected."""


class PipeEndedError(FramingError):
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
        """Send `message`. Raises FramingError where it is too long, OSError where the other side is gone."""
        body = self._encoder.encode(message)
        if len(body) > LARGEST_MESSAGE:
            raise FramingError(f"a message of {len(body)} bytes is too long")
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
        """The next message, waiting for it; None where the other side closed. Raises FramingError.

        PipeEndedError where the other side closed inside a message.
        """
        header = self._take(_HEADER)
        if header is None:
            return None
        length = int.from_bytes(header, "big")
        if length > self._largest:
            raise FramingError(f"a message of {length} bytes is too long")
        self.last_size = length
        body = self._take(length)
        if body is None:
            raise PipeEndedError
        try:
            return self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise FramingError(f"not a message: {error}") from error

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
