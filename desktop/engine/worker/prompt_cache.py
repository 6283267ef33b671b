"""The prompt cache: what of the next prompt need not be read again.

Three levels. The context holds the sequences that are being answered and what was answered last, with the branches that
were left for another; sequences that begin alike share their cells (`llama_memory_seq_cp` with `kv_unified`). States of
other conversations wait in memory within a budget (`SequenceStateStore`). What is kept on the disk reaches the worker
with the request.
"""

import hashlib
from dataclasses import dataclass

from desktop.engine.generation_options import CacheLevel
from desktop.engine.worker import llama_api
from desktop.engine.worker.context_sequence import ContextSequence, SequenceState
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.loaded_model import LoadedModel, common_prefix
from desktop.engine.worker.sequence_states import MIN_TOKENS, SequenceStateStore
from desktop.engine.worker.state_exchange import load_stored
from desktop.engine.worker.state_file import StoredState


@dataclass(frozen=True)
class ReusedTokens:
    """How many tokens of a prompt need not be read, and how many of them came from memory and from the disk."""

    count: int = 0
    memory: int = 0
    disk: int = 0


class PromptCache:
    """The sequences of one context. `most_bytes` bounds the states kept in memory, None for the usual bound."""

    def __init__(self, model: LoadedModel, most_bytes: int | None = None) -> None:
        self._parallel = model.parallel
        self._threads = model.every_thread
        self._tiles = model.tiles
        self._sequences = [
            ContextSequence(model, number, self._make_checkpoint_room) for number in range(model.sequences)
        ]
        self._released: list[ContextSequence] = []
        self._forgotten: set[str] = set()
        self.states = SequenceStateStore(
            most_bytes, lambda: [point for sequence in self._sequences for point in sequence.checkpoints]
        )

    @property
    def size(self) -> int:
        """Bytes that the states in memory and the checkpoints of all sequences take, the context itself left out."""
        return self.states.size

    @property
    def free(self) -> bool:
        """Whether one more answer can be begun."""
        return sum(sequence.busy for sequence in self._sequences) < self._parallel

    def acquire(
        self,
        prompt: list[int],
        conversation: str = "",
        level: CacheLevel = "memory",
        stored: StoredState | None = None,
    ) -> tuple[ContextSequence, ReusedTokens]:
        """A sequence that holds a prefix of `prompt`, as long as possible but not all of it. It is busy until
        `release`. There has to be a `free` one.

        `stored` is the state of `conversation` on the disk, None where there is none; one that proves to be damaged is
        as none.
        """
        sequence = self._best_free(prompt)
        memory = disk = 0
        if level == "off":
            self._set_aside(sequence, 0)
            sequence.clear()
        else:
            shared = common_prefix(sequence.tokens, prompt)
            saved = self.states.take(prompt, shared + MIN_TOKENS)  # what is set aside would push it out
            self._set_aside(sequence, shared)
            memory, disk = self._fill(sequence, prompt, saved, stored)
        sequence.busy, sequence.conversation = True, conversation
        self._make_way(conversation)
        held = min(common_prefix(sequence.tokens, prompt), len(prompt) - 1)
        count = sequence.roll_back(self._tiles.kept(held, len(prompt)))
        if not any(each.tokens for each in self._sequences):
            sequence.clear_context()
        return sequence, ReusedTokens(count, min(memory, count), min(disk, count))

    def release(self, sequence: ContextSequence, level: CacheLevel = "memory") -> None:
        """The answer is over; what the sequence holds stays for the next one, but not with `level` "off"."""
        sequence.busy = False
        self._released = [*(each for each in self._released if each is not sequence), sequence]
        if level == "off" or sequence.conversation in self._forgotten:
            sequence.clear()

    def forget(self, conversation: str, *, answering: bool = False) -> None:
        """Keep nothing of `conversation`. Where it is being answered, or is about to be, nothing is kept of that either
        once it has ended."""
        if answering:
            self._forgotten.add(conversation)
        self.states.forget(conversation)
        for sequence in self._sequences:
            if sequence.conversation == conversation and not sequence.busy:
                sequence.clear()

    def is_forgotten(self, conversation: str) -> bool:
        """Whether nothing is to be kept of `conversation`, which is being answered."""
        return conversation in self._forgotten

    def remember(self, conversation: str) -> None:
        """`conversation` goes on: it is kept again, where it was to be forgotten."""
        self._forgotten.discard(conversation)

    def state_of(self, conversation: str, most_bytes: int) -> SequenceState | None:
        """What is kept of `conversation`: its sequence that was used last, else its longest state in memory. None where
        that is nothing, too little, or more than `most_bytes`."""
        for sequence in reversed(self._released):
            if sequence.conversation == conversation and not sequence.busy and len(sequence) >= MIN_TOKENS:
                return sequence.copy_out(most_bytes)
        kept = self.states.find(conversation)
        return kept if kept is not None and kept.size <= most_bytes else None

    def make_room(self) -> bool:
        """Let idle sequences leave the context; whether there were any."""
        idle = [sequence for sequence in self._sequences if not sequence.busy and sequence.tokens]
        for sequence in idle:
            self._evict(sequence)
        return bool(idle)

    def suspend(self, sequence: ContextSequence, level: CacheLevel = "memory") -> None:
        """Let a sequence leave the context although it is being answered; its tokens can be acquired again later."""
        if level != "off" and sequence.conversation not in self._forgotten:
            self.states.save(sequence)
        sequence.busy = False
        sequence.clear()

    def clear(self) -> None:
        """Forget everything, in memory too."""
        for sequence in self._sequences:
            sequence.busy = False
            sequence.clear()
        self.states.clear()

    def _evict(self, sequence: ContextSequence) -> None:
        if sequence.conversation:
            self.states.save(sequence)
        sequence.clear()

    def _make_way(self, conversation: str) -> None:
        """Let idle sequences of other conversations leave the context: attention would look at their cells too. What
        belongs to no conversation is one of its own each time."""
        for sequence in self._sequences:
            others = not conversation or sequence.conversation != conversation
            if not sequence.busy and sequence.tokens and others:
                self._evict(sequence)

    def _best_free(self, prompt: list[int]) -> ContextSequence:
        """The free sequence that holds most of the prompt; one that holds nothing where none holds any of it."""
        free = [sequence for sequence in self._sequences if not sequence.busy]
        return max(free, key=lambda sequence: (common_prefix(sequence.tokens, prompt), not sequence.tokens))

    def _set_aside(self, sequence: ContextSequence, shared: int) -> None:
        """Keep what `sequence` holds beyond `shared` tokens: a branch that was left, or another conversation."""
        if len(sequence) - shared < MIN_TOKENS or not sequence.conversation:
            return
        spare = next((s for s in self._sequences if not s.busy and not s.tokens and s is not sequence), None)
        if spare is not None and shared >= MIN_TOKENS:
            spare.share(sequence, len(sequence))
            spare.conversation = sequence.conversation
        else:
            self.states.save(sequence)

    def _fill(
        self,
        sequence: ContextSequence,
        prompt: list[int],
        saved: SequenceState | None,
        stored: StoredState | None,
    ) -> tuple[int, int]:
        """Give `sequence` a longer prefix of `prompt`, where another sequence, memory or the disk has one; the tokens
        from memory and from the disk."""
        held = common_prefix(sequence.tokens, prompt)
        kept = common_prefix(saved.tokens, prompt) if saved is not None else 0
        for other in self._sequences:
            shared = common_prefix(other.tokens, prompt)
            if other is not sequence and shared >= max(held + MIN_TOKENS, kept) and other.can_share(shared):
                sequence.share(other, shared)
                held = shared
        on_disk = common_prefix(stored.tokens, prompt) if stored is not None else 0
        if stored is not None and on_disk >= max(held, kept) + MIN_TOKENS:
            loaded = load_stored(stored, self._threads)
            if loaded is not None and self._copy_in(sequence, loaded):
                if saved is not None:
                    self.states.put(saved)
                return 0, common_prefix(sequence.tokens, prompt)
            held = common_prefix(sequence.tokens, prompt)
        if saved is None:
            return 0, 0
        if kept > held and self._copy_in(sequence, saved):
            return kept, 0
        self.states.put(saved)
        return 0, 0

    def _make_checkpoint_room(self, size: int) -> bool:
        """Whether a checkpoint of `size` bytes may be kept. States in memory give way to it, then checkpoints: those of
        idle sequences first, and the oldest of each."""
        if size > self.states.most_bytes:
            return False
        by_use = sorted(self._sequences, key=lambda sequence: sequence.busy)
        while not self.states.make_room(size):
            if not any(sequence.drop_checkpoint() for sequence in by_use):
                return False
        return True

    def _copy_in(self, sequence: ContextSequence, state: SequenceState) -> bool:
        """Have `sequence` hold `state`; where the context has no room for it, idle sequences leave."""
        return sequence.copy_in(state) or (self.make_room() and sequence.copy_in(state))


def context_key(model: LoadedModel, key: str) -> bytes:
    """`key` and what only the loaded model knows that changes its states: models with two sets of rope factors take
    the long ones for a context beyond the trained one (llama.cpp's `llama_model::get_rope_factors`)."""
    trained = llama_api.metadata(model.handle, f"{model.info.architecture}.rope.scaling.original_context_length")
    long = trained is not None and int(llama.llama_n_ctx_seq(model.context)) > int(trained)
    return hashlib.sha256(f"{key} {'long' if long else 'short'}".encode()).digest()
