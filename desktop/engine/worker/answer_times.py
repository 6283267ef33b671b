"""When an answer was asked for, read and generated: its times and speeds, in seconds of `time.perf_counter`."""

import time


class AnswerTimes:
    """Of one answer, asked for at `started`. `first` and `last` are when its first and its last token were chosen, 0
    before; `thinking_s` is how long it thought, None where it did not or does still."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._read_s = self._read_begun = 0.0
        self._read_tokens = 0
        self.first = self.last = 0.0
        self.thinking_s: float | None = None

    def begin_reading(self, tokens: int) -> None:
        """So many tokens of the prompt are to be read."""
        self._read_begun = time.perf_counter()
        self._read_tokens += tokens

    def end_reading(self) -> None:
        """They were."""
        self._read_s += time.perf_counter() - self._read_begun

    def end_thinking(self) -> None:
        """From now on it answers."""
        if self.thinking_s is None:
            self.thinking_s = self.last - self.first

    @property
    def to_first_token(self) -> float | None:
        """Seconds until the first token."""
        return self.first - self._started if self.first else None

    @property
    def reading_speed(self) -> float | None:
        """Tokens per second of the prompt."""
        return self._read_tokens / self._read_s if self._read_s > 0 else None

    def speed(self, generated: int) -> float | None:
        """Tokens per second of the answer, of which `generated` were."""
        elapsed = self.last - self.first
        return (generated - 1) / elapsed if generated > 1 and elapsed > 0 else None
