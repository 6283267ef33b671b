"""What was read once is not read again, and whatever is kept or forgotten, answers stay those of a fresh start."""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, PromptPrepared, PromptProgress, RequestFailed
from desktop.errors import EngineError
from tests.fakes.tiny_gguf import random_model
from tests.unit.engine.conftest import Answer, Asker

pytestmark = pytest.mark.usefixtures("forked_workers")
Loader = Callable[..., Asker]
Files = Callable[[str], Path]
KINDS = ["llama", "bpe", "gemma3", "mamba"]
LONG = "the of and to in is it you " * 40


def said(answer: Answer) -> ChatMessage:
    return ChatMessage.from_text("assistant", answer.text)


def fresh(load: Loader, path: Path, *turns: str | ChatMessage, **params: object) -> str:
    """The answer of a worker that never read anything else."""
    asker = load(path, **params)
    text = asker.ask(*turns, max_tokens=24, ignore_eos=True).text
    asker.client.close()
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_turn_reads_only_what_is_new_and_answers_the_same(load: Loader, model_file: Files, kind: str) -> None:
    asker = load(model_file(kind))
    first = asker.ask(LONG, max_tokens=24, ignore_eos=True)
    assert first.end.cached_tokens == 0
    second = asker.ask(LONG, said(first), "And now?", max_tokens=24, ignore_eos=True)
    assert second.end.cached_tokens >= first.end.prompt_tokens + 24 - 1, "the answer itself is kept as well"
    third = asker.ask(LONG, said(first), "And now?", said(second), "More", max_tokens=24, ignore_eos=True)
    assert third.end.cached_tokens >= second.end.prompt_tokens + 24 - 1
    asker.client.unload()
    again = load(model_file(kind))
    first_again = again.ask(LONG, max_tokens=24, ignore_eos=True)
    assert first_again.text == first.text


@pytest.mark.parametrize("kind", KINDS)
def test_editing_the_last_turn_keeps_what_stands_before_it(load: Loader, model_file: Files, kind: str) -> None:
    asker = load(model_file(kind))
    first = asker.ask(LONG, max_tokens=24, ignore_eos=True)
    asker.ask(LONG, said(first), "the first way", max_tokens=24, ignore_eos=True)
    turns = (LONG, ChatMessage.from_text("assistant", "Something else."), "another way")
    edited = asker.ask(*turns, max_tokens=24, ignore_eos=True)
    assert edited.end.cached_tokens > 200
    assert edited.text == fresh(load, model_file(kind), *turns)


@pytest.mark.parametrize("kind", KINDS)
def test_another_conversation_is_not_confused_with_the_last(load: Loader, model_file: Files, kind: str) -> None:
    asker = load(model_file(kind))
    asker.ask(LONG, max_tokens=24, ignore_eos=True, conversation="a")
    other = asker.ask("you it is " * 60, max_tokens=24, ignore_eos=True, conversation="b")
    assert other.text == fresh(load, model_file(kind), "you it is " * 60)


@pytest.mark.parametrize("kind", KINDS)
def test_going_back_to_a_conversation_reads_next_to_nothing_and_answers_the_same(
    load: Loader, model_file: Files, kind: str
) -> None:
    asker = load(model_file(kind))
    options = {"max_tokens": 24, "ignore_eos": True}
    other = "the it is " * 60  # an answer of words alone: what is thinking is not sent back
    first = asker.ask(LONG, conversation="a", **options)
    second = asker.ask(other, conversation="b", **options)
    third = asker.ask(LONG, said(first), "And now?", conversation="a", **options)
    assert third.end.cached_tokens >= first.end.prompt_tokens + 24 - 1
    fourth = asker.ask(other, said(second), "And then?", conversation="b", **options)
    assert fourth.end.cached_tokens >= second.end.prompt_tokens + 24 - 1
    straight = load(model_file(kind))
    assert straight.ask(LONG, **options).text == first.text
    assert straight.ask(LONG, said(first), "And now?", **options).text == third.text


@pytest.mark.parametrize("kind", KINDS)
def test_regenerating_reads_next_to_nothing(load: Loader, model_file: Files, kind: str) -> None:
    asker = load(model_file(kind))
    first, second = (asker.ask(LONG, max_tokens=24, ignore_eos=True) for _ in range(2))
    assert second.text == first.text
    assert second.end.cached_tokens >= first.end.prompt_tokens - 16


@pytest.mark.parametrize("back", [20, 120, 170, 190, 210, 230, 700])
def test_a_sliding_window_that_slid_on_is_read_again(load: Loader, model_file: Files, back: int) -> None:
    """Far beyond the window of 64 tokens, and `back` again: what is kept of the window must be whole.

    The cache holds 256 positions of it. Going back further than some 180 leaves a part of a window, further none.
    """
    asker = load(model_file("gemma3"), batch_tokens=64)
    begin = "the of and to in is it you " * 100
    asker.ask(begin + "he was for on " * (back // 4), max_tokens=4, ignore_eos=True)
    turns = (begin + "then otherwise",)
    assert asker.ask(*turns, max_tokens=24, ignore_eos=True).text == fresh(load, model_file("gemma3"), *turns)


@pytest.mark.parametrize("kind", KINDS)
def test_cancel_in_mid_answer_keeps_what_was_said_and_the_next_answer_is_right(
    load: Loader, model_file: Files, kind: str
) -> None:
    asker = load(model_file(kind))
    request = asker.request(LONG, ignore_eos=True)
    answer = Answer()
    for event in asker.client.answer(request):
        answer.take(event)
        if len(answer.deltas) == 2 and answer.done is None:
            asker.client.cancel(request.id)
    assert answer.end.stop_reason == "cancelled"
    assert answer.text
    assert 0 < answer.end.generated_tokens < 3500
    turns = (LONG, said(answer), "And now?")
    followed = asker.ask(*turns, max_tokens=24, ignore_eos=True)
    assert followed.end.cached_tokens > 200
    alone = asker.ask("you it is", max_tokens=24, ignore_eos=True)
    assert alone.text == fresh(load, model_file(kind), "you it is")


def cancel_while_reading(asker: Asker, *turns: str, after: int) -> list[object]:
    """The events of an answer cancelled once `after` tokens of its prompt were read."""
    request = asker.request(*turns, max_tokens=50)
    events: list[object] = []
    over = threading.Event()

    def take(event: object) -> None:
        events.append(event)
        if isinstance(event, PromptProgress) and event.done >= after:
            asker.client.cancel(request.id)
        if isinstance(event, AnswerDone | RequestFailed):
            over.set()

    asker.client.generate(request, take)
    assert over.wait(60)
    return events


def test_cancel_while_the_prompt_is_read_stops_at_once_and_the_next_answer_is_right(
    load: Loader, model_file: Files
) -> None:
    prompt = " ".join(f"the {n} of" for n in range(500))
    asker = load(model_file("wide"), context_length=4096)
    events = cancel_while_reading(asker, prompt, after=512)
    done = events[-1]
    assert isinstance(done, AnswerDone)
    assert (done.stop_reason, done.generated_tokens) == ("cancelled", 0)
    read = [event.done for event in events if isinstance(event, PromptProgress)]
    assert read[-1] < done.prompt_tokens, "it stopped in the middle"
    again = asker.ask(prompt, max_tokens=24, ignore_eos=True)
    assert again.end.cached_tokens > 0, "what was read before is kept"
    assert again.text == fresh(load, model_file("wide"), prompt, context_length=4096)


def test_cancel_in_the_middle_of_one_computation(load: Loader, model_file: Files) -> None:
    """The whole prompt is one call into llama.cpp: it returns before it is done, and what it did half is forgotten."""
    asker = load(model_file("wide"), context_length=4096, batch_tokens=4096)
    first = asker.ask(LONG, max_tokens=24, ignore_eos=True, conversation="a")
    turns = (LONG, said(first), " ".join(f"the {n} of" for n in range(450)))
    request, answer, over = asker.request(*turns, conversation="a"), Answer(), threading.Event()

    def take(event: AnswerEvent) -> None:
        answer.take(event)
        if isinstance(event, PromptPrepared):
            threading.Timer(0.1, asker.client.cancel, [request.id]).start()
        if isinstance(event, AnswerDone | RequestFailed):
            over.set()

    asker.client.generate(request, take)
    assert over.wait(60)
    assert answer.end.stop_reason == "cancelled"
    assert not answer.progress, "the call returned early"
    asker.ask("you it is " * 60, max_tokens=4, conversation="b")
    again = asker.ask(LONG, said(first), "And now?", max_tokens=24, ignore_eos=True, conversation="a")
    assert again.end.cached_tokens >= first.end.prompt_tokens + 24 - 1
    straight = load(model_file("wide"), context_length=4096)
    straight.ask(LONG, max_tokens=24, ignore_eos=True)
    assert again.text == straight.ask(LONG, said(first), "And now?", max_tokens=24, ignore_eos=True).text


@pytest.mark.parametrize("kind", ["gemma3", "mamba"])
def test_cancel_while_reading_with_models_that_cannot_roll_back(tmp_path: Path, load: Loader, kind: str) -> None:
    path = random_model(tmp_path / "m.gguf", architecture=kind, width=128, layers=6, context_length=4096)
    prompt = " ".join(f"the {n} of" for n in range(400))
    asker = load(path)
    done = cancel_while_reading(asker, prompt, after=512)[-1]
    assert isinstance(done, AnswerDone)
    assert done.stop_reason == "cancelled"
    assert asker.ask(prompt, max_tokens=24, ignore_eos=True).text == fresh(load, path, prompt)


def test_progress_is_told_piece_by_piece(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"), batch_tokens=128)
    answer = asker.ask(LONG, max_tokens=1)
    assert [event.done for event in answer.progress] == [128, 256, answer.end.prompt_tokens]
    assert {event.total for event in answer.progress} == {answer.end.prompt_tokens}


# --- when a conversation outgrows the context ---


def conversation(turns: int) -> list[ChatMessage]:
    """`turns` user turns, each of some 40 tokens, with answers between them."""
    made = []
    for number in range(turns):
        made.append(ChatMessage.from_text("user", f"{number} " + "the of and to " * 8))
        made.append(ChatMessage.from_text("assistant", f"{number} " + "in is it you " * 8))
    return made[:-1]


def test_the_oldest_turns_are_left_out_and_it_is_told(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"), context_length=1024)
    answer = asker.ask(ChatMessage.from_text("system", "Be brief."), *conversation(20), max_tokens=8)
    assert answer.prompted is not None
    dropped = answer.prompted.dropped_messages
    assert dropped > 0
    assert dropped % 2 == 0, "a question goes with its answer"
    assert answer.end.dropped_messages == dropped
    assert answer.end.prompt_tokens < 1024
    kept = asker.ask(ChatMessage.from_text("system", "Be brief."), *conversation(20)[dropped:], max_tokens=8)
    assert kept.end.dropped_messages == 0
    assert kept.text == answer.text
    assert kept.end.prompt_tokens == answer.end.prompt_tokens, "the system message stays"


def test_the_turns_after_need_not_be_read_anew_each_time(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"), context_length=1024)
    turns, dropped, cached = conversation(20), [], []
    for number in range(20, 32):
        answer = asker.ask(*turns, max_tokens=8, ignore_eos=True, conversation="c")
        dropped.append(answer.end.dropped_messages)
        cached.append(answer.end.cached_tokens)
        turns += [said(answer), ChatMessage.from_text("user", f"{number} " + "the of and to " * 8)]
    assert len(set(dropped)) < len(dropped) / 2, dropped
    kept = [c for c, (a, b) in zip(cached[1:], itertools.pairwise(dropped), strict=True) if a == b]
    assert min(kept) > 300


def test_a_last_turn_that_does_not_fit_alone_is_refused_with_both_figures(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"), context_length=512)
    with pytest.raises(EngineError) as caught:
        asker.ask(*conversation(3), ChatMessage.from_text("user", "the of " * 400))
    assert "512" in caught.value.detail
    assert "Shorten it" in caught.value.remedy
    with pytest.raises(EngineError, match="too long"):
        asker.ask("the of " * 400, raw_prompt=True)


def test_a_turn_that_just_fits_is_answered_until_the_context_is_full(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"), context_length=512)
    answer = asker.ask("the of " * 235, ignore_eos=True)
    assert answer.end.prompt_tokens < 512
    assert answer.end.stop_reason == "context-full"


def test_prompted_tells_the_counts_first(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"))
    event = next(iter(asker.client.answer(asker.request("Hello", max_tokens=1))))
    assert isinstance(event, PromptPrepared)
    assert event.context_length == 4096
    assert event.prompt_tokens > 0


def test_nothing_is_kept_of_a_conversation_that_is_to_be_forgotten(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"))
    options = {"max_tokens": 24, "ignore_eos": True}
    first = asker.ask(LONG, conversation="a", **options)
    asker.ask("the it is " * 60, conversation="b", **options)  # what was read for the first one waits in memory
    asker.client.forget("a")
    again = asker.ask(LONG, said(first), "And now?", conversation="c", **options)
    assert again.end.cached_tokens < 64
    asker.client.forget("c")  # while it is still in the context
    assert asker.ask(LONG, conversation="d", **options).end.cached_tokens < 64


def test_a_conversation_that_goes_on_after_it_was_forgotten_is_kept_again(load: Loader, model_file: Files) -> None:
    """Deleting can be undone."""
    asker = load(model_file("llama"))
    options = {"max_tokens": 24, "ignore_eos": True, "conversation": "a"}
    first = asker.ask(LONG, **options)
    asker.client.forget("a")
    second = asker.ask(LONG, said(first), "And now?", **options)
    assert second.end.cached_tokens < 64
    third = asker.ask(LONG, said(first), "And now?", said(second), "And then?", **options)
    assert third.end.cached_tokens >= second.end.prompt_tokens


def test_what_is_being_answered_is_forgotten_at_its_end(load: Loader, model_file: Files) -> None:
    asker = load(model_file("llama"))
    options: dict[str, Any] = {"ignore_eos": True, "conversation": "a"}
    for event in asker.client.answer(asker.request(LONG, max_tokens=200, **options)):
        if isinstance(event, PromptPrepared):
            asker.client.forget("a")
    assert asker.ask(LONG, max_tokens=2, **options).end.cached_tokens < 64
