"""Search as a person types it: words they begin, any script, and nothing that acts as an operator."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from desktop.conversation import Conversation, Message, TextPart, ThinkingPart
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database


@pytest.fixture
def store(home: Path) -> Iterator[ConversationStore]:
    database = Database(home / "data" / "latchkey.db")
    yield ConversationStore(database)
    database.close()


def keep(store: ConversationStore, name: str, *texts: str, title: str = "") -> None:
    parent = None
    messages = []
    for count, text in enumerate(texts):
        messages.append(Message(f"{name}-{count}", name, parent, "user", (TextPart(text),), created_at=1.0))
        parent = messages[-1].id
    store.create(Conversation(name, title, updated_at=1.0))
    if messages:
        store.add_messages(messages)


def found(store: ConversationStore, query: str) -> list[str]:
    """The conversations that both ways of searching find; a title alone is found by the list only."""
    listed = sorted(conversation.id for conversation in store.conversations(query))
    assert {hit.conversation_id for hit in store.search(query)} <= set(listed)
    return listed


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The quick brown fox", "quick"),
        ("The quick brown fox", "QUI"),
        ("The quick brown fox", "fox quick"),
        ("Straße nach Überlingen", "überl"),
        ("résumé of a naïve café", "resume naive cafe"),
        ("resume", "Résumé"),
        ("Привет, мир", "при"),
        ("שלום עולם", "עולם"),
        ("مرحبا بالعالم", "مرحبا"),
        ("한국어를 배웁니다", "한국어"),
        ("東京都へ行きました", "京都"),
        ("今天天气很好", "天气"),
        ("สวัสดีชาวโลก", "ชาวโลก"),
        ("in 東京 tomorrow", "tomorrow 東京"),
        ("party 🎉 tonight", "🎉"),
        ("100 % sure_thing", "%"),
        ("100 % sure_thing", "sure_thing"),
        ("I write C++ daily", "C++"),
        ("don't panic", "don't"),
        ("see foo-bar.baz(qux)", "foo-bar.baz"),
        ("a\x00hidden word", "hidden"),
        ("x" * 100_000 + " needle", "needle"),
    ],
)
def test_a_message_is_found_by_the_words_it_holds(store: ConversationStore, text: str, query: str) -> None:
    keep(store, "right", text)
    keep(store, "wrong", "nothing of the kind")
    assert found(store, query) == ["right"]
    assert [hit.conversation_id for hit in store.search(query)] == ["right"]


@pytest.mark.parametrize(
    "query",
    [
        *("AND", "a OR b", "NOT x", "NEAR(a b)", '"', '""', '"unclosed', "title:x", "a*", "*", "^a", "(", ")", "a + b"),
        *("{a b}: c", "-x", "'; DROP TABLE messages", "\\", "\x00", "a\x00b", "\ud800", "%", "_", "~", "\u00ad"),
        *("😀" * 600, "word " * 400),
    ],
)
def test_nothing_typed_is_an_operator_or_an_error(store: ConversationStore, query: str) -> None:
    keep(store, "c", "an ordinary message")
    found(store, query)
    assert found(store, "ordinary") == ["c"]


def test_operators_are_words_like_any_other(store: ConversationStore) -> None:
    keep(store, "both", "salt AND pepper")
    keep(store, "one", "salt")
    assert found(store, "salt AND pepper") == ["both"]
    assert found(store, "salt OR pepper") == []
    assert found(store, "NOT salt") == []


def test_a_search_mark_is_no_wildcard(store: ConversationStore) -> None:
    keep(store, "c", "plain words")
    assert found(store, "%") == found(store, "_") == found(store, "*") == []


def test_all_words_have_to_be_in_one_message_or_in_the_title(store: ConversationStore) -> None:
    keep(store, "apart", "first half", "second part")
    keep(store, "together", "first and second")
    keep(store, "titled", title="First things second")
    assert found(store, "first second") == ["titled", "together"]


def test_blank_queries_list_everything(store: ConversationStore) -> None:
    keep(store, "c", "text")
    assert found(store, "") == found(store, "  ") == ["c"]
    assert store.search("  ") == []


def test_the_index_follows_titles_and_answers(store: ConversationStore) -> None:
    keep(store, "c", "question", title="Alpha")
    store.rename("c", "Beta")
    assert found(store, "alpha") == []
    assert found(store, "beta") == ["c"]
    draft = Message("a", "c", "c-0", "assistant", (), "streaming")
    store.add_message(draft)
    store.save_message(msgspec.structs.replace(draft, parts=(TextPart("growing"),)))
    store.save_message(msgspec.structs.replace(draft, parts=(TextPart("growing grown"),), status="complete"))
    assert [hit.message_id for hit in store.search("grown")] == ["a"]
    store.save_message(msgspec.structs.replace(draft, parts=(TextPart("different"),), status="complete"))
    assert found(store, "grown") == []
    assert found(store, "different") == ["c"]
    with store.database.write() as connection:  # SQLite's own comparison of index and text
        connection.execute("INSERT INTO message_words (message_words, rank) VALUES ('integrity-check', 1)")
        connection.execute("INSERT INTO title_words (title_words, rank) VALUES ('integrity-check', 1)")


def test_thinking_is_not_searched(store: ConversationStore) -> None:
    keep(store, "c", "question")
    store.add_message(Message("a", "c", "c-0", "assistant", (ThinkingPart("secretly"), TextPart("openly"))))
    assert found(store, "secretly") == []
    assert found(store, "openly") == ["c"]


def test_hits_come_newest_first_with_the_text_around_them(store: ConversationStore) -> None:
    keep(store, "c", "old needle", "filler " * 200 + "the needle\nlies here " + "filler " * 200, title="Hay")
    hits = store.search("needle")
    assert [hit.message_id for hit in hits] == ["c-1", "c-0"]
    assert "needle lies here" in hits[0].excerpt
    assert len(hits[0].excerpt) < 200
    assert (hits[0].title, hits[0].role) == ("Hay", "user")
    assert [hit.message_id for hit in store.search("needle", limit=1)] == ["c-1"]
    keep(store, "d", "字" * 500 + "東京" + "字" * 500)
    assert "東京" in store.search("東京")[0].excerpt
    assert len(store.search("東京")[0].excerpt) < 200
