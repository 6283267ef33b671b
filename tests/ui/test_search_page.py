"""Searching all chats: what is typed finds messages at once, and Enter leads to the one that is meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.errors import ResourceError
from desktop.storage.message_search import FilterChoices, MessageHit, TitleHit
from desktop.ui.search.search_page import SearchPage
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
RESOURCES = Path(__file__).resolve().parents[2] / "resources"
CONTROL = Qt.KeyboardModifier.ControlModifier


def hit(number: int, snippet: str = "a needle in hay", *, archived: bool = False) -> MessageHit:
    return MessageHit("c", "Hay", f"m{number}", "user", snippet, ((2, 8),), 1e9, archived, number)


@pytest.fixture
def page(qtbot: QtBot) -> SearchPage:
    made = SearchPage(Theme(RESOURCES, "light"))
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    made.begin()
    return made


def test_arrows_choose_and_enter_opens_while_one_types(page: SearchPage) -> None:
    opened: list[int] = []
    page.opened.connect(opened.append)
    QTest.keyClicks(page.field, "needle")
    page.show_hits((TitleHit("c", "Needles", ((0, 6),), 1e9, False),), [hit(3), hit(2), hit(1)], whole=True)
    QTest.keyClick(page.field, Qt.Key.Key_Down)
    QTest.keyClick(page.field, Qt.Key.Key_Down)
    QTest.keyClick(page.field, Qt.Key.Key_Return)
    QTest.keyClicks(page.field, "s")
    assert opened == [2]
    assert page.text == "needles"


def test_a_screen_reader_hears_where_a_hit_is_and_that_it_is_archived(page: SearchPage) -> None:
    page.field.setText("needle")
    page.show_hits((), [hit(1, archived=True)], whole=True)
    said = str(page.rows.index(0).data(Qt.ItemDataRole.AccessibleTextRole))
    assert said.startswith("Hay, archived, ")
    assert said.endswith("You, a needle in hay")
    assert page.count.text() == "1 found"


def test_kinds_of_filters_of_which_there_is_nothing_are_not_offered(page: SearchPage) -> None:
    assert not page.model_button.isVisible()
    assert not page.folder_button.isVisible()
    page.show_choices(FilterChoices((("tiny", "Tiny"),), (), ("later",)))
    assert page.model_button.isVisible()
    assert page.tag_button.isVisible()
    assert page.model_button.accessibleName() == "Model: Any model"


def test_what_cannot_be_read_is_said_in_place_of_hits(page: SearchPage) -> None:
    page.field.setText("needle")
    page.show_hits((), [hit(1)], whole=True)
    page.show_problem(ResourceError("Another program holds the file.", "", "Close it."))
    assert not page.list.isVisible()
    assert "Another program holds the file. Close it." in page._lesson.text()


def test_enter_opens_the_message_on_its_branch_with_the_words_marked(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("A needle in hay."), FakeAnswer("Straw."), FakeAnswer("Else.")]))
    driver.ask("First")
    driver.page.regenerate_last()
    driver.until(lambda: driver.messages[-1].text == "Straw.")
    driver.finish()
    driver.key(Qt.Key.Key_N, CONTROL)
    driver.ask("Other")
    driver.key(Qt.Key.Key_F, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert driver.focused == "Search all messages"
    page = driver.window.pages.search
    QTest.keyClicks(page.field, "hay need")
    driver.until(lambda: bool(page.rows.hits) and page.count.text() == "1 found")
    QTest.keyClick(page.field, Qt.Key.Key_Return)
    driver.until(lambda: driver.window.shown == "" and driver.messages[-1].text == "A needle in hay.")
    assert driver.page.find_bar.isVisible()
    assert driver.page.find_bar.field.text() == "need"
    assert "message 2" in driver.focused


def test_the_sidebars_field_leads_to_the_page(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("An answer.")]))
    driver.ask("A question")
    QTest.keyClicks(driver.sidebar.search, "question")
    QTest.keyClick(driver.sidebar.search, Qt.Key.Key_Return)
    page = driver.window.pages.search
    assert page.text == "question"
    driver.until(lambda: len(page.rows.hits) == 2)  # the title and the message
    QTest.keyClick(page.field, Qt.Key.Key_Escape)
    assert driver.window.shown == ""
