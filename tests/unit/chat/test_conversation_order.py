"""Keeping conversations in order: each change is told, and taken back by undo."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.chat.chat_events import (
    ChatFailed,
    ConversationOpened,
    ConversationsChanged,
    ConversationsDeleted,
    ConversationsErased,
    ConversationsRestored,
    OrderChanged,
)
from desktop.conversation import Conversation, Folder, Message, TextPart
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.storage.conversation_erasure import ConversationErasure
from desktop.storage.conversation_listing import ListedConversations, ListFilter
from desktop.storage.folder_store import FolderStore
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.talk import Talk
from tests.unit.chat.test_chat_session import a_state_of

Begin = Callable[..., Talk]


@pytest.fixture
def talk(begin: Begin) -> Talk:
    """With the conversations a, b and c, and the folder f that holds a."""
    begun = begin()
    for at, name in enumerate("abc"):
        begun.store.create(Conversation(name, name.upper(), "person", at, at))
    folders = FolderStore(begun.store.database)
    folders.create(Folder("f", "Thesis", model_id="m"))
    folders.move(["a"], "f")
    return begun


def shown(talk: Talk, wanted: ListFilter | None = None) -> ListedConversations:
    found: list[ListedConversations] = []
    talk.chat.order.list(wanted or ListFilter(), found.append)
    talk.until(lambda: bool(found))
    return found[0]


def state(talk: Talk) -> dict[str, tuple[str | None, bool, bool, tuple[str, ...]]]:
    """Of each conversation: its folder, whether it is archived, deleted, and its tags."""
    talk.settled()
    heads = [talk.store.conversation(name) for name in "abc"]
    return {
        head.id: (head.folder_id, head.archived_at is not None, head.deleted_at is not None, head.tags)
        for head in heads
    }


CHANGES: dict[str, Callable[[Talk], None]] = {
    "moved": lambda talk: talk.chat.order.move(["a", "b"], None),
    "archived": lambda talk: talk.chat.order.archive(["a", "b"], True),
    "unarchived": lambda talk: talk.chat.order.archive(["c"], False),
    "deleted": lambda talk: talk.chat.order.delete(["a", "b"]),
    "tagged": lambda talk: talk.chat.order.add_tag(["b", "c"], "Work"),
    "untagged": lambda talk: talk.chat.order.remove_tag(["a", "b", "c"], "work"),
    "folder-deleted": lambda talk: talk.chat.order.delete_folder("f"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_every_change_is_told_and_undone(talk: Talk, kind: str) -> None:
    talk.chat.order.archive(["c"], True)
    talk.chat.order.add_tag(["b"], "work")
    before = state(talk)
    told = len(talk.told(OrderChanged))
    CHANGES[kind](talk)
    change = talk.until_told(OrderChanged, told + 1)
    assert change.kind == kind
    assert change.count == (2 if kind in ("archived", "deleted") else 1)
    assert state(talk) != before
    listings = len(talk.told(ConversationsChanged))
    talk.chat.order.undo(change)
    assert state(talk) == before
    talk.until_told(ConversationsChanged, listings + 1)
    assert [section.folder.name for section in shown(talk).folders] == ["Thesis"]
    assert not talk.told(ChatFailed)


def test_what_changes_nothing_offers_no_undo(talk: Talk) -> None:
    talk.chat.order.move(["a"], "f")
    talk.chat.order.archive(["a"], False)
    talk.chat.order.remove_tag(["a"], "none")
    talk.chat.order.restore(["a"])
    talk.settled()
    assert not talk.told(OrderChanged)
    assert not talk.told(ConversationsRestored)


def test_several_are_deleted_at_once_and_the_open_one_is_left(begin: Begin) -> None:
    talk = begin([FakeAnswer("one two three", hangs_after=2)])
    talk.chat.send("go")
    talk.until_said("one two")
    name = talk.chat.current_id or ""
    talk.store.create(Conversation("d"))
    talk.chat.order.delete([name, "d", "nowhere"])
    change = talk.until_told(OrderChanged)
    (deleted,) = talk.told(ConversationsDeleted)
    assert set(deleted.ids) == {name, "d"}
    talk.until(lambda: not talk.chat.is_answering(name))
    assert talk.chat.current_id not in (name, "d")
    talk.chat.order.undo(change)
    talk.until(lambda: talk.chat.current_id == name)
    assert set(talk.until_told(ConversationsRestored).conversation_ids) == {name, "d"}


def test_deleting_what_is_not_there_says_so(talk: Talk) -> None:
    talk.chat.order.delete(["nowhere"])
    talk.until_told(ChatFailed)
    assert not talk.told(ConversationsDeleted)


def test_the_bin_is_emptied_for_good(begin: Begin, tmp_path: Path) -> None:
    cache = PromptCacheFolder(tmp_path / "states", lambda: None)
    talk = begin(prompt_cache=cache)
    for name in "abc":
        talk.store.create(Conversation(name))
    a_state_of(cache, "b")
    talk.chat.order.delete(["a", "b"])
    talk.until_told(OrderChanged)
    assert cache.use().files == 0, "at once, though the conversation itself can still be brought back"
    assert talk.fake.forgotten == ["a", "b"], "nor does the worker keep it in memory"
    talk.chat.order.erase(["a", "c"])
    assert talk.until_told(ConversationsErased).conversation_ids == ("a",)
    talk.chat.order.erase()
    assert talk.until_told(ConversationsErased, 2).conversation_ids == ("b",)
    talk.until(lambda: talk.store.find_conversation("b") is None)
    assert talk.store.find_conversation("c") is not None
    assert shown(talk).deleted == 0


def test_other_writes_have_their_turn_while_many_conversations_are_erased(talk: Talk) -> None:
    store = talk.store
    for number in range(30):
        texts = [Message(f"{number}-{at}", f"c{number}", None, "user", (TextPart("words"),)) for at in range(20)]
        store.add_messages(tuple(texts), create=Conversation(f"c{number}"))
    FolderStore(store.database).delete_conversations([f"c{number}" for number in range(30)], 1.0)
    talk.chat.order.erase()
    talk.until_told(ConversationsErased)
    assert shown(talk).deleted == 0, "they are in no list from the first moment"
    assert len(ConversationErasure(store.database).under_way()) > 0, "and other work came between"
    talk.chat.order.restore(["c29"])
    talk.until(lambda: not ConversationErasure(store.database).under_way())
    talk.settled()
    assert store.find_conversation("c29") is None


def test_a_new_conversation_in_a_folder_is_stored_there_with_its_first_message(talk: Talk) -> None:
    (section,) = shown(talk).folders
    talk.chat.order.begin_in(section.folder)
    opened = talk.told(ConversationOpened)[-1]
    assert (opened.conversation.folder_id, opened.conversation.model_id) == ("f", "m")
    name = opened.conversation.id
    assert talk.store.find_conversation(name) is None
    talk.ask("hello")
    assert talk.store.conversation(name).folder_id == "f"
    assert [head.id for head in shown(talk).folders[0].conversations] == [name, "a"]


def test_a_folder_deleted_before_the_first_message_loses_no_message(talk: Talk) -> None:
    talk.chat.order.begin_in(shown(talk).folders[0].folder)
    talk.chat.order.delete_folder("f")
    assert talk.ask("hello").status == "complete"
    assert talk.store.conversation(talk.chat.current_id or "").folder_id is None


def test_new_folders_have_names_of_their_own(talk: Talk) -> None:
    made: list[Folder] = []
    talk.chat.order.create_folder(made.append)
    talk.chat.order.create_folder(made.append, ["b", "c"])
    talk.until(lambda: len(made) == 2)
    assert [folder.name for folder in made] == ["New folder", "New folder 2"]
    assert [head.id for head in shown(talk).folders[2].conversations] == ["c", "b"]
    talk.chat.order.rename_folder(made[0].id, "Home")
    talk.chat.order.place_folder(made[0].id, 0)
    talk.chat.order.fold(made[1].id, True)
    assert [(each.folder.name, each.folder.folded) for each in shown(talk).folders] == [
        ("Home", False),
        ("Thesis", False),
        ("New folder 2", True),
    ]
