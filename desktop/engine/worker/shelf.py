"""Where the states of other conversations wait in memory, so that going back to one does not read it all again.

A state is the context's keys and values for one conversation: copied out when another conversation begins, copied back
when it goes on. Copying takes milliseconds where reading takes seconds.
"""

import ctypes
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from desktop.engine import hardware
from desktop.engine.worker.loading import Model, common_prefix
from desktop.engine.worker.native import llama

SHORTEST = 64  # fewer tokens are read again as quickly
_MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class Shelved:
    """One conversation's state: its tokens, and what else the cache wants back with them."""

    tokens: list[int]
    state: Any
    size: int
    more: Any


class Shelf:
    """States by conversation; the least recently used ones are dropped beyond 512 MiB or a quarter of what is free."""

    def __init__(self, model: Model) -> None:
        self._model = model
        free = hardware.available_memory()
        self._most_bytes = _MOST_BYTES if free is None else min(_MOST_BYTES, free // 4)
        self._states: OrderedDict[str, Shelved] = OrderedDict()

    def put(self, conversation: str, tokens: list[int], more: Any, more_bytes: int) -> None:
        """Copy the context's state, which holds `tokens`, under `conversation`; with `more` of `more_bytes`."""
        context = self._model.context
        size = llama.llama_state_seq_get_size(context, 0)
        if not conversation or len(tokens) < SHORTEST or not 0 < size + more_bytes <= self._most_bytes:
            return
        state = (ctypes.c_uint8 * size)()
        if llama.llama_state_seq_get_data(context, state, size, 0) != size:
            return
        self._states.pop(conversation, None)
        self._states[conversation] = Shelved(list(tokens), state, size + more_bytes, more)
        while sum(shelved.size for shelved in self._states.values()) > self._most_bytes:
            self._states.popitem(last=False)

    def shared(self, conversation: str, prompt: list[int]) -> int:
        """How many tokens `prompt` shares with the state of `conversation`; 0 where there is none.

        A state that is asked about was just used: others are dropped before it.
        """
        shelved = self._states.get(conversation)
        if shelved is None:
            return 0
        self._states.move_to_end(conversation)
        return common_prefix(shelved.tokens, prompt)

    def take(self, conversation: str) -> Shelved | None:
        """Copy the state of `conversation` back into the context, in place of what it holds.

        None where that failed, or where it was dropped: the context is empty then.
        """
        shelved = self._states.pop(conversation, None)
        memory = self._model.memory
        llama.llama_memory_clear(memory, True)
        if shelved is None:
            return None
        read = llama.llama_state_seq_set_data(self._model.context, shelved.state, len(shelved.state), 0)
        if read != len(shelved.state) or llama.llama_memory_seq_pos_max(memory, 0) != len(shelved.tokens) - 1:
            llama.llama_memory_clear(memory, True)
            return None
        return shelved
