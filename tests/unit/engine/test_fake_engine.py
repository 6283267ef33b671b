"""The scripted engine behaves as the real one does, faults included."""

import threading
from collections.abc import Iterator

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_protocol import Engine
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import (
    AnswerDone,
    Delta,
    GenerateRequest,
    ModelReady,
    PromptPrepared,
    RequestFailed,
)
from desktop.errors import EngineError, LicenseError
from tests.fakes.fake_engine import FakeAnswer, FakeEngine


class Run:
    """Loads and asks a FakeEngine, waiting for the end."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine: Engine = engine

    def load(self) -> ModelReady | RequestFailed:
        ends: list[ModelReady | RequestFailed] = []
        over = threading.Event()

        def take(event: object) -> None:
            if isinstance(event, ModelReady | RequestFailed):
                ends.append(event)
                over.set()

        self.engine.load(LoadParams("m.gguf"), take)
        assert over.wait(5)
        return ends[0]

    def ask(self, *, cancel_after: int | None = None, max_tokens: int | None = None) -> list[object]:
        events: list[object] = []
        over = threading.Event()
        request = GenerateRequest(
            self.engine.next_id(), (ChatMessage.from_text("user", "Hi"),), GenerationOptions(max_tokens=max_tokens)
        )

        def take(event: object) -> None:
            events.append(event)
            if cancel_after is not None and sum(isinstance(e, Delta) for e in events) == cancel_after:
                self.engine.cancel(request.id)
            if isinstance(event, AnswerDone | RequestFailed):
                over.set()

        self.engine.generate(request, take)
        assert over.wait(5)
        return events


@pytest.fixture
def engines() -> Iterator[list[FakeEngine]]:
    made: list[FakeEngine] = []
    yield made
    for engine in made:
        engine.close()


def make(engines: list[FakeEngine], *answers: FakeAnswer, **options: object) -> Run:
    engines.append(FakeEngine(answers or (FakeAnswer(),), **options))  # type: ignore[arg-type]
    return Run(engines[-1])


def text(events: list[object], *, thinking: bool = False) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta) and event.thinking == thinking)


def test_answers_come_in_the_order_of_the_script(engines: list[FakeEngine]) -> None:
    run = make(engines, FakeAnswer("One two.", thinking="Hm."), FakeAnswer("Three."))
    assert isinstance(run.load(), ModelReady)
    first = run.ask()
    assert isinstance(first[0], PromptPrepared)
    assert (text(first), text(first, thinking=True)) == ("One two.", "Hm.")
    assert isinstance(first[-1], AnswerDone)
    assert first[-1].generated_tokens == 3
    assert text(run.ask()) == text(run.ask()) == "Three."
    assert run.engine.state == "ready"


def test_a_cancelled_answer_keeps_what_was_said(engines: list[FakeEngine]) -> None:
    run = make(engines, FakeAnswer("a b c d e", tokens_per_s=200))
    run.load()
    events = run.ask(cancel_after=2)
    assert isinstance(events[-1], AnswerDone)
    assert events[-1].stop_reason == "cancelled"
    assert text(events).startswith("a b")
    assert text(events) != "a b c d e"


def test_a_death_is_survived(engines: list[FakeEngine]) -> None:
    run = make(engines, FakeAnswer("a b c", dies_after=2), FakeAnswer("Again."))
    run.load()
    events = run.ask()
    assert text(events) == "a b"
    assert isinstance(events[-1], RequestFailed)
    assert events[-1].died
    assert run.engine.state == "dead"
    assert text(run.ask()) == "Again."


def test_a_crash_is_gone_on_after(engines: list[FakeEngine]) -> None:
    run = make(engines, FakeAnswer("a b c", crashes_after=2), FakeAnswer("Again."))
    run.load()
    events = run.ask()
    assert text(events) == "a b c"
    assert isinstance(events[-1], AnswerDone)
    assert events[-1].notice
    assert run.engine.state == "ready"
    again = run.ask()[-1]
    assert isinstance(again, AnswerDone)
    assert not again.notice


def test_a_crash_while_cancelled_keeps_what_was_said(engines: list[FakeEngine]) -> None:
    run = make(engines, FakeAnswer("a b c", crashes_after=2, restart_s=60))
    run.load()
    events = run.ask(cancel_after=2)
    assert isinstance(events[-1], AnswerDone)
    assert (events[-1].stop_reason, text(events)) == ("cancelled", "a b")


def test_a_hang_ends_with_a_cancel(engines: list[FakeEngine]) -> None:
    run = make(engines, FakeAnswer("a b c", hangs_after=1))
    run.load()
    events = run.ask(cancel_after=1)
    assert isinstance(events[-1], AnswerDone)
    assert text(events) == "a"


def test_scripted_failures(engines: list[FakeEngine]) -> None:
    run = make(
        engines,
        FakeAnswer("a b", error=EngineError("No.", "Because.", "Try."), fails_after=1),
        load_errors=[LicenseError("Not accepted.")],
    )
    refused = run.load()
    assert isinstance(refused, RequestFailed)
    assert (refused.kind, refused.title) == ("license", "Not accepted.")
    assert run.engine.state == "empty"
    run.load()
    failed = run.ask()[-1]
    assert isinstance(failed, RequestFailed)
    assert (failed.title, failed.detail, failed.remedy) == ("No.", "Because.", "Try.")


def test_asking_before_loading_fails(engines: list[FakeEngine]) -> None:
    assert isinstance(make(engines).ask()[-1], RequestFailed)


def test_max_tokens_and_a_script_as_a_function(engines: list[FakeEngine]) -> None:
    engines.append(FakeEngine(lambda request: FakeAnswer(request.messages[-1].text + " there you are")))
    run = Run(engines[-1])
    run.load()
    events = run.ask(max_tokens=2)
    assert text(events) == "Hi there"
    assert isinstance(events[-1], AnswerDone)
    assert events[-1].stop_reason == "length"
    assert engines[-1].requests[0].messages[0].text == "Hi"
