"""How many threads compute a token of each of several answers together.

llama.cpp computes every batch of more than one token with the number that it has for prompts. A prompt's tokens are
many, so that all cores share out the work; a token of each of four answers has as many waits for each other as one
token has, and nearly as little between them: beside another program, and in small models, fewer threads are quicker.
"""

from collections.abc import Callable

from desktop.engine.worker.thread_tuner import ThreadTuner


class BatchThreads:
    """Chooses the number for one batch after another, of up to `most`, which is what prompts are read with. `apply` is
    called with each change.

    Each number of answers has a tuner of its own, as their times cannot be compared; a new one begins with what the
    one before it has come to.
    """

    def __init__(self, most: int, apply: Callable[[int], None]) -> None:
        self.count = self._most = self._newest = most
        self._apply = apply
        self._tuners: dict[int, ThreadTuner] = {}

    def begin(self, answers: int) -> None:
        """The next batch has a token of each of so many answers, and nothing else; 0: it is any other batch."""
        count = self._tuner(answers).count if answers > 1 else self._most
        if count != self.count:
            self.count = count
            self._apply(count)

    def add_time(self, answers: int, seconds: float) -> None:
        """Such a batch took `seconds`, with what is done with its tokens."""
        tuner = self._tuner(answers)
        tuner.add_time(seconds)
        self._newest = tuner.count

    def _tuner(self, answers: int) -> ThreadTuner:
        if answers not in self._tuners:
            self._tuners[answers] = ThreadTuner(self._most, self._newest, lambda _: None)  # `begin` applies
        return self._tuners[answers]
