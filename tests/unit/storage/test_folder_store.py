"""Folders, tags, archive and bin: kept, changed together, brought back; and the list that shows them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.conversation import ChatOptions, Conversation, Folder, Message, TextPart
from desktop.errors import NotFoundError, UserError
from desktop.storage import conversation_erasure
from desktop.storage.conversation_erasure import ConversationErasure
from desktop.storage.conversation_listing import ConversationListing, ListedConversations, ListFilter
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.folder_store import FolderStore
from desktop.storage.message_search import MessageSearch

EVERYTHING = ListFilter()


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    opened = Database(home / "data" / "latchkey.db")
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> ConversationStore:
    """Conversations a, b, c and d, the last one the newest."""
    kept = ConversationStore(database)
    for at, name in enumerate("abcd"):
        kept.create(Conversation(name, f"Title {name}", "person", at, at))
        kept.add_message(Message(f"m{name}", name, None, "user", (TextPart(f"treasure {name}"),), created_at=at))
    return kept


@pytest.fixture
def folders(store: ConversationStore) -> FolderStore:
    return FolderStore(store.database)


def listed(folders: FolderStore, wanted: ListFilter = EVERYTHING) -> ListedConversations:
    return ConversationListing(folders.database).read(wanted)


def ids(rows: tuple[Conversation, ...]) -> list[str]:
    return [row.id for row in rows]


def names(folders: FolderStore) -> list[str]:
    return [folder.name for folder in folders.folders()]


# --- folders ---------------------------------------------------------------------------------------------------------


def test_a_folder_comes_back_as_it_was_stored(folders: FolderStore) -> None:
    options = ChatOptions(preset="Precise", sampling={"temperature": 0.3}, thinking=False)
    first = folders.create(Folder("f", " Thesis\n work ", 9, "Be brief.", "model", options, 5.0))
    assert first == Folder("f", "Thesis work", 0, "Be brief.", "model", options, 5.0)
    assert folders.create(Folder("g", "Home")).position == 1
    assert folders.folder("f") == first
    assert names(folders) == ["Thesis work", "Home"]


def test_an_update_leaves_where_a_folder_stands_and_whether_it_is_folded(folders: FolderStore) -> None:
    for name in "fgh":
        folders.create(Folder(name, name))
    seen = folders.folder("f")
    folders.place("f", 2)
    folders.fold("f", True)
    folders.set_model("g", "other")
    assert folders.folder("g").model_id == "other"
    folders.update(Folder("f", "Other", seen.position, "Prompt", "m", ChatOptions(thinking=True)))
    assert folders.folder("f") == Folder("f", "Other", 2, "Prompt", "m", ChatOptions(thinking=True), 0.0, True)
    assert names(folders) == ["g", "h", "Other"]


@pytest.mark.parametrize("name", ["", "  \n", "\u200b\u2066", "\x00"])
def test_a_folder_without_a_name_is_refused(folders: FolderStore, name: str) -> None:
    folders.create(Folder("f", "Kept"))
    for use in (
        lambda: folders.create(Folder("g", name)),
        lambda: folders.rename("f", name),
        lambda: folders.update(Folder("f", name)),
        lambda: folders.add_tag(["a"], name),
    ):
        with pytest.raises(UserError):
            use()
    assert names(folders) == ["Kept"]
    assert folders.tags() == []


def test_hostile_names_are_one_line(folders: FolderStore) -> None:
    folders.create(Folder("f", "a\x1b[2J\r\nb\u2028c \ud800" + "x" * 5000))
    assert names(folders)[0].startswith("a [2J b c \ufffdxxx")
    assert len(names(folders)[0]) == 120


def test_what_is_done_with_a_folder_that_is_gone_says_so(folders: FolderStore) -> None:
    for use in (
        lambda: folders.folder("x"),
        lambda: folders.rename("x", "y"),
        lambda: folders.update(Folder("x", "y")),
        lambda: folders.place("x", 0),
        lambda: folders.delete("x"),
        lambda: folders.move(["a"], "x"),
    ):
        with pytest.raises(NotFoundError):
            use()
    assert folders.database.check() == []


def test_conversations_of_a_deleted_folder_stay_and_come_back_into_it(folders: FolderStore) -> None:
    for name in "fgh":
        folders.create(Folder(name, name))
    folders.move(["a", "b", "c"], "g")
    folders.delete_conversations(["c"], 9.0)
    folder, held = folders.delete("g")
    assert sorted(held) == ["a", "b", "c"]
    assert ids(listed(folders).others) == ["d", "b", "a"]
    folders.move(["b"], "h")
    folders.restore(folder, held)
    assert names(folders) == ["f", "g", "h"]
    assert {each.folder.id: ids(each.conversations) for each in listed(folders).folders} == {
        "f": [],
        "g": ["a"],
        "h": ["b"],
    }
    folders.undelete(["c"])
    assert ids(listed(folders).folders[1].conversations) == ["c", "a"]


def test_a_conversation_whose_folder_was_just_deleted_is_stored_without_it(
    store: ConversationStore, folders: FolderStore
) -> None:
    store.add_messages(
        [Message("m", "n", None, "user", (TextPart("hello"),))], create=Conversation("n", folder_id="gone")
    )
    assert store.conversation("n").folder_id is None
    folders.create(Folder("f", "f"))
    store.create(Conversation("o", folder_id="f"))
    assert store.conversation("o").folder_id == "f"


# --- several conversations -------------------------------------------------------------------------------------------


def test_what_changed_is_put_back_as_it_was(folders: FolderStore, store: ConversationStore) -> None:
    folders.create(Folder("f", "f"))
    folders.create(Folder("g", "g"))
    folders.move(["a"], "f")
    before = folders.move(["a", "b", "nowhere"], "g")
    assert {each.id: each.folder_id for each in before} == {"a": "f", "b": None}
    folders.put_back(before, "folder_id")
    assert [store.conversation(each).folder_id for each in "ab"] == ["f", None]
    folders.archive(["a"], 5.0)
    again = folders.archive(["a", "b"], 6.0)  # the first keeps the time at which it went there
    assert ids(again) == ["b"]
    assert store.conversation("a").archived_at == 5.0
    folders.put_back(again, "archived_at")
    assert [store.conversation(each).archived_at for each in "ab"] == [5.0, None]


def test_a_folder_that_is_gone_is_not_put_back(folders: FolderStore, store: ConversationStore) -> None:
    folders.create(Folder("f", "f"))
    folders.move(["a"], "f")
    before = folders.move(["a"], None)
    folders.delete("f")
    folders.put_back(before, "folder_id")
    assert store.conversation("a").folder_id is None


def test_ten_thousand_change_at_once(folders: FolderStore, store: ConversationStore) -> None:
    many = [f"n{at}" for at in range(10_000)]
    with folders.database.write() as connection:
        connection.executemany(
            "INSERT INTO conversations (id, title, title_by, created_at, updated_at, system_prompt, pinned) "
            "VALUES (?, '', '', 0, 0, '', 0)",
            [(each,) for each in many],
        )
    folders.create(Folder("f", "f"))
    assert len(folders.move(many, "f")) == 10_000
    assert listed(folders).folders[0].count == 10_000
    assert len(listed(folders).conversations) <= 501
    assert folders.add_tag(many, "all")[0] == "all"
    assert listed(folders).tags == (("all", 10_000),)
    gone = folders.delete_conversations(many, 1.0)
    assert listed(folders).deleted == 10_000
    folders.put_back(gone, "deleted_at")
    assert listed(folders).deleted == 0


# --- tags ------------------------------------------------------------------------------------------------------------


def test_tags_are_one_whatever_their_capitals(folders: FolderStore, store: ConversationStore) -> None:
    assert folders.add_tag(["a"], "#Straße") == ("Straße", ("a",))
    assert folders.add_tag(["a", "b", "nowhere"], "STRASSE") == ("Straße", ("b",))
    folders.add_tag(["a"], "bad & <b>")
    assert store.conversation("a").tags == ("Straße", "bad & <b>")
    assert folders.tags() == [("bad & <b>", 1), ("Straße", 2)]
    assert sorted(folders.remove_tag(["a", "b", "c"], "strasse")) == ["a", "b"]
    assert folders.tags() == [("bad & <b>", 1)]


def test_a_tag_of_a_deleted_conversation_is_not_counted_and_goes_with_it(folders: FolderStore) -> None:
    folders.add_tag(["a", "b"], "secret")
    folders.delete_conversations(["a"], 1.0)
    assert folders.tags() == [("secret", 1)]
    folders.undelete(["a"])
    assert folders.tags() == [("secret", 2)]
    folders.delete_conversations(["a", "b"], 1.0)
    folders.erase(["a", "b"])
    with folders.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM tags").fetchone() == (0,)


# --- the bin ---------------------------------------------------------------------------------------------------------


def test_erasing_that_was_cut_off_is_ended_by_the_next_purge(folders: FolderStore, store: ConversationStore) -> None:
    folders.delete_conversations(["a", "b"], 50.0)
    erasure = ConversationErasure(folders.database)
    assert erasure.begin(["a", "d"]) == ("a",)
    steps = erasure.steps()
    next(steps)
    del steps
    assert folders.bin() == ("b",)
    assert folders.undelete(["a"]) == ()
    store.purge(1.0)
    assert erasure.under_way() == ()
    assert folders.bin() == ("b",)
    for file in folders.database.path.parent.iterdir():
        assert b"treasure a" not in file.read_bytes()


def test_words_are_forgotten_while_many_are_erased_and_not_all_at_the_end(
    folders: FolderStore, store: ConversationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one step then, which would take as long as there were many."""
    monkeypatch.setattr(conversation_erasure, "_MESSAGES_BETWEEN_MERGES", 100)
    text = " ".join(f"word{number:x}" for number in range(300))
    store.add_messages([Message(f"more{n}", "a", "ma", "user", (TextPart(f"{text} {n}"),)) for n in range(400)])
    folders.delete_conversations(["a"], 1.0)
    erasure = ConversationErasure(folders.database)
    erasure.begin(["a"])
    sizes = []
    for _ in erasure.steps():
        with folders.database.read() as connection:
            (left,) = connection.execute("SELECT count(*) FROM messages WHERE conversation_id = 'a'").fetchone()
            sizes.append((left, *connection.execute("SELECT sum(length(block)) FROM message_words_data").fetchone()))
    most = max(size for _, size in sizes)
    assert min(size for left, size in sizes if left) < most / 2


def test_only_what_is_in_the_bin_is_erased_whole(folders: FolderStore, store: ConversationStore) -> None:
    folders.delete_conversations(["a", "b"], 1.0)
    folders.delete_conversations(["c"], 20.0)
    assert sorted(folders.bin()) == ["a", "b", "c"]
    assert sorted(folders.bin(1.0)) == ["a", "b"]
    assert folders.erase(["a", "d"]) == ("a",)
    assert store.conversation("d").deleted_at is None
    assert sorted(folders.bin()) == ["b", "c"]
    folders.erase(folders.bin())
    path = folders.database.path
    for file in path.parent.iterdir():
        assert b"treasure a" not in file.read_bytes()
    assert [hit.conversation_id for hit in MessageSearch(store.database).search("treasure")] == ["d"]


# --- the list --------------------------------------------------------------------------------------------------------


def test_the_list_is_pinned_then_folders_then_the_others(folders: FolderStore) -> None:
    folders.create(Folder("f", "f"))
    folders.create(Folder("g", "g"))
    folders.move(["a", "b", "c"], "f")
    folders.pin(["b"], True)
    found = listed(folders)
    assert ids(found.pinned) == ["b"]
    assert [(each.folder.id, each.count, ids(each.conversations)) for each in found.folders] == [
        ("f", 2, ["c", "a"]),
        ("g", 0, []),
    ]
    assert ids(found.others) == ["d"]
    assert ids(found.conversations) == ["b", "c", "a", "d"]
    folders.fold("f", True)
    assert [(each.count, ids(each.conversations)) for each in listed(folders).folders] == [(2, []), (0, [])]


def test_a_long_list_is_read_in_part(folders: FolderStore) -> None:
    folders.create(Folder("f", "f"))
    folders.move(["a", "b"], "f")
    for limit in (1, 2, 3):
        assert not listed(folders, ListFilter(limit=limit)).complete
    assert listed(folders, ListFilter(limit=4)).complete
    assert not listed(folders, ListFilter(tag="x", limit=0)).others
    folders.add_tag(["a", "b", "c"], "x")
    part = listed(folders, ListFilter(tag="x", limit=2))
    assert (ids(part.others), part.complete) == (["c", "b"], False)
    assert listed(folders, ListFilter(tag="x", limit=3)).complete


def test_archived_and_deleted_stand_apart_and_search_finds_what_is_archived(folders: FolderStore) -> None:
    folders.archive(["a", "b"], 5.0)
    folders.delete_conversations(["b", "c"], 6.0)
    assert ids(listed(folders).others) == ["d"]
    assert (listed(folders).archived, listed(folders).deleted) == (1, 2)
    assert ids(listed(folders, ListFilter("archive")).others) == ["a"]
    assert sorted(ids(listed(folders, ListFilter("bin")).others)) == ["b", "c"]
    assert ids(listed(folders, ListFilter(query="treas")).others) == ["d", "a"]
    assert ids(listed(folders, ListFilter("archive", "treas")).others) == ["a"]
    assert sorted(ids(listed(folders, ListFilter("bin", "treasure c")).others)) == ["c"]
    folders.undelete(["b"])
    assert ids(listed(folders, ListFilter("archive")).others) == ["b", "a"]


def test_a_folder_and_a_tag_narrow_the_list(folders: FolderStore) -> None:
    folders.create(Folder("f", "f"))
    folders.move(["a", "b"], "f")
    folders.add_tag(["b", "c"], "x")
    assert ids(listed(folders, ListFilter(folder_id="f")).others) == ["b", "a"]
    assert ids(listed(folders, ListFilter(tag="x")).others) == ["c", "b"]
    assert ids(listed(folders, ListFilter(tag="x", folder_id="f")).others) == ["b"]
    assert ids(listed(folders, ListFilter(tag="\ud800' OR 1")).others) == []


_OTHER = """
import sys
from pathlib import Path
from desktop.conversation import Folder
from desktop.storage.database import Database
from desktop.storage.message_search import MessageSearch
from desktop.storage.folder_store import FolderStore
database = Database(Path(sys.argv[1]))
folders = FolderStore(database)
for at in range(60):
    name = f"{sys.argv[2]}-{at}"
    folders.create(Folder(name, name))
    folders.move(["a", "b"], name)
    folders.add_tag(["a", "b"], name)
    if at % 3 == 0:
        folders.delete(name)
"""


def test_two_processes_at_once_lose_nothing(folders: FolderStore) -> None:
    path = str(folders.database.path)
    running = [subprocess.Popen([sys.executable, "-c", _OTHER, path, name]) for name in ("x", "y")]
    assert [each.wait() for each in running] == [0, 0]
    assert len(folders.folders()) == 80
    assert len(folders.tags()) == 120
    assert folders.database.check() == []
