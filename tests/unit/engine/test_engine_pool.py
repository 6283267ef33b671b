"""Several models, a worker each: side by side, back at once, within their memory, and none left behind."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.embedding_messages import EmbedRequest, EmbedResult
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_pool import EnginePool
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.load_params import LoadParams
from desktop.engine.pooled_engine import needed_memory
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    EmbedEvent,
    GenerateRequest,
    LoadEvent,
    LoadProgress,
    ModelReady,
    RequestFailed,
)
from desktop.errors import LicenseError
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.tiny_bert import TinyBert
from tests.unit.engine.conftest import children, wait_until

pytestmark = pytest.mark.usefixtures("forked_workers")
Files = Callable[[str], Path]


class Pool:
    """A pool on real workers. `limit`, `minutes` and `now` are what it is told of memory and time."""

    def __init__(self, folder: Path) -> None:
        self.limit: int | None = None
        self.minutes: float | None = None
        self.now = 0.0
        self.refuse = False
        self.admitted: list[Path] = []
        self.recorded: list[Path] = []

        def check(_: Path) -> None:
            if self.refuse:
                raise LicenseError("Revoked.")

        def admit(path: Path) -> None:
            check(path)
            self.admitted.append(path)

        door = OpenLoadCheck(admit, record_load=self.recorded.append, check_loaded=check)
        self.pool = EnginePool(
            lambda: EngineClient(license_check=door, logs=folder / "logs", cache=folder / "cache"),
            memory=lambda: self.limit,
            unload_after=lambda: self.minutes,
            clock=lambda: self.now,
        )

    def begin_load(self, params: LoadParams, *, keep: bool = True) -> list[LoadEvent]:
        events: list[LoadEvent] = []
        self.pool.load(params, events.append, keep=keep)
        return events

    def load(self, params: LoadParams, *, keep: bool = True) -> LoadEvent:
        events = self.begin_load(params, keep=keep)
        wait_until(lambda: bool(events) and not isinstance(events[-1], LoadProgress))
        return events[-1]

    def ask(self, params: LoadParams | None = None, tokens: int | None = None) -> "Heard":
        options = GenerationOptions(SamplingParams(temperature=0), max_tokens=tokens, ignore_eos=True)
        request = GenerateRequest(self.pool.next_id(), (ChatMessage.from_text("user", "Hello"),), options)
        heard = Heard(request.id)
        self.pool.generate(request, heard.events.append, params=params)
        return heard


class Heard:
    """What one answer was told."""

    def __init__(self, number: int) -> None:
        self.id = number
        self.events: list[AnswerEvent] = []

    @property
    def speaks(self) -> bool:
        return any(isinstance(event, Delta) for event in self.events)

    @property
    def over(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], AnswerDone | RequestFailed)

    @property
    def end(self) -> AnswerEvent:
        wait_until(lambda: self.over)
        return self.events[-1]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path)
    yield pool
    pool.pool.close()
    assert not children(), "a worker was left behind"


def params(path: Path, **options: Any) -> LoadParams:
    return LoadParams(str(path), threads=1, **options)


def test_two_models_answer_side_by_side_and_switching_back_loads_nothing(made: Pool, model_file: Files) -> None:
    one, two = params(model_file("wide")), params(model_file("llama"))
    assert isinstance(made.load(one), ModelReady)
    first = made.ask()
    wait_until(lambda: first.speaks)
    assert isinstance(made.load(two), ModelReady), "beside the answer"
    second = made.ask(tokens=1_000)
    wait_until(lambda: second.speaks)
    assert not first.over
    assert made.pool.state_of(one) == "answering"
    assert len(children()) == 2
    workers = set(children())
    assert isinstance(made.load(one), ModelReady), "back, while it answers"
    assert isinstance(made.load(two), ModelReady)
    assert (len(made.admitted), len(made.recorded)) == (2, 2), "what was not loaded is not recorded as loaded"
    for each in (first, second):
        made.pool.cancel(each.id)
        assert isinstance(each.end, AnswerDone)
    assert set(children()) == workers
    assert set(made.pool.loaded) == {one, two}


def test_two_settings_of_one_model_answer_side_by_side(made: Pool, model_file: Files) -> None:
    short, long = params(model_file("wide"), context_length=512), params(model_file("wide"), context_length=1024)
    made.load(short)
    made.load(long)
    answers = [made.ask(short), made.ask(long)]
    wait_until(lambda: all(each.speaks for each in answers))
    ends = []
    for each in answers:
        made.pool.cancel(each.id)
        assert isinstance(each.end, AnswerDone)
        ends.append(each.end.context_length)
    assert ends == [512, 1024]


def test_the_one_used_longest_ago_makes_room_and_one_that_answers_never_does(made: Pool, model_file: Files) -> None:
    one, two, three = (params(model_file(name)) for name in ("wide", "llama", "bpe"))
    made.limit = needed_memory(one) + needed_memory(two) + 1_000_000
    made.load(one)
    made.now = 1.0
    made.load(two)
    made.now = 2.0
    made.load(three)
    assert set(made.pool.loaded) == {two, three}
    made.now = 3.0
    made.load(one)
    assert set(made.pool.loaded) == {three, one}
    answer = made.ask(one)
    wait_until(lambda: answer.speaks)
    made.limit = needed_memory(one) + 1_000_000
    waiting = made.begin_load(two)
    wait_until(lambda: made.pool.state_of(two) == "loading")
    assert isinstance(made.load(one), ModelReady), "what is loaded does not wait behind it"
    said = len(answer.events)
    wait_until(lambda: len(answer.events) > said + 20)
    assert not answer.over
    assert (waiting, made.pool.loaded) == ([], (one,)), "it waits while the other one answers, the idle one made room"
    made.pool.cancel(answer.id)
    wait_until(lambda: any(isinstance(event, ModelReady) for event in waiting))
    assert made.pool.loaded == (two,)
    assert len(children()) == 1


def test_a_load_that_waits_for_memory_can_be_cancelled(made: Pool, model_file: Files) -> None:
    one, two = params(model_file("wide")), params(model_file("llama"))
    made.limit = 1
    made.load(one)
    answer = made.ask(one)
    wait_until(lambda: answer.speaks)
    waiting = made.begin_load(two)
    wait_until(lambda: made.pool.state_of(two) == "loading")
    made.pool.cancel(0)
    wait_until(lambda: bool(waiting))
    assert isinstance(waiting[-1], RequestFailed)
    assert waiting[-1].title == "Loading was cancelled."
    assert not answer.over
    made.pool.cancel(answer.id)


def test_a_model_that_has_nothing_to_do_is_unloaded_after_a_time_and_loaded_again_when_asked(
    made: Pool, model_file: Files
) -> None:
    one, two = params(model_file("llama")), params(model_file("wide"))
    made.load(one)
    made.load(two)
    answer = made.ask(two)
    wait_until(lambda: answer.speaks)
    made.now = 30 * 60.0
    made.pool.recheck()
    wait_until(lambda: made.pool.loaded == (two,))
    assert made.pool.state_of(one) == "empty"
    assert not answer.over
    made.pool.cancel(answer.id)
    assert isinstance(answer.end, AnswerDone)
    made.minutes = 0
    made.now = 1e9
    made.pool.recheck()
    again = made.ask(one, tokens=2)
    assert isinstance(again.end, AnswerDone)
    assert len(made.admitted) == 3, "asked again, as at every load"
    assert set(made.pool.loaded) == {one, two}, "0 is never"


def test_an_answer_whose_model_is_loaded_again_can_be_cancelled_meanwhile(made: Pool, model_file: Files) -> None:
    answer = made.ask(params(model_file("wide")))
    made.pool.cancel(answer.id)
    end = answer.end
    assert isinstance(end, AnswerDone)
    assert end.stop_reason == "cancelled"


def test_what_is_released_goes_once_it_does_not_answer(made: Pool, model_file: Files) -> None:
    one, two = params(model_file("wide")), params(model_file("llama"))
    made.load(one)
    made.load(two)
    answer = made.ask(one)
    wait_until(lambda: answer.speaks)
    made.pool.release()
    wait_until(lambda: made.pool.loaded == (one,))
    assert not answer.over
    made.pool.cancel(answer.id)
    wait_until(lambda: made.pool.loaded == ())
    wait_until(lambda: not children())


def test_a_revocation_unloads_it_everywhere(made: Pool, model_file: Files) -> None:
    short, long = params(model_file("wide"), context_length=512), params(model_file("wide"), context_length=1024)
    made.load(short)
    made.load(long)
    answers = [made.ask(short), made.ask(long)]
    wait_until(lambda: all(each.speaks for each in answers))
    made.refuse = True
    made.pool.recheck()
    for each in answers:
        assert isinstance(each.end, RequestFailed)
        assert (each.end.kind, each.end.title) == ("license", "Revoked.")
    wait_until(lambda: not children())
    assert (made.pool.state_of(short), made.pool.state_of(long)) == ("empty", "empty")
    failed = made.load(short)
    assert isinstance(failed, RequestFailed)
    assert failed.kind == "license"
    refused = made.ask(long)
    assert isinstance(refused.end, RequestFailed)
    assert refused.end.id == refused.id
    made.refuse = False
    assert isinstance(made.load(short), ModelReady)


def test_a_file_that_is_none_leaves_the_others_alone(made: Pool, model_file: Files, tmp_path: Path) -> None:
    one = params(model_file("llama"))
    made.load(one)
    (tmp_path / "none.gguf").write_bytes(b"no model")
    assert isinstance(made.load(params(tmp_path / "none.gguf")), RequestFailed)
    assert made.pool.loaded == (one,)
    assert isinstance(made.ask(one, tokens=1).end, AnswerDone)
    assert isinstance(made.load(params(model_file("bpe"))), ModelReady)


def test_an_embedding_model_stands_beside_a_chat_model(made: Pool, model_file: Files, tmp_path: Path) -> None:
    bert = TinyBert(tmp_path / "bert.gguf")
    chat, reads = params(model_file("wide")), params(bert.path, embedding=True)
    made.load(chat)
    answer = made.ask(chat)
    wait_until(lambda: answer.speaks)
    events: list[EmbedEvent] = []
    made.pool.embed(EmbedRequest(made.pool.next_id(), ("the sea",)), events.append, params=reads)
    wait_until(lambda: bool(events))
    (result,) = events
    assert isinstance(result, EmbedResult)
    assert result.vectors[0] == pytest.approx(list(bert.vector("the sea")), abs=1e-2)
    assert not answer.over
    assert made.pool.model is not None
    assert made.pool.model.architecture == "llama", "it was not chosen to answer"
    made.pool.cancel(answer.id)


def test_without_a_model_that_is_said(made: Pool) -> None:
    end = made.ask().end
    assert isinstance(end, RequestFailed)
    assert end.title == "No model is loaded."
    assert made.pool.state == "empty"


def test_unloading_ends_loads_that_wait_for_memory(made: Pool, model_file: Files) -> None:
    one, two = params(model_file("wide")), params(model_file("llama"))
    made.limit = 1
    made.load(one)
    answer = made.ask(one)
    wait_until(lambda: answer.speaks)
    waiting = made.begin_load(two)
    wait_until(lambda: made.pool.state_of(two) == "loading")
    made.pool.unload()
    wait_until(lambda: bool(waiting) and answer.over)
    assert isinstance(waiting[-1], RequestFailed)
    assert not made.pool.loaded or made.pool.model is None


def test_what_comes_after_the_end_starts_no_worker(made: Pool) -> None:
    made.pool.close()
    made.pool.start()
    made.pool.probe(lambda result: None)
    time.sleep(0.3)  # a worker would be there by then
    assert not children()
