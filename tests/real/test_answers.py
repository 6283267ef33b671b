"""Answers of the real model: stopped and asked again, characters that span tokens, and memory that does not grow."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.worker_messages import AnswerEvent, Delta, PromptProgress
from tests.real.conftest import Bare, Loaded, chosen, computed
from tests.unit.engine.conftest import Answer

pytestmark = pytest.mark.real_model

REPLACEMENT = "\ufffd"
MIB = 1024 * 1024
ANSWERS = 20
WARM = 5
MOST_GROWTH = 8 * MIB
# Characters of two to four bytes, flags of two, families of seven code points, Hangul by syllable and by letter.
SCRIPTS = (
    "🎉🦊 你好，世界。한국어 한 ありがとう 👩‍👩‍👧‍👦 🏴‍☠️ 🇧🇷🇯🇵 👋🏽 né n\u0303 𓂀 𝔘 مرحبا नमस्ते\n"
    "| 🌊 | 海 | 바다 |\n- ①②③ “q” … ½ 🫠🪼"
)


def stopped(
    loaded: Loaded, turns: tuple[ChatMessage, ...], at: Callable[[AnswerEvent], bool], talk: str = ""
) -> Answer:
    """One answer of the conversation `talk`, stopped at the first event for which `at` holds."""
    answer, asked = Answer(), loaded.asker.request(*turns, conversation=talk)
    pressed = False
    for event in loaded.asker.client.answer(asked):
        answer.take(event)
        if not pressed and at(event):
            pressed = True
            loaded.asker.client.cancel(asked.id)
    assert pressed
    assert answer.end.stop_reason == "cancelled"
    return answer


def eight_tokens_said(event: AnswerEvent) -> bool:
    return isinstance(event, Delta) and event.generated_tokens >= 8


def test_an_answer_after_a_stop_while_the_prompt_was_read(load_real: Callable[..., Loaded]) -> None:
    """What was read for certain before the stop is kept, the piece that was under way is read again."""
    loaded = load_real(batch_tokens=64)
    ships = [f"The ship number {number} sails to harbor {number * 7 % 40}." for number in range(20)]
    question = (ChatMessage.from_text("user", "\n".join([*ships, "To which harbor does the ship number 3 sail?"])),)
    whole = loaded.asker.ask(*question, max_tokens=24)
    assert whole.end.prompt_tokens > 4 * 64
    loaded.asker.forget_prefix()
    cut = stopped(loaded, question, lambda event: isinstance(event, PromptProgress))
    assert not cut.text
    again = loaded.asker.ask(*question, max_tokens=24)
    assert again.text == whole.text
    assert 0 < again.end.cached_tokens < again.end.prompt_tokens - 64
    assert again.end.cached_tokens % 64 == 0


def test_an_answer_after_a_stop_while_it_was_written(loaded: Loaded) -> None:
    question = (ChatMessage.from_text("user", "Write a long story about a lighthouse."),)
    loaded.asker.forget_prefix()
    whole = loaded.asker.ask(*question, max_tokens=40)
    loaded.asker.forget_prefix()
    cut = stopped(loaded, question, eight_tokens_said)
    assert cut.text[: len(whole.text)] == whole.text[: len(cut.text)]
    loaded.asker.forget_prefix()
    again = loaded.asker.ask(*question, max_tokens=40)
    assert again.end.cached_tokens == 0
    assert again.text == whole.text


def test_a_conversation_goes_on_after_a_stop_as_llama_cpp_does(loaded: Loaded, bare_llama: Callable[..., Bare]) -> None:
    """What was said before the stop stays in the context and counts as said."""
    turns = (ChatMessage.from_text("user", "Write a long story about a lighthouse."),)
    loaded.asker.forget_prefix()
    cut = stopped(loaded, turns, eight_tokens_said, "lighthouse")
    first = loaded.asker.noted()
    following = (
        *turns,
        ChatMessage.from_text("assistant", cut.text),
        ChatMessage.from_text("user", "Who lives in it?"),
    )
    answer = loaded.asker.ask(*following, max_tokens=24, conversation="lighthouse")
    second = loaded.asker.noted()
    said = chosen(first)
    (prompt, *_), (following_prompt, *_) = computed(first), computed(second)
    assert answer.end.cached_tokens == sum(map(len, computed(first)))
    steps = [{"tokens": prompt, "most": len(said)}, {"tokens": following_prompt, "most": 24}]
    bare = bare_llama(loaded.settings, rounds=[steps]).rounds[0]
    assert bare == [said, chosen(second)[: answer.end.generated_tokens]]


@pytest.mark.parametrize(
    ("question", "script"),
    [
        ("Say 你好 and 🎉 🎉 🎉", r"[\U0001f300-\U0001faff]"),
        ("Translate 'hello world' to Japanese, Chinese and Korean.", r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]"),
    ],
    ids=["emoji", "Japanese"],
)
def test_what_the_model_says_in_other_scripts_comes_whole(loaded: Loaded, question: str, script: str) -> None:
    loaded.asker.forget_prefix()
    answer = loaded.asker.ask(question, max_tokens=60)
    assert len(re.findall(script, answer.text)) > 3
    # The last one may be cut off with the answer, in the middle of a character.
    assert all(REPLACEMENT not in delta.text for delta in answer.deltas[:-1])
    assert len(answer.text) < answer.end.generated_tokens  # several tokens for a character


def test_characters_that_span_tokens_are_never_shown_in_part(
    load_real: Callable[..., Loaded], bare_llama: Callable[..., Bare]
) -> None:
    """The model is made to say a text that its vocabulary has to spell byte by byte in many places."""
    bare = bare_llama(texts=[SCRIPTS])
    ids = bare.texts[0]
    parts = [token for token in ids if not _is_text(bare.bytes[token])]
    assert len(parts) > 40
    saying = load_real(ids)
    answer = saying.asker.ask("Say it.")
    assert answer.end.generated_tokens == len(ids)
    assert answer.end.stop_reason == "end"
    assert all(REPLACEMENT not in delta.text for delta in answer.deltas)
    assert "".join(delta.text for delta in answer.deltas) == answer.text == SCRIPTS
    # Said once more as a part of the conversation, it is the same tokens: nothing is read again.
    following = saying.asker.ask("Say it.", ChatMessage.from_text("assistant", answer.text), "Again.")
    assert following.end.cached_tokens == answer.end.prompt_tokens + len(ids)
    # A stop string inside of it, met in the middle of its tokens.
    before, _, _ = SCRIPTS.partition("👧‍👦")
    assert saying.asker.ask("Say it.", stop=("👧‍👦",)).text == before


def test_twenty_answers_in_a_row_take_no_more_memory(loaded: Loaded) -> None:
    worker = loaded.worker
    turns: list[ChatMessage] = []
    sizes: list[int] = []
    for number in range(ANSWERS):
        turns.append(ChatMessage.from_text("user", f"What comes after {number}?"))
        answer = loaded.asker.ask(*turns, max_tokens=12, conversation="twenty")
        assert answer.text
        if number:
            assert answer.end.prompt_tokens - answer.end.cached_tokens < 40
        turns.append(ChatMessage.from_text("assistant", answer.text))
        sizes.append(worker.memory_info().rss)
    assert max(sizes[WARM:]) - sizes[WARM - 1] < MOST_GROWTH, [size // MIB for size in sizes]


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
