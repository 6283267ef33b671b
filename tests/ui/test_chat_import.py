"""Chats of other programs come in by the window: chosen, dropped, stopped, and put back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

from desktop.storage.conversation_listing import ConversationListing, ListFilter
from desktop.ui.imports.chat_import_page import ChatImportPage
from desktop.ui.imports.skipped_table import SkippedTable
from tests.fakes.fake_engine import FakeEngine
from tests.ui.driving import Driver
from tests.ui.test_drop import drag, drop, urls

Open = Callable[..., Driver]


def turns(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Three conversations, and one thing that is none."""
    values = [{"title": f"Old chat {n}", "messages": turns(f"Question {n}", f"Answer {n}")} for n in range(3)]
    path = tmp_path / "old <b>&chats.jsonl"
    path.write_text("\n".join(map(json.dumps, [*values, {"messages": "none\x1b[2J"}])), encoding="utf-8")
    return path


def ready(open_window: Open) -> Driver:
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops() and driver.window.chat is not None)
    return driver


def page_of(driver: Driver) -> ChatImportPage:
    page = driver.window.page("chat-import")
    assert isinstance(page, ChatImportPage)
    return page


def titles(driver: Driver) -> list[str]:
    return [each.title for each in driver.sidebar.rows.conversations]


def press(driver: Driver, name: str) -> None:
    driver.until(lambda: driver.has(name))
    button = driver.named(name, QAbstractButton)
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)


def test_dropped_chats_are_in_the_list_and_what_was_not_taken_is_named(open_window: Open, export: Path) -> None:
    driver = ready(open_window)
    assert drag(driver.page.composer.edit.viewport(), urls(export)).isAccepted()
    assert driver.has("Drop to import the chats")
    assert drop(driver.page.composer.edit.viewport(), urls(export)).isAccepted()
    driver.until(lambda: len(titles(driver)) == 3)
    assert driver.window.shown == "chat-import"
    driver.until(lambda: driver.has("What was not taken"))
    table = driver.named("What was not taken", SkippedTable)
    shown = [str(table.model().index(0, column).data()) for column in (0, 1)]
    assert shown == [f"{export.name}, conversation 4", "It holds no messages in a form that is known."]
    assert sorted(titles(driver)) == ["Old chat 0", "Old chat 1", "Old chat 2"]
    drop(driver.window, urls(export))
    driver.until(lambda: "were here already" in " ".join(texts_of(driver)))
    assert len(titles(driver)) == 3
    assert not driver.has("Put the chats that came in the bin")


def texts_of(driver: Driver) -> list[str]:
    from desktop.ui.parts.label import Label

    return [label.text() for label in page_of(driver).findChildren(Label) if label.isVisible()]


def test_what_came_goes_into_the_bin_and_comes_back(open_window: Open, export: Path) -> None:
    driver = ready(open_window)
    drop(driver.window, urls(export))
    driver.until(lambda: len(titles(driver)) == 3)
    press(driver, "Put the chats that came in the bin")
    driver.until(lambda: titles(driver) == [])
    listing = ConversationListing(driver.backend.database)
    assert len(listing.conversations(ListFilter("bin"))) == 3
    press(driver, "Undo")
    driver.until(lambda: len(titles(driver)) == 3)


def test_a_file_that_is_damaged_says_so_and_the_next_one_comes_in(
    open_window: Open, export: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and nothing")
    driver = ready(open_window)
    drop(driver.window, urls(broken, export))
    driver.until(lambda: len(titles(driver)) == 3 and bool(driver.errors()))
    assert "broken.zip is damaged" in driver.errors()[0].accessibleName() + driver.errors()[0].accessibleDescription()


def test_the_page_is_reached_by_keys_and_from_the_settings(open_window: Open) -> None:
    driver = ready(open_window)
    driver.window.actions_table["import-chats"].trigger()
    assert driver.window.shown == "chat-import"
    assert driver.has("Choose files…")
    driver.window.show_page("settings")
    press(driver, "Import chats")
    assert driver.window.shown == "chat-import"


def test_an_import_is_cancelled_between_two_conversations(open_window: Open, tmp_path: Path) -> None:
    """What came by then is whole, and can be put into the bin."""
    path = tmp_path / "many.jsonl"
    path.write_text("\n".join(json.dumps({"messages": turns(f"Question {n}", "x" * 2000)}) for n in range(3000)))
    driver = ready(open_window)
    flow = driver.backend.chat_imports
    flow.offer_files([path])
    driver.until(lambda: driver.has("Cancel the import"))
    press(driver, "Cancel the import")
    driver.until(lambda: driver.named("Choose files…", QAbstractButton).isEnabled())
    count = len(ConversationListing(driver.backend.database).conversations(ListFilter(limit=10_000)))
    assert count < 3000
    assert f"{count} chat" in " ".join(texts_of(driver))


def test_one_who_left_the_page_is_told_when_it_is_over(open_window: Open, export: Path) -> None:
    driver = ready(open_window)
    driver.backend.chat_imports.offer_files([export])
    driver.window.show_page("")
    driver.until(lambda: driver.has("3 chats were imported."))
    press(driver, "Look: 3 chats were imported.")
    assert driver.window.shown == "chat-import"


def test_the_window_closes_in_the_middle_of_an_import(open_window: Open, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("\n".join(json.dumps({"messages": turns(f"Question {n}", "x" * 2000)}) for n in range(3000)))
    driver = ready(open_window)
    driver.backend.chat_imports.offer_files([path])
    driver.until(lambda: driver.has("Cancel the import"))
    driver.close()
