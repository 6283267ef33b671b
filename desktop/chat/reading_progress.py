"""How far a prompt has been read: told only where reading lasts, with the time that is left."""

from dataclasses import dataclass

_LASTS_S = 1.5
"""A prompt that is read within this time is not worth a figure that nobody can read."""
_SURE_AFTER_S = 1.0
_LEAST_LEFT_S = 2.0


@dataclass(frozen=True)
class ReadingState:
    """`done` of `total` tokens of the prompt are read; `seconds_left` is None where that cannot be told yet, or is
    next to nothing."""

    done: int
    total: int
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """The share that is read, from 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 1.0


class ReadingProgress:
    """A prompt of which `done` tokens are kept from before, and whose rest is read from `now` on, in seconds."""

    def __init__(self, done: int, now: float) -> None:
        self._first_done, self._since = done, now
        self._last_done = done
        self._lasts = False

    def note(self, done: int, total: int, now: float) -> ReadingState | None:
        """By `now` so many tokens are read; None where the whole takes too little time to be spoken of."""
        if done < self._last_done:  # another worker begins anew
            self._first_done, self._since = done, now
        self._last_done = done
        elapsed, read = now - self._since, done - self._first_done
        if elapsed <= 0 or read <= 0:
            return ReadingState(done, total) if self._lasts else None
        left = max(total - done, 0) * elapsed / read
        self._lasts = self._lasts or elapsed + left >= _LASTS_S
        if not self._lasts:
            return None
        sure = elapsed >= _SURE_AFTER_S and left >= _LEAST_LEFT_S
        return ReadingState(done, total, left if sure else None)
