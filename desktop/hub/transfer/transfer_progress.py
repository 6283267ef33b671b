"""What a transfer reports while it runs: each change of its state at once, its figures a few times a second."""

import time
from collections.abc import Callable

from desktop.hub.transfer.connection_count import TransferRate
from desktop.hub.transfer.transfer_types import TransferProgress, TransferState

_EVERY_S = 0.2


class ProgressReporter:
    """Puts one item's Progress together. Used by the thread that runs the transfer."""

    def __init__(self, listener: Callable[[TransferProgress], None], total: int) -> None:
        """`total` is what is known of all its files' sizes."""
        self._listener = listener
        self._total = total
        self._before = self._done = self._size = 0
        self._state: TransferState = "queued"
        self._note = ""
        self._rate = TransferRate()
        self._received = 0
        self._connections = 0
        self._told: TransferProgress | None = None
        self._at = float("-inf")

    def begin_file(self, known: int | None, there: int) -> None:
        """The next file begins. `known` is how much of the total is its size, `there` about how much of it is there."""
        self._before += self._size
        self._done, self._size = there, known or 0
        self._rate = TransferRate()

    def set_size(self, size: int) -> None:
        """The size of this file."""
        self._total += size - self._size
        self._size = size

    def set_note(self, note: str) -> None:
        """A sentence to be shown from here on."""
        self._note = note
        self._notify(self._state, note)

    def set_state(self, state: TransferState) -> None:
        """What it is doing now, besides fetching."""
        self._connections = 0
        self._notify(state, self._note)

    def checked(self, done: int) -> None:
        """So much of a file that is there already was read."""
        self._done = done
        self._notify("checking", self._note)

    def fetching(self, done: int, received: int, connections: int, trouble: str, unusual: str) -> None:
        """How far this file is. `received` counts the bytes that came in this run."""
        self._done, self._connections = done, connections
        self._rate.add(time.monotonic(), received)
        self._notify("retrying" if trouble else "fetching", trouble or unusual or self._note)

    def count(self, done: int) -> None:
        """Set how far this file is; reported with the next change."""
        self._done = done

    def end(self, state: TransferState) -> None:
        """Report the final state."""
        self._connections = 0
        self._notify(state, self._note if state != "done" else "")

    def _notify(self, state: TransferState, note: str) -> None:
        now = time.monotonic()
        self._state = state
        done = self._before + self._done
        rate = self._rate.bytes_per_s if state == "fetching" else 0.0
        left = max(0, self._total - done)
        progress = TransferProgress(
            state=state,
            done=done,
            total=self._total,
            rate=rate,
            seconds_left=left / rate if rate else None,
            connections=self._connections,
            note=note,
        )
        last = self._told
        changed = last is None or (last.state, last.note) != (progress.state, progress.note)
        if changed or now - self._at >= _EVERY_S:
            self._told, self._at = progress, now
            self._listener(progress)
