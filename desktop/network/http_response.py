"""What a server answered: as a whole, or bit by bit."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore

from desktop.errors import ForbiddenError, StoppedError
from desktop.network.cancel_scope import CancelScope
from desktop.network.request_error import RequestError, connection_lost, protocol_error, response_too_large

_CHUNK = 1 << 20
_DRAINED = 1 << 16


class HttpHeaders(Mapping[str, str]):
    """An answer's headers. Names are found in any spelling; of a header that came more than once, the values are
    joined by ", "."""

    def __init__(self, pairs: list[tuple[str, str]] | Mapping[str, str]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values


@dataclass(frozen=True)
class HttpResponse:
    """A whole answer: its status whatever it is, the body as the server meant it (unpacked), and the address that gave
    it in the end."""

    status: int
    headers: HttpHeaders
    body: bytes
    url: str


class StreamedResponse:
    """An answer whose body is fetched bit by bit, as the bytes that came.

    Used by one thread at a time, `close` from any. Reading raises RequestError ("timeout", "cut", "protocol"),
    StoppedError, and ForbiddenError where the switch goes offline meanwhile.
    """

    def __init__(
        self,
        answer: httpcore.Response,
        url: str,
        scope: CancelScope,
        meet: Callable[[], Any],
        over: Callable[[int, str], None],
        silence: float,
    ) -> None:
        """`meet` gives a context in which httpcore is used, `over(status, error)` is told once that it has ended,
        `silence` is how many seconds a read may wait."""
        self.status: int = answer.status
        self.headers = HttpHeaders([(_text(name), _text(value)) for name, value in answer.headers])
        self.url = url
        self._answer = answer
        self._scope = scope
        self._http_context = meet
        self._on_end = over
        self._read_timeout = silence
        self._parts = answer.iter_stream()
        self._left = memoryview(b"")
        self._raw: httpcore.NetworkStream | None = None
        self._raw_left = 0
        self._error = ""
        self._finished = False

    @property
    def encoding(self) -> str:
        """The Content-Encoding where the server packed the body; "" otherwise."""
        encoding = self.headers.get("Content-Encoding", "").strip().lower()
        return "" if encoding == "identity" else encoding

    def chunks(self, size: int = _CHUNK) -> Iterator[bytes]:
        """The body in pieces of `size` bytes, the last one shorter."""
        pieces: list[memoryview] = []
        held = 0
        while part := self._next(size - held):
            pieces.append(part)
            held += len(part)
            if held == size:
                yield b"".join(pieces)
                pieces, held = [], 0
        if pieces:
            yield b"".join(pieces)

    def read(self, most: int) -> memoryview:
        """What came next, `most` bytes at most, without copying it again; none at the end."""
        return self._next(most)

    def bypass_http_parser(self, taken: int) -> None:
        """Of a body as long as Content-Length says, `taken` bytes were read, at least one: read the rest straight from
        the connection. That takes a quarter less time per byte; the connection is not kept afterwards."""
        length = self.headers.get("Content-Length", "")
        plain = length.isdigit() and "Transfer-Encoding" not in self.headers
        stream = self._answer.extensions.get("network_stream")
        if plain and isinstance(stream, httpcore.NetworkStream) and self._raw is None and taken:
            # h11 hands out all it holds of the body at once, so nothing but `_left` lies between here and there.
            self._raw, self._raw_left = stream, int(length[:19]) - taken - len(self._left)

    def read_into(self, buffer: memoryview) -> int:
        """Fill `buffer` with what is there, at least one byte; how many, 0 at the end."""
        part = self._next(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        """End it, from any thread: a read that waits ends with StoppedError within half a second."""
        self._scope.cancel()

    def body(self, most_bytes: int) -> bytes:
        """The whole body, unpacked. Raises RequestError, "too-large" where packed or unpacked there is more of it."""
        length = self.headers.get("Content-Length", "")
        pieces: list[memoryview] = []
        left = most_bytes
        while part := self._next(left + 1):
            left -= len(part)
            if left < 0 or (length.isdigit() and int(length[:19]) > most_bytes):
                raise response_too_large(self._scope.host, most_bytes)
            pieces.append(part)
        return _unpacked(b"".join(pieces), self.encoding, most_bytes, self._scope.host)

    def drain(self) -> None:
        """Read a body that is known to be short, so that the connection can be used again."""
        length = self.headers.get("Content-Length", "")
        if length.isdigit() and int(length[:19]) <= _DRAINED:
            while self._next(_DRAINED):
                pass

    def release(self) -> None:
        """Give the connection back, or close it where something is left; nothing can be read afterwards."""
        if self._finished:
            return
        self._finished = True
        try:
            with self._http_context():
                self._answer.close()
        finally:
            self._on_end(self.status, self._error)

    def _read_raw(self, stream: httpcore.NetworkStream) -> bytes | None:
        if not self._raw_left:
            return None
        part = stream.read(self._raw_left, self._read_timeout)[: self._raw_left]
        if not part:
            raise connection_lost(self._scope.host, "the body is shorter than it was said to be")
        self._raw_left -= len(part)
        return part

    def _next(self, most: int) -> memoryview:
        """At most `most` bytes of the body; none at its end."""
        if self._finished:
            raise StoppedError
        while not self._left:
            try:
                with self._http_context():
                    part = next(self._parts, None) if self._raw is None else self._read_raw(self._raw)
            except StoppedError:
                self._error = "stopped"
                raise
            except ForbiddenError:
                self._error = "offline"
                raise
            except RequestError as error:
                self._error = error.kind
                raise
            if part is None:
                return self._left
            self._left = memoryview(part)
        taken, self._left = self._left[:most], self._left[most:]
        return taken


def _unpacked(body: bytes, encoding: str, most_bytes: int, host: str) -> bytes:
    if not encoding or not body:
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise protocol_error(host, f"packed as {encoding[:40]}")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        unpacked = unpacking.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise protocol_error(host, f"{encoding}: {error}") from error
    if len(unpacked) > most_bytes:
        raise response_too_large(host, most_bytes)
    if not unpacking.eof:
        raise protocol_error(host, f"{encoding}: cut short")
    return unpacked


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
