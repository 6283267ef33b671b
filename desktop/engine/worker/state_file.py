"""The state of a conversation as it lies in a file: tokens, those of the answers among them, llama.cpp's state of the
sequence, and its checkpoints.

The worker opens no file: the app hands it a descriptor, and copies what it writes there. A file is read back only if it
is whole: its digest covers every byte, and is compared before llama.cpp is given any. The format, all numbers
little-endian: the header (magic, version, count of checkpoints, key, count of tokens, count of numbers for the answers,
bytes of the state, digest), then for each checkpoint its position and its size, the tokens as 32-bit numbers, for each
answer the count of its tokens and these, the state, the checkpoints' states.

The digest is the SHA-256 of the header before it and of the SHA-256 of each piece of 4 MiB of every part, so that
several threads can make it while they read: the one that asks, and those of `PieceReaders`. (SHA-256 is the quickest of
`hashlib` where the processor has instructions for it, and was without them: 370 MB/s where BLAKE2b made 210.)
"""

import array
import hashlib
import os
import queue
import struct
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAGIC = b"LKSTATE\0"
VERSION = 2
HEADER = struct.Struct("<8sII32sQQQ32s")
_CHECKPOINT = struct.Struct("<QQ")
_PIECE = 4 << 20
_MOST_CHECKPOINTS = 1024
_MOST_BYTES = 1 << 40
_DIGEST_BYTES = 32
_NUMBER = 4
_LOOK_AGAIN_S = 0.5
_offset = threading.Lock()


class StateFileError(Exception):
    """The file is not what was saved; or what is to be saved is more than may be."""


@dataclass(frozen=True)
class SavedState:
    """What was read: `state` and the checkpoints' states are ctypes arrays of bytes, checkpoints by their position."""

    tokens: list[int]
    state: Any
    checkpoints: list[tuple[int, Any]]


class StateFile:
    """The file behind `descriptor`, in which states of models and contexts with this `key` (32 bytes) are kept.

    So many threads as `helpers` help to read, and end with this object.
    """

    def __init__(self, descriptor: int, key: bytes, helpers: int = 1) -> None:
        self._descriptor = descriptor
        self._key = key
        self._readers = PieceReaders(helpers)

    def write(
        self,
        tokens: Sequence[int],
        state: Any,
        checkpoints: Sequence[tuple[int, Any]] = (),
        *,
        answers: Sequence[Sequence[int]] = (),
        most: int = _MOST_BYTES,
        stopped: Callable[[], bool] = lambda: False,
    ) -> int:
        """Write a state from the file's beginning on; how many bytes it takes, 0 where `stopped` said so. `answers` are
        the tokens of each.

        Raises StateFileError where it takes more than `most` bytes, OSError where it cannot be written.
        """
        parts = _parts_to_write(tokens, answers, state, checkpoints)
        size = HEADER.size + sum(len(part) for part in parts)
        if size > most:
            raise StateFileError(f"{size} bytes are more than the {most} that may be kept")
        digest, offset = [], HEADER.size
        for piece in _pieces(parts):
            if stopped():
                return 0
            _write_at(self._descriptor, piece, offset)
            digest.append(hashlib.sha256(piece).digest())
            offset += len(piece)
        spoken = len(parts[2]) // _NUMBER
        header = (MAGIC, VERSION, len(checkpoints), self._key, len(tokens), spoken, len(parts[3]))
        _write_at(self._descriptor, memoryview(_with_digest(header, digest)), 0)
        return size

    def open(self, size: int) -> "StoredState":
        """The state in the file's first `size` bytes: of its tokens nothing is certain yet.

        Raises StateFileError where it is cut, of another version, or of another model or context; OSError.
        """
        head = self._read(0, HEADER.size)
        magic, version, count, key, tokens, spoken, state, _ = HEADER.unpack(head)
        if magic != MAGIC or version != VERSION:
            raise StateFileError("it is of another version" if magic == MAGIC else "it is no state")
        if key != self._key:
            raise StateFileError("it is of another model or context")
        if count > _MOST_CHECKPOINTS or max(tokens, spoken, state) > size:
            raise StateFileError("it is damaged")
        table = self._read(HEADER.size, count * _CHECKPOINT.size)
        points = [_CHECKPOINT.unpack_from(table, at) for at in range(0, len(table), _CHECKPOINT.size)]
        sizes = [len(table), _NUMBER * tokens, _NUMBER * spoken, state, *(length for _, length in points)]
        if HEADER.size + sum(sizes) != size or any(position > tokens for position, _ in points):
            raise StateFileError("it is damaged")
        listed = _numbers(self._read(HEADER.size + len(table), sizes[1] + sizes[2]))
        answers = _divided(listed[tokens:])
        return StoredState(self._descriptor, head, sizes, listed[:tokens], answers, points, self._readers)

    def _read(self, offset: int, size: int) -> bytes:
        buffer = bytearray(size)
        _read_at(self._descriptor, memoryview(buffer), offset)
        return bytes(buffer)


class StoredState:
    """A state that lies in a file. `tokens` is what it says it holds, and `answers` the tokens of each answer; `load`
    reads and verifies all of it."""

    def __init__(
        self,
        descriptor: int,
        header: bytes,
        sizes: list[int],
        tokens: list[int],
        answers: list[list[int]],
        points: list[tuple[int, int]],
        readers: "PieceReaders",
    ) -> None:
        self.tokens = tokens
        self.answers = answers
        self._descriptor = descriptor
        self._header = header
        self._sizes = sizes
        self._positions = [position for position, _ in points]
        self._readers = readers

    def load(self, threads: int = 2) -> SavedState:
        """Read all of it. Raises StateFileError where a byte is not what was written, OSError."""
        whole = bytearray(sum(self._sizes))
        parts, at = [], 0
        for size in self._sizes:
            parts.append(memoryview(whole)[at : at + size])
            at += size
        digests = self._read_pieces(parts, max(1, threads))
        if _with_digest(HEADER.unpack(self._header)[:-1], digests) != self._header:
            raise StateFileError("it is damaged")
        arrays = [_as_bytes(part) for part in parts[3:]]
        return SavedState(_numbers(parts[1]), arrays[0], list(zip(self._positions, arrays[1:], strict=True)))

    def _read_pieces(self, parts: list[memoryview], threads: int) -> list[bytes]:
        """Read the parts, and give the digest of each of their pieces."""
        placed, offset = [], HEADER.size
        for piece in _pieces(parts):
            placed.append((offset, piece))
            offset += len(piece)

        def read(item: tuple[int, memoryview]) -> bytes:
            _read_at(self._descriptor, item[1], item[0])
            return hashlib.sha256(item[1]).digest()

        return self._readers.all_of(read, placed, helped=threads > 1)


class PieceReaders:
    """Threads that help to read a state, started once and never while one is read: where memory has run out, a thread
    that is started may not begin, and Python's `Thread.start` waits for that without end. Where there are none, the
    thread that asks reads everything.
    """

    def __init__(self, count: int) -> None:
        self._work: queue.SimpleQueue[_Reading | None] = queue.SimpleQueue()
        self._count = 0
        for _ in range(count):
            try:
                threading.Thread(target=_help, args=(self._work,), name="state", daemon=True).start()
            except (RuntimeError, MemoryError):
                break
            self._count += 1
        weakref.finalize(self, _end_helpers, self._work, self._count)

    def all_of(
        self, read: Callable[[tuple[int, memoryview]], bytes], items: Sequence[tuple[int, memoryview]], *, helped: bool
    ) -> list[bytes]:
        """What `read` gives for each of `items`. Raises what `read` raises, MemoryError; no helper reads any more."""
        reading = _Reading(read, items)
        if helped and len(items) > 1:
            for _ in range(self._count):
                self._work.put(reading)
        reading.run()
        return reading.wait()


class _Reading:
    """The pieces of one state: each is taken by whoever comes first."""

    def __init__(
        self, read: Callable[[tuple[int, memoryview]], bytes], items: Sequence[tuple[int, memoryview]]
    ) -> None:
        self._read, self._items = read, items
        self._digests = [b""] * len(items)
        self._next = self._at_work = 0
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def run(self) -> None:
        """Read pieces until none is left, or one of them failed."""
        while True:
            with self._changed:
                number = self._next
                if number >= len(self._items) or self._error is not None:
                    return
                self._next, self._at_work = number + 1, self._at_work + 1
            error: BaseException | None = None
            try:
                self._digests[number] = self._read(self._items[number])
            except BaseException as caught:  # noqa: BLE001 - it is raised where the state is asked for
                error = caught
            with self._changed:
                self._at_work -= 1
                self._error = error or self._error
                self._changed.notify_all()

    def wait(self) -> list[bytes]:
        """The digests, once nobody reads any more."""
        with self._changed:
            while self._at_work:  # looked at again, as one whose memory ran out may not notify
                self._changed.wait(_LOOK_AGAIN_S)
            if self._error is not None:
                raise self._error
            return self._digests


def _help(work: "queue.SimpleQueue[_Reading | None]") -> None:
    while (reading := work.get()) is not None:
        reading.run()
        del reading  # it holds the state


def _end_helpers(work: "queue.SimpleQueue[_Reading | None]", count: int) -> None:
    for _ in range(count):
        work.put(None)


def _parts_to_write(
    tokens: Sequence[int], answers: Sequence[Sequence[int]], state: Any, checkpoints: Sequence[tuple[int, Any]]
) -> list["memoryview[int]"]:
    """The table of checkpoints, the tokens, the answers, the state, and each checkpoint's state."""
    table = b"".join(_CHECKPOINT.pack(position, len(kept)) for position, kept in checkpoints)
    spoken = [number for answer in answers for number in (len(answer), *answer)]
    listed = [_in_order(array.array("i", numbers)).tobytes() for numbers in (tokens, spoken)]
    return [memoryview(part).cast("B") for part in (table, *listed, state, *(kept for _, kept in checkpoints))]


def _numbers(data: "bytes | memoryview[int]") -> list[int]:
    listed = array.array("i")
    listed.frombytes(data)
    return _in_order(listed).tolist()


def _divided(spoken: Sequence[int]) -> list[list[int]]:
    """The tokens of each answer. Raises StateFileError where the counts are none."""
    answers, at = [], 0
    while at < len(spoken):
        end = at + 1 + spoken[at]
        if not at < end <= len(spoken):
            raise StateFileError("it is damaged")
        answers.append(list(spoken[at + 1 : end]))
        at = end
    return answers


def _pieces(parts: Sequence["memoryview[int]"]) -> Iterator["memoryview[int]"]:
    for part in parts:
        for begin in range(0, len(part), _PIECE):
            yield part[begin : begin + _PIECE]


def _with_digest(header: Sequence[Any], digests: Sequence[bytes]) -> bytes:
    """The header's bytes, the digest of all among them."""
    blank = HEADER.pack(*header, bytes(_DIGEST_BYTES))
    return HEADER.pack(*header, hashlib.sha256(blank + b"".join(digests)).digest())


def _as_bytes(part: "memoryview[int]") -> Any:
    """As llama.cpp takes it, without a copy."""
    import ctypes

    return (ctypes.c_uint8 * len(part)).from_buffer(part)


def _in_order(numbers: "array.array[int]") -> "array.array[int]":
    """From this machine's order of bytes to the file's, or back."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _write_at(descriptor: int, data: "memoryview[int]", offset: int) -> None:
    """Write all of `data`. Raises OSError."""
    while data:
        if hasattr(os, "pwrite"):
            done = os.pwrite(descriptor, data, offset)
        else:
            with _offset:
                os.lseek(descriptor, offset, os.SEEK_SET)
                done = os.write(descriptor, data)
        data, offset = data[done:], offset + done


def _read_at(descriptor: int, into: "memoryview[int]", offset: int) -> None:
    """Fill `into`. Raises StateFileError where the file ends before, OSError."""
    while into:
        if hasattr(os, "preadv"):
            done = os.preadv(descriptor, [into], offset)
        else:
            with _offset:
                os.lseek(descriptor, offset, os.SEEK_SET)
                data = os.read(descriptor, len(into))
            done, into[: len(data)] = len(data), data
        if done <= 0:
            raise StateFileError("it is cut")
        into, offset = into[done:], offset + done
