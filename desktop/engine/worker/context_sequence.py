"""One sequence of the context: the tokens whose keys, values and states it holds, and how it forgets some of them.

The context's memory has to be checked after each change: `llama_memory_seq_rm` may return true and still have lost a
sliding window, and recurrent models refuse to forget a part. So positions are compared after every removal, checkpoints
of the part that cannot be rolled back are kept where a model needs them, and everything is read again where both fail.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.loaded_model import LoadedModel
from desktop.engine.worker.picture_tokens import picture_spans, saved_positions, whole_length

_PARTIAL_ONLY = 1
_MOST_CHECKPOINTS = 8


@dataclass(frozen=True)
class Checkpoint:
    """The sliding-window or recurrent state after `position` tokens; `size` in bytes."""

    position: int
    state: Any
    size: int


@dataclass(frozen=True, eq=False)
class SequenceState:
    """A sequence copied out of the context: its tokens, llama.cpp's state, the checkpoints, all in `size` bytes.

    `conversation` is whose tokens they are, "" where that is not known.
    """

    tokens: list[int]
    state: Any
    checkpoints: list[Checkpoint]
    size: int
    conversation: str = ""


class ContextSequence:
    """Sequence `id` of the context. `tokens` is what it holds, at positions 0, 1, 2, …; with M-RoPE, pictures among
    them take fewer positions than tokens, and no picture is forgotten in part.

    `conversation` is whose tokens they are; `busy` says that an answer is being generated with it. `make_room` says
    whether so many bytes may be kept beside the context, once there is room for them.
    """

    def __init__(
        self, model: LoadedModel, sequence_id: int, make_room: Callable[[int], bool] = lambda size: True
    ) -> None:
        self._model = model
        self._make_room = make_room
        self.id = sequence_id
        self.tokens: list[int] = []
        self._saved = 0
        self._mixed = False  # whether pictures stand among the tokens, with positions of their own
        self.conversation = ""
        self.busy = False
        self._checkpoints: list[Checkpoint] = []

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def wants_checkpoints(self) -> bool:
        """Whether this model cannot simply forget its last tokens."""
        return self._model.recurrent or self._model.window > 0

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """What it can come back to, beside forgetting its last tokens."""
        return tuple(self._checkpoints)

    @property
    def next_position(self) -> int:
        """The position of the token that is computed next."""
        return len(self.tokens) - self._saved

    def append(self, tokens: list[int]) -> None:
        """`tokens` were computed, at the end."""
        self.tokens += tokens
        if self._model.mrope and min(tokens, default=0) < 0:
            self._saved, self._mixed = saved_positions(self.tokens), True

    def roll_back(self, length: int) -> int:
        """Forget all tokens from number `length` on, or more where that cannot be done; how many are left."""
        length = whole_length(self.tokens, max(0, length))
        if not (
            self._forget_from(length) or (self._back_to_checkpoint(length) and self._forget_from(len(self.tokens)))
        ):
            self.clear()
        self._checkpoints = [point for point in self._checkpoints if point.position <= len(self.tokens)]
        return len(self.tokens)

    def recover(self) -> int:
        """After a stopped or failed computation: back to the tokens that were read for certain; how many those are."""
        length = len(self.tokens)
        if self._model.recurrent:
            if not (self._back_to_checkpoint(length) and self._forget_from(len(self.tokens))):
                self.clear()
            return len(self.tokens)
        return self.roll_back(length)

    def clear(self) -> None:
        """Forget everything."""
        llama.llama_memory_seq_rm(self._model.memory, self.id, -1, -1)
        self._hold([])
        self._checkpoints = []

    def clear_context(self) -> None:
        """No sequence holds anything: begin with the first cell again, so that the same prompt is rounded the same."""
        llama.llama_memory_clear(self._model.memory, False)

    def share(self, other: "ContextSequence", length: int) -> None:
        """Hold the first `length` tokens of `other` in place of what is held: the same cells, not a copy. Of a picture
        that `length` cuts, nothing.

        Where the model has a window or a state, only the whole of `other` can be shared.
        """
        self.clear()
        length = whole_length(other.tokens, length)
        end = -1 if length == len(other) else other._position(length)
        llama.llama_memory_seq_cp(self._model.memory, other.id, self.id, 0, end)
        self._hold(other.tokens[:length])
        self._checkpoints = [point for point in other._checkpoints if point.position <= length]

    def can_share(self, length: int) -> bool:
        """Whether another sequence can hold the first `length` tokens too."""
        return length == len(self.tokens) or not self.wants_checkpoints

    def checkpoint(self) -> None:
        """Keep the present state, to come back to this position later."""
        context, position = self._model.context, len(self.tokens)
        if not position or any(point.position == position for point in self._checkpoints):
            return
        size = llama.llama_state_seq_get_size_ext(context, self.id, _PARTIAL_ONLY)
        while len(self._checkpoints) >= _MOST_CHECKPOINTS:
            self.drop_checkpoint()
        if size <= 0 or not self._make_room(size):
            return
        state = (ctypes.c_uint8 * size)()
        if llama.llama_state_seq_get_data_ext(context, state, size, self.id, _PARTIAL_ONLY) != size:
            return
        self._checkpoints.append(Checkpoint(position, state, size))

    def drop_checkpoint(self) -> bool:
        """Give up the oldest checkpoint; False where there is none."""
        dropped, self._checkpoints = self._checkpoints[:1], self._checkpoints[1:]
        return bool(dropped)

    def copy_out(self, most_bytes: int) -> SequenceState | None:
        """The sequence's state; None where it takes more than `most_bytes`, or cannot be had."""
        context = self._model.context
        size = llama.llama_state_seq_get_size(context, self.id)
        whole = size + sum(point.size for point in self._checkpoints)
        if not 0 < whole <= most_bytes:
            return None
        try:
            state = (ctypes.c_uint8 * size)()
        except MemoryError:
            return None
        if llama.llama_state_seq_get_data(context, state, size, self.id) != size:
            return None
        return SequenceState(list(self.tokens), state, list(self._checkpoints), whole, self.conversation)

    def copy_in(self, saved: SequenceState) -> bool:
        """Hold `saved` in place of what is held; where that fails the sequence is empty."""
        self.clear()
        read = llama.llama_state_seq_set_data(self._model.context, saved.state, len(saved.state), self.id)
        last = llama.llama_memory_seq_pos_max(self._model.memory, self.id)
        self._hold(list(saved.tokens))
        if read != len(saved.state) or last != self._last_position(len(self.tokens)):
            self.clear()
            return False
        self._checkpoints = list(saved.checkpoints)
        return True

    def _forget_from(self, length: int) -> bool:
        """Whether the sequence now holds exactly the first `length` tokens, with all they need of the past."""
        memory = self._model.memory
        if length == 0:
            self.clear()
            return True
        position = self._position(length)
        needed = max(0, position - self._model.window) if self._model.window else 0
        windowed = self._model.window and not self._model.recurrent
        if windowed and llama.llama_memory_seq_pos_min(memory, self.id) > needed:
            return False
        if not llama.llama_memory_seq_rm(memory, self.id, position, -1):
            return False
        if llama.llama_memory_seq_pos_max(memory, self.id) != self._last_position(length):
            return False
        if not self._model.recurrent and llama.llama_memory_seq_pos_min(memory, self.id) > needed:
            return False
        del self.tokens[length:]
        if self._mixed:
            self._hold(self.tokens)
        return True

    def _hold(self, tokens: list[int]) -> None:
        self.tokens = tokens
        self._mixed = self._model.mrope and min(tokens, default=0) < 0
        self._saved = saved_positions(tokens) if self._mixed else 0

    def _position(self, length: int) -> int:
        """The position of token number `length`."""
        return length - (saved_positions(self.tokens[:length]) if self._mixed else 0)

    def _last_position(self, length: int) -> int:
        """The highest position that llama.cpp has for the first `length` tokens. In M-RoPE, all of a picture are kept
        under its first one."""
        if not self._mixed:
            return length - 1
        tokens = self.tokens[:length]
        last = list(picture_spans(tokens))[-1:]
        behind = last[0].positions if last and last[0].end == length else 1
        return length - saved_positions(tokens) - behind

    def _back_to_checkpoint(self, length: int) -> bool:
        """Whether a checkpoint at or before position `length` could be put back."""
        context = self._model.context
        for point in reversed(self._checkpoints):
            if point.position > length:
                continue
            done = llama.llama_state_seq_set_data_ext(context, point.state, point.size, self.id, _PARTIAL_ONLY)
            if done == point.size:
                self._hold(self.tokens[: point.position])
                return True
        return False
