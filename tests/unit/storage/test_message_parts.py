"""Typed parts on disk: all of them come back, those of earlier versions read as before, unknown ones are kept."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from desktop.conversation import (
    Conversation,
    DocumentPart,
    ImagePart,
    Message,
    MessagePart,
    ModelReference,
    SummaryPart,
    TextPart,
    ThinkingPart,
    Timing,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.message_search import MessageSearch

DATA = Path(__file__).parents[2] / "data" / "databases"
EVERY_TYPE: tuple[MessagePart, ...] = (
    ThinkingPart("I look at it.", 1.5),
    TextPart("A "),
    ImagePart("ab" * 32, "image/png", "key.png"),
    DocumentPart("Terms", "§ 1\n\nKeys.", "application/pdf", "cd" * 32),
    ToolCallPart("call-1", "weather", '{"city": "Köln"}'),
    ToolResultPart("call-1", "weather", (TextPart("rain"), ImagePart("ef" * 32, "image/png")), is_error=True),
    TextPart("key."),
)
# What versions with text and thinking alone wrote in `text` and `parts`, and what they read there.
EARLIER_ROWS: dict[str, tuple[str, str | None, tuple[MessagePart, ...]]] = {
    "nothing": ("", None, ()),
    "text": ("A *key*.", None, (TextPart("A *key*."),)),
    "thinking alone": (
        "",
        '[{"type":"thinking","text":"hm","seconds":null}]',
        (ThinkingPart("hm"),),
    ),
    "thinking and text": (
        "one two",
        '[{"type":"thinking","text":"hm","seconds":2.5},{"type":"text","text":"one "},'
        '{"type":"thinking","text":"hm?","seconds":null},{"type":"text","text":"two"}]',
        (ThinkingPart("hm", 2.5), TextPart("one "), ThinkingPart("hm?"), TextPart("two")),
    ),
}


@pytest.fixture
def path(home: Path) -> Path:
    return home / "data" / "latchkey.db"


@pytest.fixture
def store(path: Path) -> Iterator[ConversationStore]:
    database = Database(path)
    yield ConversationStore(database)
    database.close()


def stored(store: ConversationStore, message_id: str) -> tuple[str, str | None]:
    """The columns `text` and `parts` of a message."""
    with store.database.read() as connection:
        row = connection.execute("SELECT text, parts FROM messages WHERE id = ?", (message_id,)).fetchone()
    return row[0], row[1]


def put(store: ConversationStore, text: str, parts: str | None) -> Message:
    """A message whose row holds this, read back."""
    store.create(Conversation("c"))
    store.add_message(Message("m", "c", None, "assistant", ()))
    with store.database.write() as connection:
        connection.execute("UPDATE messages SET text = ?, parts = ? WHERE id = 'm'", (text, parts))
    return store.message("m")


def test_every_type_of_part_comes_back_in_its_place(store: ConversationStore) -> None:
    store.create(Conversation("c"))
    message = Message("m", "c", None, "assistant", EVERY_TYPE)
    store.add_message(message)
    assert store.message("m") == message
    assert stored(store, "m")[0] == store.message("m").text == "A \n\nkey."


def test_search_reads_the_visible_text_alone(store: ConversationStore) -> None:
    store.create(Conversation("c"))
    store.add_message(Message("m", "c", None, "assistant", EVERY_TYPE))
    assert [hit.message_id for hit in MessageSearch(store.database).search("key")] == ["m"]
    for word in ("weather", "rain", "Terms", "look"):
        assert MessageSearch(store.database).search(word) == []


def test_lone_surrogates_of_any_part_become_replacement_characters(store: ConversationStore) -> None:
    store.create(Conversation("c"))
    half = "a\ud800b"
    parts: tuple[MessagePart, ...] = (
        ImagePart("ab" * 32, "image/png", half),
        DocumentPart(half, half),
        ToolCallPart(half, half, half),
        ToolResultPart(half, half, (TextPart(half),)),
    )
    store.add_message(Message("m", "c", None, "assistant", parts))
    whole = "a\ufffdb"
    assert store.message("m").parts == (
        ImagePart("ab" * 32, "image/png", whole),
        DocumentPart(whole, whole),
        ToolCallPart(whole, whole, whole),
        ToolResultPart(whole, whole, (TextPart(whole),)),
    )


@pytest.mark.parametrize("name", EARLIER_ROWS)
def test_rows_of_earlier_versions_read_and_are_written_as_before(store: ConversationStore, name: str) -> None:
    text, parts, read = EARLIER_ROWS[name]
    message = put(store, text, parts)
    assert message.parts == read
    store.save_message(message)
    assert stored(store, "m") == (text, parts)


def test_a_database_of_the_first_version_reads_to_the_letter(path: Path) -> None:
    """The file was written by the first version, which knew text and thinking; so are the values here read by it."""
    path.parent.mkdir(parents=True)
    path.write_bytes((DATA / "version-1.db").read_bytes())
    database = Database(path)
    store = ConversationStore(database)
    chat, question, answer = (
        "0b7c5b8e5f1e4b0c9d2a6f4e3c1b0a99",
        "6f1c0d52a3a34f0e9a0d7f3b8a1e2c01",
        "6f1c0d52a3a34f0e9a0d7f3b8a1e2c02",
    )
    whole = [
        Message(question, chat, None, "user", (TextPart("Was ist ein Schlüssel?"),), created_at=1700000000.0),
        Message(
            answer,
            chat,
            question,
            "assistant",
            (ThinkingPart("They ask in German.", 0.5), TextPart("A key.\n\n```py\nprint('key')\n```")),
            model=ModelReference("latchkey-guide", "Latchkey Guide", "ab" * 32),
            sampling={"temperature": 0.0},
            timing=Timing(12, 0, 9, 0.1, 50.0, "end", 7, 4096, 0),
            created_at=1700000001.0,
        ),
    ]
    assert store.branch(chat) == whole
    before = stored(store, answer)
    store.save_message(whole[1])
    assert stored(store, answer) == before
    assert store.branch(chat) == whole
    database.close()


def test_parts_of_a_newer_version_are_kept_unharmed_when_the_message_is_rewritten(store: ConversationStore) -> None:
    audio = '{"type":"audio","sha256":"ab","of":[1, 2.50,{"x":null}],"text":"\\u00e9"}'
    nested = '{"type":"quote","parts":[{"type":"text","text":"inner"}]}'
    parts = f'[{audio},{{"type":"text","text":"seen"}},{nested}]'
    message = put(store, "seen", parts)
    assert message.parts == (UnknownPart("audio", audio), TextPart("seen"), UnknownPart("quote", nested))
    assert (message.text, message.thinking) == ("seen", "")
    store.save_message(msgspec.structs.replace(message, status="stopped", error="It broke."))
    assert stored(store, "m") == ("seen", parts)
    assert store.message("m").parts == message.parts
    with store.database.read() as connection:
        assert connection.execute("SELECT json_extract(parts, '$[0].of[1]') FROM messages").fetchone() == (2.5,)


def test_a_result_of_a_tool_with_content_of_a_newer_version_is_kept_too(store: ConversationStore) -> None:
    content = '[{"type":"audio","sha256":"ab"},{"type":"document","title":"a","text":"b"}]'
    result = f'{{"type":"tool-result","call_id":"1","name":"t","content":{content},"is_error":false}}'
    message = put(store, "", f"[{result}]")
    assert message.parts == (UnknownPart("tool-result", result),)
    store.save_message(message)
    assert stored(store, "m") == ("", f"[{result}]")


def test_a_summary_needs_no_step_of_the_schema(store: ConversationStore) -> None:
    """It is a part like any; whoever does not know it keeps it unharmed."""
    summary = SummaryPart("They spoke of keys.", 4)
    message = Message("m", "c", None, "assistant", (summary, TextPart("Yes.")))
    store.add_messages((message,), create=Conversation("c"))
    assert store.message("m") == message
    assert stored(store, "m")[0] == "Yes.", "search reads what was said"


def test_what_is_pinned_and_chosen_came_with_version_two(path: Path) -> None:
    path.parent.mkdir(parents=True)
    for version, pinned, chosen in ((1, False, None), (2, True, "summarize")):
        path.write_bytes((DATA / f"version-{version}.db").read_bytes())
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        database = Database(path)
        store = ConversationStore(database)
        (conversation,) = store.conversations()
        question, answer = store.branch(conversation.id)
        assert (question.pinned, answer.pinned) == (pinned, False)
        assert conversation.context_full == chosen
        assert store.pin_message(answer.id, True).pinned
        store.save_message(answer)
        assert store.message(answer.id).pinned, "what is saved of an answer leaves the pin alone"
        database.close()
