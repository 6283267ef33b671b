"""The hash of a file that is still being fetched: computed from its first byte on, on a thread of its own.

Bytes just written are hashed directly where they come next; everything else is read back, mostly from the system's
cache.
"""

import hashlib
import threading
from collections import deque

from desktop.errors import ResourceError, UserError
from desktop.hub.transfer.disk import PartFile
from desktop.translation import tr

_READ = 1 << 20
_MOST_HELD = 8 << 20


class PrefixHash:
    """sha256 of the bytes of `part` up to where all are there. `extend` and `offer` from any thread."""

    def __init__(self, part: PartFile) -> None:
        self._part = part
        self._hash = hashlib.sha256()
        self._changed = threading.Condition()
        self._prefix = self._hashed = self._picked = 0
        self._held: deque[bytes | memoryview] = deque()
        self._held_bytes = 0
        self._stopped = False
        self._error: UserError | None = None
        self._idle = False
        self._thread = threading.Thread(target=self._run, name="hash", daemon=True)
        self._thread.start()

    def offer(self, at: int, data: bytes | memoryview) -> None:
        """These bytes were written at `at`. They are taken where they come next, and nobody changes them afterwards."""
        with self._changed:
            if at == self._picked + self._held_bytes and self._held_bytes < _MOST_HELD:
                self._held.append(data)
                self._held_bytes += len(data)
                if self._idle:
                    self._changed.notify_all()

    def extend(self, prefix: int) -> None:
        """All bytes up to `prefix` are in the file."""
        with self._changed:
            if prefix > self._prefix:
                self._prefix = prefix
                if self._idle:
                    self._changed.notify_all()

    def wait(self, size: int, seconds: float) -> bool:
        """Whether all up to `size` is hashed, waiting for it a while. Raises ResourceError where it cannot be read."""
        with self._changed:
            self._changed.wait_for(lambda: self._hashed >= size or self._error is not None, seconds)
            if self._error is not None:
                raise self._error
            return self._hashed >= size

    @property
    def hashed(self) -> int:
        """How many bytes are in the hash."""
        return self._hashed

    def hexdigest(self) -> str:
        """The hash of what is in it."""
        with self._changed:
            return self._hash.hexdigest()

    def stop(self) -> None:
        """End the thread, and wait for that."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        buffer = memoryview(bytearray(_READ))
        try:
            while (piece := self._next(buffer)) is not None:
                self._hash.update(piece)
                with self._changed:
                    self._hashed += len(piece)
                    self._changed.notify_all()
        except UserError as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _next(self, buffer: memoryview) -> bytes | memoryview | None:
        """The bytes that come next in the hash; None at the end of the thread."""
        with self._changed:
            self._idle = True
            self._changed.wait_for(lambda: self._stopped or self._held or self._prefix > self._hashed)
            self._idle = False
            if self._stopped:
                return None
            if self._held:
                piece = self._held.popleft()
                self._held_bytes -= len(piece)
                self._picked += len(piece)
                return piece
            count = min(len(buffer), self._prefix - self._hashed)
            self._picked = self._hashed + count
        filled = 0
        while filled < count:
            read = self._part.read(self._hashed + filled, buffer[filled:count])
            if not read:
                raise ResourceError(
                    tr("The unfinished file became shorter by itself."),
                    tr("Something else changed it: {path}.").format(path=self._part.path),
                    tr("Try again."),
                )
            filled += read
        return buffer[:count]
