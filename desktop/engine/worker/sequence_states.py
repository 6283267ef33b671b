"""States of sequences that had to leave the context, kept in memory within a budget."""

from collections.abc import Callable, Iterable

from desktop.engine import hardware
from desktop.engine.worker.context_sequence import Checkpoint, ContextSequence, SequenceState
from desktop.engine.worker.loaded_model import common_prefix

MIN_TOKENS = 64  # fewer tokens are read again as quickly
_USUAL_BYTES = 512 * 1024 * 1024


class SequenceStateStore:
    """States of conversations, several of one where it has branches; the least recently used ones are dropped.

    `most_bytes` bounds all of them together, and the checkpoints that sequences in the context have, which `held`
    gives; None is 512 MiB, or a quarter of the memory that is free.
    """

    def __init__(self, most_bytes: int | None = None, held: Callable[[], Iterable[Checkpoint]] = tuple) -> None:
        free = hardware.available_memory()
        usual = _USUAL_BYTES if free is None else min(_USUAL_BYTES, free // 4)
        self.most_bytes = usual if most_bytes is None else max(0, most_bytes)
        self._held = held
        self._states: list[SequenceState] = []

    @property
    def size(self) -> int:
        """Bytes that the states and all checkpoints take. Sequences and states share checkpoints."""
        points = {id(point): point.size for point in self._held()}
        points |= {id(point): point.size for saved in self._states for point in saved.checkpoints}
        return sum(len(saved.state) for saved in self._states) + sum(points.values())

    def save(self, sequence: ContextSequence) -> None:
        """Copy `sequence`, in place of the states of which it is the continuation."""
        if len(sequence) < MIN_TOKENS or any(saved.tokens == sequence.tokens for saved in self._states):
            return
        copied = sequence.copy_out(self.most_bytes)
        if copied is not None:
            self.put(copied)

    def put(self, state: SequenceState) -> None:
        """Keep `state` as the one used last, in place of those of which it is the continuation."""
        self._states = [saved for saved in self._states if state.tokens[: len(saved.tokens)] != saved.tokens]
        self._states.append(state)
        self.make_room(0)

    def make_room(self, size: int) -> bool:
        """Drop the least recently used states until `size` bytes more may be kept; whether they may."""
        while self._states and self.size + size > self.most_bytes:
            del self._states[0]
        return self.size + size <= self.most_bytes

    def take(self, prompt: list[int], least: int) -> SequenceState | None:
        """The state that begins like `prompt` for longest, no longer kept here; None where none does for `least`
        tokens."""
        best = max(self._states, key=lambda saved: common_prefix(saved.tokens, prompt), default=None)
        if best is None or common_prefix(best.tokens, prompt) < least:
            return None
        self._states.remove(best)
        return best

    def find(self, conversation: str) -> SequenceState | None:
        """The longest state of `conversation`, which stays here; None where there is none."""
        own = [saved for saved in self._states if saved.conversation == conversation]
        return max(own, key=lambda saved: len(saved.tokens), default=None)

    def forget(self, conversation: str) -> None:
        """Drop every state of `conversation`."""
        self._states = [saved for saved in self._states if saved.conversation != conversation]

    def clear(self) -> None:
        self._states.clear()
