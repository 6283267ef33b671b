"""When states are saved and restored, without a worker: what it is asked, and what is not asked of it again."""

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.engine.generation_options import GenerationOptions
from desktop.engine.prompt_cache_folder import PromptCacheFolder, SavingPolicy, ScratchFile, StateCopied
from desktop.engine.state_saver import StateSaver
from desktop.engine.worker_messages import (
    AnswerDone,
    CancelRequest,
    GenerateRequest,
    PromptPrepared,
    SaveStateRequest,
    StateSaved,
)
from tests.unit.engine.conftest import wait_until

KEY = "a" * 64


class Worker:
    """Takes requests, and has a scratch file."""

    def __init__(self, scratch: ScratchFile | None) -> None:
        self.scratch = scratch
        self.sent: list[Any] = []

    def send(self, request: Any) -> None:
        self.sent.append(request)


class Bench:
    """A saver with its worker and folder; `copied` are the events that its threads posted."""

    def __init__(self, place: Path, policy: SavingPolicy) -> None:
        self.copied: list[Any] = []
        self.folder = PromptCacheFolder(place, lambda: 10_000, lambda: "build", policy)
        worker: Any = Worker(self.folder.open_scratch())
        self.worker = worker
        self.saver = StateSaver(self.folder, lambda _, event: self.copied.append(event))
        self.saver.begin(self.worker, KEY)

    def request(self, conversation: str = "a") -> GenerateRequest:
        return GenerateRequest(1, (), GenerationOptions(cache="disk"), conversation)

    def answered(self, prompt: int, cached: int, generated: int, conversation: str = "a") -> None:
        request = self.request(conversation)
        self.saver.note(request, PromptPrepared(1, prompt, cached, 0, 4096))
        self.saver.note(request, AnswerDone(1, "end", prompt, cached, generated, None, None, None, 0, 4096, 0))

    def write(self, data: bytes) -> StateSaved:
        os.pwrite(self.worker.scratch.descriptor, data, 0)
        return StateSaved(self.worker.sent[-1].id, "", len(data), 300)

    def next_copied(self) -> StateCopied:
        wait_until(lambda: bool(self.copied))
        event: StateCopied = self.copied.pop(0)
        return event

    def save(self, data: bytes) -> None:
        self.answered(300, 0, 10)
        assert self.saver.save_next()
        self.saver.receive(self.write(data))
        self.saver.receive(self.next_copied())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "prompt-cache", SavingPolicy(idle_s=0.0, min_new_tokens=100))


def test_it_saves_once_enough_is_new_and_not_again_before_more_is(bench: Bench) -> None:
    bench.answered(60, 0, 30)
    assert bench.saver.until_due() is None
    bench.answered(100, 90, 5)
    assert bench.saver.until_due() == 0
    bench.saver.save_due()
    assert isinstance(bench.worker.sent[-1], SaveStateRequest)
    assert bench.saver.until_due() is None, "one at a time"
    bench.saver.receive(bench.write(b"state"))
    assert bench.saver.until_due() is None, "the scratch file is being copied"
    bench.saver.receive(bench.next_copied())
    assert bench.folder.holds("a", KEY)
    assert os.fstat(bench.worker.scratch.descriptor).st_size == 0, "it gives its place on the disk back"
    assert not bench.saver.save_next()
    bench.answered(200, 105, 10)
    assert bench.saver.save_next()


def test_it_waits_until_nothing_was_asked_for_a_while(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "prompt-cache", SavingPolicy(idle_s=1000.0, min_new_tokens=100))
    bench.answered(300, 0, 10)
    due = bench.saver.until_due()
    assert due is not None
    assert due > 900
    bench.saver.save_due()
    assert not bench.worker.sent


def test_an_answer_interrupts_a_save_which_is_asked_for_again(bench: Bench) -> None:
    bench.answered(300, 0, 10)
    bench.saver.save_next()
    number = bench.worker.sent[-1].id
    assert bench.saver.prepare(bench.request("a")) is not None
    assert bench.worker.sent[-1] == CancelRequest(number)
    bench.saver.receive(StateSaved(number, "a", 0, 0))
    assert bench.saver.until_due() == 0


def test_what_cannot_be_saved_is_not_tried_without_end(bench: Bench) -> None:
    bench.answered(300, 0, 10)
    bench.saver.save_next()
    bench.saver.receive(StateSaved(bench.worker.sent[-1].id, "a", 0, 0))
    assert bench.saver.until_due() is None


def test_a_worker_that_tells_of_more_than_it_may_is_not_believed(bench: Bench) -> None:
    bench.answered(300, 0, 10)
    bench.saver.save_next()
    bench.saver.receive(StateSaved(bench.worker.sent[-1].id, "a", 1 << 50, 300))
    assert bench.saver._exchange is None
    assert not bench.folder.holds("a", KEY)
    bench.answered(300, 0, 10)
    bench.saver.save_next()
    bench.saver.receive(StateSaved(bench.worker.sent[-1].id, "a", 9_000, 300))  # of which there is none
    assert bench.next_copied() == StateCopied("a", kept=True, size=0)
    assert not bench.folder.holds("a", KEY)


def test_a_fresh_worker_is_given_the_state_once(bench: Bench) -> None:
    bench.save(b"state of a")
    bench.saver.begin(bench.worker, KEY)
    assert bench.saver.prepare(bench.request()) is None, "it is copied first"
    assert bench.saver.receive(bench.next_copied())
    sent = bench.saver.prepare(bench.request())
    assert sent is not None
    assert sent.saved_state == 10
    assert os.pread(bench.worker.scratch.descriptor, 10, 0) == b"state of a"
    again = bench.saver.prepare(bench.request())
    assert again is not None
    assert again.saved_state == 0


def test_saving_gives_way_to_an_answer_that_waits_for_its_state(bench: Bench) -> None:
    bench.save(b"state of a")
    bench.saver.begin(bench.worker, KEY)
    bench.answered(300, 0, 10, "b")
    bench.saver.save_next()
    assert bench.saver.prepare(bench.request()) is None
    assert not bench.copied, "the worker may still write"
    assert bench.saver.receive(StateSaved(bench.worker.sent[-1].id, "b", 0, 0))
    assert bench.saver.prepare(bench.request()) is None
    assert bench.saver.receive(bench.next_copied())
    assert bench.saver.prepare(bench.request()) is not None
    assert os.pread(bench.worker.scratch.descriptor, 10, 0) == b"state of a"
    bench.saver.release(1)
    assert bench.saver.until_due() == 0, "b is saved another time"


def test_answers_are_given_their_states_one_after_another_and_others_go_on(bench: Bench) -> None:
    bench.save(b"state of a")
    bench.answered(300, 0, 10, "b")
    bench.saver.save_next()
    bench.saver.receive(bench.write(b"of b"))
    bench.saver.receive(bench.next_copied())
    bench.saver.begin(bench.worker, KEY)
    first, second = bench.request("a"), msgspec.structs.replace(bench.request("b"), id=2)
    same = msgspec.structs.replace(first, id=3)
    assert bench.saver.prepare(first) is None
    assert bench.saver.prepare(second) is None
    assert bench.saver.prepare(same) is None
    assert bench.saver.prepare(msgspec.structs.replace(first, id=4, conversation="new")) is not None
    assert bench.saver.receive(bench.next_copied())
    assert bench.saver.prepare(second) is None, "the scratch file holds the state of another conversation"
    assert bench.saver.prepare(first) == msgspec.structs.replace(first, saved_state=10)
    assert bench.saver.prepare(same) == same, "the worker has it"
    assert bench.saver.prepare(second) is None, "the worker reads the other one"
    bench.saver.note(same, PromptPrepared(3, 300, 290, 0, 4096))
    assert bench.saver.prepare(second) is None, "that was another answer"
    bench.saver.note(first, PromptPrepared(1, 300, 290, 0, 4096))
    assert bench.saver.prepare(second) is None, "now it is copied"
    assert bench.saver.receive(bench.next_copied())
    assert bench.saver.prepare(second) == msgspec.structs.replace(second, saved_state=4)


def test_one_that_was_stopped_while_its_state_was_copied_makes_way_for_the_next(bench: Bench) -> None:
    bench.save(b"state of a")
    bench.saver.begin(bench.worker, KEY)
    assert bench.saver.prepare(bench.request()) is None
    bench.saver.release(1)
    again = msgspec.structs.replace(bench.request(), id=2)
    assert bench.saver.prepare(again) is None
    assert bench.saver.receive(bench.next_copied())
    assert bench.saver.prepare(again) is None, "it is copied for this one"
    assert bench.saver.receive(bench.next_copied())
    assert bench.saver.prepare(again) == msgspec.structs.replace(again, saved_state=10)


def test_a_state_that_a_worker_did_not_survive_is_not_given_to_the_next(bench: Bench) -> None:
    bench.save(b"deadly")
    bench.saver.begin(bench.worker, KEY)
    bench.saver.prepare(bench.request())
    bench.saver.receive(bench.next_copied())
    bench.saver.prepare(bench.request())
    bench.saver.end(died=True)
    bench.saver.begin(bench.worker, KEY)
    assert not bench.folder.holds("a", KEY)


def test_one_that_was_read_stays_though_the_worker_dies_later(bench: Bench) -> None:
    bench.save(b"state")
    bench.saver.begin(bench.worker, KEY)
    bench.saver.prepare(bench.request())
    bench.saver.receive(bench.next_copied())
    bench.saver.prepare(bench.request())
    bench.saver.note(bench.request(), PromptPrepared(1, 300, 290, 0, 4096))
    bench.saver.end(died=True)
    bench.saver.begin(bench.worker, KEY)
    assert bench.folder.holds("a", KEY)


def test_the_end_does_not_wait_for_a_worker_that_is_silent(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "prompt-cache", SavingPolicy(min_new_tokens=100, flush_s=0.01))
    bench.answered(300, 0, 10)
    waited: list[float] = []

    def nothing(_worker: Any, _types: tuple[type, ...], seconds: float) -> None:
        waited.append(seconds)
        time.sleep(max(seconds, 0))

    bench.saver.flush(nothing)
    assert len(waited) == 1
    assert waited[0] <= 0.01
