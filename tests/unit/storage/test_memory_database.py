"""Conversations in memory alone, and one of them copied whole into a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.conversation import Conversation, Message, TextPart
from desktop.errors import NotFoundError
from desktop.storage.conversation_copy import copy_conversation
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.memory_database import MemoryDatabase


def message(message_id: str, parent: str | None, text: str, *, by: str = "user") -> Message:
    role = "user" if by == "user" else "assistant"
    return Message(message_id, "c", parent, role, (TextPart(text),), created_at=1.0)  # type: ignore[arg-type]


@pytest.fixture
def memory() -> Iterator[ConversationStore]:
    database = MemoryDatabase()
    yield ConversationStore(database)
    database.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    database = Database(tmp_path / "latchkey.db")
    yield ConversationStore(database)
    database.close()


def fill(store: ConversationStore) -> None:
    store.add_messages((message("1", None, "Hello"), message("2", "1", "Hi", by="model")), create=Conversation("c"))
    store.add_message(message("3", "1", "Good day", by="model"))
    store.set_leaf("c", "2")


def test_it_keeps_conversations_and_writes_no_file(
    memory: ConversationStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(memory)
    assert [each.text for each in memory.branch("c")] == ["Hello", "Hi"]
    assert [each.id for each in memory.conversations("day")] == ["c"]
    with memory.database.read() as connection:
        assert connection.execute("PRAGMA temp_store").fetchone() == (2,)  # what is sorted stays in memory as well
    assert list(tmp_path.iterdir()) == []


def test_closed_it_has_forgotten_everything(memory: ConversationStore) -> None:
    fill(memory)
    memory.database.close()
    with pytest.raises(NotFoundError):
        memory.branch("c")


def test_a_conversation_is_copied_with_every_branch(memory: ConversationStore, store: ConversationStore) -> None:
    fill(memory)
    copy_conversation(memory, store, "c")
    assert store.conversation("c") == memory.conversation("c")
    assert [each.text for each in store.branch("c")] == ["Hello", "Hi"]
    assert store.siblings("2") == ["2", "3"]
    assert store.message("3") == memory.message("3")
    assert [each.id for each in store.conversations("day")] == ["c"]


def test_what_was_deleted_is_not_copied(memory: ConversationStore, store: ConversationStore) -> None:
    fill(memory)
    memory.delete_branch("3", 1.0)
    copy_conversation(memory, store, "c")
    assert store.siblings("2") == ["2"]
    with pytest.raises(NotFoundError):
        store.message("3")


def test_what_cannot_be_copied_whole_is_not_copied(memory: ConversationStore, store: ConversationStore) -> None:
    fill(memory)
    store.add_messages((message("3", None, "Already there"),), create=Conversation("c"))
    with pytest.raises(Exception, match="UNIQUE"):
        copy_conversation(memory, store, "c")
    assert [each.text for each in store.branch("c")] == ["Already there"]
