"""Answers of different conversations are given at once, those of one conversation one after another."""

import threading
from collections.abc import Callable, Iterator

import msgspec
import pytest

from desktop.chat.chat_events import AnswerFinished, AnswerPhase, EngineChanged
from desktop.conversation import ContextChoice
from desktop.engine.worker_messages import GenerateRequest, ModelInfo
from desktop.errors import ContextFullError
from desktop.settings import Settings
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.fakes.talk import SomeModel, Talk

Begin = Callable[..., Talk]


def script(request: object) -> FakeAnswer:
    text = request.messages[-1].text  # type: ignore[attr-defined]
    return FakeAnswer(f"{text} said", hangs_after=2 if text.startswith("hang") else None)


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    made = FakeEngine(script, at_once=True)
    yield made
    made.close()


def in_new(talk: Talk, text: str) -> str:
    """Ask in a new conversation; its id."""
    talk.chat.new()
    assert talk.chat.send(text)
    return talk.chat.current_id or ""


def finished(talk: Talk) -> list[tuple[str, str]]:
    return [(event.message.text, event.message.status) for event in talk.told(AnswerFinished)]


def test_answers_of_several_conversations_are_given_at_once(begin: Begin, engine: FakeEngine) -> None:
    talk = begin(engine=engine)
    first = in_new(talk, "hang one")
    talk.until_said("hang one")
    in_new(talk, "quick")
    talk.until_told(AnswerFinished)
    assert finished(talk) == [("quick said", "complete")]
    assert talk.chat.is_answering(first)
    talk.chat.stop(first)
    talk.until_told(AnswerFinished, 2)
    assert finished(talk)[1] == ("hang one", "stopped")


def test_stopping_one_leaves_the_others(begin: Begin, engine: FakeEngine) -> None:
    talk = begin(engine=engine)
    names = [in_new(talk, f"hang{number} it") for number in range(3)]
    talk.until(lambda: all(f"hang{number} it" in said(talk) for number in range(3)))
    talk.chat.stop(names[1])
    assert talk.until_told(AnswerFinished).message.conversation_id == names[1]
    talk.settled()
    assert [talk.chat.is_answering(name) for name in names] == [True, False, True]


def said(talk: Talk) -> str:
    from desktop.chat.chat_events import AnswerDelta

    return "".join(event.text for event in talk.told(AnswerDelta))


def test_a_conversations_own_answers_follow_each_other(begin: Begin, engine: FakeEngine) -> None:
    talk = begin(engine=engine)
    name = in_new(talk, "hang one")
    talk.until_said("hang one")
    talk.chat.send("two", name)
    for _ in range(3):  # stored, and its branch read if it began
        talk.settled()
    assert len(engine.requests) == 1
    assert [event.phase for event in talk.told(AnswerPhase)][-1] == "waiting"
    talk.chat.stop(name)
    talk.until_told(AnswerFinished, 2)


def test_no_more_than_the_model_gives_at_once(begin: Begin, engine: FakeEngine) -> None:
    talk = begin(engine=engine, settings=Settings(parallel_answers=2))
    names = [in_new(talk, f"hang{number} it") for number in range(3)]
    talk.until(lambda: "hang0 it" in said(talk) and "hang1 it" in said(talk))
    for _ in range(3):
        talk.settled()
    assert len(engine.requests) == 2
    assert engine.loads[0].parallel == 2
    talk.chat.stop(names[0])
    talk.until(lambda: "hang2 it" in said(talk))
    assert [talk.chat.is_answering(name) for name in names] == [False, True, True]


def test_another_model_is_loaded_beside_an_answer_and_the_answer_goes_on_with_its_own(
    begin: Begin, engine: FakeEngine
) -> None:
    other = SomeModel("other", "Other", path=SomeModel().path.with_name("other.gguf"))
    talk = begin(engine=engine)
    first = in_new(talk, "hang one")
    talk.until_said("hang one")
    talk.chat.use_model(other)
    talk.until(lambda: len(engine.loads) == 2 and talk.told(EngineChanged)[-1].state == "answering")
    in_new(talk, "quick")
    message = talk.until_told(AnswerFinished).message
    assert message.model is not None
    assert (message.model.id, message.text) == ("other", "quick said")
    assert [params and params.model_path for params in engine.asked_of] == ["scripted.gguf", "other.gguf"]
    talk.chat.stop(first)
    message = talk.until_told(AnswerFinished, 2).message
    assert message.model is not None
    assert (message.model.id, message.text) == ("scripted", "hang one")


@pytest.mark.parametrize("choice", ["stop", "summarize"])
def test_a_full_context_is_that_of_the_model_that_answers(begin: Begin, choice: ContextChoice) -> None:
    loaded = threading.Event()

    def refused(request: GenerateRequest) -> FakeAnswer:
        loaded.wait(10)
        return FakeAnswer(error=ContextFullError("The context is full.", needed_tokens=500))

    class SmallerNext(FakeEngine):
        @property
        def model(self) -> ModelInfo | None:
            info = super().model
            return info and (msgspec.structs.replace(info, context_length=64) if len(self.loads) > 1 else info)

    engine = SmallerNext(refused, at_once=True)
    talk = begin(engine=engine, settings=Settings(context_full=choice))
    in_new(talk, "hello")
    talk.until(lambda: bool(engine.requests))
    talk.chat.use_model(SomeModel("other", "Other", path=SomeModel().path.with_name("other.gguf")))
    talk.until(lambda: len(engine.loads) == 2 and talk.told(EngineChanged)[-1].state == "answering")
    loaded.set()
    timing = talk.until_told(AnswerFinished).message.timing
    assert timing is not None
    assert timing.context_length == 4096
    engine.close()


def test_answers_in_progress_are_all_stored_meanwhile(begin: Begin, engine: FakeEngine) -> None:
    talk = begin(engine=engine, save_every_s=0.01)
    names = [in_new(talk, f"hang{number} it") for number in range(2)]

    def stored(name: str) -> str:
        return talk.store.branch(name)[-1].text

    talk.until(lambda: "hang0 it" in said(talk) and "hang1 it" in said(talk))
    talk.until(lambda: [stored(name) for name in names] == ["hang0 it", "hang1 it"])
