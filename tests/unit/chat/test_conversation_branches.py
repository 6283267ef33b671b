"""Branches of a conversation: edited answers, answers gone on with, deletion with undo, forks, answers made again."""

from collections.abc import Callable

from desktop.chat.answer_continuation import can_continue
from desktop.chat.answer_record import recorded_options
from desktop.chat.answer_record_text import record_text, rerun_needs
from desktop.chat.chat_events import AnswerFinished, BranchDeleted, ChatFailed, ConversationOpened
from desktop.conversation import Message, TextPart, ThinkingPart, ToolCallPart
from desktop.engine.worker_messages import GenerateRequest
from desktop.settings import SamplingSettings, Settings
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.talk import SomeModel, Talk

Begin = Callable[..., Talk]


def branch(talk: Talk) -> list[Message]:
    talk.settled()
    return talk.store.branch(talk.chat.current_id or "")


def texts(talk: Talk) -> list[str]:
    return [message.text for message in branch(talk)]


def opened_after(talk: Talk, act: Callable[[], object]) -> ConversationOpened:
    count = len(talk.told(ConversationOpened))
    act()
    return talk.until_told(ConversationOpened, count + 1)


def finished_after(talk: Talk, act: Callable[[], object]) -> Message:
    count = len(talk.told(AnswerFinished))
    act()
    return talk.until_told(AnswerFinished, count + 1).message


# --- edited answers --------------------------------------------------------------------------------------------------


def test_the_model_sees_an_edited_answer_and_the_old_one_is_kept(begin: Begin) -> None:
    talk = begin([FakeAnswer("The key is red.", thinking="Hm."), FakeAnswer("Yes.")])
    first = talk.ask("What color is the key?")
    opened = opened_after(talk, lambda: talk.chat.branches.edit_answer(first, "The key is blue."))
    edited = opened.messages[-1]
    assert (edited.text, edited.thinking, edited.edited, edited.status) == ("The key is blue.", "", True, "complete")
    assert opened.siblings[edited.id] == (1, 2)
    assert edited.model == first.model
    assert edited.record is None
    talk.ask("Sure?")
    assert [message.text for message in talk.fake.requests[-1].messages] == [
        "What color is the key?",
        "The key is blue.",
        "Sure?",
    ]
    assert talk.store.message(first.id).text == "The key is red."


def test_a_blank_edit_is_none(begin: Begin) -> None:
    talk = begin()
    answer = talk.ask("Hello")
    assert not talk.chat.branches.edit_answer(answer, " \n")
    assert len(branch(talk)) == 2


def test_calls_of_tools_stay_in_an_edited_answer(begin: Begin) -> None:
    call = ToolCallPart("1", "look", "{}")
    talk = begin([FakeAnswer("I look.", calls=(call,))])
    answer = talk.ask("Look")
    opened = opened_after(talk, lambda: talk.chat.branches.edit_answer(answer, "I looked."))
    assert [part for part in opened.messages[-1].parts if isinstance(part, ToolCallPart)] == [call]


# --- going on --------------------------------------------------------------------------------------------------------


def test_an_answer_that_was_cut_off_goes_on_from_its_text(begin: Begin) -> None:
    talk = begin([FakeAnswer("One two ", stop_reason="length"), FakeAnswer(" three four.")])
    first = talk.ask("Count")
    assert can_continue(first)
    whole = finished_after(talk, lambda: talk.chat.branches.continue_answer(first))
    assert whole.text == "One two three four."
    request = talk.fake.requests[-1]
    assert (request.prefill, [each.text for each in request.messages]) == ("One two", ["Count"])
    assert whole.record is not None
    assert whole.record.continues == len("One two")
    assert not can_continue(whole)
    assert talk.store.message(first.id).text == "One two "
    assert texts(talk) == ["Count", "One two three four."]


def test_what_goes_on_is_shown_with_its_beginning_while_it_is_written(begin: Begin) -> None:
    talk = begin([FakeAnswer("One", stop_reason="length"), FakeAnswer(" two", hangs_after=1)])
    first = talk.ask("Count")
    opened = opened_after(talk, lambda: talk.chat.branches.continue_answer(first))
    assert (opened.messages[-1].text, opened.messages[-1].status) == ("One", "streaming")
    talk.until_said(" two")
    talk.chat.stop()
    stopped = talk.until_told(AnswerFinished, 2).message
    assert (stopped.text, stopped.status) == ("One two", "stopped")


def test_an_edited_answer_gone_on_with_is_still_marked(begin: Begin) -> None:
    talk = begin([FakeAnswer("No."), FakeAnswer(" indeed.")])
    answer = talk.ask("Is it?")
    edited = opened_after(talk, lambda: talk.chat.branches.edit_answer(answer, "Yes,")).messages[-1]
    assert can_continue(edited)
    whole = finished_after(talk, lambda: talk.chat.branches.continue_answer(edited))
    assert (whole.text, whole.edited) == ("Yes, indeed.", True)


def test_where_a_model_cannot_go_on_it_is_said(begin: Begin) -> None:
    answer = FakeAnswer("", thinking="Hm, hm", stop_reason="length")
    talk = begin([answer])
    message = talk.ask("Hello")
    assert not can_continue(message)
    talk.chat.branches.continue_answer(message)
    assert "cannot go on" in talk.until_told(ChatFailed).error.title
    assert len(branch(talk)) == 2


# --- deletion --------------------------------------------------------------------------------------------------------


def test_a_message_is_deleted_with_all_under_it_and_comes_back(begin: Begin) -> None:
    talk = begin([FakeAnswer("One."), FakeAnswer("Two.")])
    talk.ask("First")
    second = talk.ask("Second")
    before = branch(talk)
    opened = opened_after(talk, lambda: talk.chat.branches.delete(before[2]))
    assert [message.text for message in opened.messages] == ["First", "One."]
    deleted = talk.told(BranchDeleted)[-1].deleted
    assert deleted.message_ids == (before[2].id, second.id)
    assert talk.listed("Second") == []
    opened = opened_after(talk, lambda: talk.chat.branches.undo_delete(deleted))
    assert list(opened.messages) == before


def test_deleting_everything_leaves_an_empty_conversation_that_can_be_gone_on_with(begin: Begin) -> None:
    talk = begin([FakeAnswer("One."), FakeAnswer("Two.")])
    talk.ask("Where is the treasure?")
    name = talk.chat.current_id
    opened = opened_after(talk, lambda: talk.chat.branches.delete(branch(talk)[0]))
    assert opened.messages == ()
    assert talk.listed()[0].title == "New chat", "nothing of what was deleted stays in its name"
    talk.ask("Another question")
    assert talk.chat.current_id == name
    assert [head.title for head in talk.listed()] == ["Another question"]
    assert talk.fake.requests[-1].messages[0].text == "Another question"


def test_a_title_comes_back_with_its_turn(begin: Begin) -> None:
    talk = begin()
    talk.ask("Where is the treasure?")
    opened_after(talk, lambda: talk.chat.branches.delete(branch(talk)[0]))
    opened_after(talk, lambda: talk.chat.branches.undo_delete(talk.told(BranchDeleted)[-1].deleted))
    assert talk.listed()[0].title == "Where is the treasure?"


def test_an_answer_in_progress_is_stopped_when_its_question_is_deleted(begin: Begin) -> None:
    talk = begin([FakeAnswer("One."), FakeAnswer("word " * 50, hangs_after=2), FakeAnswer("Three.")])
    talk.ask("First")
    talk.chat.send("Second")
    talk.until_said("word word")
    question = branch(talk)[2]
    opened_after(talk, lambda: talk.chat.branches.delete(question))
    stopped = talk.until_told(AnswerFinished, 2).message
    assert stopped.status == "stopped"
    assert texts(talk) == ["First", "One."]
    assert talk.ask("Third").text == "Three."


def test_a_deleted_message_is_purged_by_a_start_a_month_later(begin: Begin) -> None:
    talk = begin()
    talk.ask("Where is the treasure?")
    first = branch(talk)[0]
    opened_after(talk, lambda: talk.chat.branches.delete(first))
    talk.settled()
    later = begin()
    later.now = talk.now + 31 * 86400
    later.chat.start()

    def messages() -> int:
        with later.store.database.read() as connection:
            return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])

    later.until(lambda: messages() == 0)


def test_what_another_window_deleted_is_not_edited(begin: Begin) -> None:
    talk, other = begin(), begin()
    answer = talk.ask("Hello")
    other.store.delete_branch(answer.id, 5.0)
    talk.chat.branches.edit_answer(answer, "Mine")
    failed = talk.until_told(ChatFailed)
    assert (failed.error.title, failed.text) == ("This message was deleted.", "Mine")


# --- forks -----------------------------------------------------------------------------------------------------------


def test_a_fork_is_a_conversation_of_its_own_with_copies_up_to_the_message(begin: Begin) -> None:
    talk = begin([FakeAnswer("One."), FakeAnswer("Two."), FakeAnswer("Three.")])
    talk.ask("First question")
    talk.ask("Second question")
    source, before = talk.chat.current_id or "", branch(talk)
    opened = opened_after(talk, lambda: talk.chat.branches.fork(before[1]))
    assert opened.conversation.id != source
    assert opened.conversation.title == "Fork: First question"
    assert [message.text for message in opened.messages] == ["First question", "One."]
    assert not {message.id for message in opened.messages} & {message.id for message in before}
    assert opened.messages[1].record == before[1].record
    talk.ask("Other second")
    assert [message.text for message in talk.store.branch(source)] == [message.text for message in before]
    assert talk.fake.requests[-1].conversation == opened.conversation.id
    again = opened_after(talk, lambda: talk.chat.branches.fork(branch(talk)[0]))
    assert again.conversation.title == "Fork: First question", "said once"


# --- records ---------------------------------------------------------------------------------------------------------

SAMPLED = Settings(system_prompt="Be brief.", sampling=SamplingSettings(temperature=0.7, max_tokens=50))


def test_an_answer_says_what_it_was_made_from(begin: Begin) -> None:
    talk = begin([FakeAnswer("Yes.")], settings=SAMPLED)
    answer = talk.ask("Is it?")
    stored = branch(talk)[1]
    assert stored.record is not None
    assert stored.record == answer.record
    options = recorded_options(stored.record)
    assert (options.sampling.temperature, options.sampling.seed, options.max_tokens) == (0.7, 42, 50)
    assert (stored.record.system_prompt, stored.record.engine) == ("Be brief.", "fake")
    said = record_text(stored)
    for line in ("Seed: 42", "temperature 0.7", "50 tokens at most", "System prompt: Be brief.", "Engine: fake"):
        assert line in said


def test_an_answer_is_made_again_as_it_was_asked_for_and_alone(begin: Begin) -> None:
    talk = begin([FakeAnswer("Yes."), FakeAnswer("Yes.")], settings=SAMPLED)
    answer = talk.ask("Is it?")
    talk.settings = Settings(system_prompt="Be long.", sampling=SamplingSettings(temperature=0.1))
    again = finished_after(talk, lambda: talk.chat.branches.run_again(answer))
    first, second = talk.fake.requests
    assert second.messages == first.messages
    assert second.options.sampling.seed == 42
    assert (second.options.sampling.temperature, second.options.max_tokens) == (0.7, 50)
    assert (second.options.cache, second.options.speculation, second.conversation) == ("off", "off", "")
    assert again.record is not None
    assert (again.record.rerun_of, again.record.identical) == (answer.id, True)
    assert texts(talk) == ["Is it?", "Yes."]
    assert len(talk.store.siblings(again.id)) == 2


def test_another_answer_says_what_was_not_the_same(begin: Begin) -> None:
    talk = begin([FakeAnswer("Yes.", cached_tokens=5), FakeAnswer("No.")])
    answer = talk.ask("Is it?")
    assert "came from the prompt cache" in rerun_needs(answer)
    again = finished_after(talk, lambda: talk.chat.branches.run_again(answer))
    assert again.record is not None
    assert (again.record.identical, again.record.differs_in) == (False, ("cache",))


def test_one_that_was_stopped_is_made_again_as_far_as_it_went(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three four", hangs_after=2), FakeAnswer("one two three four")])
    talk.chat.send("Count")
    talk.until_said("one two")
    talk.chat.stop()
    stopped = talk.until_told(AnswerFinished).message
    again = finished_after(talk, lambda: talk.chat.branches.run_again(stopped))
    assert again.text == "one two"
    assert again.record is not None
    assert again.record.identical


def test_one_gone_on_with_is_made_again_from_where_it_went_on(begin: Begin) -> None:
    talk = begin([FakeAnswer("One", stop_reason="length"), FakeAnswer(" two."), FakeAnswer(" two.")])
    first = talk.ask("Count")
    whole = finished_after(talk, lambda: talk.chat.branches.continue_answer(first))
    again = finished_after(talk, lambda: talk.chat.branches.run_again(whole))
    assert talk.fake.requests[-1].prefill == "One"
    assert again.text == whole.text == "One two."
    assert again.record is not None
    assert again.record.identical


def test_it_waits_for_other_answers_and_they_for_it(begin: Begin) -> None:
    def script(request: GenerateRequest) -> FakeAnswer:
        return FakeAnswer("word word", hangs_after=1 if request.messages[-1].text == "Long" else None)

    talk = begin(script, settings=Settings(parallel_answers=4))
    answer = talk.ask("Short")
    talk.chat.new()
    elsewhere = talk.chat.current_id
    talk.chat.send("Long")
    talk.until_said("wordword")
    talk.chat.branches.run_again(answer)
    talk.settled()
    assert len(talk.fake.requests) == 2, "not beside the other one"
    talk.chat.stop(elsewhere)
    talk.until_told(AnswerFinished, 3)
    assert talk.fake.requests[-1].conversation == ""


def test_without_a_record_or_with_another_model_it_is_said(begin: Begin) -> None:
    talk = begin()
    answer = talk.ask("Hello")
    edited = opened_after(talk, lambda: talk.chat.branches.edit_answer(answer, "Mine")).messages[-1]
    talk.chat.branches.run_again(edited)
    assert "not recorded" in talk.until_told(ChatFailed).error.title
    talk.chat.use_model(SomeModel("other", "Other model"))
    talk.chat.branches.run_again(answer)
    assert "another model" in talk.until_told(ChatFailed, 2).error.title


def test_thinking_of_an_answer_is_not_taken_along(begin: Begin) -> None:
    talk = begin([FakeAnswer("One", thinking="Hm.", stop_reason="length"), FakeAnswer(" two.")])
    first = talk.ask("Count")
    whole = finished_after(talk, lambda: talk.chat.branches.continue_answer(first))
    assert whole.parts == (TextPart("One two."),)
    assert any(isinstance(part, ThinkingPart) for part in first.parts)
