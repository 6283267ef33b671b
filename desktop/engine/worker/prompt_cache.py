"""The prompt cache: which tokens the context holds, and how many of them the next prompt can reuse.

Memory: the states of other conversations take at most 512 MiB or a quarter of what is free (`SequenceStateStore`),
checkpoints of the current one at most 256 MiB (`PromptCache`).

The context's memory has to be checked after each change: `llama_memory_seq_rm` may return true and still have lost a
sliding window, and recurrent models refuse to forget a part. So positions are compared after every removal, checkpoints
of the part that cannot be rolled back are kept where a model needs them, and everything is read again where both fail.
"""

import ctypes
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from desktop.engine import hardware
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.loaded_model import LoadedModel, common_prefix

MIN_TOKENS = 64  # fewer tokens are read again as quickly
_MOST_STATE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class SequenceState:
    """One conversation's state: its tokens, the context's state, the size of all in bytes, and the checkpoints
    (`more`)."""

    tokens: list[int]
    state: Any
    size: int
    checkpoints: Any


class SequenceStateStore:
    """States by conversation; the least recently used ones are dropped beyond 512 MiB or a quarter of what is free."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        free = hardware.available_memory()
        self._most_bytes = _MOST_STATE_BYTES if free is None else min(_MOST_STATE_BYTES, free // 4)
        self._states: OrderedDict[str, SequenceState] = OrderedDict()

    def save(self, conversation: str, tokens: list[int], more: Any, more_bytes: int) -> None:
        """Copy the context's state, which holds `tokens`, under `conversation`; with `more` of `more_bytes`."""
        context = self._model.context
        size = llama.llama_state_seq_get_size(context, 0)
        if not conversation or len(tokens) < MIN_TOKENS or not 0 < size + more_bytes <= self._most_bytes:
            return
        state = (ctypes.c_uint8 * size)()
        if llama.llama_state_seq_get_data(context, state, size, 0) != size:
            return
        self._states.pop(conversation, None)
        self._states[conversation] = SequenceState(list(tokens), state, size + more_bytes, more)
        while sum(saved.size for saved in self._states.values()) > self._most_bytes:
            self._states.popitem(last=False)

    def shared_prefix(self, conversation: str, prompt: list[int]) -> int:
        """How many tokens `prompt` shares with the state of `conversation`; 0 where there is none.

        A state that is asked about was just used: others are dropped before it.
        """
        saved = self._states.get(conversation)
        if saved is None:
            return 0
        self._states.move_to_end(conversation)
        return common_prefix(saved.tokens, prompt)

    def restore(self, conversation: str) -> SequenceState | None:
        """Copy the state of `conversation` back into the context, in place of what it holds.

        None where that failed, or where it was dropped: the context is empty then.
        """
        saved = self._states.pop(conversation, None)
        memory = self._model.memory
        llama.llama_memory_clear(memory, True)
        if saved is None:
            return None
        read = llama.llama_state_seq_set_data(self._model.context, saved.state, len(saved.state), 0)
        if read != len(saved.state) or llama.llama_memory_seq_pos_max(memory, 0) != len(saved.tokens) - 1:
            llama.llama_memory_clear(memory, True)
            return None
        return saved


_PARTIAL_ONLY = 1
_MOST_CHECKPOINTS = 8
_MOST_CHECKPOINT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class _Checkpoint:
    """The sliding-window or recurrent state after `position` tokens."""

    position: int
    state: Any
    size: int


class PromptCache:
    """`tokens` is what sequence 0 of the context holds, at positions 0, 1, 2, …"""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self.tokens: list[int] = []
        self._checkpoints: list[_Checkpoint] = []
        self._states = SequenceStateStore(model)
        self._conversation = ""

    @property
    def wants_checkpoints(self) -> bool:
        """Whether this model cannot simply forget its last tokens."""
        return self._model.recurrent or self._model.window > 0

    def reuse(self, prompt: list[int], conversation: str = "") -> int:
        """Make the context hold a prefix of `prompt`, as long as possible but not all of it; its length.

        Where another conversation takes over the context, the state of the one before is saved in the store.
        """
        shared = common_prefix(self.tokens, prompt)
        if conversation != self._conversation and shared < len(self.tokens):
            self._states.shared_prefix(conversation, prompt)  # marks it as just used, so that it is dropped last
            size = sum(point.size for point in self._checkpoints)
            self._states.save(self._conversation, self.tokens, self._checkpoints, size)
            if self._states.shared_prefix(conversation, prompt) > shared:  # it may have been dropped nevertheless
                self._restore_state(conversation)
        self._conversation = conversation
        return self.roll_back(min(common_prefix(self.tokens, prompt), len(prompt) - 1))

    def roll_back(self, length: int) -> int:
        """Forget all tokens from position `length` on, or more where that cannot be done; how many are left."""
        length = max(0, length)
        if not (self._forget_from(length) or (self._restore(length) and self._forget_from(len(self.tokens)))):
            self.clear()
        self._checkpoints = [point for point in self._checkpoints if point.position <= len(self.tokens)]
        return len(self.tokens)

    def recover(self) -> int:
        """After a stopped or failed computation: back to the tokens that were read for certain; how many those are."""
        length = len(self.tokens)
        if self._model.recurrent:
            if not (self._restore(length) and self._forget_from(len(self.tokens))):
                self.clear()
            return len(self.tokens)
        return self.roll_back(length)

    def clear(self) -> None:
        llama.llama_memory_clear(self._model.memory, True)
        self.tokens = []
        self._checkpoints = []

    def _restore_state(self, conversation: str) -> None:
        saved = self._states.restore(conversation)
        self.tokens = saved.tokens if saved else []
        self._checkpoints = saved.checkpoints if saved else []

    def checkpoint(self) -> None:
        """Keep the present state, to come back to this position later."""
        context, position = self._model.context, len(self.tokens)
        if not position or any(point.position == position for point in self._checkpoints):
            return
        size = llama.llama_state_seq_get_size_ext(context, 0, _PARTIAL_ONLY)
        if not 0 < size <= _MOST_CHECKPOINT_BYTES:
            return
        state = (ctypes.c_uint8 * size)()
        if llama.llama_state_seq_get_data_ext(context, state, size, 0, _PARTIAL_ONLY) != size:
            return
        self._checkpoints.append(_Checkpoint(position, state, size))
        while (
            len(self._checkpoints) > _MOST_CHECKPOINTS
            or sum(p.size for p in self._checkpoints) > _MOST_CHECKPOINT_BYTES
        ):
            del self._checkpoints[0]

    def _forget_from(self, length: int) -> bool:
        """Whether the context now holds exactly the first `length` tokens, with all they need of the past."""
        memory = self._model.memory
        if length == 0:
            llama.llama_memory_clear(memory, True)
            self.tokens = []
            return True
        needed = max(0, length - self._model.window) if self._model.window else 0
        if self._model.window and llama.llama_memory_seq_pos_min(memory, 0) > needed:
            return False
        if not llama.llama_memory_seq_rm(memory, 0, length, -1):
            return False
        if llama.llama_memory_seq_pos_max(memory, 0) != length - 1:
            return False
        if not self._model.recurrent and llama.llama_memory_seq_pos_min(memory, 0) > needed:
            return False
        del self.tokens[length:]
        return True

    def _restore(self, length: int) -> bool:
        """Whether a checkpoint at or before position `length` could be put back."""
        for point in reversed(self._checkpoints):
            if point.position > length:
                continue
            done = llama.llama_state_seq_set_data_ext(self._model.context, point.state, point.size, 0, _PARTIAL_ONLY)
            if done == point.size:
                del self.tokens[point.position :]
                return True
        return False
