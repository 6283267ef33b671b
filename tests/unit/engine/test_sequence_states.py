"""What waits in memory for its conversation may have to make room: then it is read again, and nothing else is lost."""

import types
from typing import Any

import pytest

from desktop.engine.worker import context_sequence
from desktop.engine.worker.attention_tiles import AttentionTiles
from desktop.engine.worker.prompt_cache import PromptCache
from desktop.engine.worker.state_file import SavedState, StateFileError

ROOM = 1_000
NO_TILES = AttentionTiles()
LONG = list(range(100))


class Context:
    """llama.cpp's memory: how many tokens each sequence holds; a state takes `size` bytes."""

    def __init__(self) -> None:
        self.size = 600
        self.held: dict[int, int] = {}

    def functions(self) -> types.SimpleNamespace:
        def remove(_memory: Any, sequence: int, begin: int, _end: int) -> bool:
            self.held[sequence] = min(self.held.get(sequence, 0), max(begin, 0))
            return True

        def copy(_memory: Any, source: int, target: int, _begin: int, end: int) -> None:
            self.held[target] = self.held[source] if end < 0 else end

        def restore(_context: Any, state: Any, length: int, sequence: int) -> int:
            self.held[sequence] = int.from_bytes(bytes(state)[:2], "little")
            return length

        def save(_context: Any, state: Any, length: int, sequence: int) -> int:
            state[0], state[1] = self.held[sequence].to_bytes(2, "little")
            return length

        return types.SimpleNamespace(
            llama_state_seq_get_size=lambda *_: self.size,
            llama_state_seq_get_data=save,
            llama_state_seq_set_data=restore,
            llama_memory_clear=lambda *_: self.held.clear(),
            llama_memory_seq_rm=remove,
            llama_memory_seq_cp=copy,
            llama_memory_seq_pos_max=lambda _memory, sequence: self.held.get(sequence, 0) - 1,
            llama_memory_seq_pos_min=lambda *_: 0,
        )


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    made = Context()
    monkeypatch.setattr(context_sequence, "llama", made.functions())
    return made


def prompt_cache(parallel: int = 1, spare: int = 0, tiles: AttentionTiles = NO_TILES) -> PromptCache:
    model: Any = types.SimpleNamespace(
        context=None,
        memory=None,
        window=0,
        recurrent=False,
        mrope=False,
        parallel=parallel,
        sequences=parallel + spare,
        every_thread=1,
        tiles=tiles,
    )
    return PromptCache(model, ROOM)


def read(cache: PromptCache, context: Context, tokens: list[int], conversation: str) -> int:
    """Have the context read a prompt; how many of its tokens it held already."""
    sequence, reused = cache.acquire(tokens, conversation)
    sequence.tokens = list(tokens)
    context.held[sequence.id] = len(tokens)
    cache.release(sequence)
    return reused.count


def test_a_state_that_had_to_make_room_is_read_again(context: Context) -> None:
    cache, other = prompt_cache(), [-token for token in LONG]
    read(cache, context, [1, *LONG], "a")
    read(cache, context, [1, *other], "b")
    read(cache, context, [2, *LONG], "c")
    assert read(cache, context, [1, *LONG, 7], "a") == 0, "b took its place"
    assert read(cache, context, [2, *LONG, 7], "c") == 101


def test_two_conversations_take_turns_where_one_state_fits(context: Context) -> None:
    cache, other = prompt_cache(), [-token for token in LONG]
    read(cache, context, [1, *LONG], "a")
    read(cache, context, [1, *other], "b")
    assert read(cache, context, [1, *LONG, 7], "a") == 101
    assert read(cache, context, [1, *other, 7], "b") == 101


def test_what_takes_more_than_the_budget_is_not_kept(context: Context) -> None:
    context.size = ROOM + 1
    cache = prompt_cache()
    read(cache, context, [1, *LONG], "a")
    read(cache, context, [2, *LONG], "b")
    assert read(cache, context, [1, *LONG, 7], "a") == 0


def test_the_state_that_is_wanted_makes_room_last(context: Context) -> None:
    context.size = 400
    cache, prompts = prompt_cache(), {name: [number] * 100 for number, name in enumerate("abc", start=1)}
    for name in "abc":
        read(cache, context, prompts[name], name)
    assert read(cache, context, [*prompts["a"], 9], "a") == 100


def test_states_stay_within_the_budget(context: Context) -> None:
    context.size = 300
    cache = prompt_cache()
    for number in range(1, 8):
        read(cache, context, [number] * 100, str(number))
        assert cache.states.size <= ROOM
    assert read(cache, context, [1] * 100, "1") == 0, "the oldest went first"


def test_a_state_that_fits_comes_back_whole(context: Context) -> None:
    context.size = 300
    cache = prompt_cache()
    read(cache, context, LONG, "a")
    read(cache, context, [-1] * 100, "b")
    assert read(cache, context, [*LONG, 5], "a") == 100


def test_a_question_is_read_with_what_fills_its_tile(context: Context) -> None:
    cache, turns = prompt_cache(tiles=AttentionTiles(64, 0.01)), [number % 90 for number in range(2000)]
    read(cache, context, turns, "a")
    assert read(cache, context, [*turns, *[5] * 50], "a") == 2000 + 50 - 64
    assert read(cache, context, [*turns, *[5] * 50, 6], "a") == 2050, "one token is read alone"


def test_a_branch_that_was_left_stays_in_the_context(context: Context) -> None:
    context.size = ROOM + 1  # nothing can be kept in memory
    cache, stem = prompt_cache(spare=2), [1] * 80
    one, other = [*stem, *[2] * 80], [*stem, *[3] * 80]
    read(cache, context, one, "a")
    assert read(cache, context, other, "a") == 80
    assert read(cache, context, [*one, 9], "a") == 160
    read(cache, context, [7] * 100, "b")
    assert read(cache, context, [*one, 9], "a") == 0, "another conversation has the context to itself"


def test_one_more_answer_begins_where_another_is_going_on(context: Context) -> None:
    cache, stem = prompt_cache(parallel=2), [1] * 80
    first, _ = cache.acquire([*stem, 2], "a")
    first.tokens = [*stem, 2]
    context.held[first.id] = 81
    assert cache.free
    second, reused = cache.acquire([*stem, 3], "b")
    assert second is not first
    assert reused.count == 80, "both begin alike, and share it"
    assert not cache.free
    cache.release(first)
    assert cache.free


def test_what_is_not_to_be_kept_is_gone(context: Context) -> None:
    cache = prompt_cache()
    sequence, _ = cache.acquire(LONG, "a", "off")
    sequence.tokens = list(LONG)
    context.held[sequence.id] = len(LONG)
    cache.release(sequence, "off")
    assert not context.held[sequence.id]
    assert read(cache, context, [*LONG, 5], "a") == 0


class Stored:
    """A state on the disk; `damaged` once it is read."""

    def __init__(self, tokens: list[int], *, damaged: bool = False) -> None:
        self.tokens, self._damaged = tokens, damaged

    def load(self, _threads: int) -> SavedState:
        if self._damaged:
            raise StateFileError("it is damaged")
        return SavedState(list(self.tokens), bytearray(len(self.tokens).to_bytes(2, "little")), [])


@pytest.mark.parametrize(
    ("in_memory", "on_disk", "damaged", "expected"),
    [
        (0, 90, False, (90, 0, 90)),
        (80, 90, False, (80, 80, 0)),
        (80, 160, False, (160, 0, 160)),
        (80, 160, True, (80, 80, 0)),
        (0, 60, False, (0, 0, 0)),
    ],
)
def test_a_state_on_the_disk_is_read_where_it_holds_much_more(
    context: Context, in_memory: int, on_disk: int, damaged: bool, expected: tuple[int, int, int]
) -> None:
    cache, prompt = prompt_cache(), list(range(200))
    if in_memory:
        read(cache, context, prompt[:in_memory], "a")
        read(cache, context, [9] * 70, "b")
    stored: Any = Stored(prompt[:on_disk], damaged=damaged)
    sequence, reused = cache.acquire(prompt, "a", "disk", stored)
    assert (reused.count, reused.memory, reused.disk) == expected
    assert sequence.tokens == prompt[: reused.count]


def test_the_state_of_a_conversation_is_that_of_its_last_answer(context: Context) -> None:
    cache, stem = prompt_cache(spare=2), [1] * 80
    assert cache.state_of("a", ROOM) is None
    read(cache, context, [*stem, *[2] * 80], "a")
    read(cache, context, [*stem, 3], "a")
    found = cache.state_of("a", ROOM)
    assert found is not None
    assert found.tokens == [*stem, 3], "the branch that was left is longer"
    read(cache, context, [7] * 100, "b")
    waiting = cache.state_of("a", ROOM)
    assert waiting is not None
    assert waiting.tokens[:80] == stem
    assert cache.state_of("a", context.size - 1) is None


def test_of_two_answers_of_a_conversation_the_one_that_ended_last_is_its_state(context: Context) -> None:
    cache, begun = prompt_cache(parallel=2), []
    for number in (1, 2):
        sequence, _ = cache.acquire([number] * 80, "a")
        sequence.tokens = [number] * 80
        context.held[sequence.id] = 80
        begun.append(sequence)
        assert cache.state_of("a", ROOM) is None, "it is being answered"
    for sequence in begun:
        cache.release(sequence)
        found = cache.state_of("a", ROOM)
        assert found is not None
        assert found.tokens == sequence.tokens


def test_checkpoints_count_in_the_budget_and_states_give_way_to_them(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model with a window or a state keeps some of each sequence in the context."""
    functions = context.functions()
    functions.llama_state_seq_get_size_ext = lambda *_: 300
    functions.llama_state_seq_get_data_ext = lambda _context, _state, length, *_: length
    monkeypatch.setattr(context_sequence, "llama", functions)
    cache = prompt_cache(parallel=2)
    read(cache, context, LONG, "a")
    read(cache, context, [*range(200, 300)], "b")
    cache.make_room()
    assert cache.size == 600, "of two states of 600 bytes the older one had to go"
    one, _ = cache.acquire(LONG, "c")
    other, _ = cache.acquire([*range(400, 500)], "d")
    sizes = []
    for sequence, length in ((one, 10), (one, 20), (other, 10), (one, 30), (other, 20)):
        sequence.tokens = list(range(length))
        sequence.checkpoint()
        sizes.append(cache.size)
    assert sizes == [900, 600, 900, 900, 900]
    assert max(sizes) <= ROOM
    assert [point.position for point in other.checkpoints][-1] == 20, "the newest is kept"
    context.size = ROOM + 1
    functions.llama_state_seq_get_size_ext = lambda *_: ROOM + 1
    other.tokens = list(range(40))
    other.checkpoint()
    assert [point.position for point in other.checkpoints][-1] == 20, "none is kept that is larger than all there is"
