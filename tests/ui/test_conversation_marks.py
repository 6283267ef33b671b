"""The list says where an answer is being given, and where one came while another chat was read."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt

from desktop.ui.sidebar.conversation_item_model import ConversationRole
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]


def marks(driver: Driver) -> dict[str, str]:
    rows = driver.sidebar.rows
    found = {str(rows.index(row).data()): str(rows.index(row).data(ConversationRole.DETAIL)) for row in driver.rows()}
    return {title: mark for title, mark in found.items() if mark}


def test_the_list_says_where_an_answer_is_given_and_where_one_came(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("word " * 40, tokens_per_s=60), FakeAnswer("here")]))
    driver.ask("Far away", finish=False)
    first = driver.chat.current_id or ""
    driver.until(lambda: marks(driver) == {"Far away": "answering…"})
    driver.window.new_chat()
    driver.until(lambda: not driver.chat.is_answering(first))
    assert marks(driver) == {"Far away": "new answer"}
    index = driver.sidebar.rows.index(driver.rows()[0])
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "Far away, new answer"
    driver.ask("Near")
    assert marks(driver) == {"Far away": "new answer"}, "what one reads is not new"
    driver.window.open_conversation(first)
    driver.until(lambda: marks(driver) == {})
