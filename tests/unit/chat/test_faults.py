"""When something goes wrong nothing that was typed or said is lost, and the next question works."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from desktop.chat.chat_events import AnswerFinished, AnswerPhase, ChatFailed, EngineChanged, MessageAdded
from desktop.conversation import ChatMessage
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    GenerateRequest,
    LoadEvent,
    ModelReady,
    RequestFailed,
)
from desktop.errors import EngineError, IntegrityError, LicenseError, NotFoundError, ResourceError
from desktop.settings import Settings
from desktop.storage.conversation_listing import ListFilter
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.fakes.talk import SomeModel, Talk

Begin = Callable[..., Talk]
OTHER = SomeModel("other", "Other", Path("other.gguf"))


def fill_disk(talk: Talk) -> None:
    """From now on the database grows no more: SQLite reports what it reports on a full disk."""
    limit_pages(talk, 1)


def free_disk(talk: Talk) -> None:
    limit_pages(talk, 1_000_000)


def limit_pages(talk: Talk, pages: int, *, more: bool = False) -> None:
    """At most `pages` in the file, or `pages` more than there are."""

    def limit() -> None:
        with talk.store.database.read() as connection:
            there = connection.execute("PRAGMA page_count").fetchone()[0] if more else 0
            connection.execute(f"PRAGMA max_page_count = {there + pages}")  # never below what there is

    talk.background.database(limit).result()


LONG = "a long question " * 2000


# --- stop ------------------------------------------------------------------------------------------------------------


def test_stopping_keeps_what_was_said(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", hangs_after=2), FakeAnswer("Next.")])
    talk.chat.send("go")
    talk.until_said("one two")
    talk.chat.stop()
    talk.chat.stop()
    finished = talk.until_told(AnswerFinished)
    assert (finished.message.text, finished.message.status, finished.error) == ("one two", "stopped", None)
    assert finished.message.timing is not None
    assert finished.message.timing.stop_reason == "cancelled"
    assert talk.ask("again").text == "Next."
    assert [turn.text for turn in talk.fake.requests[1].messages] == ["go", "one two", "again"]


def test_an_answer_that_waits_can_be_stopped(begin: Begin) -> None:
    talk = begin(model=None)
    talk.chat.send("go")
    talk.until_told(AnswerPhase)
    assert talk.chat.is_answering()
    talk.chat.stop()
    assert talk.until_told(AnswerFinished).message.status == "stopped"
    assert talk.fake.requests == []
    talk.settled()
    assert [each.status for each in talk.store.branch(talk.chat.current_id or "")] == ["complete", "stopped"]


def test_stopping_where_nothing_is_answered_does_nothing(begin: Begin) -> None:
    talk = begin()
    talk.chat.stop()
    talk.chat.stop("nowhere")
    assert talk.ask("hi").status == "complete"


class Stubborn(FakeEngine):
    """An engine that cannot be stopped otherwise than by ending its process."""

    def generate(
        self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None], *, params: LoadParams | None = None
    ) -> None:
        def heard(event: AnswerEvent) -> None:
            ended = isinstance(event, AnswerDone) and event.stop_reason == "cancelled"
            on_event(RequestFailed(event.id, "engine", "The engine was ended.", died=True) if ended else event)

        super().generate(request, heard, params=params)


def test_an_answer_stopped_the_hard_way_is_stopped_and_not_failed(begin: Begin) -> None:
    engine = Stubborn([FakeAnswer("one two three", hangs_after=2)])
    talk = begin(engine=engine)
    talk.chat.send("go")
    talk.until_said("one two")
    talk.chat.stop()
    finished = talk.until_told(AnswerFinished)
    engine.close()
    assert (finished.message.text, finished.message.status, finished.message.error) == ("one two", "stopped", "")
    assert finished.error is None


# --- the engine ------------------------------------------------------------------------------------------------------


def test_a_dead_engine_leaves_what_was_said_and_the_next_question_works(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", dies_after=2), FakeAnswer("Alive.")])
    answer = talk.ask("go")
    assert (answer.text, answer.status) == ("one two", "failed")
    assert "The engine stopped unexpectedly." in answer.error
    assert isinstance(talk.told(AnswerFinished)[0].error, EngineError)
    assert talk.told(EngineChanged)[-1].state == "dead"
    talk.settled()
    assert talk.store.message(answer.id) == answer
    assert talk.ask("again").text == "Alive."
    assert talk.told(EngineChanged)[-1].state == "ready"


def test_an_answer_goes_on_after_a_crash_and_says_so_at_its_end(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", crashes_after=2), FakeAnswer("Fine.")])
    answer = talk.ask("go")
    assert (answer.text, answer.status, answer.error) == ("one two three", "complete", "")
    assert "flash attention" in talk.told(EngineChanged)[-1].notice
    assert [turn.text for turn in talk.fake.requests[0].messages] == ["go"]
    assert talk.ask("again").text == "Fine."


def test_a_failed_answer_is_left_out_of_what_the_engine_is_told(begin: Begin) -> None:
    refusal = ResourceError("Not enough memory.", "It needs 9 GB.", "Choose a smaller model.")
    talk = begin([FakeAnswer("x", error=refusal), FakeAnswer("Fine.")])
    answer = talk.ask("first")
    assert (answer.text, answer.status, answer.error) == ("", "failed", "Not enough memory. It needs 9 GB.")
    assert isinstance(talk.told(AnswerFinished)[0].error, ResourceError)
    talk.ask("second")
    assert talk.fake.requests[1].messages == (ChatMessage.from_text("user", "first\n\nsecond"),)
    talk.chat.edit(talk.told(MessageAdded)[0].message.id, "first")
    talk.until_told(AnswerFinished, 3)
    assert talk.fake.requests[2].messages == (ChatMessage.from_text("user", "first"),)


def test_a_question_asked_while_the_model_loads_waits_for_it(begin: Begin) -> None:
    talk = begin([FakeAnswer("Now.")], load_s=0.4)
    talk.chat.send("early")
    assert talk.until_told(AnswerFinished).message.text == "Now."
    assert talk.phases() == ["waiting", "loading", "reading", "writing"]
    fractions = [event.fraction for event in talk.told(EngineChanged) if event.fraction is not None]
    assert fractions == sorted(fractions)
    assert len(fractions) > 2


def test_a_load_that_fails_is_told_and_tried_again_with_the_next_question(begin: Begin) -> None:
    refusal = EngineError("This file is no model.", "Its header is damaged.", "Choose another.")
    talk = begin([FakeAnswer("Now.")], load_errors=[refusal, refusal, None])
    talk.until(lambda: bool(talk.told(EngineChanged)) and talk.told(EngineChanged)[-1].error is not None)
    assert (talk.told(EngineChanged)[-1].state, talk.told(EngineChanged)[-1].model_name) == ("empty", "Scripted model")
    answer = talk.ask("first")
    assert (answer.status, answer.error) == ("failed", "This file is no model. Its header is damaged.")
    assert talk.ask("second").text == "Now."
    assert len(talk.fake.loads) == 3


def test_without_any_model_the_question_is_kept_and_said_to_fail(begin: Begin) -> None:
    talk = begin(model=None)
    talk.chat.send("early")
    talk.until_told(AnswerPhase)
    talk.chat.set_model_missing(NotFoundError("There is no model.", "", "Add one."))
    assert talk.until_told(AnswerFinished).message.error == "There is no model."
    assert talk.ask("later").status == "failed"
    talk.chat.use_model(SomeModel())
    assert talk.ask("at last").status == "complete"


def test_a_model_chosen_while_another_loads_takes_its_place(begin: Begin) -> None:
    talk = begin([FakeAnswer("Hi.")], load_s=5.0)
    talk.chat.send("go")
    talk.chat.use_model(OTHER)
    talk.fake._load_s = 0.0
    answer = talk.until_told(AnswerFinished).message
    assert answer.model is not None
    assert (answer.status, answer.model.id) == ("complete", "other")
    assert [load.model_path for load in talk.fake.loads][-1] == "other.gguf"


def test_a_model_chosen_in_mid_answer_waits_for_its_end(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two", hangs_after=1), FakeAnswer("Other.")])
    talk.chat.send("go")
    talk.until_said("one")
    talk.chat.use_model(OTHER)
    talk.loop.run_what_waits()
    assert len(talk.fake.loads) == 1
    assert talk.chat.is_answering()
    talk.chat.stop()
    answer = talk.until_told(AnswerFinished).message
    assert answer.model is not None
    assert answer.model.id == "scripted"
    assert talk.ask("on").text == "Other."
    assert [load.model_path for load in talk.fake.loads] == ["scripted.gguf", "other.gguf"]


def test_the_same_model_is_not_loaded_twice_but_other_settings_are(begin: Begin) -> None:
    talk = begin()
    talk.ask("hi")
    talk.chat.use_model(SomeModel())
    talk.ask("hi")
    assert len(talk.fake.loads) == 1
    talk.settings = Settings(context_length=8192)
    talk.chat.use_model(SomeModel())
    talk.ask("hi")
    assert [load.context_length for load in talk.fake.loads] == [None, 8192]


def test_what_the_engine_found_out_about_itself_loads_the_same_model_again(begin: Begin) -> None:
    talk = begin()
    talk.ask("hi")
    talk.chat.reload_model()
    talk.ask("hi")
    assert [load.model_path for load in talk.fake.loads] == ["scripted.gguf"] * 2


def test_it_is_loaded_again_once_the_answer_that_is_given_is_whole(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two", hangs_after=1), FakeAnswer("Next.")])
    talk.chat.send("go")
    talk.until_said("one")
    talk.chat.reload_model()
    talk.loop.run_what_waits()
    assert len(talk.fake.loads) == 1
    assert talk.chat.is_answering()
    talk.chat.stop()
    talk.until_told(AnswerFinished)
    assert talk.ask("on").text == "Next."
    assert len(talk.fake.loads) == 2


def test_a_load_that_is_under_way_is_begun_anew(begin: Begin) -> None:
    talk = begin(load_s=5.0)
    talk.until(lambda: bool(talk.fake.loads))
    talk.chat.reload_model()
    talk.fake._load_s = 0.0
    assert talk.ask("hi").status == "complete"
    assert len(talk.fake.loads) == 2


def test_a_model_that_failed_is_tried_with_what_was_found_out(begin: Begin) -> None:
    talk = begin(load_errors=[EngineError("It crashes.")])
    talk.until(lambda: talk.told(EngineChanged)[-1].error is not None)
    talk.chat.reload_model()
    talk.until(lambda: talk.told(EngineChanged)[-1].state == "ready")


def test_nothing_is_loaded_again_where_nothing_may_be_or_a_person_gave_it_up(begin: Begin) -> None:
    talk = begin()
    talk.ask("hi")
    talk.chat.deny_model(LicenseError("Not accepted."))
    talk.chat.reload_model()
    talk.loop.run_what_waits()
    assert len(talk.fake.loads) == 1
    talk.chat.use_model(OTHER)
    talk.chat.stop_loading()
    talk.until(lambda: talk.told(EngineChanged)[-1].state == "empty")
    loads = len(talk.fake.loads)
    talk.chat.reload_model()
    talk.loop.run_what_waits()
    assert len(talk.fake.loads) == loads


def test_a_model_that_failed_is_tried_again_only_where_a_person_asks(begin: Begin) -> None:
    talk = begin(load_errors=[EngineError("It crashes.")] * 3)
    failed = lambda: talk.told(EngineChanged)[-1].error is not None  # noqa: E731
    talk.until(failed)
    talk.chat.use_model(SomeModel())  # another process changed the ledger, say
    talk.loop.run_what_waits()
    assert len(talk.fake.loads) == 1
    assert failed()
    talk.chat.use_model(SomeModel(), again=True)
    talk.until(lambda: len(talk.fake.loads) == 2 and failed())
    assert talk.ask("hi").error == "It crashes."
    assert len(talk.fake.loads) == 3
    assert talk.ask("hi").status == "complete"


@pytest.mark.parametrize("at_the_door", [False, True])
def test_a_license_accepted_afterwards_loads_the_model_that_was_refused(begin: Begin, at_the_door: bool) -> None:
    refusal = LicenseError("Not accepted.")
    talk = begin(load_errors=[refusal] if at_the_door else [])
    talk.until(lambda: talk.told(EngineChanged)[-1].state in ("ready", "empty"))
    if not at_the_door:
        talk.chat.deny_model(refusal)
    talk.chat.use_model(SomeModel())
    talk.until(lambda: talk.told(EngineChanged)[-1].state == "ready")
    assert len(talk.fake.loads) == (2 if at_the_door else 1), "what is loaded already is asked about, and stays"


def test_no_answer_is_begun_in_any_way_while_it_is_being_found_out_whether_one_may(begin: Begin) -> None:
    talk = begin([FakeAnswer("A."), FakeAnswer("B."), FakeAnswer("C."), FakeAnswer("D.")])
    first = talk.ask("one")
    question = talk.told(MessageAdded)[0].message
    talk.settled()
    talk.chat.defer_sending()
    talk.chat.regenerate(first.id)
    assert talk.chat.edit(question.id, "uno")
    assert talk.chat.send("two")
    talk.loop.run_what_waits()
    talk.settled()
    assert len(talk.fake.requests) == 1
    talk.chat.use_model(SomeModel())
    talk.until(lambda: [turn.text for turn in talk.fake.requests[-1].messages][-1] == "two")


def test_what_is_asked_while_it_is_found_out_comes_back_where_no_model_may_answer(begin: Begin) -> None:
    talk = begin()
    first = talk.ask("one")
    question = talk.told(MessageAdded)[0].message
    talk.chat.defer_sending()
    talk.chat.regenerate(first.id)
    talk.chat.edit(question.id, "uno")
    talk.chat.deny_model(LicenseError("Not accepted."))
    talk.until(lambda: len(talk.told(ChatFailed)) == 2)
    assert [each.text for each in talk.told(ChatFailed)] == ["", "uno"]
    assert len(talk.fake.requests) == 1


def test_what_waits_when_the_window_closes_is_kept(begin: Begin) -> None:
    talk = begin()
    talk.chat.defer_sending()
    talk.chat.send("a long question")
    talk.close()
    again = begin()
    assert [each.title for each in again.listed()] == ["a long question"]


class Downgraded(FakeEngine):
    """An engine whose model runs otherwise than asked."""

    def load(self, params: LoadParams, on_event: Callable[[LoadEvent], None], *, keep: bool = False) -> None:
        def noticed(event: LoadEvent) -> None:
            on_event(
                msgspec.structs.replace(event, notice="It runs on the CPU.") if isinstance(event, ModelReady) else event
            )

        super().load(params, noticed, keep=keep)


def test_a_model_that_runs_otherwise_than_asked_is_told(begin: Begin) -> None:
    engine = Downgraded()
    talk = begin(engine=engine)
    talk.ask("hi")
    engine.close()
    assert talk.told(EngineChanged)[-1].notice == "It runs on the CPU."


def test_loading_can_be_given_up_and_begun_again(begin: Begin) -> None:
    talk = begin(load_s=5.0)
    talk.until(lambda: any(event.fraction for event in talk.told(EngineChanged)))
    talk.chat.stop_loading()
    talk.until(lambda: talk.told(EngineChanged)[-1].state == "empty")
    assert talk.told(EngineChanged)[-1].error is None
    talk.fake._load_s = 0.0
    assert talk.ask("hi").status == "complete"


# --- the database ----------------------------------------------------------------------------------------------------


def test_what_cannot_be_stored_is_given_back_and_not_sent(begin: Begin) -> None:
    talk = begin()
    talk.ask("before")
    fill_disk(talk)
    talk.chat.send(LONG)
    failed = talk.until_told(ChatFailed)
    assert isinstance(failed.error, ResourceError)
    assert (failed.text, failed.conversation_id) == (LONG, talk.chat.current_id)
    talk.settled()
    assert len(talk.fake.requests) == 1
    assert len(talk.told(MessageAdded)) == 2
    assert not talk.chat.is_answering()
    free_disk(talk)
    assert talk.ask(LONG).status == "complete"


def test_a_damaged_database_is_told_and_the_text_given_back(begin: Begin, home: Path) -> None:
    file = home / "data" / "latchkey.db"
    file.parent.mkdir()
    file.write_bytes(b"SQLite format 3\x00" + b"broken" * 1000)
    before = file.read_bytes()
    talk = begin()
    talk.chat.start()
    assert isinstance(talk.until_told(ChatFailed).error, IntegrityError)
    talk.chat.send("typed in vain?")
    assert talk.until_told(ChatFailed, 2).text == "typed in vain?"
    talk.chat.order.list(ListFilter(), lambda _: pytest.fail("there is no list"))
    talk.until_told(ChatFailed, 3)
    assert file.read_bytes() == before


def test_an_answer_that_cannot_be_stored_is_kept_and_stored_later(begin: Begin) -> None:
    talk = begin([FakeAnswer("word " * 20_000), FakeAnswer("Short.")], save_every_s=1000)
    first = talk.chat.current_id or ""
    talk.chat.send("go")
    talk.until_told(MessageAdded, 2)
    fill_disk(talk)
    answer = talk.until_told(AnswerFinished).message
    assert answer.status == "complete"
    assert isinstance(talk.until_told(ChatFailed).error, ResourceError)
    assert talk.opened(first).messages[1] == answer
    free_disk(talk)
    talk.ask("on")
    talk.settled()
    assert talk.store.message(answer.id) == answer
    assert talk.fake.requests[1].messages[1].text == answer.text


def test_what_could_not_be_stored_is_told_to_the_engine_all_the_same(begin: Begin) -> None:
    said = " ".join(["word"] * 20_000)
    talk = begin([FakeAnswer(said), FakeAnswer("Short.")], save_every_s=1000)
    talk.chat.send("go")
    talk.until_told(MessageAdded, 2)
    limit_pages(talk, 8, more=True)  # enough for a question, not for that answer
    talk.until_told(ChatFailed)
    talk.ask("on")
    assert [turn.text for turn in talk.fake.requests[1].messages] == ["go", said, "on"]


def test_a_full_disk_in_mid_answer_is_told_once_and_the_draft_stored_when_there_is_space(begin: Begin) -> None:
    said = " ".join(["word"] * 20_000)
    talk = begin([FakeAnswer(said + " over", hangs_after=20_000)], save_every_s=0.01)
    talk.chat.send("go")
    talk.until_told(MessageAdded, 2)
    fill_disk(talk)
    talk.until_told(ChatFailed)
    for _ in range(5):
        time.sleep(0.03)  # further tries fail as well
        talk.settled()
    assert len(talk.told(ChatFailed)) == 1
    free_disk(talk)
    answer = talk.told(MessageAdded)[1].message
    talk.until_said(said)

    def stored() -> bool:
        talk.settled()
        return talk.store.message(answer.id).text == said

    talk.until(stored)
    assert len(talk.told(ChatFailed)) == 1


def test_a_database_held_by_another_program_in_mid_answer_is_told_once_and_loses_nothing(
    begin: Begin, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.storage.database._BUSY_TIMEOUT_S", 0.05)
    talk = begin([FakeAnswer("word " * 60, tokens_per_s=100), FakeAnswer("next")], save_every_s=0.02)
    talk.chat.send("go")
    talk.until_said("word")
    conversation = talk.chat.current_id or ""
    talk.chat.queue.add(conversation, "and then?")
    other = sqlite3.connect(home / "data" / "latchkey.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = talk.until_told(AnswerFinished).message
    assert (answer.status, answer.text) == ("complete", "word " * 60)
    talk.until(lambda: talk.chat.queue.state(conversation).held)
    told = [failed for failed in talk.told(ChatFailed) if "another program" in failed.error.title]
    assert 1 <= len(told) <= 2, "once for the answer, once for the question that was to follow"
    assert [each.text for each in talk.chat.queue.state(conversation).messages] == ["and then?"]
    other.execute("ROLLBACK")
    other.close()
    talk.chat.queue.resume(conversation)
    talk.until_told(AnswerFinished, 2)
    talk.settled()
    assert [each.text for each in talk.store.branch(conversation)] == ["go", "word " * 60, "and then?", "next"]


def test_a_clock_set_back_in_mid_answer_changes_no_order(begin: Begin) -> None:
    talk = begin([FakeAnswer("word " * 20, tokens_per_s=100), FakeAnswer("next"), FakeAnswer("again")])
    talk.chat.send("one")
    talk.until_said("word")
    conversation = talk.chat.current_id or ""
    talk.chat.queue.add(conversation, "two")
    talk.now = -50_000.0
    answer = talk.until_told(AnswerFinished, 2).message
    talk.chat.regenerate(answer.id)
    assert talk.until_told(AnswerFinished, 3).message.text == "again"
    talk.settled()
    assert [each.text for each in talk.store.branch(conversation)] == ["one", "word " * 20, "two", "again"]
    assert talk.opened(conversation).siblings[talk.told(AnswerFinished)[-1].message.id] == (1, 2)


def test_a_clock_set_back_takes_no_chat_back_in_time_and_loses_none(begin: Begin) -> None:
    talk = begin([FakeAnswer(text) for text in ("One.", "Two.", "Three.", "Four.")])
    talk.chat.send("first")
    talk.until_told(AnswerFinished)
    first = talk.chat.current_id or ""
    talk.now = -50_000.0
    talk.chat.send("more in the first")
    talk.until_told(AnswerFinished, 2)
    assert talk.store.conversation(first).updated_at == 1000.0
    talk.chat.new()
    talk.chat.send("second")
    talk.until_told(AnswerFinished, 3)
    talk.now = 1001.0
    talk.chat.new()
    talk.chat.send("third")
    talk.until_told(AnswerFinished, 4)
    talk.settled()
    assert [each.title for each in talk.store.conversations()] == ["third", "first", "second"]
    assert [each.text for each in talk.store.branch(first)] == ["first", "One.", "more in the first", "Two."]


def test_an_answer_in_progress_is_stored_before_it_is_over(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", hangs_after=2)], save_every_s=0.01)
    talk.chat.send("go")
    talk.until_said("one two")
    answer = talk.told(MessageAdded)[1].message

    def stored() -> bool:
        talk.settled()
        return talk.store.message(answer.id).text == "one two"

    talk.until(stored)  # nothing more is said meanwhile: the last words do not wait for the next
    assert talk.store.message(answer.id).status == "streaming"


# --- the end ---------------------------------------------------------------------------------------------------------


def test_closing_stores_what_was_said_and_tells_nothing_more(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", hangs_after=2)], save_every_s=1000)
    name = talk.chat.current_id or ""
    talk.chat.send("go")
    talk.until_said("one two")
    talk.chat.new()
    talk.chat.send("still waiting")
    talk.until_told(MessageAdded, 4)
    waiting = talk.chat.current_id or ""
    talk.loop.run_what_waits()
    told = len(talk.events)
    talk.chat.close()
    talk.chat.close()
    talk.background.close()
    talk.loop.run_what_waits()
    assert len(talk.events) == told
    again = begin()
    assert [(each.text, each.status) for each in again.store.branch(name)] == [
        ("go", "complete"),
        ("one two", "stopped"),
    ]
    assert [each.status for each in again.store.branch(waiting)] == ["complete", "stopped"]


_TALKING = """
import sys, time
from pathlib import Path
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.talk import Talk
words = " ".join(f"word{count}" for count in range(100))
talk = Talk(Path(sys.argv[1]), [FakeAnswer(words, tokens_per_s=200, hangs_after=50)])
talk.chat.send("tell me")
talk.until_said("word49")
print(talk.chat.current_id, flush=True)
talk.until(lambda: False)
"""


def test_what_was_said_survives_kill_9(begin: Begin, home: Path) -> None:
    file = home / "data" / "latchkey.db"
    talking = subprocess.Popen(
        [sys.executable, "-c", _TALKING, str(file)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    with talking:
        assert talking.stdout is not None
        name = talking.stdout.readline().strip()
        looking = ConversationStore(Database(file))
        deadline = time.monotonic() + 30
        while "word49" not in looking.branch(name)[-1].text:  # the draft is stored while the answer goes on
            assert time.monotonic() < deadline
            time.sleep(0.05)
        looking.database.close()
        talking.kill()
    talk = begin()
    talk.chat.start()
    talk.settled()
    opened = talk.opened(name)
    assert [(each.role, each.status) for each in opened.messages] == [("user", "complete"), ("assistant", "stopped")]
    assert opened.messages[1].text == " ".join(f"word{count}" for count in range(50))
    assert talk.ask("go on", name).status == "complete"
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
