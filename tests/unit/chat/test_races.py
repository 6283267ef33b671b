"""What happens at once, or in an unlucky order: no answer waits for ever, and nothing typed or said is lost."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.chat.chat_events import (
    AnswerDelta,
    AnswerFinished,
    ChatEvent,
    ChatFailed,
    ConversationOpened,
    ConversationsDeleted,
    EngineChanged,
    MessageAdded,
)
from desktop.conversation import Conversation, Message, TextPart
from desktop.errors import ResourceError
from desktop.settings import Settings
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.talk import SomeModel, Talk

Begin = Callable[..., Talk]
OTHER = SomeModel("other", "Other", Path("other.gguf"))


def statuses(talk: Talk, conversation_id: str) -> list[tuple[str, str]]:
    talk.settled()
    return [(message.text, message.status) for message in talk.store.branch(conversation_id)]


# --- the model -------------------------------------------------------------------------------------------------------


def test_a_question_behind_one_that_lost_the_model_is_answered_all_the_same(begin: Begin) -> None:
    refusal = ResourceError("Not enough memory.")
    talk = begin([FakeAnswer("one two", dies_after=1), FakeAnswer("Alive.")], load_errors=[None, refusal, None])
    talk.ask("first")
    talk.chat.send("second")  # the model is loaded again for it, in vain
    talk.chat.send("third")
    finished = talk.until_told(AnswerFinished, 3)
    assert [event.message.status for event in talk.told(AnswerFinished)] == ["failed", "failed", "complete"]
    assert finished.message.text == "Alive."


def test_a_question_asked_while_a_load_is_being_given_up_is_answered(begin: Begin) -> None:
    talk = begin([FakeAnswer("Hi.")], load_s=5.0)
    talk.until(lambda: any(event.fraction for event in talk.told(EngineChanged)))
    talk.chat.send("hello")
    talk.background.database(lambda: None).result()  # stored; the main thread hears of it after the next line
    talk.chat.stop_loading()
    talk.fake._load_s = 0.0
    assert talk.until_told(AnswerFinished).message.status == "complete"


def test_giving_up_the_load_stops_what_waits_for_it(begin: Begin) -> None:
    talk = begin(load_s=5.0)
    talk.chat.send("hello")
    talk.until_told(MessageAdded, 2)
    talk.chat.stop_loading()
    assert talk.until_told(AnswerFinished).message.status == "stopped"
    assert not talk.chat.is_answering()


def test_an_answer_names_the_model_that_gave_it_whatever_is_chosen_meanwhile(begin: Begin) -> None:
    talk = begin([FakeAnswer("Mine."), FakeAnswer("Other.")])
    talk.until(lambda: bool(talk.told(EngineChanged)) and talk.told(EngineChanged)[-1].state == "ready")
    talk.chat.send("go")
    talk.until_told(MessageAdded, 2)  # its branch is being read
    talk.chat.use_model(OTHER)
    answer = talk.until_told(AnswerFinished).message
    assert answer.model is not None
    assert answer.model.id == "scripted"
    assert talk.fake.asked_of == [talk.fake.loads[0]]


# --- deleting --------------------------------------------------------------------------------------------------------


def test_a_conversation_deleted_just_after_a_question_is_not_answered(begin: Begin) -> None:
    talk = begin(lambda request: FakeAnswer("said", hangs_after=1 if request.messages[-1].text == "two" else None))
    talk.ask("one")
    name = talk.chat.current_id or ""
    talk.chat.send("two")
    talk.chat.order.delete([name])
    talk.until_told(ConversationsDeleted)
    talk.until_told(AnswerFinished, 2)
    assert not talk.chat.is_answering(name)
    assert talk.ask("elsewhere").status == "complete"
    assert statuses(talk, name)[-1][1] == "stopped"


@pytest.mark.parametrize("act", ["regenerate", "edit"])
def test_nothing_is_written_into_a_conversation_deleted_meanwhile(begin: Begin, act: str) -> None:
    talk = begin()
    answer = talk.ask("one")
    name = talk.chat.current_id or ""
    if act == "regenerate":
        talk.chat.order.delete([name])
        talk.chat.regenerate(answer.id)
    else:
        talk.chat.order.delete([name])
        talk.chat.edit(answer.parent_id or "", "typed")
    talk.settled()
    talk.settled()
    assert talk.until_told(ChatFailed).text == ("typed" if act == "edit" else "")
    talk.chat.order.restore([name])
    assert [status for _, status in statuses(talk, name)] == ["complete", "complete"]


@pytest.mark.parametrize("act", ["regenerate", "edit"])
def test_a_branch_begun_just_before_its_conversation_is_deleted_does_not_stay_unfinished(
    begin: Begin, act: str
) -> None:
    talk = begin([FakeAnswer("first"), FakeAnswer("second", hangs_after=1)])
    answer = talk.ask("one")
    name = talk.chat.current_id or ""
    if act == "regenerate":
        talk.chat.regenerate(answer.id)
    else:
        talk.chat.edit(answer.parent_id or "", "other")
    talk.chat.order.delete([name])
    talk.until_told(ConversationsDeleted)
    talk.until(lambda: not talk.chat.is_answering(name))
    talk.chat.order.restore([name])
    talk.settled()
    talk.settled()
    assert "streaming" not in [status for _, status in statuses(talk, name)]
    assert not talk.chat.is_answering(name)


def test_what_was_opened_just_after_deleting_is_shown(begin: Begin) -> None:
    talk = begin()
    talk.ask("one")
    talk.store.create(Conversation("d"))
    talk.chat.order.delete([talk.chat.current_id or ""])
    talk.chat.open("d")
    talk.settled()
    assert talk.chat.current_id == "d"
    assert talk.told(ConversationOpened)[-1].conversation.id == "d"


# --- branches --------------------------------------------------------------------------------------------------------


def test_an_edit_made_just_before_closing_is_kept(begin: Begin) -> None:
    talk = begin([FakeAnswer("first")])
    answer = talk.ask("one")
    name = talk.chat.current_id or ""
    talk.chat.edit(answer.parent_id or "", "typed with care")
    talk.chat.close()
    talk.background.close()
    again = begin()
    assert again.store.branch(name)[0].text == "typed with care"


def test_a_branch_that_cannot_be_stored_leaves_the_answer_going_on(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", hangs_after=2)], save_every_s=1000)
    talk.chat.send("go")
    talk.until_said("one two")

    def fill() -> None:
        with talk.store.database.read() as connection:
            connection.execute("PRAGMA max_page_count = 1")

    talk.background.database(fill).result()
    question = talk.told(MessageAdded)[0].message
    long = "better " * 20_000
    assert talk.chat.edit(question.id, long)
    assert talk.until_told(ChatFailed).text == long
    talk.settled()
    assert talk.chat.is_answering()
    assert not talk.told(AnswerFinished)


# --- what another process left ---------------------------------------------------------------------------------------


def test_an_answer_that_a_dead_process_left_is_over_once_its_conversation_is_opened(begin: Begin) -> None:
    talk = begin([FakeAnswer("On.")])
    talk.store.create(Conversation("c"))
    talk.store.add_messages(
        (
            Message("q", "c", None, "user", (TextPart("go"),)),
            Message("a", "c", "q", "assistant", (TextPart("half"),), "streaming"),
        )
    )
    with talk.store.database.write() as connection:
        connection.execute("UPDATE messages SET writer = '1 12.000' WHERE id = 'a'")
    opened = talk.opened("c")
    assert [(each.text, each.status) for each in opened.messages] == [("go", "complete"), ("half", "stopped")]
    talk.ask("and?", "c")
    assert [turn.text for turn in talk.fake.requests[0].messages] == ["go", "half", "and?"]


# --- bugs, ours or the listener's ------------------------------------------------------------------------------------


def test_a_bug_while_showing_an_answer_does_not_keep_it_from_ending(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three"), FakeAnswer("Next.")])
    hear = talk.events.append

    def listener(event: ChatEvent) -> None:
        hear(event)
        if isinstance(event, AnswerDelta | MessageAdded):
            raise ZeroDivisionError("a bug in the window")

    talk.chat._listener = listener
    talk.chat.send("go")
    bugs = 0

    def over() -> bool:
        return len(talk.told(AnswerFinished)) == 1

    while not over():
        try:
            talk.until(over)
        except ZeroDivisionError:
            bugs += 1
    talk.chat._listener = hear
    while True:  # no bug is swallowed: each reaches the main loop, and from there the log
        try:
            talk.settled()
            break
        except ZeroDivisionError:
            bugs += 1
    assert bugs == 2 + len(talk.told(AnswerDelta))
    assert talk.told(AnswerFinished)[0].message.text == "one two three"
    assert talk.ask("on").text == "Next."


def test_a_bug_while_a_branch_is_read_fails_that_answer_and_no_other(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = begin([FakeAnswer("Next.")])

    def bug(*_: object) -> list[Message]:
        monkeypatch.undo()
        raise KeyError("a bug")

    monkeypatch.setattr(talk.store, "branch", bug)
    assert talk.ask("one").status == "failed"
    assert talk.ask("two").text == "Next."


def test_a_bug_while_sending_gives_the_text_back(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = begin()

    def bug(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(talk.store, "add_messages", bug)
    talk.chat.send("typed with care")
    assert talk.until_told(ChatFailed).text == "typed with care"


# --- text that no file takes -----------------------------------------------------------------------------------------


def test_a_model_whose_file_name_is_no_text_answers_and_is_kept(begin: Begin) -> None:
    name = os.fsdecode(b"mod\xe9le.gguf")
    talk = begin([FakeAnswer("Yes.")], model=SomeModel(name, name, Path(name)), save_every_s=0.0)
    answer = talk.ask("hi")
    talk.settled()
    assert talk.store.message(answer.id).text == "Yes."
    assert talk.store.message(answer.id).status == "complete"
    assert not talk.told(ChatFailed)


def test_a_system_prompt_that_is_no_text_is_sent_as_such(begin: Begin) -> None:
    talk = begin(settings=Settings(system_prompt="Be\ud800brief."))
    assert talk.ask("hi").status == "complete"
    assert talk.fake.requests[0].messages[0].text == "Be\ufffdbrief."
