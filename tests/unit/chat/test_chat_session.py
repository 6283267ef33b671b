"""The chat session: what is asked is stored, what is answered is told and stored, and branches are kept."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.chat.answer_overrides import AnswerOverrides
from desktop.chat.chat_events import (
    AnswerDelta,
    AnswerFinished,
    AnswerReplaced,
    ChatFailed,
    ContextUsed,
    ConversationOpened,
    ConversationsChanged,
    ConversationsDeleted,
    MessageAdded,
)
from desktop.conversation import (
    ChatMessage,
    Conversation,
    ImagePart,
    Message,
    ModelReference,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
)
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.errors import NotFoundError
from desktop.settings import SamplingSettings, Settings
from desktop.storage.conversation_listing import ListedConversations, ListFilter
from desktop.storage.folder_store import FolderStore
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.talk import SomeModel, Talk

Begin = Callable[..., Talk]
DAY = 24 * 3600.0


def texts(messages: tuple[Message, ...] | list[Message]) -> list[str]:
    return [message.text for message in messages]


# --- asking ----------------------------------------------------------------------------------------------------------


def test_what_turns_out_to_be_thinking_is_told_anew_stored_as_such_and_not_sent_back(begin: Begin) -> None:
    talk = begin([FakeAnswer("Hello there.", unopened="They greet."), FakeAnswer("Fine.")])
    answer = talk.ask("Hi!")
    assert (answer.text, answer.thinking) == ("Hello there.", "They greet.")
    assert "".join(event.text for event in talk.told(AnswerDelta)) == "They greet.Hello there."
    (restated,) = talk.told(AnswerReplaced)
    assert (restated.message.id, restated.message.status) == (answer.id, "streaming")
    assert (restated.message.text, restated.message.thinking) == ("", "They greet.")
    talk.settled()
    assert talk.store.branch(talk.chat.current_id or "")[1] == answer
    talk.ask("And you?")
    assert [turn.text for turn in talk.fake.requests[-1].messages] == ["Hi!", "Hello there.", "And you?"]


def test_calls_of_tools_are_stored_with_their_answer_and_sent_back(begin: Begin) -> None:
    calls = (ToolCallPart("1", "look", '{"place": "Rome"}'), ToolCallPart("2", "look", '{"place": "Oslo"}'))
    talk = begin([FakeAnswer("I look.", thinking="Where?", calls=calls), FakeAnswer("Fine.")])
    answer = talk.ask("Hi!")
    assert answer.parts == (ThinkingPart("Where?"), TextPart("I look."), *calls)
    assert answer.timing is not None
    assert (answer.status, answer.timing.stop_reason) == ("complete", "tool-calls")
    talk.settled()
    assert talk.store.branch(talk.chat.current_id or "")[1] == answer
    talk.ask("And you?")
    assert talk.fake.requests[-1].messages[1] == ChatMessage("assistant", (TextPart("I look."), *calls))


def test_a_question_is_answered_told_and_stored(begin: Begin) -> None:
    talk = begin([FakeAnswer("Hello there.", thinking="They greet.", prompt_tokens=20, cached_tokens=5)])
    conversation_id = talk.chat.current_id
    answer = talk.ask("Hi!")
    assert (answer.text, answer.thinking, answer.status) == ("Hello there.", "They greet.", "complete")
    added = [event.message for event in talk.told(MessageAdded)]
    assert [(each.role, each.text, each.status) for each in added] == [
        ("user", "Hi!", "complete"),
        ("assistant", "", "streaming"),
    ]
    assert "".join(event.text for event in talk.told(AnswerDelta) if not event.thinking) == "Hello there."
    assert "".join(event.text for event in talk.told(AnswerDelta) if event.thinking) == "They greet."
    assert [phase for phase in talk.phases() if phase not in ("waiting", "loading")] == [
        "reading",
        "thinking",
        "writing",
    ]
    talk.settled()
    assert talk.store.branch(conversation_id or "") == [added[0], answer]
    assert answer.model is not None
    assert (answer.model.id, answer.model.name) == ("scripted", "Scripted model")
    assert answer.timing is not None
    assert (answer.timing.prompt_tokens, answer.timing.cached_tokens, answer.timing.seed) == (20, 5, 42)
    context = talk.told(ContextUsed)[-1]
    assert (context.used, context.total) == (20 + answer.timing.generated_tokens, 4096)
    assert not talk.chat.is_answering()


def test_both_turns_are_stored_before_the_engine_is_asked(begin: Begin) -> None:
    stored: list[list[tuple[str, str, str]]] = []

    def script(_: object) -> FakeAnswer:
        path = talk.store.branch(talk.chat.current_id or "")
        stored.append([(each.role, each.text, each.status) for each in path])
        return FakeAnswer("Yes.")

    talk = begin(script)
    talk.ask("Is it kept?")
    assert stored == [[("user", "Is it kept?", "complete"), ("assistant", "", "streaming")]]


@pytest.mark.parametrize("text", ["", "   ", "\n\t ", "\x00\x00", "\u200b\u2060"])
def test_nothing_is_sent_where_there_is_nothing_to_see(begin: Begin, text: str) -> None:
    talk = begin()
    assert not talk.chat.send(text)
    talk.settled()
    assert talk.told(MessageAdded) == []
    assert talk.listed() == []


@pytest.mark.parametrize("text", ["x" * 200_000, "😀" * 1000, "שלום", "a\x00b", " indented\n"])
def test_any_other_text_is_sent_and_stored_to_the_letter(begin: Begin, text: str) -> None:
    talk = begin()
    talk.ask(text)
    assert talk.fake.requests[0].messages == (ChatMessage.from_text("user", text),)
    assert talk.store.branch(talk.chat.current_id or "")[0].text == text


def test_half_a_character_is_sent_as_the_sign_for_it(begin: Begin) -> None:
    talk = begin()
    assert talk.ask("\ud800").status == "complete"
    assert talk.fake.requests[0].messages == (ChatMessage.from_text("user", "\ufffd"),)


def test_the_first_turn_gives_the_title_and_the_conversation_enters_the_list(begin: Begin) -> None:
    talk = begin()
    assert talk.listed() == []
    talk.ask("How do I add a model? And another thing.")
    (listed,) = talk.listed()
    assert (listed.title, listed.title_by, listed.id) == ("How do I add a model?", "first-turn", talk.chat.current_id)
    assert talk.told(ConversationsChanged)
    talk.ask("Something else entirely")
    assert talk.listed()[0].title == "How do I add a model?"
    assert talk.listed()[0].model_id == "scripted"


def test_the_engine_is_told_the_whole_branch(begin: Begin) -> None:
    settings = Settings(system_prompt="Be brief.", sampling=SamplingSettings(temperature=0.0, seed=3, max_tokens=50))
    talk = begin([FakeAnswer("One.", thinking="hm"), FakeAnswer("Two.")], settings=settings)
    talk.ask("first")
    answer = talk.ask("second")
    request = talk.fake.requests[1]
    assert request.messages == (
        ChatMessage.from_text("system", "Be brief."),
        ChatMessage.from_text("user", "first"),
        ChatMessage.from_text("assistant", "One."),
        ChatMessage.from_text("user", "second"),
    )
    assert (request.options.sampling.temperature, request.options.sampling.seed, request.options.max_tokens) == (
        0.0,
        3,
        50,
    )
    assert request.conversation == talk.chat.current_id
    assert answer.sampling == {"temperature": 0.0, "seed": 3, "max_tokens": 50}


def test_a_conversations_own_system_prompt_comes_first(begin: Begin) -> None:
    talk = begin(settings=Settings(system_prompt="General."))
    talk.store.create(Conversation("c", system_prompt="Special."))
    talk.ask("hi", "c")
    assert talk.fake.requests[0].messages[0] == ChatMessage.from_text("system", "Special.")


def test_many_small_pieces_become_few_events(begin: Begin) -> None:
    talk = begin([FakeAnswer("word " * 2000)])
    talk.chat.send("go")
    talk.until(lambda: len(talk.fake.requests) == 1)
    over = threading.Event()
    talk.fake.probe(lambda _: over.set())
    assert over.wait(30)  # all was said while the main thread was busy with something else
    talk.until_told(AnswerFinished)
    assert "".join(event.text for event in talk.told(AnswerDelta)) == ("word " * 2000)
    assert len(talk.told(AnswerDelta)) == 1


# --- branches --------------------------------------------------------------------------------------------------------


def test_regenerating_keeps_the_old_answer_beside_the_new(begin: Begin) -> None:
    talk = begin([FakeAnswer("First."), FakeAnswer("Second.")])
    first = talk.ask("Question")
    talk.chat.regenerate(first.id)
    second = talk.until_told(AnswerFinished, 2).message
    opened = talk.told(ConversationOpened)[-1]
    assert texts(opened.messages) == ["Question", ""]
    assert (opened.unchanged, opened.siblings) == (1, {second.id: (1, 2)})
    assert (second.text, second.parent_id) == ("Second.", first.parent_id)
    assert talk.fake.requests[1].messages == talk.fake.requests[0].messages
    talk.settled()
    assert talk.store.message(first.id) == first
    talk.chat.branches.show_sibling(second.id, -1)
    back = talk.until_told(ConversationOpened, len(talk.told(ConversationOpened)) + 1)
    assert texts(back.messages) == ["Question", "First."]
    assert back.siblings == {first.id: (0, 2)}


def test_an_edited_question_begins_a_new_branch(begin: Begin) -> None:
    talk = begin([FakeAnswer("A."), FakeAnswer("B."), FakeAnswer("C."), FakeAnswer("D.")])
    talk.ask("one")
    talk.ask("two")
    two = talk.told(MessageAdded)[2].message
    assert talk.chat.edit(two.id, "two, better")
    edited = talk.until_told(AnswerFinished, 3).message
    opened = talk.told(ConversationOpened)[-1]
    assert texts(opened.messages) == ["one", "A.", "two, better", ""]
    assert opened.unchanged == 2
    assert talk.fake.requests[2].messages[-1] == ChatMessage.from_text("user", "two, better")
    talk.settled()
    # The whole of the other branch comes back, not the edited message alone.
    talk.chat.branches.show_sibling(edited.parent_id or "", -1)
    back = talk.until_told(ConversationOpened, len(talk.told(ConversationOpened)) + 1)
    assert texts(back.messages) == ["one", "A.", "two", "B."]
    talk.ask("three")
    assert [turn.text for turn in talk.fake.requests[3].messages] == ["one", "A.", "two", "B.", "three"]


def test_the_first_question_can_be_edited(begin: Begin) -> None:
    talk = begin([FakeAnswer("A."), FakeAnswer("B.")])
    talk.ask("one")
    assert not talk.chat.edit(talk.told(MessageAdded)[0].message.id, "  ")
    talk.chat.edit(talk.told(MessageAdded)[0].message.id, "uno")
    talk.until_told(AnswerFinished, 2)
    opened = talk.told(ConversationOpened)[-1]
    assert texts(opened.messages) == ["uno", ""]
    assert opened.siblings == {opened.messages[0].id: (1, 2)}
    assert len(talk.listed()) == 1


def test_there_is_no_branch_before_the_first_or_after_the_last(begin: Begin) -> None:
    talk = begin()
    answer = talk.ask("one")
    before = len(talk.told(ConversationOpened))
    for step in (-1, 1, 0, 5):
        talk.chat.branches.show_sibling(answer.id, step)
    talk.settled()
    assert len(talk.told(ConversationOpened)) == before
    assert not talk.told(ChatFailed)


def test_regenerating_while_it_answers_stops_the_answer_first(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", hangs_after=2), FakeAnswer("Better.")])
    talk.chat.send("go")
    talk.until_said("one two")
    first = talk.told(MessageAdded)[1].message
    talk.chat.regenerate(first.id)
    second = talk.until_told(AnswerFinished, 2).message
    talk.settled()
    assert (talk.store.message(first.id).text, talk.store.message(first.id).status) == ("one two", "stopped")
    assert talk.store.message(second.id).text == "Better."


# --- answers that only repeat ----------------------------------------------------------------------------------------


def test_an_answer_that_only_repeats_keeps_its_text_and_says_so_after_a_restart(begin: Begin) -> None:
    talk = begin([FakeAnswer("on and on " * 9, stop_reason="repetition")])
    answer = talk.ask("Go on.")
    talk.settled()
    (_, stored) = begin().store.branch(answer.conversation_id)
    assert stored == answer
    assert (stored.text, stored.status) == ("on and on " * 9, "complete")
    assert stored.timing is not None
    assert stored.timing.stop_reason == "repetition"


def test_it_is_ended_unless_the_person_switched_that_off(begin: Begin) -> None:
    talk = begin()
    talk.ask("Hi")
    talk.settings = Settings(stop_on_repetition=False)
    talk.ask("Hi")
    assert [request.options.stop_on_repetition for request in talk.fake.requests] == [True, False]


def test_regenerating_it_penalizes_repetition_more_each_time_until_it_is_over(begin: Begin) -> None:
    looped = FakeAnswer("on and on", stop_reason="repetition")
    settings = Settings(sampling=SamplingSettings(temperature=0.0, max_tokens=9))
    talk = begin([looped, looped, FakeAnswer("Better."), FakeAnswer("Another.")], settings=settings)
    answer = talk.ask("Go on.")
    for count in (2, 3, 4):
        talk.chat.regenerate(answer.id)
        answer = talk.until_told(AnswerFinished, count).message
    options = [each.options for each in talk.fake.requests]
    asked = [(each.sampling.temperature, each.sampling.repeat_penalty) for each in options]
    assert asked == [(0.0, None), (0.0, 1.1), (0.0, 1.2), (0.0, None)]
    assert [each.max_tokens for each in options] == [9] * 4
    recorded = [event.message.sampling for event in talk.told(AnswerFinished)]
    assert recorded[1] == {"temperature": 0.0, "max_tokens": 9, "repeat_penalty": 1.1, "repeat_last_n": 256}
    assert recorded[3] == {"temperature": 0.0, "max_tokens": 9}


@pytest.mark.parametrize(("own", "then"), [(1.05, 1.15), (1.3, 1.4), (1.5, 1.5), (1.8, 1.8), (0.9, 1.1)])
def test_a_repeat_penalty_of_the_persons_own_is_never_lowered(begin: Begin, own: float, then: float) -> None:
    settings = Settings(sampling=SamplingSettings(repeat_penalty=own))
    talk = begin([FakeAnswer("on and on", stop_reason="repetition"), FakeAnswer("Better.")], settings=settings)
    talk.chat.regenerate(talk.ask("Go on.").id)
    talk.until_told(AnswerFinished, 2)
    assert talk.fake.requests[1].options.sampling.repeat_penalty == then


# --- several conversations -------------------------------------------------------------------------------------------


def test_an_answer_goes_on_while_another_conversation_is_open(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three four", tokens_per_s=50)])
    first = talk.chat.current_id or ""
    talk.chat.send("go")
    talk.until_said("one")
    talk.chat.new()
    second = talk.chat.current_id
    assert second != first
    assert talk.chat.is_answering(first)
    assert not talk.chat.is_answering()
    finished = talk.until_told(AnswerFinished)
    assert (finished.conversation_id, finished.message.text) == (first, "one two three four")
    assert talk.chat.current_id == second


def test_opening_a_conversation_shows_what_was_said_so_far(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", hangs_after=2)], save_every_s=1000)
    first = talk.chat.current_id or ""
    talk.chat.send("go")
    talk.until_said("one two")
    talk.chat.new()
    opened = talk.opened(first)
    assert texts(opened.messages) == ["go", "one two"]
    assert opened.messages[1].status == "streaming"
    assert opened.unchanged == 0
    assert talk.phases()[-1] == "writing"
    talk.chat.stop()
    assert talk.until_told(AnswerFinished).message.text == "one two"


def test_answers_are_given_one_after_the_other(begin: Begin) -> None:
    talk = begin([FakeAnswer("one", hangs_after=1), FakeAnswer("two")])
    first = talk.chat.current_id or ""
    talk.chat.send("a")
    talk.until_said("one")
    talk.chat.new()
    second = talk.chat.current_id or ""
    talk.chat.send("b")
    talk.until_told(MessageAdded, 4)
    talk.loop.run_what_waits()
    assert len(talk.fake.requests) == 1
    assert talk.chat.is_answering(second)
    talk.chat.stop(first)
    talk.until_told(AnswerFinished, 2)
    assert [(each.conversation_id, each.message.text) for each in talk.told(AnswerFinished)] == [
        (first, "one"),
        (second, "two"),
    ]


def test_a_second_question_in_the_same_conversation_waits_for_the_first_answer(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two", tokens_per_s=30), FakeAnswer("three")])
    talk.chat.send("a")
    talk.chat.send("b")
    talk.until_told(AnswerFinished, 2)
    assert [turn.text for turn in talk.fake.requests[1].messages] == ["a", "one two", "b"]
    assert len(talk.listed()) == 1


def test_of_two_conversations_opened_at_once_the_last_is_shown(begin: Begin) -> None:
    talk = begin()
    for name in ("c", "d"):
        talk.store.create(Conversation(name))
    talk.chat.open("c")
    talk.chat.open("d")
    talk.settled()
    assert [event.conversation.id for event in talk.told(ConversationOpened)][1:] == ["d"]
    assert talk.chat.current_id == "d"


def test_opening_tells_how_full_the_context_was(begin: Begin) -> None:
    talk = begin([FakeAnswer("a b c", prompt_tokens=100, dropped_messages=2)])
    talk.ask("hi")
    first = talk.chat.current_id or ""
    talk.chat.new()
    before = len(talk.told(ContextUsed))
    talk.opened(first)
    context = talk.told(ContextUsed)[before]
    assert (context.conversation_id, context.used, context.total, context.dropped_messages) == (first, 103, 4096, 2)


def test_what_is_not_there_cannot_be_opened_or_answered(begin: Begin) -> None:
    talk = begin()
    current = talk.chat.current_id
    talk.chat.open("nowhere")
    talk.chat.send("lost?", "nowhere")
    talk.chat.regenerate("nothing")
    talk.chat.edit("nothing", "kept text")
    talk.settled()
    failed = talk.told(ChatFailed)
    assert all(isinstance(each.error, NotFoundError) for each in failed)
    assert [each.text for each in failed] == ["", "lost?", "", "kept text"]
    assert talk.chat.current_id == current


# --- the list --------------------------------------------------------------------------------------------------------


def test_only_the_newest_listing_is_given(begin: Begin) -> None:
    talk = begin()
    talk.store.create(Conversation("c", title="Alpha"))
    found: list[tuple[str, list[str]]] = []

    def note(query: str) -> Callable[[ListedConversations], None]:
        def noted(result: ListedConversations) -> None:
            found.append((query, [each.id for each in result.conversations]))

        return noted

    for query in ("a", "al", "zebra", "alp"):
        talk.chat.order.list(ListFilter(query=query), note(query))
    talk.settled()
    assert found == [("alp", ["c"])]


def test_renaming_and_pinning(begin: Begin) -> None:
    talk = begin()
    talk.ask("First question here")
    name = talk.chat.current_id or ""
    talk.chat.order.rename(name, "  My \n title ")
    talk.chat.order.pin([name], True)
    assert (talk.listed()[0].title, talk.listed()[0].pinned) == ("My title", True)
    talk.chat.order.rename(name, " ")
    talk.chat.order.pin([name], False)
    assert (talk.listed()[0].title, talk.listed()[0].title_by, talk.listed()[0].pinned) == (
        "First question here",
        "first-turn",
        False,
    )


def test_deleting_stops_the_answer_and_undo_brings_all_back(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", hangs_after=2), FakeAnswer("Next.")])
    talk.chat.send("go")
    talk.until_said("one two")
    name = talk.chat.current_id or ""
    talk.chat.order.delete([name])
    (deleted,) = talk.until_told(ConversationsDeleted).conversations
    assert (deleted.id, deleted.title) == (name, "go")
    talk.until_told(AnswerFinished)
    assert talk.listed() == []
    assert talk.chat.current_id != name
    assert talk.told(ConversationOpened)[-1].messages == ()
    talk.chat.order.restore([name])
    talk.until(lambda: talk.chat.current_id == name)  # it was the open one
    assert [each.id for each in talk.listed()] == [name]
    opened = talk.told(ConversationOpened)[-1]
    assert [(each.text, each.status) for each in opened.messages] == [("go", "complete"), ("one two", "stopped")]
    assert talk.ask("and now?").text == "Next."


def test_undo_does_not_leave_what_was_begun_meanwhile(begin: Begin) -> None:
    talk = begin()
    talk.ask("first")
    first = talk.chat.current_id or ""
    talk.chat.order.delete([first])
    talk.until_told(ConversationsDeleted)
    talk.ask("second")
    second = talk.chat.current_id
    talk.chat.order.restore([first])
    talk.settled()
    assert talk.chat.current_id == second
    assert len(talk.listed()) == 2


def test_deleting_another_conversation_leaves_the_open_one(begin: Begin) -> None:
    talk = begin()
    talk.store.create(Conversation("c"))
    current = talk.chat.current_id
    talk.chat.order.delete(["c"])
    talk.chat.order.delete([current or ""])  # not stored yet: nothing to delete
    talk.settled()
    assert talk.chat.current_id == current
    assert not talk.told(ChatFailed)


def test_a_start_erases_what_was_deleted_a_month_ago_and_ends_what_was_cut_off(begin: Begin) -> None:
    talk = begin()
    talk.now = 100 * DAY
    for name, at in (("old", 69.9 * DAY), ("new", 70.1 * DAY), ("kept", None)):
        talk.store.create(Conversation(name))
        if at is not None:
            FolderStore(talk.store.database).delete_conversations([name], at)
    talk.store.add_message(Message("m", "kept", None, "assistant", (TextPart("half"),), "streaming"))
    with talk.store.database.write() as connection:
        connection.execute("UPDATE messages SET writer = '1 12.000'")
    talk.chat.start()
    talk.until_told(ConversationsChanged)
    talk.until(lambda: talk.store.find_conversation("old") is None)
    assert talk.store.message("m").status == "stopped"
    assert talk.store.find_conversation("new") is not None


def a_state_of(cache: PromptCacheFolder, conversation: str) -> None:
    """What an engine would have kept of it."""
    scratch = cache.open_scratch()
    assert scratch is not None
    os.pwrite(scratch.descriptor, b"state", 0)
    assert cache.keep(conversation, "key", scratch, 5, lambda: False)


def test_what_the_engine_keeps_of_a_conversation_goes_with_it(begin: Begin, tmp_path: Path) -> None:
    cache = PromptCacheFolder(tmp_path / "prompt-cache", lambda: 1000)
    talk = begin(prompt_cache=cache)
    gone, kept = talk.ask("Delete me").conversation_id, ""
    talk.chat.new()
    kept = talk.ask("Keep me").conversation_id
    for name in (gone, kept):
        a_state_of(cache, name)
    talk.chat.order.delete([gone])
    talk.until_told(ConversationsDeleted)
    assert cache.use().files == 1, "at once, though the conversation itself can still be brought back"
    a_state_of(cache, "of-another-process-that-died")
    talk.chat.start()
    talk.until(lambda: cache.use().files == 1)
    assert cache.holds(kept, "key")


# --- the model's name on the answer ----------------------------------------------------------------------------------


def test_the_answer_names_the_model_that_gave_it_and_its_file(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two", hangs_after=1), FakeAnswer("b")], hash_file=lambda path: f"sha of {path}")
    talk.chat.send("one")
    talk.until_said("one")
    talk.until(lambda: bool(talk.chat._answering.model._hashes))  # the file is read while the answer goes on
    talk.chat.stop()
    first = talk.until_told(AnswerFinished).message
    talk.chat.use_model(SomeModel("other", "Other", SomeModel().path.with_name("other.gguf")))
    second = talk.ask("two")
    assert first.model == ModelReference("scripted", "Scripted model", "sha of scripted.gguf")
    assert second.model is not None
    assert (second.model.id, second.model.name) == ("other", "Other")
    talk.settled()
    assert talk.store.message(first.id).model == first.model
    assert talk.store.conversation(talk.chat.current_id or "").model_id == "other"


def test_the_answer_keeps_the_terms_that_its_model_was_under(begin: Begin) -> None:
    model = SomeModel(license="LicenseRef-Llama-3.2", attribution=("Built with Llama", "Made by B"))
    talk = begin([FakeAnswer("a")], model=model)
    answer = talk.ask("one")
    talk.settled()
    kept = talk.store.message(answer.id).model
    assert kept is not None
    assert (kept.license, kept.attribution) == ("LicenseRef-Llama-3.2", "Built with Llama; Made by B")


def test_overrides_hold_for_one_answer_alone(begin: Begin) -> None:
    settings = Settings(
        sampling=SamplingSettings(temperature=0.0, max_tokens=9), system_prompt="Be brief.", context_full="drop-oldest"
    )
    talk = begin(settings=settings)
    wanted = GenerationOptions(SamplingParams(top_k=3), max_tokens=2, stop=("###",), raw_prompt=True)
    talk.chat.send("one", overrides=AnswerOverrides(wanted, "Be stern."))
    first = talk.until_told(AnswerFinished).message
    talk.ask("two")
    one, two = talk.fake.requests
    assert one.options == wanted
    assert one.messages[0] == ChatMessage.from_text("system", "Be stern.")
    assert first.sampling == {"top_k": 3, "max_tokens": 2}
    assert two.options == GenerationOptions(
        SamplingParams(temperature=0.0), max_tokens=9, stop_on_repetition=True, cache="disk"
    )
    assert two.messages[0] == ChatMessage.from_text("system", "Be brief.")


def test_overrides_wait_with_the_question_until_a_model_may_answer(begin: Begin) -> None:
    talk = begin(model=None, settings=Settings(system_prompt="Be brief.", context_full="drop-oldest"))
    talk.chat.defer_sending()
    wanted = GenerationOptions(max_tokens=2)
    talk.chat.send("one", overrides=AnswerOverrides(wanted, ""))
    talk.chat.use_model(SomeModel())
    talk.until_told(AnswerFinished)
    assert [request.options for request in talk.fake.requests] == [wanted]
    assert [message.role for message in talk.fake.requests[0].messages] == ["user"]


def test_parts_that_are_stored_reach_the_engine(begin: Begin) -> None:
    talk = begin()
    parts = (TextPart("Look: "), ImagePart("ab" * 32, "image/png"), UnknownPart("audio", '{"type":"audio"}'))
    talk.store.create(Conversation("kept"))
    talk.store.add_message(Message("m", "kept", None, "user", parts))
    talk.chat.open("kept")
    talk.until(lambda: talk.chat.current_id == "kept")
    talk.ask("And?")
    (asked,) = talk.fake.requests[0].messages
    assert asked.text.startswith("Look: ")
    assert "image/png, which you cannot see" in asked.text
    assert asked.parts[-2:] == (parts[-1], TextPart("And?"))
    assert talk.store.message("m").parts == parts
