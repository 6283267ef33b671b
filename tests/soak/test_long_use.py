"""A day's work in one go: hundreds of answers in one conversation, and a worker killed again and again."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import AnswerDone, Delta, GenerateRequest, PromptPrepared
from desktop.errors import UserError
from desktop.paths import find_paths
from tests.fakes.load_checks import OpenLoadCheck

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

ANSWERS = 400
KILLS = 20
MIB = 1024 * 1024
GREEDY = SamplingParams(temperature=0)
QUESTIONS = ("How do I add a model?", "And from the terminal?", "What is the ledger?", "Who won the cup?", "Thanks!")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineClient]:
    made = EngineClient(license_check=OpenLoadCheck(), logs=tmp_path / "logs", cache=tmp_path / "cache")
    made.load_and_wait(LoadParams(str(find_paths().builtin_model)))
    yield made
    made.close()


def worker() -> psutil.Process:
    """The engine's worker; other tests in this process may have left children of their own."""
    (process,) = (child for child in psutil.Process().children() if any("worker" in word for word in child.cmdline()))
    return process


def ask(engine: EngineClient, turns: list[ChatMessage]) -> tuple[str, PromptPrepared, AnswerDone]:
    """One answer with what was told of its prompt and its end."""
    text, prompted, done = "", None, None
    for event in engine.answer(GenerateRequest(engine.next_id(), tuple(turns), GenerationOptions(GREEDY), "long")):
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, PromptPrepared):
            prompted = event
        elif isinstance(event, AnswerDone):
            done = event
    assert prompted is not None
    assert done is not None
    return text, prompted, done


def test_hundreds_of_answers_in_one_conversation(engine: EngineClient) -> None:
    turns: list[ChatMessage] = []
    sizes: list[int] = []
    dropped = 0
    for number in range(ANSWERS):
        turns.append(ChatMessage.from_text("user", QUESTIONS[number % len(QUESTIONS)]))
        text, prompted, done = ask(engine, turns)
        assert text
        assert done.stop_reason in ("end", "context-full")
        assert prompted.prompt_tokens <= prompted.context_length
        turns.append(ChatMessage.from_text("assistant", text))
        dropped = max(dropped, prompted.dropped_messages)
        sizes.append(worker().memory_info().rss)

    assert dropped > 0
    assert max(sizes[-20:]) - max(sizes[80:100]) < 16 * MIB


def test_a_worker_killed_again_and_again(engine: EngineClient) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(KILLS):
        request = GenerateRequest(
            engine.next_id(), (ChatMessage.from_text("user", QUESTIONS[0]),), GenerationOptions(GREEDY, ignore_eos=True)
        )
        events = engine.answer(request)
        assert any(isinstance(event, Delta) for event in events)
        worker().send_signal(signal.SIGKILL)
        with pytest.raises(UserError):
            list(events)
        text, _, _ = ask(engine, [ChatMessage.from_text("user", QUESTIONS[0])])
        assert "Models" in text
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 4
