"""Several answers of one worker at once: each is the one it would be alone, and none waits for another's end."""

import math
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.generation_options import GenerationOptions, GrammarFormat
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import (
    AnswerDone,
    CancelRequest,
    Delta,
    GenerateRequest,
    LoadRequest,
    ModelDescribed,
    PromptProgress,
    RequestFailed,
)
from desktop.engine.worker_process import PipeClosed, WorkerProcess, WorkerSetup, default_worker_command
from desktop.file_stamp import ModelFile, stamp_from_stat
from tests.unit.engine.conftest import GREEDY, Answer

pytestmark = pytest.mark.usefixtures("forked_workers")
Files = Callable[[str], Path]
STORIES = ("the of and " * 30, "to in is it you " * 20, "and to the " * 25, "you in of is " * 22)


class ParallelWorker:
    """A worker with a model that is sent several requests at once."""

    def __init__(self, setup: WorkerSetup, path: Path, **params: Any) -> None:
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.process = WorkerProcess(setup, self.events.put)
        self.order: list[int] = []
        files = (ModelFile(str(path), stamp_from_stat(path.stat())),)
        self.process.send(LoadRequest(LoadParams(str(path), **{"threads": 1, "parallel": 4, **params}), files))
        while not isinstance(event := self.events.get(timeout=30), ModelDescribed):
            assert not isinstance(event, RequestFailed | PipeClosed), event

    def send(self, number: int, *turns: str, conversation: str = "", **options: Any) -> None:
        chosen = GenerationOptions(**{"sampling": GREEDY, "max_tokens": 24, "ignore_eos": True, **options})
        messages = tuple(ChatMessage.from_text("user", turn) for turn in turns)
        self.process.send(GenerateRequest(number, messages, chosen, conversation))

    def answers(self, *numbers: int, on_event: Callable[[Any], None] = lambda event: None) -> dict[int, Answer]:
        """What came of the requests, once all of them are over."""
        found = {number: Answer() for number in numbers}
        while not all(answer.done for answer in found.values()):
            event = self.events.get(timeout=60)
            assert not isinstance(event, RequestFailed | PipeClosed), event
            self.order.append(event.id)
            found[event.id].take(event)
            on_event(event)
        return found


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[..., ParallelWorker]]:
    made: list[ParallelWorker] = []

    def start(path: Path, **params: Any) -> ParallelWorker:
        setup = WorkerSetup(default_worker_command(), tmp_path / "logs", tmp_path / "cache")
        made.append(ParallelWorker(setup, path, **params))
        return made[-1]

    yield start
    for each in made:
        each.process.end()


@pytest.mark.parametrize("kind", ["llama", "gemma3", "mamba"])
def test_each_answer_is_the_one_it_would_be_alone(
    worker: Callable[..., ParallelWorker], model_file: Files, kind: str
) -> None:
    together, alone = worker(model_file(kind)), worker(model_file(kind), parallel=1)
    for number, story in enumerate(STORIES, start=1):
        together.send(number, story, conversation=f"c{number}")
    found = together.answers(1, 2, 3, 4)
    for number, story in enumerate(STORIES, start=1):
        alone.send(number, story, conversation=f"c{number}")
        assert found[number].text == alone.answers(number)[number].text
    firsts, lasts = ([found[n].deltas[i].id for n in found] for i in (0, -1))
    assert firsts == lasts == [1, 2, 3, 4]
    assert together.order.index(4) < len(together.order) - 1 - together.order[::-1].index(1), "they took turns"


def test_one_is_stopped_and_the_others_go_on(worker: Callable[..., ParallelWorker], model_file: Files) -> None:
    asked = worker(model_file("wide"), context_length=8192)
    for number, story in enumerate(STORIES, start=1):
        asked.send(number, story, max_tokens=None if number == 2 else 60)

    def stop(event: Any) -> None:
        if isinstance(event, Delta) and event.id == 2:
            asked.process.send(CancelRequest(2))

    found = asked.answers(1, 2, 3, 4, on_event=stop)
    assert [found[number].end.stop_reason for number in (1, 2, 3, 4)] == ["length", "cancelled", "length", "length"]
    assert [found[number].end.generated_tokens for number in (1, 3, 4)] == [60, 60, 60]


def test_more_than_there_is_room_for_take_turns(worker: Callable[..., ParallelWorker], model_file: Files) -> None:
    """Four answers that do not fit the context together: each is whole, and begins as it would alone.

    What was read again after it had to make room was computed by other kernels, which round otherwise.
    """
    asked = worker(model_file("llama"), context_length=512)
    for number, story in enumerate(STORIES, start=1):
        asked.send(number, story, max_tokens=150)
    found = asked.answers(1, 2, 3, 4)
    alone = worker(model_file("llama"), context_length=512, parallel=1)
    for number, story in enumerate(STORIES, start=1):
        alone.send(number, story, max_tokens=150)
        assert found[number].text[:40] == alone.answers(number)[number].text[:40]
        assert found[number].end.generated_tokens == 150


def test_a_fifth_waits_for_the_first_that_is_over(worker: Callable[..., ParallelWorker], model_file: Files) -> None:
    asked = worker(model_file("llama"), parallel=2)
    for number in (1, 2, 3, 4, 5):
        asked.send(number, STORIES[number % 4], max_tokens=8 * number)
    found = asked.answers(1, 2, 3, 4, 5)
    assert [found[number].end.generated_tokens for number in found] == [8, 16, 24, 32, 40]


def test_a_stopped_answer_that_waits_ends_at_once(worker: Callable[..., ParallelWorker], model_file: Files) -> None:
    asked = worker(model_file("llama"), parallel=1)
    asked.send(1, STORIES[0], max_tokens=200)
    asked.send(2, STORIES[1], max_tokens=200)
    asked.process.send(CancelRequest(2))
    found = asked.answers(1, 2)
    assert found[2].end.stop_reason == "cancelled"
    assert found[2].text == ""
    assert found[1].end.generated_tokens == 200
    assert asked.order.index(2) < len(asked.order) - 1


def test_a_branch_shares_what_it_has_in_common(worker: Callable[..., ParallelWorker], model_file: Files) -> None:
    asked = worker(model_file("llama"))
    asked.send(1, STORIES[0] * 3 + "one way " * 40, conversation="a")
    first = asked.answers(1)[1]
    asked.send(2, STORIES[0] * 3 + "another way " * 40, conversation="a")
    second = asked.answers(2)[2]
    assert second.end.cached_tokens > 100
    asked.send(3, STORIES[0] * 3 + "one way " * 40, conversation="a")
    back = asked.answers(3)[3]
    assert back.end.cached_tokens == first.end.prompt_tokens - 1, "the branch that was left is still there"
    assert back.text == first.text


def test_a_prompt_is_read_beside_an_answer(worker: Callable[..., ParallelWorker], model_file: Files) -> None:
    """No stream waits longer than one batch of another."""
    asked = worker(model_file("wide"), context_length=8192)
    asked.send(1, STORIES[0], max_tokens=400)
    events: list[Any] = []
    found = {1: Answer(), 2: Answer()}
    while not all(answer.done for answer in found.values()):
        event = asked.events.get(timeout=60)
        events.append(event)
        found[event.id].take(event)
        if isinstance(event, Delta) and event.id == 1 and len(found[1].deltas) == 1:
            asked.send(2, "the of and to in is it you " * 150, max_tokens=4)
    pieces = [i for i, event in enumerate(events) if isinstance(event, PromptProgress) and event.id == 2]
    between = [event for event in events[pieces[0] : pieces[-1]] if isinstance(event, Delta) and event.id == 1]
    assert len(pieces) >= 2
    assert between


def test_what_is_not_to_be_kept_is_read_again(worker: Callable[..., ParallelWorker], model_file: Files) -> None:
    asked = worker(model_file("llama"))
    for number in (1, 2):
        asked.send(number, STORIES[0], conversation="a", cache="off")
        assert asked.answers(number)[number].end.cached_tokens == 0
    asked.send(3, STORIES[0], conversation="a")
    assert asked.answers(3)[3].end.cached_tokens == 0


@pytest.mark.parametrize("parallel", [15, 16])
def test_as_many_at_once_as_can_be_set_load(
    worker: Callable[..., ParallelWorker], model_file: Files, parallel: int
) -> None:
    asked = worker(model_file("llama"), parallel=parallel)
    for number in range(1, parallel + 1):
        asked.send(number, STORIES[number % 4], max_tokens=4)
    assert all(each.end.generated_tokens == 4 for each in asked.answers(*range(1, parallel + 1)).values())


def test_a_prompt_longer_than_the_batch_of_a_short_context(
    worker: Callable[..., ParallelWorker], model_file: Files
) -> None:
    """llama.cpp takes no larger batch than the context asked for, and rounds the context up."""
    asked = worker(model_file("llama"), context_length=300)
    asked.send(1, "the of and to in is it you " * 45, max_tokens=4)
    found = asked.answers(1)[1]
    assert found.end.prompt_tokens > 300
    assert found.end.generated_tokens == 4


def test_a_grammar_that_leaves_nothing_fails_its_own_answer_alone(
    worker: Callable[..., ParallelWorker], model_file: Files
) -> None:
    asked = worker(model_file("llama"))
    asked.send(1, STORIES[0], max_tokens=40)
    grammar = GrammarFormat('root ::= "the" " the"')
    asked.send(2, STORIES[1], max_tokens=40, response_format=grammar, logit_bias=tuple((c, -math.inf) for c in "the"))
    events: list[Any] = []
    while sum(isinstance(event, AnswerDone | RequestFailed) for event in events) < 2:
        events.append(asked.events.get(timeout=60))
    failed = next(event for event in events if isinstance(event, RequestFailed))
    done = next(event for event in events if isinstance(event, AnswerDone))
    assert (failed.id, failed.kind) == (2, "engine")
    assert "grammar" in failed.title
    assert (done.id, done.generated_tokens) == (1, 40)


def test_two_conversations_with_one_system_prompt_take_turns_in_a_context_for_one(
    worker: Callable[..., ParallelWorker], model_file: Files
) -> None:
    asked = worker(model_file("llama"), context_length=1024)
    stem = "the of and to in is it you " * 12
    prompts = {name: stem + f"{word} " * 300 for name, word in (("a", "that"), ("b", "with"))}
    number = 0
    for _ in range(2):
        for name, prompt in prompts.items():
            number += 1
            asked.send(number, prompt, conversation=name, max_tokens=2)
            last = asked.answers(number)[number].end
            if number > 2:
                assert last.cached_tokens == last.prompt_tokens - 1
