"""The built-in model goes the way of any other file, and speaks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.generation_options import SamplingParams
from desktop.engine.gguf_header import read_header
from desktop.paths import shipped_folder
from tests.unit.engine.conftest import Asker

Loader = Callable[..., Asker]


@pytest.fixture(scope="module")
def guide() -> Path:
    return shipped_folder() / "resources" / "builtin" / "latchkey-guide.gguf"


def test_its_header_says_what_it_is(guide: Path) -> None:
    header = read_header(guide)
    assert header.architecture == "llama"
    assert header.license == "apache-2.0"
    assert header.has_template
    assert "Latchkey" in header.name
    assert header.file_size < 12_000_000


def test_it_answers_in_words_and_ends_by_itself(load: Loader, guide: Path) -> None:
    asker = load(guide)
    answer = asker.ask("How do I add a model?", max_tokens=400)
    assert answer.end.stop_reason == "end"
    assert "model" in answer.text.lower()
    assert answer.text == answer.text.strip()
    assert "<" not in answer.text


def test_the_second_turn_reads_only_what_is_new(load: Loader, guide: Path) -> None:
    asker = load(guide)
    first = asker.ask("How do I add a model?", max_tokens=200)
    second = asker.ask(
        "How do I add a model?", ChatMessage.from_text("assistant", first.text), "Thanks!", max_tokens=50
    )
    assert second.end.cached_tokens >= first.end.prompt_tokens + first.end.generated_tokens - 1
    regenerated = asker.ask("How do I add a model?", max_tokens=200)
    assert regenerated.text == first.text


def test_a_long_conversation_leaves_out_its_oldest_turns(load: Loader, guide: Path) -> None:
    asker = load(guide, context_length=512)
    turns: list[str | ChatMessage] = ["What is Latchkey?"]
    for _ in range(8):
        answer = asker.ask(*turns, max_tokens=60, conversation="c")
        turns += [ChatMessage.from_text("assistant", answer.text), "And how do I store an access token?"]
    assert answer.end.dropped_messages > 0
    assert answer.text


def test_a_seeded_answer_can_be_had_again(load: Loader, guide: Path) -> None:
    asker = load(guide)
    drawn = asker.ask("Hello", sampling=SamplingParams(temperature=1.0), max_tokens=40)
    again = asker.ask("Hello", sampling=SamplingParams(temperature=1.0, seed=drawn.end.seed), max_tokens=40)
    assert again.text == drawn.text
