"""Messages queued in the window: chips by mouse and keyboard, nothing lost by a key, a switch of chats or a kill."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop.ui.chat.message_edit import MessageEdit
from desktop.ui.chat.message_queue_strip import MessageQueueStrip
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
ALT = Qt.KeyboardModifier.AltModifier
SLOW = FakeAnswer("word " * 3000, tokens_per_s=60)


def script(request: object) -> FakeAnswer:
    question = request.messages[-1].text  # type: ignore[attr-defined]
    return SLOW if question == "slow" else FakeAnswer(f"Answer to {question}")


def talking(open_window: Open, *queued: str) -> Driver:
    """A window in which a slow answer is given and messages wait for it."""
    driver = open_window(FakeEngine(script))
    driver.ask("slow", finish=False)
    driver.until(lambda: "word" in driver.shown_text())
    for text in queued:
        enter(driver, text)
    return driver


def enter(driver: Driver, text: str) -> None:
    driver.page.composer.edit.setFocus()
    driver.type(text)
    QTest.keyClick(driver.page.composer.edit, Qt.Key.Key_Return)


def strip(driver: Driver) -> MessageQueueStrip:
    return driver.page.queue.strip


def editor(driver: Driver) -> MessageEdit:
    """The field in which a chip is edited: it has the focus."""
    edit = driver.application.focusWidget()
    assert isinstance(edit, MessageEdit)
    assert edit.accessibleName() == "Queued message"
    return edit


def texts(driver: Driver) -> list[str]:
    return [chip.message.text for chip in strip(driver).chips]


def kept(driver: Driver) -> list[str]:
    """What the drafts' file says waits, in all conversations. It is written a little later."""
    file = driver.home / "data" / "drafts.json"
    drafts = json.loads(file.read_text()) if file.exists() else {}
    return [message["text"] for key, text in drafts.items() if key.endswith("/queue") for message in json.loads(text)]


def test_enter_queues_while_an_answer_runs_and_each_follows_the_one_before(open_window: Open) -> None:
    driver = talking(open_window, "one", "two")
    assert driver.page.composer.text == ""
    assert texts(driver) == ["one", "two"]
    driver.until(lambda: kept(driver) == ["one", "two"])
    assert strip(driver).text == "2 messages wait, each for the answer before it."
    driver.click("Stop")
    driver.until(lambda: not driver.chat.is_answering())
    assert strip(driver).text == "Held: 2 messages are not sent until you resume."
    driver.click("Resume queue")
    driver.until(
        lambda: [each.text for each in driver.messages[2:]] == ["one", "Answer to one", "two", "Answer to two"]
    )
    driver.until(lambda: not strip(driver).isVisible())
    driver.until(lambda: kept(driver) == [])


def test_chips_by_keyboard(open_window: Open) -> None:
    driver = talking(open_window, "one", "two", "three")
    chips = strip(driver).chips
    chips[2].setFocus()
    driver.key(Qt.Key.Key_Up, ALT)
    driver.key(Qt.Key.Key_Up, ALT)
    assert texts(driver) == ["three", "one", "two"]
    assert driver.focused == "Queued message 1: three", "the chip that was moved keeps the focus"
    driver.key(Qt.Key.Key_Delete)
    assert texts(driver) == ["one", "two"]
    assert driver.focused == "Queued message 1: one"
    driver.click("Undo drop")
    assert texts(driver) == ["three", "one", "two"], "in its old place"
    for _ in range(3):
        driver.key(Qt.Key.Key_Delete)
    assert texts(driver) == []
    assert driver.focused == "Message"
    driver.click("Undo drop")
    assert texts(driver) != []
    driver.until(lambda: kept(driver) == texts(driver))


def test_a_chip_is_edited_in_its_place_and_escape_leaves_it_as_it_was(open_window: Open) -> None:
    driver = talking(open_window, "one", "two")
    strip(driver).chips[0].setFocus()
    driver.key(Qt.Key.Key_Return)
    edit = editor(driver)
    QTest.keyClicks(edit, " and a half")
    driver.until(lambda: kept(driver)[:1] == ["one and a half"])  # kept while it is typed
    driver.key(Qt.Key.Key_Escape)
    assert driver.chat.is_answering(), "Escape here stops no answer"
    assert texts(driver) == ["one", "two"]
    driver.until(lambda: kept(driver) == ["one", "two"])
    driver.key(Qt.Key.Key_Return)
    edit = editor(driver)
    edit.selectAll()
    QTest.keyClicks(edit, "ONE")
    driver.key(Qt.Key.Key_Return)
    assert texts(driver) == ["ONE", "two"]
    driver.until(lambda: kept(driver) == ["ONE", "two"])
    driver.key(Qt.Key.Key_Return)
    edit = editor(driver)
    edit.selectAll()
    driver.key(Qt.Key.Key_Backspace)
    driver.key(Qt.Key.Key_Return)
    assert texts(driver) == ["two"]
    driver.click("Undo drop")
    assert texts(driver) == ["ONE", "two"]


def test_a_queue_is_there_again_after_another_chat_and_after_a_restart(open_window: Open) -> None:
    driver = talking(open_window, "later")
    conversation = driver.chat.current_id or ""
    driver.window.new_chat()
    assert not strip(driver).isVisible()
    driver.window.open_conversation(conversation)
    driver.until(lambda: texts(driver) == ["later"])
    driver.close()
    again = open_window(FakeEngine(script))
    again.window.open_conversation(conversation)
    again.until(lambda: texts(again) == ["later"])
    assert strip(again).text.startswith("Held: 1 message")
    again.click("Resume queue")
    again.until(lambda: again.messages[-1].text == "Answer to later")
    assert kept(again) == []


def test_what_is_typed_into_a_chip_when_the_window_closes_is_kept(open_window: Open) -> None:
    driver = talking(open_window, "later")
    strip(driver).chips[0].begin_edit()
    QTest.keyClicks(editor(driver), " on")
    driver.close()
    driver.until(lambda: kept(driver) == ["later on"])


def test_the_button_queues_and_says_so(open_window: Open) -> None:
    driver = talking(open_window)
    assert not driver.has("Queue message")
    driver.type("by mouse")
    driver.click("Queue message")
    assert texts(driver) == ["by mouse"]
    assert not driver.has("Queue message")


def test_a_deleted_conversation_takes_its_queue_along_and_brings_it_back(open_window: Open) -> None:
    driver = talking(open_window, "later")
    driver.chat.order.delete([driver.chat.current_id or ""])
    driver.until(lambda: driver.page.shown_transcript is None)
    driver.until(lambda: kept(driver) == [])
    driver.click("Undo")
    driver.until(lambda: texts(driver) == ["later"])
    driver.until(lambda: kept(driver) == ["later"])


def test_a_full_disk_is_told_and_what_waits_stays(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = talking(open_window, "one")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("desktop.ui.chat.composer_drafts.write_atomically", full)
    enter(driver, "two")
    assert texts(driver) == ["one", "two"]
    driver.until(lambda: bool(driver.errors()))
    monkeypatch.undo()
    strip(driver).chips[1].setFocus()
    driver.key(Qt.Key.Key_Up, ALT)
    driver.until(lambda: kept(driver) == ["two", "one"])


def test_a_hundred_queued_messages_leave_room_for_the_conversation(open_window: Open) -> None:
    driver = talking(open_window)
    for number in range(100):
        driver.page.composer.set_text(f"{number} " + "long " * 2000)
        QTest.keyClick(driver.page.composer.edit, Qt.Key.Key_Return)
    assert len(texts(driver)) == 100
    assert strip(driver).height() < driver.window.height() // 3
    for chip in (strip(driver).chips[-1], strip(driver).chips[0]):  # the newest one is in sight, and what has the focus
        driver.until(lambda chip=chip: chip.visibleRegion().boundingRect().height() > 10)
        strip(driver).chips[0].setFocus()
