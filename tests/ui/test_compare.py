"""Compare: one question to two models or settings, both answers kept, one of them shown."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop.chat.answer_comparison import CompareSettings
from desktop.engine.worker_messages import GenerateRequest
from desktop.ui.compare.compare_page import ComparePage
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver
from tests.ui.test_license_flow import events, fill
from tests.unit.licenses.test_acknowledgements import Mine


def warm_or_cold(request: GenerateRequest) -> FakeAnswer:
    """An answer that says with which temperature it was asked for."""
    return FakeAnswer(f"Answered at {request.options.sampling.temperature}. " + "word " * 20, tokens_per_s=200)


def open_compare(driver: Driver) -> ComparePage:
    driver.click("Compare")
    page = driver.window.page("compare")
    assert isinstance(page, ComparePage)
    assert page.isVisible()
    return page


def set_temperatures(driver: Driver, first: float, second: float) -> None:
    """As the menus of both sides do."""
    flow = driver.backend.compare
    flow._settings[:] = [CompareSettings(temperature=first), CompareSettings(temperature=second)]
    flow._show_sides()


def ask(driver: Driver, page: ComparePage, text: str) -> None:
    QTest.keyClicks(page.composer.edit, text)
    QTest.keyClick(page.composer.edit, Qt.Key.Key_Return)
    driver.until(lambda: all(column.message is not None for column in page.columns))


def texts(page: ComparePage) -> list[str]:
    return [column.message.text if column.message is not None else "" for column in page.columns]


@pytest.fixture
def driver(open_window: Callable[..., Driver]) -> Driver:
    return open_window(FakeEngine(warm_or_cold, at_once=True))


def test_both_answers_come_at_once_and_the_one_kept_is_shown(driver: Driver) -> None:
    page = open_compare(driver)
    set_temperatures(driver, 0.0, 0.8)
    ask(driver, page, "Which is it?")
    assert page.answering
    driver.until(lambda: not page.answering)
    first, second = texts(page)
    assert first.startswith("Answered at 0.0.")
    assert second.startswith("Answered at 0.8.")
    driver.click("Keep the second answer")
    driver.until(lambda: driver.window.shown == "")
    assert [message.text for message in driver.messages] == ["Which is it?", second]
    kept = driver.messages[-1]
    assert kept.sampling is not None
    assert kept.sampling["temperature"] == 0.8
    assert kept.model is not None
    driver.chat.branches.show_sibling(kept.id, -1)
    driver.until(lambda: driver.messages[-1].text == first)
    driver.until(lambda: driver.titles == ["Which is it?"])


def test_the_conversation_goes_on_from_the_one_kept(driver: Driver) -> None:
    driver.ask("Hello")
    page = open_compare(driver)
    set_temperatures(driver, 0.1, 0.9)
    ask(driver, page, "Which is it?")
    driver.until(lambda: not page.answering)
    driver.click("Keep the first answer")
    driver.until(lambda: driver.window.shown == "")
    driver.ask("And then?")
    assert isinstance(driver.engine, FakeEngine)
    said = [message.text for message in driver.engine.requests[-1].messages]
    assert len(driver.messages) == 6
    assert any(text.startswith("Answered at 0.1.") for text in said)
    assert not any(text.startswith("Answered at 0.9.") for text in said)


def test_closing_without_keeping_loses_neither(driver: Driver) -> None:
    page = open_compare(driver)
    set_temperatures(driver, 0.2, 0.5)
    ask(driver, page, "Which is it?")
    driver.click("Close the comparison")
    driver.finish()
    assert driver.messages[-1].text.startswith("Answered at 0.2.")
    other = driver.messages[-1].id
    driver.until(lambda: not driver.chat.is_answering())
    driver.chat.branches.show_sibling(other, 1)
    driver.until(lambda: driver.messages[-1].text.startswith("Answered at 0.5."))
    assert driver.messages[-1].status == "complete"


def test_escape_stops_both_and_what_was_said_stays(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 500, tokens_per_s=50)], at_once=True))
    page = open_compare(driver)
    ask(driver, page, "Tell me much")
    driver.until(lambda: all("word" in column.transcript.views[0].plain_text() for column in page.columns))
    driver.key(Qt.Key.Key_Escape)
    driver.until(lambda: not page.answering)
    assert driver.window.shown == "compare"
    assert [column.message.status for column in page.columns if column.message] == ["stopped", "stopped"]
    assert all(texts(page))


def test_one_is_stopped_and_the_other_goes_on(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 60, tokens_per_s=60)], at_once=True))
    page = open_compare(driver)
    ask(driver, page, "Tell me much")
    driver.until(lambda: "word" in page.columns[0].transcript.views[0].plain_text())
    driver.click("Stop the first answer")
    driver.until(lambda: not page.answering)
    assert [column.message.status for column in page.columns if column.message] == ["stopped", "complete"]


def test_a_failed_side_says_why_and_can_be_asked_again(open_window: Callable[..., Driver]) -> None:
    answers = iter([FakeAnswer("I was cut", dies_after=1), FakeAnswer("Whole."), FakeAnswer("Whole now.")])
    driver = open_window(FakeEngine(lambda request: next(answers)))
    page = open_compare(driver)
    ask(driver, page, "Which is it?")
    driver.until(lambda: not page.answering)
    assert [column.message.status for column in page.columns if column.message] == ["failed", "complete"]
    assert driver.errors()
    driver.click("Try again")
    driver.until(lambda: not page.answering and texts(page)[0] == "Whole now.")
    driver.click("Keep the first answer")
    driver.until(lambda: driver.window.shown == "")
    assert driver.messages[-1].text == "Whole now."


def test_what_is_typed_here_is_the_chats_draft(driver: Driver) -> None:
    driver.type("Which")
    page = open_compare(driver)
    assert page.composer.text == "Which"
    QTest.keyClicks(page.composer.edit, " is it?")
    driver.key(Qt.Key.Key_Escape)
    assert driver.window.shown == ""
    assert driver.page.composer.text == "Which is it?"


def test_where_memory_does_not_suffice_it_says_so(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 100, tokens_per_s=50)]))
    page = open_compare(driver)
    assert isinstance(driver.engine, FakeEngine)
    driver.engine.waiting_for_memory += driver.engine.loads
    ask(driver, page, "Which is it?")
    driver.until(lambda: "not enough memory" in page.columns[1].note.text())
    driver.key(Qt.Key.Key_Escape)
    driver.until(lambda: not page.answering)


def test_the_same_seed_draws_both_answers_from_the_same_numbers(driver: Driver) -> None:
    page = open_compare(driver)
    driver.click("Same seed")
    ask(driver, page, "Which is it?")
    driver.until(lambda: not page.answering)
    assert isinstance(driver.engine, FakeEngine)
    seeds = [request.options.sampling.seed for request in driver.engine.requests]
    assert len(seeds) == 2
    assert len(set(seeds)) == 1
    assert seeds[0] is not None


def test_a_comparison_in_a_temporary_chat_stays_in_memory(driver: Driver) -> None:
    driver.window.temporary.begin()
    page = open_compare(driver)
    set_temperatures(driver, 0.3, 0.6)
    ask(driver, page, "Which is it?")
    driver.until(lambda: not page.answering)
    driver.click("Keep the first answer")
    driver.until(lambda: driver.window.shown == "")
    assert driver.messages[-1].text.startswith("Answered at 0.3.")
    assert not driver.titles
    assert isinstance(driver.engine, FakeEngine)
    assert {request.options.cache for request in driver.engine.requests} == {"memory"}
    driver.window.close()


def test_a_model_whose_license_is_not_accepted_is_refused_in_its_column_alone(
    open_window: Callable[..., Driver], home: Path
) -> None:
    """With the real engine, which asks the license check before every load."""
    with closing(Mine(home)) as mine:
        driver = open_window(accepted=False, sampling={"temperature": 0.0, "max_tokens": 8})
        page = open_compare(driver)
        flow = driver.backend.compare
        flow._chosen[:] = [
            next(model for model in flow._models if model.built_in),
            next(model for model in flow._models if model.id == mine.model_id),
        ]
        flow._show_sides()
        ask(driver, page, "How do I stop an answer?")
        driver.until(lambda: not page.answering)
        assert [column.message.status for column in page.columns if column.message] == ["complete", "failed"]
        assert "acknowledged" not in events()
        driver.click("Read and accept…")
        driver.until(lambda: driver.has("I accept"))
        fill(driver)
        driver.click("I accept")
        driver.until(lambda: driver.window.shown == "compare")
        driver.click("Try again")
        driver.until(lambda: [each.message.status for each in page.columns if each.message] == ["complete"] * 2)
        assert events().index("acknowledged") < max(at for at, event in enumerate(events()) if event == "loaded")
        driver.close()


def test_it_waits_for_an_answer_of_the_chat_in_progress(open_window: Callable[..., Driver]) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 200, tokens_per_s=50), FakeAnswer("Done.")], at_once=True))
    driver.ask("Tell me much", finish=False)
    page = open_compare(driver)
    QTest.keyClicks(page.composer.edit, "And now?")
    QTest.keyClick(page.composer.edit, Qt.Key.Key_Return)
    driver.until(lambda: bool(driver.errors()))
    assert page.composer.text == "And now?"
    driver.page.stop()
    driver.until(lambda: not driver.chat.is_answering())
    QTest.keyClick(page.composer.edit, Qt.Key.Key_Return)
    driver.until(lambda: texts(page) == ["Done.", "Done."])
    assert not driver.errors()
