"""Messages written while an answer is given wait, can be changed, and are sent once: nothing is lost or doubled."""

from collections.abc import Callable
from pathlib import Path

from desktop.chat.chat_events import AnswerFinished, ChatFailed, QueueChanged, QueuedMessage
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import EngineError
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.talk import Talk
from tests.unit.chat.test_faults import fill_disk, free_disk

Begin = Callable[..., Talk]
SLOW = FakeAnswer("word " * 400, tokens_per_s=50)


def echo(request: GenerateRequest) -> FakeAnswer:
    """Slow where the question says so, else at once."""
    question = request.messages[-1].text
    return SLOW if "slow" in question else FakeAnswer(f"Answer to {question}")


def talking(begin: Begin) -> tuple[Talk, str]:
    """A slow answer in progress, and its conversation."""
    talk = begin(echo)
    talk.chat.send("slow")
    talk.until_said("word")
    return talk, talk.chat.current_id or ""


def waiting(talk: Talk, conversation: str) -> list[str]:
    return [message.text for message in talk.chat.queue.state(conversation).messages]


def turns(talk: Talk, conversation: str) -> list[str]:
    """What the person said in it, as it is stored."""
    return [each.text for each in talk.store.branch(conversation) if each.role == "user"]


def key(talk: Talk, conversation: str, place: int) -> str:
    return talk.chat.queue.state(conversation).messages[place].id


def test_each_is_sent_when_the_answer_before_it_is_over(begin: Begin) -> None:
    talk = begin([FakeAnswer("word " * 30, tokens_per_s=60), FakeAnswer("second"), FakeAnswer("third")])
    talk.chat.send("one")
    talk.until_said("word")
    conversation = talk.chat.current_id or ""
    for text in ("two", "three"):
        assert talk.chat.queue.add(conversation, text)
    assert turns(talk, conversation) == ["one"], "it is held, not stored"
    assert talk.until_told(AnswerFinished, 3).message.text == "third"
    talk.settled()
    assert turns(talk, conversation) == ["one", "two", "three"]
    branch = talk.store.branch(conversation)
    assert [each.text for each in branch if each.role == "assistant"][1:] == ["second", "third"]
    assert waiting(talk, conversation) == []
    assert talk.told(QueueChanged)[-1] == QueueChanged(conversation)


def test_what_waits_is_edited_moved_and_dropped_before_it_is_sent(begin: Begin) -> None:
    talk, conversation = talking(begin)
    queue = talk.chat.queue
    for text in ("a", "b", "c"):
        queue.add(conversation, text)
    queue.edit(conversation, key(talk, conversation, 0), "A")
    queue.move(conversation, key(talk, conversation, 2), -2)
    queue.remove(conversation, key(talk, conversation, 2))
    assert waiting(talk, conversation) == ["c", "A"]
    queue.edit(conversation, key(talk, conversation, 0), "  \n")
    assert waiting(talk, conversation) == ["A"], "a blank one is no message"
    assert not queue.add(conversation, " \t")


def test_stop_holds_what_waits_until_it_is_resumed(begin: Begin) -> None:
    talk, conversation = talking(begin)
    talk.chat.queue.add(conversation, "later")
    talk.chat.stop()
    assert talk.until_told(AnswerFinished).message.status == "stopped"
    talk.settled()
    assert waiting(talk, conversation) == ["later"]
    assert talk.chat.queue.state(conversation).held
    assert talk.ask("something else").text == "Answer to something else"
    talk.settled()
    assert waiting(talk, conversation) == ["later"], "held is held, whatever is asked beside it"
    talk.chat.queue.resume(conversation)
    assert talk.until_told(AnswerFinished, 3).message.text == "Answer to later"


def test_a_failed_answer_holds_what_waits(begin: Begin) -> None:
    talk = begin([FakeAnswer("word " * 20, tokens_per_s=60, error=EngineError("It broke."), fails_after=10)])
    talk.chat.send("go")
    talk.until_said("word")
    conversation = talk.chat.current_id or ""
    talk.chat.queue.add(conversation, "later")
    talk.until_told(AnswerFinished)
    talk.settled()
    assert len(talk.told(AnswerFinished)) == 1
    assert talk.chat.queue.state(conversation).held


def test_what_is_being_edited_is_not_sent_nor_overtaken(begin: Begin) -> None:
    talk = begin([FakeAnswer("word " * 20, tokens_per_s=60), FakeAnswer("next")])
    talk.chat.send("one")
    talk.until_said("word")
    conversation, queue = talk.chat.current_id or "", talk.chat.queue
    queue.add(conversation, "two")
    queue.add(conversation, "three")
    first = key(talk, conversation, 0)
    assert queue.begin_edit(conversation, first)
    talk.until_told(AnswerFinished)
    talk.settled()
    assert waiting(talk, conversation) == ["two", "three"]
    queue.edit(conversation, first, "TWO")
    queue.end_edit(conversation, first)
    talk.until_told(AnswerFinished, 3)
    assert turns(talk, conversation) == ["one", "TWO", "three"]


def test_a_queue_goes_on_while_another_conversation_is_read(begin: Begin) -> None:
    talk = begin([FakeAnswer("word " * 20, tokens_per_s=60), FakeAnswer("next")])
    talk.chat.send("one")
    talk.until_said("word")
    conversation = talk.chat.current_id or ""
    talk.chat.queue.add(conversation, "two")
    talk.chat.new()
    talk.until_told(AnswerFinished, 2)
    assert turns(talk, conversation) == ["one", "two"]


def test_another_branch_chosen_meanwhile_holds_what_waits(begin: Begin) -> None:
    talk = begin([FakeAnswer("first"), FakeAnswer("word " * 20, tokens_per_s=60), FakeAnswer("never")])
    answer = talk.ask("one")
    talk.chat.regenerate(answer.id)
    talk.until_said("word")
    talk.chat.queue.add(answer.conversation_id, "two")
    newest = talk.store.branch(answer.conversation_id)[-1]
    talk.chat.branches.show_sibling(newest.id, -1)
    talk.until_told(AnswerFinished, 2)
    talk.settled()
    assert talk.chat.queue.state(answer.conversation_id).held
    assert turns(talk, answer.conversation_id) == ["one"], "it was written for the other answer"


def test_what_cannot_be_stored_stays_in_the_queue_and_is_told(begin: Begin) -> None:
    talk = begin([FakeAnswer("word " * 20, tokens_per_s=60), FakeAnswer("next")])
    talk.chat.send("one")
    talk.until_said("word")
    conversation = talk.chat.current_id or ""
    long = "two " * 200_000
    talk.chat.queue.add(conversation, long)
    fill_disk(talk)
    talk.until_told(AnswerFinished)
    talk.until(lambda: talk.chat.queue.state(conversation).held)
    assert waiting(talk, conversation) == [long]
    assert {failed.text for failed in talk.told(ChatFailed)} == {""}, "its text is not given back: it is still there"
    assert not talk.chat.is_answering()
    free_disk(talk)
    talk.chat.queue.resume(conversation)
    talk.until_told(AnswerFinished, 2)
    assert turns(talk, conversation) == ["one", long]


def test_one_that_was_stored_before_the_program_was_killed_is_not_sent_twice(begin: Begin, home: Path) -> None:
    talk = begin()
    talk.ask("one")
    conversation = talk.chat.current_id or ""
    stored = next(each for each in talk.store.branch(conversation) if each.role == "user")
    queue = talk.chat.queue
    queue.restore(conversation, (QueuedMessage(stored.id, "one"), QueuedMessage("new", "two")))
    assert queue.state(conversation).held, "nothing is sent before the person says so"
    queue.resume(conversation)
    talk.until_told(AnswerFinished, 2)
    assert turns(talk, conversation) == ["one", "two"]
    assert waiting(talk, conversation) == []


def test_a_deleted_conversation_holds_what_waits_for_its_return(begin: Begin) -> None:
    talk, conversation = talking(begin)
    talk.chat.queue.add(conversation, "later")
    talk.chat.order.delete([conversation])
    talk.until_told(AnswerFinished)
    talk.settled()
    assert talk.chat.queue.state(conversation).held
    talk.chat.queue.resume(conversation)
    talk.settled()
    assert waiting(talk, conversation) == ["later"]
