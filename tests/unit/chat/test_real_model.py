"""The chat session with the real engine and the built-in model."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from desktop.chat.chat_events import AnswerDelta, AnswerFinished, ContextUsed
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_pool import EnginePool
from desktop.engine.prompt_cache_folder import PromptCacheFolder, SavingPolicy
from desktop.paths import find_paths
from desktop.settings import SamplingSettings, Settings
from tests.accepting import accept_everything
from tests.fakes.talk import SomeModel, Talk

GUIDE = SomeModel("latchkey-guide", "Latchkey Guide", find_paths({"LATCHKEY_HOME": "unused"}).builtin_model)
GREEDY = Settings(sampling=SamplingSettings(temperature=0.0))


@pytest.fixture
def talk(home: Path, begin: Callable[..., Talk]) -> Iterator[Talk]:
    check = accept_everything(home).license_check
    engine = EnginePool(lambda: EngineClient(license_check=check, logs=home / "logs", cache=home / "cache"))
    yield begin(engine=engine, model=GUIDE, settings=GREEDY)
    engine.close()


def workers() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def test_two_turns_are_answered_and_the_second_reads_only_what_is_new(talk: Talk) -> None:
    first = talk.ask("How do I add a model?")
    assert first.status == "complete"
    assert len(first.text) > 20
    assert "".join(event.text for event in talk.told(AnswerDelta)) == first.text
    second = talk.ask("And how do I remove it?")
    assert second.timing is not None
    assert first.timing is not None
    assert second.timing.cached_tokens >= first.timing.prompt_tokens
    assert second.timing.prompt_tokens > second.timing.cached_tokens
    assert talk.told(ContextUsed)[-1].used == second.timing.prompt_tokens + second.timing.generated_tokens
    talk.settled()
    stored = talk.store.branch(talk.chat.current_id or "")
    assert [each.text for each in stored][1::2] == [first.text, second.text]
    assert stored[-1].timing is not None
    parts = stored[-1].timing.system_tokens, stored[-1].timing.document_tokens
    assert parts == (0, 0), "counted: there are none"


def test_a_greedy_answer_regenerated_is_the_same(talk: Talk) -> None:
    first = talk.ask("What is a license acknowledgement?")
    talk.chat.regenerate(first.id)
    second = talk.until_told(AnswerFinished, 2).message
    assert second.text == first.text
    assert second.id != first.id


def test_stopping_keeps_the_beginning_of_the_answer(talk: Talk) -> None:
    talk.chat.send("Tell me everything about privacy and the offline switch.")
    talk.until_told(AnswerDelta)
    talk.chat.stop()
    stopped = talk.until_told(AnswerFinished).message
    assert stopped.text == "".join(event.text for event in talk.told(AnswerDelta))
    assert stopped.status in ("stopped", "complete")  # a quick machine may have said it all
    assert talk.ask("Who are you?").status == "complete"


def test_a_worker_killed_in_mid_answer_is_told_and_survived(talk: Talk) -> None:
    talk.ask("Hello")  # the worker is there and warm
    victims = workers()
    assert victims
    talk.chat.send("Tell me everything about quantization.")
    talk.until_told(AnswerDelta, len(talk.told(AnswerDelta)) + 1)
    for victim in victims:
        os.kill(victim.pid, signal.SIGKILL)
    cut_off = talk.until_told(AnswerFinished, 2)
    if cut_off.message.status != "complete":  # a quick machine may have said it all
        assert cut_off.message.status == "failed"
        assert cut_off.message.text
        assert cut_off.error is not None
        assert cut_off.error.title
    assert talk.ask("Who are you?").status == "complete"


def test_a_conversation_reopened_after_a_restart_reads_only_its_new_turn(
    home: Path, begin: Callable[..., Talk]
) -> None:
    place = home / "cache" / "prompt-cache"
    policy = SavingPolicy(idle_s=1000.0, min_new_tokens=16)

    def opened(folder: PromptCacheFolder | None) -> EnginePool:
        check = accept_everything(home).license_check
        return EnginePool(
            lambda: EngineClient(license_check=check, logs=home / "logs", cache=home / "cache", prompt_cache=folder)
        )

    engine = opened(PromptCacheFolder(place, policy=policy))
    talk = begin(engine=engine, model=GUIDE, settings=GREEDY)
    first = talk.ask("How do I add a model? " * 20)
    engine.close()
    assert len(list(place.glob("*.state"))) == 1
    again = opened(PromptCacheFolder(place, policy=policy))
    later = begin(engine=again, model=GUIDE, settings=GREEDY)
    later.opened(first.conversation_id)
    second = later.ask("And how do I remove it?")
    assert first.timing is not None
    assert second.timing is not None
    assert second.timing.disk_tokens >= first.timing.prompt_tokens
    again.close()
    straight = opened(None)
    fresh = begin(engine=straight, model=GUIDE, settings=GREEDY)
    fresh.opened(first.conversation_id)
    fresh.chat.regenerate(second.id)
    third = fresh.until_told(AnswerFinished).message
    assert third.timing is not None
    assert third.timing.disk_tokens == 0
    assert third.text == second.text
    straight.close()
