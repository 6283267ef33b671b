"""A full context in the window: the meter's words, the card, the summary, the messages that stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop.conversation import SummaryPart
from desktop.engine.worker_messages import GenerateRequest
from desktop.errors import ContextFullError
from desktop.storage.conversation_store import ConversationStore
from desktop.ui.chat.context_note import ContextNote
from desktop.ui.chat.context_popup import ContextPopup
from desktop.ui.chat.summary_view import SummaryEdit
from desktop.ui.parts.label import Label
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found

Open = Callable[..., Driver]
FIRST_DROPPED = "From here on the model no longer sees 2 of the oldest messages above."


def after_two(request: GenerateRequest) -> FakeAnswer:
    """Two rounds fit; a third one is refused, or the first is left out. Summaries are a short sentence."""
    if not request.conversation:
        return FakeAnswer("They spoke of keys.")
    if sum(message.role == "user" for message in request.messages) < 3 or request.messages[0].role == "system":
        return FakeAnswer("Whole.", prompt_tokens=100)
    if request.options.context_full == "stop":
        return FakeAnswer(error=ContextFullError("The context is full.", needed_tokens=5000))
    return FakeAnswer("Cut.", prompt_tokens=100, dropped_messages=2)


def filled(open_window: Open, **settings: str) -> Driver:
    """A chat whose third question does not fit any more, and was asked."""
    driver = open_window(FakeEngine(after_two), **settings)
    for question in ("One " * 40, "Two " * 40, "Three " * 40):
        driver.ask(question)
    return driver


def press(driver: Driver, name: str, key: Qt.Key = Qt.Key.Key_Return) -> None:
    """Reach the button of this name by Tab from the newest turn, and press it."""
    driver.transcript.focus_message(0)
    for _ in range(20):
        focus = driver.application.focusWidget()
        if focus is not None and focus.accessibleName() == name:
            driver.key(key)
            return
        driver.key(Qt.Key.Key_Tab)
    raise AssertionError(f"Tab does not lead to {name!r}")


def test_the_choice_is_made_by_keyboard_and_holds_from_then_on(open_window: Open) -> None:
    driver = filled(open_window)
    assert driver.has("The context is full")
    assert not driver.errors()
    press(driver, "Leave out the oldest")
    driver.until(lambda: driver.messages[-1].text == "Cut.")
    driver.finish()
    assert not driver.has("The context is full")
    assert driver.has(FIRST_DROPPED)
    driver.ask("And?")
    said = [note for note in driver.window.findChildren(ContextNote) if note.isVisible()]
    assert len(said) == 1, "said where it begins, and not under each answer again"


def test_thinking_that_was_cut_off_is_gone_on_with(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("", thinking="Let me see.", stop_reason="context-full")]))
    driver.ask("Hello")
    assert driver.has("The answer ends here: the context is full")
    assert not driver.has("Try again")


def test_a_summary_is_shown_where_it_stands_and_edited_in_its_place(open_window: Open) -> None:
    driver = filled(open_window, context_full="summarize")
    title = "Summary: the model sees it in place of the first 4 messages above"
    assert driver.has(title)
    driver.click("Edit summary")
    edit = found(driver.window, SummaryEdit)
    edit.selectAll()
    QTest.keyClicks(edit, "They spoke of locks.")
    driver.click("Save summary")
    driver.until(lambda: driver.messages[-1].summary == SummaryPart("They spoke of locks.", 4))
    driver.click("Edit summary")
    QTest.keyClicks(found(driver.window, SummaryEdit), "no")
    driver.key(Qt.Key.Key_Escape)
    assert driver.messages[-1].summary == SummaryPart("They spoke of locks.", 4)
    conversation = driver.chat.current_id
    driver.window.new_chat()
    driver.window.open_conversation(conversation or "")
    driver.until(lambda: driver.page.shown_transcript is not None and driver.has(title))


def test_stopping_says_what_else_can_be_done(open_window: Open) -> None:
    driver = filled(open_window, context_full="stop")
    conversation = driver.chat.current_id or ""
    driver.click("Stop here")
    store = ConversationStore(driver.backend.database)
    driver.until(lambda: store.conversation(conversation).context_full == "stop")
    driver.click("Longer context…")
    assert driver.window.shown == "settings"
    assert driver.named("When the context is full").accessibleDescription() == "Stop"
    driver.window.show_page("")
    driver.click("New chat")
    assert driver.page.shown_transcript is None


def test_a_shorter_context_than_was_wanted_is_told_and_is_what_the_meter_shows(open_window: Open) -> None:
    notice = "The context was lowered to 2,048 tokens: more does not fit the memory."
    driver = open_window(FakeEngine([FakeAnswer(prompt_tokens=96)], context_length=2048, load_notice=notice))
    driver.ask("One")
    driver.until(lambda: driver.page.composer.meter.text() == "101 of 2,048")
    assert any(label.text().startswith("The context was lowered") for label in driver.page.top_bar.findChildren(Label))


def test_an_answer_cut_off_can_be_gone_on_with(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Once", stop_reason="context-full"), FakeAnswer("upon a time.")]))
    driver.ask("A story")
    assert driver.has("The answer ends here: the context is full")
    driver.click("Go on without the oldest")
    driver.until(lambda: driver.messages[-1].text == "upon a time.")
    assert not driver.has("The answer ends here: the context is full"), "that is past"


def test_the_meter_warns_in_words_before_it_is_full(open_window: Open) -> None:
    driver = open_window(
        FakeEngine([FakeAnswer(prompt_tokens=1000), FakeAnswer(prompt_tokens=3100), FakeAnswer(prompt_tokens=4200)])
    )
    meter = driver.page.composer.meter
    driver.ask("One")
    driver.until(lambda: meter.text() == "1,005 of 4,096")
    driver.page.composer.set_text("long " * 3000)
    assert meter.text() == "1,005 of 4,096 · almost full"
    assert "Your next message does not fit" in meter.accessibleDescription()
    driver.page.composer.set_text("")
    assert meter.text() == "1,005 of 4,096"
    driver.ask("Two")
    driver.until(lambda: meter.text() == "3,105 of 4,096 · almost full")
    driver.ask("Three")
    driver.until(lambda: meter.text() == "4,205 of 4,096 · full")


def test_a_message_is_pinned_from_its_menu_and_unpinned_by_its_mark(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.")]))
    driver.ask("Question")
    for view in driver.transcript.views:
        dict(view.selection.entries() if view.selection.entries is not None else [])["Pin message"]()
        driver.until(lambda view=view: view.message.pinned)
        driver.click("Unpin message")
        driver.until(lambda view=view: not view.message.pinned)
    assert not driver.has("Unpin message")


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_the_meter_says_what_fills_the_context(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Yes.", prompt_tokens=100)]), system_prompt="Be brief. " * 20)
    driver.ask("Question " * 10)
    driver.chat.context.pin_message(driver.messages[0], True)
    driver.until(lambda: driver.messages[0].pinned)
    driver.page.composer.meter.setFocus()
    assert driver.focused == "Context used"
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: bool(_popups()))
    popup = _popups()[0]
    assert popup.accessibleName() == "What fills the context"
    assert popup.accessibleDescription() == (
        "System prompt: about 69 tokens. Pinned messages: about 31 tokens. Newest answer: 1 token. "
        "Kept for the next answer: 1,024 tokens. Free: 2,971 tokens"
    )
    QTest.keyClick(popup, Qt.Key.Key_Escape)
    driver.until(lambda: not _popups())
    assert not driver.chat.is_answering()


def _popups() -> list[ContextPopup]:
    return [each for each in QApplication.topLevelWidgets() if isinstance(each, ContextPopup) and each.isVisible()]
