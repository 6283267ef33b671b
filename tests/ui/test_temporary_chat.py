"""A temporary chat: no file holds any of it, it leaves only when the person says so, and it can be kept after all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from desktop.ui.window.temporary_chat_bar import TemporaryChatBar
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

SECRET = "xylograph"
CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def begin(driver: Driver) -> TemporaryChatBar:
    driver.key(Qt.Key.Key_T, CTRL_SHIFT)
    assert driver.window.temporary.active
    bar = driver.window.temporary.bar
    assert bar is not None
    assert bar.isVisible()
    return bar


def files_with(home: Path, text: str) -> list[str]:
    """The files of the home that hold `text`, in whatever encoding of it a file could have."""
    wanted = {text.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be")}
    found = []
    for file in home.rglob("*"):
        if file.is_file() and not file.is_symlink():
            held = file.read_bytes()
            if any(each in held for each in wanted):
                found.append(str(file.relative_to(home)))
    return found


def close(driver: Driver) -> None:
    """Close the window although that asks first."""
    if not driver.closed and driver.window.temporary.active:
        driver.window.close()
    driver.close()


@pytest.fixture
def driver(open_window: Callable[..., Driver]) -> Iterator[Driver]:
    opened = open_window(FakeEngine([FakeAnswer(f"It is a {SECRET}."), FakeAnswer("Another one.")]))
    yield opened
    close(opened)


def test_nothing_of_it_is_listed_found_or_written(driver: Driver, home: Path) -> None:
    bar = begin(driver)
    assert bar.accessibleName() == "Temporary chat: nothing of it is kept"
    driver.type(f"half a {SECRET}")
    driver.page.save_draft()
    driver.page.composer.set_text("")
    assert driver.ask(f"What is a {SECRET}?").text == f"It is a {SECRET}."
    driver.type(f"and a second {SECRET}")
    driver.page.save_draft()
    assert not driver.titles
    assert SECRET not in driver.window.windowTitle()
    engine = driver.engine
    assert isinstance(engine, FakeEngine)
    assert {request.options.cache for request in engine.requests} == {"memory"}
    assert files_with(home, SECRET) == []
    close(driver)
    assert files_with(home, SECRET) == []
    assert engine.forgotten == [request.conversation for request in engine.requests]


def test_leaving_it_asks_only_where_it_holds_something(driver: Driver) -> None:
    bar = begin(driver)
    driver.click("New chat")
    assert not driver.window.temporary.active
    assert not bar.isVisible()
    begin(driver)
    driver.ask("Hello")
    temporary = driver.page.conversation_id
    driver.click("New chat")
    assert bar.asks
    assert driver.focused == "Stay"
    driver.key(Qt.Key.Key_Escape)
    assert not bar.asks
    assert driver.page.conversation_id == temporary
    driver.click("New chat")
    driver.click("Leave it")
    assert not driver.window.temporary.active
    assert driver.page.shown_transcript is None
    assert driver.ask("What now?").text == "Another one."
    driver.until(lambda: driver.titles == ["What now?"])


def test_what_waited_in_a_new_chat_waits_there_again(driver: Driver, home: Path) -> None:
    driver.type("half a thought")
    begin(driver)
    assert driver.page.composer.text == ""
    driver.click("New chat")
    assert driver.page.composer.text == "half a thought"
    begin(driver)
    driver.ask("Hello")
    driver.click("New chat")
    driver.click("Leave it")
    assert driver.page.composer.text == "half a thought"
    driver.page.save_draft()
    assert files_with(home, "half a thought") == ["data/drafts.json"]


def test_keeping_it_makes_an_ordinary_chat_of_it(driver: Driver, home: Path) -> None:
    bar = begin(driver)
    driver.ask("What is it?")
    driver.page.regenerate_last()
    driver.until(lambda: driver.messages[-1].text == "Another one.")
    driver.type("and then")
    before = [message.id for message in driver.messages]
    driver.click("Keep this chat")
    driver.until(lambda: driver.titles == ["What is it?"])
    assert not driver.window.temporary.active
    assert not bar.isVisible()
    driver.until(lambda: driver.window.conversation is not None)
    assert [message.id for message in driver.messages] == before
    assert driver.page.composer.text == "and then"
    assert files_with(home, "Another one.") != []
    driver.chat.branches.show_sibling(driver.messages[-1].id, -1)
    driver.until(lambda: driver.messages[-1].text == f"It is a {SECRET}.")
    engine = driver.engine
    assert isinstance(engine, FakeEngine)
    assert not engine.forgotten


def test_it_is_kept_once_its_answer_has_ended(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 40, tokens_per_s=60)]))
    begin(driver)
    driver.ask("Tell me much", finish=False)
    driver.click("Keep this chat")
    assert driver.window.temporary.active
    driver.until(lambda: not driver.window.temporary.active)
    driver.until(lambda: len(driver.messages) == 2 and driver.messages[-1].status == "complete")
    assert driver.messages[-1].text.count("word") == 40


def test_who_writes_on_in_it_is_asked_no_longer_and_again_at_the_next_leaving(driver: Driver) -> None:
    bar = begin(driver)
    driver.ask("Hello")
    driver.click("New chat")
    assert bar.asks
    driver.ask("One more thing")
    assert not bar.asks
    assert not driver.window.close()
    assert bar.asks


def test_closing_the_window_asks_once(driver: Driver) -> None:
    bar = begin(driver)
    driver.ask("Hello")
    assert not driver.window.close()
    assert bar.asks
    assert driver.window.isVisible()
    assert driver.window.close()


def test_an_answer_in_another_chat_goes_on_beside_it(open_window: Callable[..., Driver]) -> None:
    driver = open_window(
        FakeEngine([FakeAnswer("word " * 40, tokens_per_s=60), FakeAnswer("In between.")], at_once=True)
    )
    driver.ask("Tell me much", finish=False)
    key = driver.page.conversation_id or ""
    begin(driver)
    driver.ask("And you?", finish=False)
    driver.until(lambda: driver.messages[-1].text == "In between.")
    driver.window.open_conversation(key)
    driver.click("Leave it")
    driver.until(lambda: driver.page.conversation_id == key and len(driver.messages) == 2)
    driver.finish()
    assert driver.messages[-1].status == "complete"


def test_a_chat_deleted_meanwhile_does_not_take_its_place(driver: Driver) -> None:
    driver.ask("Hello")
    key = driver.page.conversation_id or ""
    begin(driver)
    driver.ask("Are you there?")
    driver.chat.order.delete([key])
    driver.until(lambda: not driver.titles)
    assert driver.window.temporary.active
    assert driver.messages[-1].text == "Another one."


def test_the_worker_saves_no_state_of_it(open_window: Callable[..., Driver], home: Path) -> None:
    """With the real engine and the built-in model: an ordinary chat asked after it shows that states are saved."""
    driver = open_window()
    begin(driver)
    words = " ".join(f"{SECRET}{number}" for number in range(120))
    driver.page.composer.set_text(f"Say yes. {words}")
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: driver.page.shown_transcript is not None and len(driver.messages) == 2)
    driver.finish()
    temporary = driver.page.conversation_id or ""
    driver.click("New chat")
    driver.click("Leave it")
    driver.page.composer.set_text("Say no. " + words.replace(SECRET, "ordinary"))
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: driver.page.shown_transcript is not None and len(driver.messages) == 2)
    driver.finish()
    states = home / "cache" / "prompt-cache"
    driver.until(lambda: states.is_dir() and any(states.glob("*.state")))
    driver.close()
    marks = {hashlib.sha256(name.encode()).hexdigest()[:32] for name in (temporary,)}
    assert [file.name for file in states.glob("*.state") if file.name[:32] in marks] == []
    assert len(list(states.glob("*.state"))) == 1
    assert files_with(home, SECRET) == []
    assert files_with(home, "ordinary1") != []


def test_what_is_set_in_the_panel_holds_in_it_alone(driver: Driver) -> None:
    driver.ask("In the open")
    key = driver.page.conversation_id or ""
    begin(driver)
    driver.backend.panel._change("chat", {"temperature": 0.25})
    driver.ask("Are you there?")
    engine = driver.engine
    assert isinstance(engine, FakeEngine)
    assert [request.options.sampling.temperature for request in engine.requests] == [None, 0.25]
    assert driver.chat._store.conversation(key).options.sampling == {}


def test_where_it_was_read_and_what_waits_in_it_reach_no_file(open_window: Callable[..., Driver], home: Path) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 40, tokens_per_s=40), FakeAnswer("End.")]))
    begin(driver)
    driver.ask("One", finish=False)
    temporary = driver.page.conversation_id or ""
    driver.type(f"about a {SECRET}")
    driver.key(Qt.Key.Key_Return)
    driver.until(lambda: len(driver.page.queue.strip.chips) == 1)
    driver.window._restored._save_soon()
    close(driver)
    assert files_with(home, SECRET) == []
    assert temporary not in (home / "data" / "view.json").read_text()


def test_messages_that_wait_in_it_are_kept_with_it_and_held(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 40, tokens_per_s=40), FakeAnswer("End.")]))
    bar = begin(driver)
    driver.ask("One", finish=False)
    driver.type("and another")
    driver.key(Qt.Key.Key_Return)
    driver.page.stop()
    bar.keep.click()
    driver.until(lambda: not driver.window.temporary.active and bool(driver.titles))
    driver.until(lambda: len(driver.page.queue.strip.chips) == 1)
    kept = driver.chat.queue.state(driver.page.conversation_id or "")
    assert [message.text for message in kept.messages] == ["and another"]
    assert kept.held
