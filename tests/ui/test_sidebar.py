"""The list of conversations: groups, names, deleting and bringing back, searching."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from desktop.conversation import Conversation
from desktop.storage.conversation_listing import ListedConversations, ListFilter
from desktop.ui.sidebar.conversation_item_model import GroupHeading, grouped
from desktop.ui.sidebar.order_request import OrderRequest
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver, found

Open = Callable[..., Driver]
TODAY = date.today()  # noqa: DTZ011 - the person's own days


def _conversation(title: str, days: float = 0, *, pinned: bool = False) -> Conversation:
    noon = time.mktime((*TODAY.timetuple()[:3], 12, 0, 0, 0, 0, -1))
    return Conversation(title, title, "person", updated_at=noon - days * 86400, pinned=pinned)


def test_groups_are_pinned_then_by_age() -> None:
    long_ago = _conversation("old", 60)
    rows = grouped(
        [
            _conversation("kept", 90, pinned=True),
            _conversation("now"),
            _conversation("before", 1),
            _conversation("week", 3),
            long_ago,
        ],
        TODAY,
    )
    headings = [row.text for row in rows if isinstance(row, GroupHeading)]
    month = (TODAY - timedelta(days=60)).strftime("%B %Y")
    assert headings == ["Pinned", "Today", "Yesterday", "Previous 7 days", month]


def _ask_three(open_window: Open) -> Driver:
    driver = open_window(FakeEngine([FakeAnswer("An answer.")]))
    for title in ("Apples", "Pears", "Plums"):
        driver.key(Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
        driver.ask(title)
    driver.until(lambda: driver.titles == ["Plums", "Pears", "Apples"])
    return driver


def _go_to_row(driver: Driver, title: str) -> None:
    rows = driver.sidebar.rows
    row = next(row for row in driver.rows() if rows.index(row).data() == title)
    driver.sidebar.list.setFocus()
    driver.sidebar.list.setCurrentIndex(rows.index(row))


def test_f2_renames_in_the_list(open_window: Open) -> None:
    driver = _ask_three(open_window)
    _go_to_row(driver, "Pears")
    driver.key(Qt.Key.Key_F2)
    editor = found(driver.sidebar.list, QLineEdit)
    assert editor.accessibleName() == "Rename conversation"
    editor.setText("Quinces")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    driver.until(lambda: "Quinces" in driver.titles)


def test_delete_can_be_undone(open_window: Open) -> None:
    driver = _ask_three(open_window)
    _go_to_row(driver, "Pears")
    driver.key(Qt.Key.Key_Delete)
    driver.until(lambda: driver.titles == ["Plums", "Apples"])
    assert driver.has("Pears was deleted")
    driver.click("Undo")
    driver.until(lambda: "Pears" in driver.titles)


def test_deleting_the_open_one_and_undoing_opens_it_again(open_window: Open) -> None:
    driver = _ask_three(open_window)
    driver.sidebar.list.setFocus()
    driver.key(Qt.Key.Key_Delete)
    driver.until(lambda: driver.page.shown_transcript is None)
    driver.click("Undo")
    driver.until(lambda: driver.page.shown_transcript is not None)
    assert driver.messages[0].text == "Plums"


def test_backspace_deletes_nothing(open_window: Open) -> None:
    driver = _ask_three(open_window)
    _go_to_row(driver, "Pears")
    driver.key(Qt.Key.Key_Backspace)
    driver.qtbot.wait(150)
    assert driver.titles == ["Plums", "Pears", "Apples"]


def test_pinning_puts_it_on_top(open_window: Open) -> None:
    driver = _ask_three(open_window)
    driver.sidebar.asked.emit(OrderRequest("pin", (driver.page.conversation_id or "",)))
    driver.until(lambda: str(driver.sidebar.rows.index(0).data()) == "Pinned")


def test_search_finds_what_was_said(open_window: Open) -> None:
    driver = _ask_three(open_window)
    driver.sidebar.search.setFocus()
    QTest.keyClicks(driver.sidebar.search, "Apples")
    driver.until(lambda: driver.titles == ["Apples"])
    driver.key(Qt.Key.Key_Escape)
    driver.until(lambda: len(driver.titles) == 3)


def test_a_click_opens(open_window: Open) -> None:
    driver = _ask_three(open_window)
    row = next(row for row in driver.rows() if driver.sidebar.rows.index(row).data() == "Apples")
    at = driver.sidebar.list.visualRect(driver.sidebar.rows.index(row)).center()
    QTest.mouseClick(driver.sidebar.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    driver.until(lambda: driver.messages[0].text == "Apples")
    assert driver.window.windowTitle() == "Apples – Latchkey"


def test_ten_thousand_conversations_are_shown(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    # The window's own list would take the place of this one: it has to have come, and a later one comes by an event.
    driver.until(lambda: driver.sidebar._empty.isVisible())
    many = [_conversation(f"Conversation {number}", number / 100) for number in range(10_000)]
    driver.sidebar.show_list(ListedConversations(ListFilter(), others=tuple(many)))
    assert len(driver.rows()) == 10_000
    last = driver.sidebar.rows.index(driver.sidebar.rows.rowCount() - 1)
    driver.sidebar.list.scrollTo(last)
    assert driver.sidebar.list.visualRect(last).isValid()


def test_drafts_stay_with_their_conversation(open_window: Open) -> None:
    driver = _ask_three(open_window)
    plums = driver.page.conversation_id or ""
    driver.type("half a thought")
    pears = next(c.id for c in driver.sidebar.rows.conversations if c.title == "Pears")
    driver.window.open_conversation(pears)
    driver.until(lambda: driver.page.conversation_id == pears)
    assert driver.page.composer.text == ""
    driver.window.open_conversation(plums)
    driver.until(lambda: driver.page.conversation_id == plums)
    assert driver.page.composer.text == "half a thought"


def test_a_draft_outlives_the_window(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.type("not yet sent")
    driver.close()
    again = open_window(FakeEngine())
    assert again.page.composer.text == "not yet sent"
