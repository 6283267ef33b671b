"""Whose the connections to a database file are, and when each is closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from desktop.conversation import Conversation
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database

PATIENCE_S = 30


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    database = Database(home / "data" / "latchkey.db")
    yield database
    database.close()


def times_open(database: Database) -> int:
    """How often this process has the file open."""
    return sum(Path(each.path) == database.path for each in psutil.Process().open_files())


def test_a_thread_that_ended_leaves_none_behind(database: Database) -> None:
    store = ConversationStore(database)
    store.create(Conversation("c"))
    for _ in range(20):
        thread = threading.Thread(target=store.conversations)
        thread.start()
        thread.join()
    assert times_open(database) <= 2


def test_closing_waits_for_nobody_and_disturbs_nobody(database: Database) -> None:
    """The window closes while a thread reads: that thread reads on, and leaves nothing open."""
    ConversationStore(database).create(Conversation("c", title="Kept"))
    reading, closed = threading.Event(), threading.Event()
    found: list[object] = []

    def read() -> None:
        with database.read() as connection:
            reading.set()
            assert closed.wait(PATIENCE_S)
            found.append(connection.execute("SELECT title FROM conversations").fetchone())

    thread = threading.Thread(target=read)
    thread.start()
    assert reading.wait(PATIENCE_S)
    database.close()
    closed.set()
    thread.join(PATIENCE_S)
    assert found == [("Kept",)]
    assert times_open(database) == 0


def test_what_comes_after_the_end_is_stored_and_leaves_nothing_open(database: Database) -> None:
    store = ConversationStore(database)
    store.create(Conversation("one"))
    database.close()
    store.create(Conversation("two"))
    assert len(store.conversations()) == 2
    assert times_open(database) == 0


def test_what_was_disconnected_is_opened_anew_and_stays_open(database: Database) -> None:
    store = ConversationStore(database)
    store.create(Conversation("one"))
    database.disconnect()
    assert times_open(database) == 0
    store.create(Conversation("two"))
    assert times_open(database) == 1
