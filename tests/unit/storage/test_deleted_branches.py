"""Branches that are deleted: no reading finds them, they come back as they were, and nothing stays once purged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.conversation import Conversation, Message, TextPart
from desktop.errors import NotFoundError
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.message_search import MessageSearch
from desktop.storage.message_tree import DeletedBranch


@pytest.fixture
def store(home: Path) -> Iterator[ConversationStore]:
    """A question `q` with answers `a1` and `a2`; under `a1` a second question `q2` with its answer `b1`."""
    database = Database(home / "data" / "latchkey.db")
    store = ConversationStore(database)
    store.create(Conversation("c", "Locks"))
    for name, parent in (("q", None), ("a1", "q"), ("q2", "a1"), ("b1", "q2"), ("a2", "q")):
        store.add_message(Message(name, "c", parent, "user", (TextPart(f"word{name} said"),)))
    store.set_leaf("c", "b1")
    yield store
    database.close()


def shown(store: ConversationStore) -> list[str]:
    return [message.id for message in store.branch("c")]


def test_a_deleted_branch_is_found_by_nothing(store: ConversationStore) -> None:
    deleted = store.delete_branch("a1", 5.0)
    assert deleted == DeletedBranch("c", "a1", ("a1", "q2", "b1"), "b1")
    assert shown(store) == ["q", "a2"], "the sibling is shown"
    assert store.children("q") == store.siblings("a2") == ["a2"]
    assert store.sibling_groups("c") == []
    assert store.newest_leaf("q") == "a2"
    assert store.branch("c", "b1") == store.branch("c", "q")
    assert MessageSearch(store.database).search("wordb1") == []
    assert store.conversations("wordb1") == []
    assert [each.id for each in store.conversations("worda2")] == ["c"]
    for act in (
        lambda: store.siblings("a1"),
        lambda: store.newest_leaf("q2"),
        lambda: store.set_leaf("c", "b1"),
        lambda: store.delete_branch("b1", 6.0),
        lambda: store.add_message(Message("late", "c", "b1", "user", ())),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert shown(store) == ["q", "a2"], "what was refused changed nothing"


def test_it_comes_back_as_it_was(store: ConversationStore) -> None:
    before = store.branch("c")
    store.restore_branch(store.delete_branch("a1", 5.0))
    assert store.branch("c") == before
    assert store.sibling_groups("c") == [["a1", "a2"]]
    assert [hit.message_id for hit in MessageSearch(store.database).search("wordb1")] == ["b1"]


def test_what_is_shown_goes_to_the_parent_and_in_the_end_to_nothing(store: ConversationStore) -> None:
    store.delete_branch("a2", 1.0)
    assert shown(store)[-1] == "b1", "another branch was deleted than the one shown"
    store.delete_branch("b1", 2.0)
    assert shown(store) == ["q", "a1", "q2"]
    everything = store.delete_branch("q", 3.0)
    assert shown(store) == []
    assert store.conversation("c").leaf_id is None
    store.restore_branch(everything)
    assert shown(store) == ["q", "a1", "q2"], "what was deleted before stays so"


def test_one_deletion_within_another_comes_back_with_it(store: ConversationStore) -> None:
    """In the same instant even, as where the clock was set back."""
    inner = store.delete_branch("q2", 5.0)
    outer = store.delete_branch("a1", 5.0)
    store.restore_branch(inner)
    assert store.children("q") == ["a2"]
    store.restore_branch(outer)
    assert store.newest_leaf("a1") == "b1"


def test_nothing_of_a_purged_branch_stays_in_the_file(store: ConversationStore, home: Path) -> None:
    store.delete_branch("b1", 50.0)
    store.delete_branch("a1", 5.0)  # the clock was set back meanwhile
    assert store.purge(4.0) == 0
    assert store.purge(5.0) == 1
    for act in (lambda: store.message("a1"), lambda: store.message("b1")):
        with pytest.raises(NotFoundError):
            act()
    store.database.close()
    data = b"".join(path.read_bytes() for path in (home / "data").glob("latchkey.db*"))
    assert b"worda2" in data
    for word in (b"worda1", b"wordq2", b"wordb1"):
        assert word not in data


def test_an_answer_cut_off_in_a_deleted_branch_is_over_when_it_comes_back(store: ConversationStore) -> None:
    store.add_message(Message("cut", "c", "b1", "assistant", (TextPart("half"),), status="streaming"))
    with store.database.write() as connection:
        connection.execute("UPDATE messages SET writer = '999999 1.0' WHERE id = 'cut'")
    deleted = store.delete_branch("q2", 5.0)
    assert store.mark_interrupted() == 0, "nobody sees a change"
    store.restore_branch(deleted)
    assert store.message("cut").status == "stopped"
