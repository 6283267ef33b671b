"""A conversation that outgrows its context: what the person chooses, what the model is told, what stays on the disk."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from desktop.chat.answer_overrides import AnswerOverrides
from desktop.chat.chat_events import (
    AnswerFinished,
    AnswerReplaced,
    ContextChosen,
    ContextUsed,
    ConversationOpened,
    MessageChanged,
)
from desktop.chat.context_choice import go_on_text
from desktop.chat.context_summary import SummaryRun, plan_summary
from desktop.conversation import (
    ContextChoice,
    Message,
    MessagePart,
    Role,
    SummaryPart,
    TextPart,
    ThinkingPart,
    Timing,
    ToolCallPart,
)
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import ContextFullError, EngineError
from desktop.settings import Settings
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.talk import SomeModel, Talk

Begin = Callable[..., Talk]
LIMIT = 4096
QUESTION = "Tell me more about it. " * 160  # some 900 tokens


def is_summary(request: GenerateRequest) -> bool:
    return not request.conversation


def summaries(talk: Talk) -> int:
    """How many requests for a summary, or a piece of one, the engine got."""
    return sum(map(is_summary, talk.fake.requests))


def engine(summary: FakeAnswer | None = None, *, hangs: bool = False) -> Callable[[GenerateRequest], FakeAnswer]:
    """As the real one: a prompt of more than three quarters of 4,096 tokens is refused or cut, four characters each."""

    def answer(request: GenerateRequest) -> FakeAnswer:
        tokens = sum(message.length for message in request.messages) // 4
        if is_summary(request):
            assert tokens < LIMIT
            return summary or FakeAnswer("They spoke of keys.")
        if tokens <= LIMIT * 3 // 4:
            summarized = request.messages[0].role == "system"
            return FakeAnswer("Yes.", prompt_tokens=tokens, hangs_after=1 if hangs and summarized else None)
        if request.options.context_full == "stop":
            return FakeAnswer(error=ContextFullError("The context is full.", needed_tokens=tokens))
        return FakeAnswer("Yes.", prompt_tokens=1000, dropped_messages=4)

    return answer


def full(begin: Begin, *args: object, choice: ContextChoice = "ask", **kwargs: object) -> Talk:
    """A conversation whose fourth question does not fit any more, and was asked."""
    talk = begin(engine(*args), settings=Settings(context_full=choice), **kwargs)  # type: ignore[arg-type]
    for _ in range(4):
        talk.ask(QUESTION)
    return talk


def branch(talk: Talk) -> list[Message]:
    talk.settled()
    return talk.store.branch(talk.chat.current_id or "")


def test_the_person_is_asked_and_nothing_is_begun(begin: Begin) -> None:
    talk = full(begin)
    finished = talk.told(AnswerFinished)[-1]
    assert isinstance(finished.error, ContextFullError)
    answer = branch(talk)[-1]
    assert (answer.status, answer.text) == ("failed", "")
    assert answer.timing is not None, "the card is there again when the conversation is reopened"
    assert answer.timing.stop_reason == "context-full"
    used = talk.told(ContextUsed)[-1]
    assert (used.used, used.total, used.room) == (answer.timing.prompt_tokens, LIMIT, LIMIT // 4)


def test_what_was_chosen_begins_the_answer_in_its_place_and_is_remembered(begin: Begin) -> None:
    talk = full(begin)
    refused = branch(talk)[-1]
    talk.chat.context.answer(refused, "drop-oldest")
    answer = talk.until_told(AnswerFinished, 5).message
    assert (answer.id, answer.status, answer.text) == (refused.id, "complete", "Yes.")
    assert answer.timing is not None
    assert answer.timing.dropped_messages == 4
    assert talk.told(ConversationOpened)[-1].unchanged == 7, "only the answer is drawn anew"
    assert talk.told(ContextChosen)[-1].choice == "drop-oldest"
    assert talk.ask("And?").status == "complete"
    assert talk.fake.requests[-1].dropped_messages == 4
    assert len(branch(talk)) == 10, "nothing stands beside it"
    assert talk.store.conversation(talk.chat.current_id or "").context_full == "drop-oldest"


@pytest.mark.parametrize(("choice", "status"), [("drop-oldest", "complete"), ("stop", "failed")])
def test_the_settings_hold_where_nothing_was_chosen(begin: Begin, choice: ContextChoice, status: str) -> None:
    assert branch(full(begin, choice=choice))[-1].status == status


def test_a_summary_takes_the_place_of_what_it_covers_and_stays(begin: Begin) -> None:
    talk = full(begin, choice="summarize")
    answer = branch(talk)[-1]
    assert answer.status == "complete"
    assert answer.parts == (SummaryPart("They spoke of keys.", 6), TextPart("Yes."))
    assert "summarizing" in talk.phases()
    assert talk.told(AnswerReplaced)[-1].message.summary == answer.summary
    asked, made = talk.fake.requests[-1].messages, summaries(talk)
    assert [message.role for message in asked] == ["system", "user"]
    assert "They spoke of keys." in asked[0].text
    talk.ask("And then?")
    assert talk.fake.requests[-1].messages[:2] == asked, "what the model has read of it is stable"
    assert summaries(talk) == made


def test_a_summary_can_be_edited_and_holds_after_reopening(begin: Begin) -> None:
    talk = full(begin, choice="summarize")
    talk.chat.context.edit_summary(branch(talk)[-1], "They spoke of locks.")
    assert talk.until_told(MessageChanged).message.summary == SummaryPart("They spoke of locks.", 6)
    talk.chat.context.edit_summary(branch(talk)[-1], " \n")
    again = begin(engine(), settings=Settings(context_full="summarize"))
    again.opened(talk.chat.current_id or "")
    again.ask("And then?")
    assert "They spoke of locks." in again.fake.requests[-1].messages[0].text


def test_a_summary_is_edited_while_its_answer_is_written(begin: Begin) -> None:
    talk = begin(engine(hangs=True), settings=Settings(context_full="summarize"), save_every_s=0.05)
    for _ in range(3):
        talk.ask(QUESTION)
    talk.chat.send(QUESTION)
    streaming = talk.until_told(AnswerReplaced).message
    talk.until(lambda: talk.phases()[-1] == "writing")
    talk.chat.context.edit_summary(streaming, "They spoke of locks.")
    talk.chat.context.pin_message(streaming, True)
    told = talk.until_told(MessageChanged, 2).message
    assert (told.text, told.summary, told.pinned) == ("Yes.", SummaryPart("They spoke of locks.", 6), True)
    talk.chat.stop()
    assert talk.until_told(AnswerFinished, 4).message.pinned
    assert branch(talk)[-1].summary == SummaryPart("They spoke of locks.", 6)


def test_editing_a_summary_is_no_answer_of_its_model(begin: Begin) -> None:
    talk = full(begin, choice="summarize")
    answer = branch(talk)[-1]
    talk.chat.use_model(SomeModel("other", "Other", Path("other.gguf")))
    talk.ask("And then?")
    talk.chat.context.edit_summary(answer, "They spoke of locks.")
    talk.until_told(MessageChanged)
    assert talk.store.conversation(answer.conversation_id).model_id == "other"


@pytest.mark.parametrize("part", [ThinkingPart("Long thoughts."), ToolCallPart("1", "look", "{}")])
def test_an_answer_that_only_thought_or_called_stays_beside_the_new_one(begin: Begin, part: MessagePart) -> None:
    talk = begin(engine())
    answer = talk.ask("Hello")
    full_here = Timing(10, stop_reason="context-full", context_length=LIMIT)
    cut = msgspec.structs.replace(answer, parts=(part,), timing=full_here)
    talk.settled()
    talk.store.save_message(cut)
    talk.chat.context.answer(cut, "drop-oldest")
    talk.until_told(AnswerFinished, 2)
    assert branch(talk)[-1].id != cut.id
    assert talk.store.message(cut.id).parts == (part,)
    assert go_on_text(cut.text) == "Go on with your answer."


def test_what_was_refused_is_asked_for_again_with_its_options(begin: Begin) -> None:
    talk = full(begin)
    overrides = AnswerOverrides(GenerationOptions(max_tokens=9, stop=("x",)), "Be stern.")
    refused = branch(talk)[-1]
    sampled = msgspec.structs.replace(refused, sampling={"repeat_penalty": 1.3})
    talk.store.save_message(sampled)
    talk.chat.context.answer(refused, "drop-oldest", overrides)
    talk.until_told(AnswerFinished, 5)
    asked = talk.fake.requests[-1]
    assert (asked.options.max_tokens, asked.options.stop, asked.messages[0].text) == (9, ("x",), "Be stern.")
    assert asked.options.sampling.repeat_penalty == 1.3


def test_what_is_pinned_no_longer_is_in_the_summary(begin: Begin) -> None:
    talk = begin(engine(), settings=Settings(context_full="summarize"))
    talk.ask("The code is 4711.")
    first = branch(talk)[0]
    talk.chat.context.pin_message(first, True)
    for _ in range(4):
        talk.ask(QUESTION)
    assert any("4711" in request.messages[0].text for request in talk.fake.requests if is_summary(request))


def test_another_answer_or_wording_needs_no_summary_of_its_own(begin: Begin) -> None:
    talk = full(begin, choice="summarize")
    *_, question, answer = branch(talk)
    made = summaries(talk)
    talk.chat.regenerate(answer.id)
    talk.until_told(AnswerFinished, 5)
    talk.chat.edit(question.id, "Other words")
    talk.until_told(AnswerFinished, 6)
    assert [message.summary for message in branch(talk)[-1:]] == [answer.summary]
    assert summaries(talk) == made


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (FakeAnswer(error=EngineError("The engine could not compute the answer.")), "could not compute"),
        (FakeAnswer(" \n"), "wrote none"),
        (FakeAnswer("Keys. Keys. Keys.", stop_reason="repetition"), "repeated itself"),
    ],
)
def test_where_the_summary_fails_the_oldest_are_left_out_and_it_is_told(
    begin: Begin, failure: FakeAnswer, why: str
) -> None:
    answer = branch(full(begin, failure, choice="summarize"))[-1]
    assert (answer.status, answer.text) == ("complete", "Yes.")
    assert answer.timing is not None
    assert answer.timing.dropped_messages == 4
    assert answer.summary is not None
    assert (answer.summary.text, answer.summary.covers) == ("", 0)
    assert why in answer.summary.error


def test_a_summary_in_the_making_can_be_stopped(begin: Begin) -> None:
    talk = begin(engine(FakeAnswer("They spoke", hangs_after=1)), settings=Settings(context_full="summarize"))
    for _ in range(3):
        talk.ask(QUESTION)
    talk.chat.send(QUESTION)
    talk.until(lambda: "summarizing" in talk.phases() and is_summary(talk.fake.requests[-1]))
    talk.chat.stop()
    answer = talk.until_told(AnswerFinished, 4).message
    assert (answer.status, answer.parts) == ("stopped", ())


def test_what_is_pinned_is_said_to_the_engine_and_kept_beside_a_summary(begin: Begin) -> None:
    talk = begin(engine(), settings=Settings(context_full="summarize"))
    for _ in range(3):
        talk.ask(QUESTION)
    second = branch(talk)[3]
    talk.chat.context.pin_message(second, True)
    assert talk.until_told(MessageChanged).message.pinned
    talk.ask(QUESTION)
    asked = talk.fake.requests[-1].messages
    assert [message.pinned for message in asked].count(True) == 1
    assert next(message for message in asked if message.pinned).text == second.text
    assert [message.role for message in asked] == ["system", *["user", "assistant"] * (len(asked) // 2 - 1), "user"]
    talk.chat.context.pin_message(second, False)
    assert not talk.until_told(MessageChanged, 2).message.pinned


def test_an_answer_that_was_cut_off_is_gone_on_with(begin: Begin) -> None:
    talk = begin([FakeAnswer("Once upon a time", stop_reason="context-full"), FakeAnswer("there was a key.")])
    cut = talk.ask("A story")
    talk.chat.context.go_on(cut, "summarize")
    assert talk.until_told(AnswerFinished, 2).message.text == "there was a key."
    question = branch(talk)[2]
    assert question.role == "user"
    assert "Once upon a time" in question.text, "the model knows where to go on even where the answer is left out"
    assert talk.store.conversation(cut.conversation_id).context_full == "summarize"


def test_the_end_of_a_long_answer_is_quoted_from_a_word_on() -> None:
    text = go_on_text("word " * 500 + "the end")
    assert len(text) < 320
    assert "…word word" in text
    assert "the end" in text


# --- what a summary covers -------------------------------------------------------------------------------------------


def said(*texts: str) -> list[Message]:
    roles: tuple[Role, Role] = ("user", "assistant")
    return [Message(str(at), "c", None, roles[at % 2], (TextPart(text),)) for at, text in enumerate(texts)]


def test_a_text_too_long_for_one_request_is_summarized_piece_by_piece() -> None:
    path = said("Where? " * 600, "Here. " * 600, "And?")
    plan = plan_summary(path, "", needed_tokens=2000, context_length=512, max_tokens=None)
    assert plan is not None
    assert plan.covers == 2
    assert len(plan.pieces) > 5
    assert "".join(plan.pieces).count("Where?") == pytest.approx(600, abs=len(plan.pieces))
    run = SummaryRun(plan)
    longest = max(run.request(1).messages[0].length for _ in plan.pieces)
    assert longest / (sum(message.text.count("") for message in path) / 2000) < 512


def test_a_later_summary_goes_on_from_the_one_before() -> None:
    path = said("one " * 50, "two " * 50, "three " * 50, "four " * 50, "five " * 50, "six " * 50, "seven")
    path[3] = Message("3", "c", None, "assistant", (SummaryPart("In short.", 2), TextPart("four " * 50)))
    plan = plan_summary(path, "", needed_tokens=900, context_length=512, max_tokens=None)
    assert plan is not None
    assert plan.before == "In short."
    assert plan.covers > 2
    assert "one" not in "".join(plan.pieces)
    assert "three" in plan.pieces[0]


def test_nothing_is_covered_where_only_the_last_question_is_left() -> None:
    assert plan_summary(said("one " * 500), "", needed_tokens=900, context_length=512, max_tokens=None) is None
    pinned = [Message("0", "c", None, "user", (TextPart("one " * 400),), pinned=True), *said("", "two", "three")[1:]]
    assert plan_summary(pinned, "", needed_tokens=900, context_length=512, max_tokens=None) is None


def test_a_database_keeps_what_was_chosen_and_pinned(home: Path, begin: Begin) -> None:
    talk = full(begin, choice="summarize")
    talk.chat.context.pin_message(branch(talk)[0], True)
    talk.chat.context.choose(talk.chat.current_id or "", "stop")
    talk.until_told(ContextChosen)
    again = begin()
    opened = again.opened(talk.chat.current_id or "")
    assert opened.conversation.context_full == "stop"
    assert [message.pinned for message in opened.messages] == [True] + [False] * 7
    assert opened.messages[-1].summary == SummaryPart("They spoke of keys.", 6)
