"""Search as a person types it: words they begin, any script, and nothing that acts as an operator."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from desktop.conversation import Conversation, Message, ModelReference, TextPart, ThinkingPart
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.folder_store import FolderStore
from desktop.storage.message_search import FilterChoices, MessageSearch, SearchFilter
from desktop.storage.migration import MIGRATIONS


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
    assert {hit.conversation_id for hit in MessageSearch(store.database).search(query)} <= set(listed)
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
        ("使用Python编程", "python"),
        ("使用Python编程", "python 编程"),
        ("ใช้ Python เขียนโปรแกรม", "โปรแกรม"),
        ("東", "東"),
        ("a decomposed cafe\u0301", "café"),
        ("if (a <= b) { return; }", "<="),
    ],
)
def test_a_message_is_found_by_the_words_it_holds(store: ConversationStore, text: str, query: str) -> None:
    keep(store, "right", text)
    keep(store, "wrong", "nothing of the kind")
    assert found(store, query) == ["right"]
    assert [hit.conversation_id for hit in MessageSearch(store.database).search(query)] == ["right"]


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
    assert MessageSearch(store.database).search("  ") == []


def test_the_index_follows_titles_and_answers(store: ConversationStore) -> None:
    keep(store, "c", "question", title="Alpha")
    store.rename("c", "Beta")
    assert found(store, "alpha") == []
    assert found(store, "beta") == ["c"]
    draft = Message("a", "c", "c-0", "assistant", (), "streaming")
    store.add_message(draft)
    store.save_message(msgspec.structs.replace(draft, parts=(TextPart("growing"),)))
    store.save_message(msgspec.structs.replace(draft, parts=(TextPart("growing grown"),), status="complete"))
    assert [hit.message_id for hit in MessageSearch(store.database).search("grown")] == ["a"]
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
    hits = MessageSearch(store.database).search("needle")
    assert [hit.message_id for hit in hits] == ["c-1", "c-0"]
    assert "needle lies here" in hits[0].snippet
    assert len(hits[0].snippet) < 200
    assert (hits[0].title, hits[0].role) == ("Hay", "user")
    assert [hit.message_id for hit in MessageSearch(store.database).search("needle", limit=1)] == ["c-1"]
    keep(store, "d", "字" * 500 + "東京" + "字" * 500)
    assert "東京" in MessageSearch(store.database).search("東京")[0].snippet
    assert len(MessageSearch(store.database).search("東京")[0].snippet) < 200


EVERYTHING = SearchFilter()


def place(store: ConversationStore, *places: tuple[str, str, str, str]) -> None:
    """Messages as (conversation, id, parent, text), each in a conversation that is made where it is not there yet."""
    for chat, name, parent, text in places:
        if store.find_conversation(chat) is None:
            store.create(Conversation(chat, chat.title()))
        store.add_message(Message(name, chat, parent or None, "user", (TextPart(text),), created_at=1.0))


def ids(store: ConversationStore, query: str, narrowed: SearchFilter = EVERYTHING) -> list[str]:
    return [hit.message_id for hit in MessageSearch(store.database).search(query, narrowed)]


@pytest.mark.parametrize("query", ["needle", "針", "🎉"])
def test_what_was_deleted_is_not_found_and_what_is_archived_is(store: ConversationStore, query: str) -> None:
    text = f"a {query} in hay 針灸"
    place(store, ("kept", "root", "", text), ("kept", "branch", "root", text), ("kept", "under", "branch", text))
    place(store, ("kept", "deeper", "under", text), ("gone", "lost", "", text), ("old", "stored", "", text))
    FolderStore(store.database).delete_conversations(["gone"], 5.0)
    with store.database.write() as connection:
        connection.execute("UPDATE messages SET deleted_at = 5 WHERE id = 'branch'")
        connection.execute("UPDATE conversations SET archived_at = 5 WHERE id = 'old'")
    assert ids(store, query) == ["stored", "root"]
    assert [hit.archived for hit in MessageSearch(store.database).search(query)] == [True, False]
    assert sorted(each.id for each in store.conversations(query)) == ["kept", "old"]
    with store.database.write() as connection:
        connection.execute("UPDATE messages SET deleted_at = 5 WHERE id = 'root'")
    assert [each.id for each in store.conversations(query)] == ["old"]


def test_a_search_is_narrowed(store: ConversationStore) -> None:
    for number, (chat, model) in enumerate([("one", "small"), ("two", "large"), ("three", "small")]):
        store.create(Conversation(chat))
        question = Message(f"q-{chat}", chat, None, "user", (TextPart("the word"),), created_at=10.0 * number)
        answer = Message(
            f"a-{chat}", chat, question.id, "assistant", (TextPart("a word"),), created_at=10.0 * number + 1
        )
        store.add_messages((question, msgspec.structs.replace(answer, model=ModelReference(model, model.title()))))
    with store.database.write() as connection:
        connection.execute("INSERT INTO folders VALUES (1, 'f', 'Work', 0, '', NULL, NULL, 0, 0)")
        connection.execute("UPDATE conversations SET folder_id = 'f' WHERE id = 'two'")
        connection.execute("INSERT INTO tags VALUES ('three', 'later')")
    everything = ["a-three", "q-three", "a-two", "q-two", "a-one", "q-one"]
    assert ids(store, "word") == everything
    assert ids(store, "word", SearchFilter(model="small")) == ["a-three", "q-three", "a-one", "q-one"]
    assert ids(store, "word", SearchFilter(model="none")) == []
    assert ids(store, "word", SearchFilter(since=10.0, until=20.0)) == ["a-two", "q-two"]
    assert ids(store, "word", SearchFilter(since=11.0)) == ["a-three", "q-three", "a-two"]
    assert ids(store, "word", SearchFilter(until=1.0)) == ["q-one"]
    assert ids(store, "word", SearchFilter(since=99.0)) == []
    assert ids(store, "word", SearchFilter(folder_id="f")) == ["a-two", "q-two"]
    assert ids(store, "word", SearchFilter(tag="later", role="user")) == ["q-three"]
    assert MessageSearch(store.database).choices() == FilterChoices(
        (("large", "Large"), ("small", "Small")), (("f", "Work"),), ("later",)
    )


def test_a_model_that_did_not_answer_here_is_not_found_by_another_ones_answer(store: ConversationStore) -> None:
    place(store, ("c", "q", "", "question"))
    for model in ("small", "large"):
        answer = Message(model, "c", "q", "assistant", (TextPart("an answer"),), model=ModelReference(model, model))
        store.add_message(answer)
    assert ids(store, "answer", SearchFilter(model="small")) == ["small"]


def test_times_count_though_a_clock_was_set_back(store: ConversationStore) -> None:
    store.create(Conversation("c"))
    for name, at in (("new", 100.0), ("old", 1.0), ("newer", 200.0)):
        store.add_message(Message(name, "c", None, "user", (TextPart("word"),), created_at=at))
    assert ids(store, "word", SearchFilter(since=50.0)) == ["newer", "new"]
    assert ids(store, "word", SearchFilter(until=50.0)) == ["old"]


def test_a_search_goes_on_where_it_ended(store: ConversationStore) -> None:
    keep(store, "c", *(f"word number {count}" for count in range(25)))
    search, seen, before = MessageSearch(store.database), list[str](), None
    while hits := search.search("word", limit=10, before=before):
        seen += [hit.message_id for hit in hits]
        before = hits[-1].number
    assert seen == [f"c-{count}" for count in reversed(range(25))]


def test_a_search_ends_where_nobody_waits_for_it(store: ConversationStore) -> None:
    keep(store, "c", *("many words that are looked at " * 50 for _ in range(500)))
    assert MessageSearch(store.database).search("🎉", cancelled=lambda: True) == []
    assert MessageSearch(store.database).search("words", cancelled=lambda: False)
    with store.database.read() as connection:  # and nothing of that is left in the connection
        assert connection.execute("SELECT count(*) FROM messages WHERE text LIKE '%words%'").fetchone() == (500,)


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("Salt and pepper, and more salt", "salt pepper", ["Salt", "pepper", "salt"]),
        ("a naïve résumé", "resume NAIVE", ["naïve", "résumé"]),
        ("decomposed cafe\u0301s here", "café", ["cafe\u0301"]),
        ("the unsalted salt", "salt", ["salt"]),
        ("in 東京 and 京都", "東京", ["東京"]),
        ("使用Python编程", "python", ["Python"]),
        ("see foo-bar.baz", "foo-bar", ["foo-bar"]),
        ("I write C++ and c", "C++", ["C++"]),
        ("😀 party 🎉", "🎉", ["🎉"]),
    ],
)
def test_snippets_mark_what_was_sought(store: ConversationStore, text: str, query: str, marked: list[str]) -> None:
    keep(store, "c", "filler words " * 200 + text + " and words that fill" * 200)
    (hit,) = MessageSearch(store.database).search(query)
    assert [hit.snippet[first:last] for first, last in hit.marks] == marked


def test_a_match_deep_in_a_long_message_is_shown(store: ConversationStore) -> None:
    keep(store, "c", "word\n" * 60_000 + "the needle\n\nlies here" + " more" * 60_000)
    (hit,) = MessageSearch(store.database).search("needle")
    assert "the needle lies here" in hit.snippet
    assert len(hit.snippet) < 250


def test_titles_are_found_by_what_stands_anywhere_in_them(store: ConversationStore) -> None:
    keep(store, "c", "text", title="Notes on databases")
    keep(store, "d", "text", title="东京旅行")
    search = MessageSearch(store.database)
    assert [hit.conversation_id for hit in search.titles("base")] == ["c"]
    assert [(hit.title[first:last]) for hit in search.titles("notes") for first, last in hit.marks] == ["Notes"]
    assert [hit.conversation_id for hit in search.titles("旅行")] == ["d"]
    FolderStore(store.database).delete_conversations(["c"], 1.0)
    assert search.titles("base") == []


def test_symbols_tell_words_apart(store: ConversationStore) -> None:
    keep(store, "right", "I write C++ daily")
    keep(store, "wrong", "cats and c")
    assert found(store, "C++") == ["right"]


def test_all_indexes_agree_with_the_text_after_any_change(store: ConversationStore) -> None:
    keep(store, "c", "東京 first", "second")
    for text in ("京都 and more", "plain", "🎉 party", "+ and 🎉", "再び東京"):
        store.save_message(Message("c-1", "c", "c-0", "user", (TextPart(text),)))
        assert ids(store, text.split()[0]) == ["c-1"]
    assert ids(store, "京都") == ids(store, "🎉") == ids(store, "+") == []
    draft = Message("a", "c", "c-1", "assistant", (TextPart("書きかけ 🚀"),), "streaming")
    store.add_message(draft)
    assert ids(store, "書きかけ") == ids(store, "🚀") == []
    store.save_message(msgspec.structs.replace(draft, status="complete"))
    assert ids(store, "書きかけ") == ids(store, "🚀") == ["a"]
    FolderStore(store.database).delete_conversations(["c"], 1.0)
    store.purge(2.0)
    with store.database.read() as connection:
        left = connection.execute("SELECT count(*) FROM message_bigrams WHERE message_bigrams MATCH '東*'")
        assert left.fetchone() == (0,)
        left = connection.execute("SELECT count(*) FROM message_signs WHERE message_signs MATCH '1f680 OR 1f389'")
        assert left.fetchone() == (0,)


def test_a_sign_is_found_in_what_an_earlier_version_wrote(home: Path) -> None:
    path = home / "data" / "earlier.db"
    with closing(Database(path, migrations=MIGRATIONS[:4])) as earlier:
        keep(ConversationStore(earlier), "c", "party 🎉", "C++ and €", "none", "±")
    with closing(Database(path)) as database:
        search = MessageSearch(database)
        found = {sign: [hit.message_id for hit in search.search(sign)] for sign in ("🎉", "C++", "c €", "±", "…")}
    assert found == {"🎉": ["c-0"], "C++": ["c-1"], "c €": ["c-1"], "±": ["c-3"], "…": []}


def test_no_letter_of_any_script_makes_a_query_that_fails(store: ConversationStore) -> None:
    keep(store, "c", "word")
    search = MessageSearch(store.database)
    codes = (*range(0x80, 0x3000), *range(0x3000, 0x20000, 7))  # further on, neighbours are alike
    letters = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    for at in range(0, len(letters), 60):
        search.search(" ".join(f"a{letter}b" for letter in letters[at : at + 60]))
