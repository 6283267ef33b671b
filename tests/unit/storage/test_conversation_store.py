"""What is kept of conversations: the list, the tree, deletion that can be undone and deletion that cannot."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from desktop.conversation import (
    Conversation,
    Message,
    MessagePart,
    ModelReference,
    Status,
    TextPart,
    ThinkingPart,
    Timing,
    ToolCallPart,
)
from desktop.ended_calls import cancelled_result
from desktop.errors import NotFoundError
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.folder_store import FolderStore
from desktop.storage.message_search import MessageSearch


@pytest.fixture
def store(home: Path) -> Iterator[ConversationStore]:
    database = Database(home / "data" / "latchkey.db")
    yield ConversationStore(database)
    database.close()


def said(
    message_id: str,
    parent: str | None,
    text: str = "",
    *,
    chat: str = "c",
    status: Status = "complete",
    at: float = 1.0,
) -> Message:
    return Message(message_id, chat, parent, "user", (TextPart(text),) if text else (), status=status, created_at=at)


def ids(found: list[Conversation]) -> list[str]:
    return [conversation.id for conversation in found]


# --- the list --------------------------------------------------------------------------------------------------------


def test_a_conversation_comes_back_as_it_was_stored(store: ConversationStore) -> None:
    whole = Conversation("c", "Title", "person", 1.5, 2.5, "model", "Be brief.", "leaf", True, None)
    store.create(whole)
    assert store.conversation("c") == whole
    assert store.conversations() == [whole]
    changed = Conversation("c", "Other", "first-turn", 1.5, 9.0, None, "", None, False, None)
    store.update(changed)
    assert store.conversation("c") == changed


def test_pinned_ones_come_first_then_those_last_written_to(store: ConversationStore) -> None:
    for place, name in enumerate(["oldest", "middle", "newest"]):
        store.create(Conversation(name, updated_at=float(place)))
    store.add_message(said("m", None, "again", chat="oldest", at=100.0))
    assert ids(store.conversations()) == ["oldest", "newest", "middle"]
    FolderStore(store.database).pin(["middle"], True)
    assert ids(store.conversations()) == ["middle", "oldest", "newest"]
    assert ids(store.conversations(limit=1, offset=1)) == ["oldest"]
    FolderStore(store.database).pin(["middle"], False)
    assert ids(store.conversations()) == ["oldest", "newest", "middle"]


def test_renaming_makes_the_title_the_persons(store: ConversationStore) -> None:
    store.create(Conversation("c", "First turn", "first-turn"))
    store.rename("c", "Mine")
    assert (store.conversation("c").title, store.conversation("c").title_by) == ("Mine", "person")


def test_renaming_leaves_the_rest_of_the_head_alone(store: ConversationStore) -> None:
    whole = Conversation("c", "Old", "person", 1.5, 2.5, "model", "Be brief.", "leaf", True, 9.0)
    store.create(whole)
    store.rename("c", "First turn", by="first-turn")
    assert store.conversation("c") == msgspec.structs.replace(whole, title="First turn", title_by="first-turn")


def test_a_model_named_by_a_path_that_is_no_text_is_kept(store: ConversationStore) -> None:
    name = "mod\udce9le.gguf"
    store.create(Conversation("c", model_id=name))
    store.add_message(said("m", None, status="streaming"))
    model = ModelReference(name, name, "ab" * 32)
    store.save_message(msgspec.structs.replace(said("m", None, "over"), model=model))
    kept = ModelReference("mod\ufffdle.gguf", "mod\ufffdle.gguf", "ab" * 32)
    assert (store.message("m").text, store.message("m").model) == ("over", kept)
    assert store.conversation("c").model_id == kept.id


def test_what_is_not_there_is_said_not_made(store: ConversationStore) -> None:
    missing = Conversation("nowhere")
    for act in (
        lambda: store.conversation("nowhere"),
        lambda: store.conversation("no\udcffwhere"),
        lambda: store.update(missing),
        lambda: store.rename("nowhere", "x"),
        lambda: store.message("nowhere"),
        lambda: store.save_message(said("nowhere", None, "x")),
        lambda: store.siblings("nowhere"),
        lambda: store.newest_leaf("nowhere"),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert store.find_conversation("nowhere") is None
    assert store.branch("nowhere") == []


# --- messages --------------------------------------------------------------------------------------------------------


def test_a_message_comes_back_with_all_it_carries(store: ConversationStore) -> None:
    store.create(Conversation("c"))
    whole = Message(
        "m",
        "c",
        None,
        "assistant",
        (ThinkingPart("hm", 2.5), TextPart("one "), ThinkingPart("hm?"), TextPart("two")),
        "failed",
        ModelReference("id", "Name", "ab" * 32),
        {"temperature": 0.5, "seed": 7},
        Timing(10, 5, 3, 0.25, 40.0, "length", 7, 4096, 2),
        "It failed.",
        12.5,
    )
    store.add_message(whole)
    assert store.message("m") == whole
    assert store.branch("c") == [whole]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "a\x00b\x00",
        "\x00",
        "😀👩‍👩‍👧‍👦",
        "שלום עולם\u200f",
        "\u202eevil",
        "e\u0301",
        "'; DROP TABLE messages; --",
        "\r\n\t",
        "x" * 200_000,
    ],
)
def test_any_text_is_kept_to_the_letter(store: ConversationStore, text: str) -> None:
    store.create(Conversation("c", title=text, system_prompt=text))
    store.add_message(said("m", None, text))
    store.add_message(Message("t", "c", "m", "assistant", (ThinkingPart(text), TextPart(text))))
    assert store.message("m").text == text
    assert store.message("t").thinking == text
    assert store.message("t").text == text
    assert (store.conversation("c").title, store.conversation("c").system_prompt) == (text, text)


def test_half_a_surrogate_pair_becomes_a_replacement_character(store: ConversationStore) -> None:
    store.create(Conversation("c", title="a\ud800b"))
    parts: tuple[MessagePart, ...] = (ThinkingPart("\udc00"), TextPart("x\ud83dy \ud83d\ude00"))
    store.add_message(Message("m", "c", None, "assistant", parts, error="\udfff"))
    assert store.conversation("c").title == "a\ufffdb"
    assert store.message("m").text == "x\ufffdy 😀"
    assert store.message("m").thinking == "\ufffd"
    assert ids(store.conversations("\ud800 x")) == ["c"]


def test_saving_replaces_what_was_said_and_keeps_the_place(store: ConversationStore) -> None:
    store.create(Conversation("c"))
    store.add_messages((said("q", None, "question"), said("a", "q", status="streaming")))
    store.save_message(said("a", "q", "half", status="streaming"))
    assert store.message("a").text == "half"
    model = ModelReference("guide", "Guide")
    store.save_message(Message("a", "c", "q", "user", (TextPart("whole"),), model=model, created_at=1.0))
    assert [message.text for message in store.branch("c")] == ["question", "whole"]
    assert store.conversation("c").model_id == "guide"


def test_the_tree_keeps_every_branch_and_shows_one(store: ConversationStore) -> None:
    store.create(Conversation("c"))
    store.add_messages(
        [said("q", None, "q"), said("a1", "q", "first"), said("q2", "a1", "on"), said("b1", "q2", "deep")]
    )
    store.add_message(said("a2", "q", "second"))
    assert [message.id for message in store.branch("c")] == ["q", "a2"]
    assert [message.id for message in store.branch("c", "b1")] == ["q", "a1", "q2", "b1"]
    assert store.siblings("a1") == store.siblings("a2") == ["a1", "a2"]
    assert store.children("q") == ["a1", "a2"]
    assert store.sibling_groups("c") == [["a1", "a2"]]
    assert store.newest_leaf("a1") == "b1"
    assert store.newest_leaf("b1") == "b1"
    store.add_message(said("other", None, "another beginning"), make_leaf=False)
    assert [message.id for message in store.branch("c")] == ["q", "a2"]
    assert store.siblings("other") == ["q", "other"]
    assert store.sibling_groups("c") == [["q", "other"], ["a1", "a2"]]
    store.set_leaf("c", store.newest_leaf("a1"))
    assert [message.id for message in store.branch("c")] == ["q", "a1", "q2", "b1"]


def test_a_branch_never_leaves_its_conversation(store: ConversationStore) -> None:
    store.create(Conversation("c"))
    store.create(Conversation("d"))
    store.add_message(said("q", None, "in c"))
    with pytest.raises(NotFoundError):
        store.set_leaf("d", "q")
    assert store.branch("d", "q") == []
    assert store.branch("d") == []
    store.add_message(said("root", None, "in d", chat="d"))
    assert store.siblings("root") == ["root"]
    with pytest.raises(NotFoundError):
        store.add_message(said("lost", None, "nowhere", chat="gone"))


def test_ten_thousand_messages_come_back_in_order(store: ConversationStore) -> None:
    store.add_messages(
        [said(f"m{at}", f"m{at - 1}" if at else None, f"turn {at}") for at in range(10_000)], create=Conversation("c")
    )
    found = store.branch("c")
    assert [message.text for message in found] == [f"turn {at}" for at in range(10_000)]
    assert len(store.branch("c", "m500")) == 501
    assert store.newest_leaf("m0") == "m9999"
    FolderStore(store.database).delete_conversations(["c"], 1.0)
    assert store.purge(2.0) == 1  # as deep a tree as this is erased whole


# --- deletion --------------------------------------------------------------------------------------------------------


def test_a_deleted_conversation_comes_back_whole(store: ConversationStore) -> None:
    store.add_messages(
        (said("q", None, "treasure"), said("a", "q", "map")), create=Conversation("c", "Island", pinned=True)
    )
    before = store.conversation("c")
    FolderStore(store.database).delete_conversations(["c"], 50.0)
    assert store.conversations() == []
    assert store.conversations("treasure") == []
    assert MessageSearch(store.database).search("treasure") == []
    assert store.conversation("c").deleted_at == 50.0
    FolderStore(store.database).undelete(["c"])
    assert store.conversation("c") == before
    assert ids(store.conversations("treasure")) == ["c"]
    assert [message.text for message in store.branch("c")] == ["treasure", "map"]


def test_erasing_takes_only_what_was_deleted_long_enough_ago(store: ConversationStore) -> None:
    for name, at in (("old", 10.0), ("new", 20.0), ("kept", None)):
        store.add_messages((said(f"m-{name}", None, name, chat=name),), create=Conversation(name))
        if at is not None:
            FolderStore(store.database).delete_conversations([name], at)
    assert store.purge(10.0) == 1
    assert store.find_conversation("old") is None
    FolderStore(store.database).undelete(["new"])
    assert sorted(ids(store.conversations())) == ["kept", "new"]
    assert store.purge(100.0) == 0
    with pytest.raises(NotFoundError):
        store.message("m-old")


def test_nothing_of_an_erased_conversation_stays_in_any_file(store: ConversationStore) -> None:
    folder = store.database.path.parent
    secrets = ["Xanadupalace", "zyzzyvabeetle", "quokkathinking", "wombatprompt", "error-of-axolotl"]
    store.create(Conversation("kept", "Kept"))
    for count in range(50):
        store.add_message(said(f"k{count}", None, f"something ordinary {count}", chat="kept"))
    parts: tuple[MessagePart, ...] = (ThinkingPart(secrets[2]), TextPart(f"The {secrets[1]} " * 3000))
    secret = Message("m", "c", None, "assistant", parts, "streaming", error=secrets[4])
    store.add_messages((secret,), create=Conversation("c", secrets[0], system_prompt=secrets[3]))
    store.save_message(Message("m", "c", None, "assistant", (*parts, TextPart("over")), "stopped", error=secrets[4]))

    def traces() -> set[str]:
        everything = b"".join(file.read_bytes() for file in folder.iterdir()).lower()
        # The index keeps words in lower case and may share their first letters with their neighbours.
        return {
            word for word in secrets if word.lower().encode() in everything or word[3:].lower().encode() in everything
        }

    assert traces() == set(secrets)  # so that the absence below means something
    FolderStore(store.database).delete_conversations(["c"], 1.0)
    assert store.purge(2.0) == 1
    assert traces() == set()
    assert len(MessageSearch(store.database).search("ordinary")) == 50
    assert store.database.check() == []


# --- what another process left ---------------------------------------------------------------------------------------

_BEGIN_AN_ANSWER = """
import sys
from pathlib import Path
from desktop.conversation import Conversation, Message, TextPart, ToolCallPart
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
database = Database(Path(sys.argv[1]))
parts = (TextPart("half an ans"), ToolCallPart("1", "look", "{}"))
message = Message("m", "c", None, "assistant", parts, "streaming")
ConversationStore(database).add_messages((message,), create=Conversation("c"))
print("begun", flush=True)
sys.stdin.read()
"""


def test_an_answer_is_interrupted_only_when_its_process_is_gone(store: ConversationStore) -> None:
    store.add_messages((said("own", None, "mine", chat="d", status="streaming"),), create=Conversation("d"))
    writer = subprocess.Popen(
        [sys.executable, "-c", _BEGIN_AN_ANSWER, str(store.database.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "begun\n"
        assert store.mark_interrupted() == 0
        assert store.message("m").status == "streaming"
        writer.kill()
    assert store.mark_interrupted() == 1
    assert (store.message("m").status, store.message("m").text) == ("stopped", "half an ans")
    assert store.message("m").parts[-1] == cancelled_result(ToolCallPart("1", "look", "{}")), "it was under way"
    assert store.message("own").status == "streaming"
    assert [found.message_id for found in MessageSearch(store.database).search("half")] == ["m"]
    assert store.mark_interrupted() == 0


def test_a_process_number_given_again_is_another_process(store: ConversationStore) -> None:
    store.add_messages((said("m", None, "half", status="streaming"),), create=Conversation("c"))
    with store.database.write() as connection:
        # Number 1 always runs; it did not begin in 1970.
        connection.execute("UPDATE messages SET writer = '1 12.000'")
    assert store.mark_interrupted() == 1
    assert store.message("m").status == "stopped"
