"""The batch that llama.cpp computes at once: tokens of one or several sequences, with their positions."""

import ctypes
from collections.abc import Sequence
from typing import Any

from desktop.engine.worker.llama_api import llama


class TokenBatch:
    """A `llama_batch` with room for `most` tokens. Filled anew for each computation: `clear`, `add`, then `struct`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.struct = llama.llama_batch()
        self._tokens = (llama.llama_token * most)()
        self._positions = (llama.llama_pos * most)()
        self._counts = (ctypes.c_int32 * most)(*[1] * most)
        self._ids = (llama.llama_seq_id * most)()
        self._outputs = (ctypes.c_int8 * most)()
        pointer = ctypes.POINTER(llama.llama_seq_id)
        size, start = ctypes.sizeof(llama.llama_seq_id), ctypes.addressof(self._ids)
        self._each_id = (pointer * most)(*(ctypes.cast(start + index * size, pointer) for index in range(most)))
        self.struct.token = ctypes.cast(self._tokens, ctypes.POINTER(llama.llama_token))
        self.struct.pos = ctypes.cast(self._positions, ctypes.POINTER(llama.llama_pos))
        self.struct.n_seq_id = ctypes.cast(self._counts, ctypes.POINTER(ctypes.c_int32))
        self.struct.seq_id = ctypes.cast(self._each_id, ctypes.POINTER(pointer))
        self.struct.logits = ctypes.cast(self._outputs, ctypes.POINTER(ctypes.c_int8))
        self.count = 0

    @property
    def room(self) -> int:
        return self.most - self.count

    def clear(self) -> None:
        self.count = 0

    def add(self, tokens: Sequence[int], position: int, sequence_id: int, outputs: int) -> int:
        """Add `tokens` of one sequence from `position` on, of which the last `outputs` give logits; the index of the
        first that does."""
        begin, count = self.count, len(tokens)
        end = begin + count
        if count == 1:  # what is done for each token of an answer
            self._tokens[begin], self._positions[begin] = tokens[0], position
            self._ids[begin], self._outputs[begin] = sequence_id, outputs
        else:
            self._tokens[begin:end] = tokens
            self._positions[begin:end] = range(position, position + count)
            self._ids[begin:end] = [sequence_id] * count
            flags: list[Any] = [0] * (count - outputs) + [1] * outputs
            self._outputs[begin:end] = flags
        self.count = self.struct.n_tokens = end
        return end - outputs
