"""Branches in the window: the menu of each message, edited answers, deletion with undo, how an answer was made."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
ALT = Qt.KeyboardModifier.AltModifier


def choose(driver: Driver, text: str) -> None:
    """Reach the menu of the newest turn by keyboard, and do what one of its entries does."""
    driver.transcript.focus_message(0)
    for _ in range(20):
        if driver.focused == "More for this message":
            break
        driver.key(Qt.Key.Key_Tab)
    assert driver.focused == "More for this message"
    entries = {entry.text.partition("\t")[0]: entry for entry in driver.transcript.views[-1].menu_entries()}
    entries[text].act()  # a menu that pops up has Qt warn of what an offscreen window cannot do


def test_an_answer_is_edited_by_keyboard_and_gone_on_with(open_window: Open) -> None:
    engine = FakeEngine([FakeAnswer("It is red."), FakeAnswer(" and round.")])
    driver = open_window(engine)
    driver.ask("What is it?")
    assert not driver.has("Continue answer"), "it ended by itself"
    driver.transcript.focus_message(0)
    driver.key(Qt.Key.Key_F2)
    assert driver.page.composer.text == "It is red."
    assert driver.has("Save")
    driver.page.composer.set_text("It is blue")
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: driver.messages[-1].text == "It is blue")
    assert driver.footer.startswith("Edited by you")
    assert driver.has("Version 2 of 2")
    assert driver.has("Send")
    driver.click("Continue answer")
    driver.until(lambda: driver.messages[-1].text == "It is blue and round.")
    driver.finish()
    assert engine.requests[-1].prefill == "It is blue"
    assert driver.has("Version 3 of 3")


def test_giving_up_an_edit_of_an_answer_changes_nothing(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("It is red.")]))
    answer = driver.ask("What is it?")
    choose(driver, "Edit")
    driver.page.composer.set_text("It is blue")
    driver.key(Qt.Key.Key_Escape)
    assert driver.messages[-1] == answer
    driver.page.begin_edit(answer)
    assert driver.page.composer.text == "It is blue", "what was typed is there again"


def test_the_arrows_keep_the_keyboard_and_the_place(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One."), FakeAnswer("Two."), FakeAnswer("Three.")]))
    driver.ask("Count")
    for text in ("Two.", "Three."):
        driver.click("Regenerate answer")
        driver.until(lambda text=text: driver.messages[-1].text == text)
        driver.finish()
    driver.transcript.focus_message(0)
    for _ in range(20):
        if driver.focused == "Previous answer":
            break
        driver.key(Qt.Key.Key_Tab)
    for text in ("Two.", "One."):
        driver.key(Qt.Key.Key_Return)
        driver.until(lambda text=text: driver.messages[-1].text == text)
    assert driver.focused == "Next answer", "there is none before the first"
    driver.transcript.focus_message(0)
    driver.transcript.views[-1].setFocus()
    driver.key(Qt.Key.Key_Right, ALT)
    driver.until(lambda: driver.messages[-1].text == "Two.")


def test_a_message_is_deleted_by_key_and_comes_back_by_the_button(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One."), FakeAnswer("Two.")]))
    driver.ask("First")
    driver.ask("Second")
    driver.transcript.focus_message(0)
    driver.transcript.focus_message(-1)
    assert driver.focused == "You, message 3"
    driver.key(Qt.Key.Key_Delete)
    driver.until(lambda: [message.text for message in driver.messages] == ["First", "One."])
    driver.click("Undo: 2 messages deleted")
    driver.until(lambda: [message.text for message in driver.messages] == ["First", "One.", "Second", "Two."])
    assert not driver.has("Undo: 2 messages deleted")


def test_several_deletions_come_back_one_after_the_other(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One.")]))
    driver.ask("First")
    choose(driver, "Delete")
    driver.until(lambda: len(driver.messages) == 1)
    choose(driver, "Delete")
    driver.until(lambda: driver.page.shown_transcript is None)
    here = driver.page.conversation_id
    driver.until(lambda: [each.id for each in driver.sidebar.rows.conversations] == [here])
    driver.page.branches.undo_delete()
    driver.until(lambda: len(driver.messages) == 1)
    assert driver.has("Undo: Message deleted")
    driver.page.branches.undo_delete()
    driver.until(lambda: len(driver.messages) == 2)


def test_a_fork_opens_as_a_chat_of_its_own(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One."), FakeAnswer("Two.")]))
    driver.ask("First")
    driver.ask("Second")
    driver.transcript.focus_message(0)
    source = driver.page.conversation_id
    choose(driver, "Fork into a new chat")
    driver.until(lambda: driver.page.conversation_id != source)
    driver.until(lambda: driver.titles == ["Fork: First", "First"])
    assert len(driver.messages) == 4


def test_how_an_answer_was_made_is_shown_copied_and_run_again(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One."), FakeAnswer("One.")]))
    driver.ask("First")
    choose(driver, "How this answer was made")
    assert driver.focused == "Run again"
    driver.click("Copy record")
    copied = QApplication.clipboard().text()
    assert "Seed: 42" in copied
    assert "Engine: fake" in copied
    driver.click("Run again")
    driver.until(lambda: driver.has("Version 2 of 2"))
    driver.finish()
    driver.until(lambda: driver.has("Run again from its record: the same answer, character by character."))
    choose(driver, "How this answer was made")
    driver.key(Qt.Key.Key_Escape)
    assert not driver.has("How this answer was made")
    assert driver.focused.startswith("Assistant, message 2")


def test_the_tools_of_a_question_are_there_by_keyboard(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("One.")]))
    driver.ask("First")
    driver.transcript.focus_message(0)
    driver.transcript.focus_message(-1)
    names = []
    for _ in range(4):
        driver.key(Qt.Key.Key_Tab)
        names.append(driver.focused)
    assert {"Copy message", "Edit message", "More for this message"} <= set(names)
