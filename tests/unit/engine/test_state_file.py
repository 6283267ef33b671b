"""A state comes back as it was written, or not at all: whatever became of its file."""

import hashlib
import os
import struct
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.engine.worker import state_file
from desktop.engine.worker.state_file import HEADER, MAGIC, VERSION, StateFile, StateFileError

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
TOKENS = list(range(1, 300))
ANSWERS = [[4, 5, 6], [], [299, 300]]
STATE = bytes(range(256)) * 40
CHECKPOINTS = [(120, b"c" * 700), (299, b"d" * 10)]


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    with tempfile.TemporaryFile(dir=tmp_path) as file:
        yield file.fileno()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "_PIECE", 1000)


def saved(descriptor: int) -> int:
    return StateFile(descriptor, KEY).write(TOKENS, STATE, CHECKPOINTS, answers=ANSWERS)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_was_written_comes_back(descriptor: int, threads: int) -> None:
    size = saved(descriptor)
    assert os.fstat(descriptor).st_size == size
    stored = StateFile(descriptor, KEY).open(size)
    assert (stored.tokens, stored.answers) == (TOKENS, ANSWERS)
    read = stored.load(threads)
    assert (read.tokens, bytes(read.state)) == (TOKENS, STATE)
    assert [(position, bytes(state)) for position, state in read.checkpoints] == CHECKPOINTS


def test_a_shorter_state_over_a_longer_one_is_read_by_its_size(descriptor: int) -> None:
    saved(descriptor)
    size = StateFile(descriptor, KEY).write([1, 2, 3], b"state")
    read = StateFile(descriptor, KEY).open(size).load()
    assert (read.tokens, bytes(read.state), read.checkpoints) == ([1, 2, 3], b"state", [])


def test_without_positioned_calls_as_on_windows(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "preadv")
    monkeypatch.delattr(os, "pwrite")
    read = StateFile(descriptor, KEY).open(saved(descriptor)).load(threads=4)
    assert (read.tokens, bytes(read.state)) == (TOKENS, STATE)


def test_every_flipped_byte_is_noticed(descriptor: int) -> None:
    size = saved(descriptor)
    for at in [*range(HEADER.size + 60), *range(HEADER.size + 60, size, 97), size - 1]:
        (byte,) = os.pread(descriptor, 1, at)
        os.pwrite(descriptor, bytes([byte ^ 1]), at)
        with pytest.raises(StateFileError):
            StateFile(descriptor, KEY).open(size).load()
        os.pwrite(descriptor, bytes([byte]), at)
    assert StateFile(descriptor, KEY).open(size).load().tokens == TOKENS


@pytest.mark.parametrize("left", [0, 1, HEADER.size - 1, HEADER.size, HEADER.size + 40, -1])
def test_a_cut_file_is_none(descriptor: int, left: int) -> None:
    size = saved(descriptor)
    os.ftruncate(descriptor, size + left if left < 0 else left)
    for told in (size, os.fstat(descriptor).st_size):
        with pytest.raises(StateFileError):
            StateFile(descriptor, KEY).open(told).load()


def test_another_key_and_another_version_are_refused(descriptor: int) -> None:
    size = saved(descriptor)
    with pytest.raises(StateFileError, match="another model"):
        StateFile(descriptor, OTHER_KEY).open(size)
    os.pwrite(descriptor, struct.pack("<I", VERSION + 1), len(MAGIC))
    with pytest.raises(StateFileError, match="another version"):
        StateFile(descriptor, KEY).open(size)


@pytest.mark.parametrize(
    ("count", "tokens", "spoken", "state"),
    [
        (2**32 - 1, 299, 8, 10240),
        (2, 2**63, 8, 10240),
        (2, 299, 2**63, 10240),
        (2, 299, 8, 2**63),
        (0, 299, 8, 10240),
        (2, 2**62, 8, 2**63),
        (2, 299 - 2, 8 + 2, len(STATE)),
    ],
)
def test_sizes_that_do_not_add_up_take_no_memory(
    descriptor: int, count: int, tokens: int, spoken: int, state: int
) -> None:
    size = saved(descriptor)
    os.pwrite(descriptor, HEADER.pack(MAGIC, VERSION, count, KEY, tokens, spoken, state, bytes(32)), 0)
    with pytest.raises(StateFileError):
        StateFile(descriptor, KEY).open(size)


@pytest.mark.parametrize("length", [-1, -(2**31), 4, 2**31 - 1])
def test_an_answer_whose_length_cannot_be_is_refused(descriptor: int, length: int) -> None:
    size = saved(descriptor)
    places = HEADER.size + 16 * len(CHECKPOINTS) + 4 * (len(TOKENS) + sum(len(answer) + 1 for answer in ANSWERS[:2]))
    os.pwrite(descriptor, struct.pack("<i", length), places)
    with pytest.raises(StateFileError):
        StateFile(descriptor, KEY).open(size)


def test_a_checkpoint_beyond_the_tokens_is_refused(descriptor: int) -> None:
    size = StateFile(descriptor, KEY).write([1, 2], b"state", [(3, b"x")])
    with pytest.raises(StateFileError):
        StateFile(descriptor, KEY).open(size)


def test_random_bytes_are_no_state(descriptor: int) -> None:
    os.pwrite(descriptor, hashlib.shake_128(b"seed").digest(5000), 0)
    with pytest.raises(StateFileError):
        StateFile(descriptor, KEY).open(5000)


def test_more_than_may_be_kept_is_not_written(descriptor: int) -> None:
    with pytest.raises(StateFileError):
        StateFile(descriptor, KEY).write(TOKENS, STATE, most=5000)
    assert os.fstat(descriptor).st_size == 0


def test_what_was_interrupted_is_no_state(descriptor: int) -> None:
    size, asked = saved(descriptor), iter([False, False, True])
    assert StateFile(descriptor, KEY).write([9] * 299, STATE, CHECKPOINTS, stopped=lambda: next(asked)) == 0
    with pytest.raises(StateFileError):
        StateFile(descriptor, KEY).open(size).load()


def test_a_state_is_read_where_no_thread_can_be_started_any_more(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where memory has run out, `Thread.start` never returns, or raises: nothing is started while a state is read."""
    file = StateFile(descriptor, KEY)
    size = saved(descriptor)
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a thread was started"))
    assert bytes(file.open(size).load(threads=4).state) == STATE


def test_without_helpers_one_thread_reads_everything(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    file = StateFile(descriptor, KEY, helpers=2)
    assert bytes(file.open(saved(descriptor)).load(threads=4).state) == STATE


def test_memory_that_runs_out_while_a_state_is_read_is_told(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whichever thread it was: the one that asks hears of it, and the next state is read."""
    file = StateFile(descriptor, KEY, helpers=3)
    stored, read_at = file.open(saved(descriptor)), state_file._read_at

    def fail_late(descriptor: int, into: memoryview, offset: int) -> None:
        if offset > 8000:
            raise MemoryError
        read_at(descriptor, into, offset)

    monkeypatch.setattr(state_file, "_read_at", fail_late)
    with pytest.raises(MemoryError):
        stored.load(threads=4)
    monkeypatch.setattr(state_file, "_read_at", read_at)
    assert bytes(stored.load(threads=4).state) == STATE
