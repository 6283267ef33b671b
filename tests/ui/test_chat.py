"""Asking and being answered: with the built-in model where it can, with a scripted engine where a fault is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QMenu

from desktop.errors import EngineError
from desktop.paths import find_paths
from desktop.settings import SettingsFile
from desktop.ui.chat.thinking_view import ThinkingView
from desktop.ui.chat.transcript import Transcript
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found

Open = Callable[..., Driver]


def test_the_built_in_model_answers(open_window: Open) -> None:
    driver = open_window()
    answer = driver.ask("How do I add a model?")
    assert answer.status == "complete"
    assert len(answer.text) > 20
    assert answer.text.split()[0] in driver.shown_text()
    assert driver.footer.startswith("Latchkey Guide · ")
    assert "tok/s" in driver.footer
    assert " of " in driver.page.composer.meter.text()
    driver.until(lambda: driver.titles == ["How do I add a model?"])
    assert driver.page.composer.text == ""


def test_example_question_is_asked_by_its_button(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.click("How do I add a model?")
    driver.until(lambda: len(driver.messages) == 2)
    driver.finish()
    assert driver.messages[0].text == "How do I add a model?"


def test_stop_keeps_what_was_said(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 400, tokens_per_s=100)]))
    driver.ask("Go on.", finish=False)
    driver.until(lambda: "word word" in driver.shown_text())
    assert driver.has("Stop")
    assert not driver.has("Send")
    driver.click("Stop")
    driver.finish()
    assert driver.messages[-1].status == "stopped"
    assert "word" in driver.shown_text()
    assert driver.footer.startswith("Stopped")
    assert driver.has("Send")


def test_escape_stops(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 400, tokens_per_s=100)]))
    driver.ask("Go on.", finish=False)
    driver.until(lambda: "word" in driver.shown_text())
    driver.key(Qt.Key.Key_Escape)
    driver.finish()
    assert driver.messages[-1].status == "stopped"


def test_regenerate_and_the_way_back(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("First answer."), FakeAnswer("Second answer.")]))
    driver.ask("Question")
    driver.click("Regenerate answer")
    driver.until(lambda: driver.messages[-1].text == "Second answer.")
    driver.finish()
    assert "First answer." not in driver.shown_text()
    assert driver.has("Version 2 of 2")
    driver.click("Previous answer")
    driver.until(lambda: "First answer." in driver.shown_text())
    assert driver.has("Version 1 of 2")
    assert "Second answer." not in driver.shown_text()


def test_up_in_an_empty_composer_edits_the_last_turn(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One."), FakeAnswer("Two.")]))
    driver.ask("Frist")
    driver.key(Qt.Key.Key_Up)
    assert driver.page.composer.text == "Frist"
    driver.page.composer.set_text("First")
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: [message.text for message in driver.messages] == ["First", "Two."])
    driver.finish()
    assert driver.has("Version 2 of 2")
    assert not driver.page.composer.editing


def test_editing_can_be_given_up_and_the_draft_comes_back(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.ask("First")
    driver.page.begin_edit(driver.messages[0])
    driver.key(Qt.Key.Key_Escape)
    assert driver.page.composer.text == ""
    assert not driver.page.composer.editing


def test_an_error_is_told_in_place_with_its_remedy(open_window: Open) -> None:
    error = EngineError("The engine ran out of memory.", "The context needs 3 GB.", "Choose a smaller context.")
    driver = open_window(FakeEngine([FakeAnswer("Half an ans", error=error, fails_after=2), FakeAnswer("Whole.")]))
    driver.ask("Question")
    box = driver.errors()[0]
    assert box.accessibleDescription() == (
        "The engine ran out of memory. The context needs 3 GB. Choose a smaller context."
    )
    assert "Half an" in driver.shown_text()
    assert driver.transcript.views[-1].isAncestorOf(box)
    driver.click("Try again")
    driver.until(lambda: driver.messages[-1].text == "Whole.")


def test_a_dead_engine_is_told_and_the_next_question_works(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("What was said stays", dies_after=2), FakeAnswer("Alive.")]))
    driver.ask("One")
    assert "What was" in driver.shown_text()
    assert "stopped unexpectedly" in driver.errors()[0].accessibleDescription()
    answer = driver.ask("Two")
    assert answer.text == "Alive."


def test_a_model_that_cannot_be_loaded_is_told_and_tried_again(open_window: Open) -> None:
    error = EngineError("This file cannot be a model.", "It ends too early.", "Download it again.")
    driver = open_window(FakeEngine([FakeAnswer("Loaded.")], load_errors=[error, None]), wait=False)
    driver.until(lambda: bool(driver.errors()))
    assert "ends too early" in driver.errors()[0].accessibleDescription()
    driver.click("Try again")
    driver.until(lambda: not driver.errors())
    assert driver.ask("Question").text == "Loaded."


def test_typing_and_sending_wait_for_nothing(open_window: Open) -> None:
    """What is typed and sent before anything stands behind the window is answered all the same."""
    driver = open_window(FakeEngine([FakeAnswer("Heard.")], load_s=0.4), wait=False)
    driver.type("Early bird")
    assert driver.page.composer.text == "Early bird"
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: driver.window.chat is not None and len(driver.messages) == 2)
    driver.finish()
    assert driver.messages[-1].text == "Heard."


def test_oldest_messages_that_no_longer_fit_are_named(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Short memory.", dropped_messages=4)]))
    driver.ask("Question")
    assert driver.has("From here on the model no longer sees 4 of the oldest messages above.")


def test_the_end_is_announced_once_and_no_token_is(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = open_window(FakeEngine([FakeAnswer("many words in one answer")]))
    told: list[str] = []

    class Listening:
        @staticmethod
        def updateAccessibility(event: Any) -> None:  # noqa: N802
            told.append(event.message())

    monkeypatch.setattr("desktop.ui.chat.chat_page.QAccessible", Listening)
    driver.ask("Question")
    assert told == ["Answer finished"]


def test_a_long_prompt_says_how_far_it_is_read_and_is_announced_once(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Done.", prompt_tokens=4000, prompt_s=4), FakeAnswer("Short.")]))
    shown: list[str] = []
    told: list[str] = []
    monkeypatch.setattr(Transcript, "set_phase", lambda _, __, phase: shown.append(phase))

    class Listening:
        @staticmethod
        def updateAccessibility(event: Any) -> None:  # noqa: N802
            told.append(event.message())

    monkeypatch.setattr("desktop.ui.chat.chat_page.QAccessible", Listening)
    driver.ask("A book")
    assert shown[0] == "Waiting…"
    assert any(phase.startswith("Reading 12 % · 512 of 4,000 tokens") for phase in shown)
    assert any(phase.endswith(" s left") for phase in shown)
    assert told == ["Reading 4,000 tokens", "Answer finished"]
    shown.clear()
    driver.ask("A word")
    assert not [phase for phase in shown if "%" in phase]


def test_stopping_while_the_prompt_is_read_or_thought_about_keeps_what_there_is(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {
        "A book": FakeAnswer("never", prompt_tokens=4000, prompt_s=40),
        "Think": FakeAnswer("never", thinking="Let me see. " * 200, tokens_per_s=60),
    }
    driver = open_window(FakeEngine(lambda request: answers[request.messages[-1].text.split("\n")[-1]]))
    shown: list[str] = []
    monkeypatch.setattr(Transcript, "set_phase", lambda _, __, phase: shown.append(phase))
    driver.ask("A book", finish=False)
    driver.until(lambda: any("%" in phase for phase in shown))
    driver.key(Qt.Key.Key_Escape)
    driver.finish()
    assert (driver.messages[-1].status, driver.messages[-1].text) == ("stopped", "")
    driver.ask("Think", finish=False)
    driver.until(
        lambda: (
            "Let me see"
            in "".join(each.view.document.toPlainText() for each in driver.transcript.findChildren(ThinkingView))
        )
    )
    driver.key(Qt.Key.Key_Escape)
    driver.finish()
    assert driver.messages[-1].status == "stopped"
    assert driver.messages[-1].thinking.startswith("Let me see")


def test_copy_gives_the_answer_as_it_was_written(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Some **bold** text\n\n```py\nx = 1\n```")]))
    driver.ask("Question")
    driver.click("Copy answer")
    assert QGuiApplication.clipboard().text() == "Some **bold** text\n\n```py\nx = 1\n```"
    driver.click("Copy code")
    assert QGuiApplication.clipboard().text() == "x = 1"


def test_thinking_is_folded_and_opens(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("The answer.", thinking="Let me see.")]))
    driver.ask("Question")
    assert "Let me see." not in driver.shown_text()
    view = driver.transcript.views[-1]
    button = next(b for b in view.findChildren(QAbstractButton) if b.text().startswith("Thought"))
    button.click()
    assert "Let me see." in driver.shown_text()


def test_an_answer_goes_on_while_another_conversation_is_read(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("slow " * 30, tokens_per_s=60)]))
    driver.ask("First", finish=False)
    first = driver.page.conversation_id
    driver.key(Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert driver.page.shown_transcript is None
    assert driver.has("Send")
    driver.until(lambda: not driver.chat.is_answering(first))
    driver.sidebar.opened.emit(first)
    driver.until(lambda: driver.page.conversation_id == first)
    assert driver.messages[-1].status == "complete"
    assert driver.shown_text().count("slow") == 30


@pytest.mark.parametrize("text", ["   \n ", "", "\t"])
def test_blank_is_not_sent(open_window: Open, text: str) -> None:
    driver = open_window(FakeEngine())
    driver.page.composer.set_text(text)
    driver.key(Qt.Key.Key_Return)
    driver.qtbot.wait(50)
    assert driver.page.shown_transcript is None


@pytest.mark.parametrize("text", ["nul \0 byte", "שלום עולם", "👩‍👩‍👧‍👦 family", "a\u202eb"])
def test_unusual_text_is_sent_and_shown(open_window: Open, text: str) -> None:
    engine = FakeEngine([FakeAnswer("Fine.")])
    driver = open_window(engine)
    driver.page.composer.set_text(text)
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: len(driver.messages) == 2)
    driver.finish()
    assert driver.messages[-1].text == "Fine."
    assert text.replace("\0", "")[:3] in driver.shown_text()


def test_an_answer_that_only_repeats_says_so_and_regenerate_leads_on(open_window: Open) -> None:
    said = "The answer only repeated itself, so it was ended. Regenerate asks again and makes that less likely."
    engine = FakeEngine([FakeAnswer("on and on " * 20, stop_reason="repetition"), FakeAnswer("Better.")])
    driver = open_window(engine)
    driver.ask("Go on.")
    assert driver.has(said)
    assert "on and on on and on" in driver.shown_text()
    assert not driver.errors()
    driver.click("Regenerate answer")
    driver.until(lambda: driver.messages[-1].text == "Better.")
    assert engine.requests[1].options.sampling.repeat_penalty == 1.1
    assert not driver.has(said)
    driver.click("Previous answer")
    driver.until(lambda: driver.has(said))


def test_what_turns_out_to_be_thinking_moves_there(open_window: Open) -> None:
    """While the answer is still written, not only at its end."""
    script = FakeAnswer("Hello, and word word word.", unopened="# They greet.\n\n```\nhm\n```\n", hangs_after=8)
    driver = open_window(FakeEngine([script]))
    driver.ask("Hi", finish=False)
    driver.until(lambda: "Hello" in driver.shown_text())
    assert "They greet" not in driver.shown_text()
    view = found(driver.page, ThinkingView)
    assert "They greet." in view.view.document.toPlainText()
    driver.click("Stop")
    driver.finish()
    assert driver.messages[-1].thinking.startswith("# They greet.")
    assert "They greet" not in driver.shown_text()


def test_thinking_that_only_repeats_says_so_where_the_answer_would_stand(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("", thinking="hm hm " * 20, stop_reason="repetition")]))
    driver.ask("Think.")
    assert driver.has(
        "The answer only repeated itself, so it was ended. Regenerate asks again and makes that less likely."
    )
    assert driver.has("Regenerate answer")


def test_guessing_ahead_is_a_setting(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine([FakeAnswer("One."), FakeAnswer("Two.")])
    driver = open_window(engine)
    driver.ask("Hi")
    assert engine.requests[0].options.speculation == "auto"
    driver.click("Settings")
    monkeypatch.setattr(
        QMenu, "popup", lambda menu, _: [each.trigger() for each in menu.actions() if each.text() == "Never"]
    )
    driver.click("Guess ahead")
    assert SettingsFile(find_paths().settings_file).current.speculation == "off"
    driver.click("New chat")
    driver.ask("Hi")
    assert engine.requests[1].options.speculation == "off"


def test_that_answers_which_only_repeat_are_ended_is_a_setting(open_window: Open) -> None:
    engine = FakeEngine([FakeAnswer("One."), FakeAnswer("Two.")])
    driver = open_window(engine)
    driver.click("Settings")
    toggle = driver.named("End answers that only repeat", QAbstractButton)
    assert toggle.isChecked()
    driver.click("End answers that only repeat")
    driver.until(lambda: not toggle.isChecked())
    assert SettingsFile(find_paths().settings_file).current.stop_on_repetition is False
    driver.click("New chat")
    driver.ask("Hi")
    assert engine.requests[0].options.stop_on_repetition is False
