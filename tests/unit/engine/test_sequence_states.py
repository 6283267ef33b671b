"""What waits in memory for its conversation may have to make room: then it is read again, and nothing else is lost."""

import types
from typing import Any

import pytest

from desktop.engine.worker import prompt_cache
from desktop.engine.worker.prompt_cache import PromptCache

ROOM = 1_000
LONG = list(range(100))


class Context:
    """llama.cpp's memory of one sequence: how many tokens it holds; a state takes `size` bytes."""

    def __init__(self) -> None:
        self.size, self.held = 600, 0
        self.cleared = 0

    def functions(self) -> types.SimpleNamespace:
        def clear(*_: Any) -> None:
            self.held = 0
            self.cleared += 1

        def remove(_memory: Any, _sequence: int, begin: int, _end: int) -> bool:
            self.held = min(self.held, begin)
            return True

        def restore(_context: Any, state: Any, length: int, _sequence: int) -> int:
            self.held = int.from_bytes(bytes(state)[:2], "little")
            return length

        def save(_context: Any, state: Any, length: int, _sequence: int) -> int:
            state[0], state[1] = self.held.to_bytes(2, "little")
            return length

        return types.SimpleNamespace(
            llama_state_seq_get_size=lambda *_: self.size,
            llama_state_seq_get_data=save,
            llama_state_seq_set_data=restore,
            llama_memory_clear=clear,
            llama_memory_seq_rm=remove,
            llama_memory_seq_pos_max=lambda *_: self.held - 1,
            llama_memory_seq_pos_min=lambda *_: 0,
        )


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    made = Context()
    monkeypatch.setattr(prompt_cache, "llama", made.functions())
    monkeypatch.setattr(prompt_cache, "_MOST_STATE_BYTES", ROOM)
    return made


@pytest.fixture
def prefixes(context: Context) -> PromptCache:
    model: Any = types.SimpleNamespace(context=None, memory=None, window=0, recurrent=False)
    return PromptCache(model)


def read(prefixes: PromptCache, context: Context, tokens: list[int], conversation: str) -> int:
    """Have the context read a prompt; how many of its tokens it held already."""
    cached = prefixes.reuse(tokens, conversation)
    prefixes.tokens = list(tokens)
    context.held = len(tokens)
    return cached


def test_a_state_that_had_to_make_room_is_read_again(context: Context, prefixes: PromptCache) -> None:
    other = [-token for token in LONG]
    read(prefixes, context, [1, *LONG], "a")
    read(prefixes, context, [1, *other], "b")
    assert read(prefixes, context, [1, *LONG, 7], "a") == 2, "what both have in common is still there"
    assert read(prefixes, context, [1, *LONG, 7, 8], "a") == 102


def test_the_state_that_is_wanted_makes_room_last(context: Context, prefixes: PromptCache) -> None:
    context.size = 400
    prompts = {name: [number] * 100 for number, name in enumerate("abc", start=1)}
    for name in "abc":
        read(prefixes, context, prompts[name], name)
    assert read(prefixes, context, [*prompts["a"], 9], "a") == 100


def test_a_state_that_fits_comes_back_whole(context: Context, prefixes: PromptCache) -> None:
    context.size = 300
    read(prefixes, context, LONG, "a")
    read(prefixes, context, [-1] * 100, "b")
    assert read(prefixes, context, [*LONG, 5], "a") == 100
