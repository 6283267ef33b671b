"""A long day with the real model: hundreds of answers, an answer as long as the context, and the benchmark."""

from __future__ import annotations

import pytest

from desktop.conversation import ChatMessage
from tests.journeys import command
from tests.journeys.command import latchkey
from tests.real.conftest import Imported, Loaded

pytestmark = [pytest.mark.real_model, pytest.mark.soak, pytest.mark.timeout(3600)]

MIB = 1024 * 1024
ANSWERS = 200
WARM = 20
MOST_GROWTH = 16 * MIB
CONTEXT = 8192


def test_two_hundred_answers_in_one_conversation(loaded: Loaded) -> None:
    """Past the end of the context: the oldest turns are left out, and memory stays what it was, apart from the states
    that are kept within their budget."""
    # A prompt of several whole batches: their buffers are taken from the system when they are first used.
    loaded.asker.ask("sea " * 1500, raw_prompt=True, max_tokens=1)
    turns: list[ChatMessage] = []
    sizes: list[int] = []
    dropped = 0
    for number in range(ANSWERS):
        turns.append(ChatMessage.from_text("user", f"Tell me something about the number {number}, in one sentence."))
        answer = loaded.asker.ask(*turns, max_tokens=32, conversation="long")
        assert answer.text
        assert answer.end.stop_reason in ("end", "length", "repetition")
        assert answer.end.prompt_tokens + answer.end.generated_tokens <= CONTEXT
        dropped = max(dropped, answer.end.dropped_messages)
        turns.append(ChatMessage.from_text("assistant", answer.text))
        sizes.append(loaded.worker.memory_info().rss - answer.end.prompt_cache_bytes)
    assert dropped > 0
    assert max(sizes[WARM:]) - sizes[WARM - 1] < MOST_GROWTH, [size // MIB for size in sizes[::10]]


def test_one_answer_as_long_as_the_context(loaded: Loaded) -> None:
    loaded.asker.forget_prefix()
    before = loaded.worker.memory_info().rss
    answer = loaded.asker.ask("Count from one to ten thousand.", ignore_eos=True)
    assert answer.end.stop_reason == "context-full"
    assert answer.end.prompt_tokens + answer.end.generated_tokens == CONTEXT + 1  # the last one is not computed
    assert "".join(delta.text for delta in answer.deltas) == answer.text
    assert loaded.worker.memory_info().rss - before < MOST_GROWTH
    assert loaded.asker.ask("What is the capital of France?", max_tokens=16).text


def test_the_benchmark_measures_it(imported: Imported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "TIMEOUT_S", 1800)
    ran = latchkey("bench", "--model", str(imported.file), "--quick", "--json")
    assert ran.code == 0, ran
    figures = ran.json
    assert figures["machine"]["model"] == imported.file.name
    for name in ("decode", "prefill", "window"):
        assert figures[name]["ratio"] > 0
    assert 0 < figures["ttft_warm_ratio"] < 1
