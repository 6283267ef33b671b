"""The JSON of conversations: nothing is lost on the way out and back, and what cannot be read is said in a sentence."""

import base64
import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from desktop.chat.export.conversation_document import (
    DocumentConversation,
    DocumentMessage,
    decode_conversation,
    encode_document,
    is_document,
)
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import (
    ImportedAttachment,
    ImportedConversation,
    ImportedItem,
    SkippedItem,
)
from desktop.chat.importers.latchkey_reader import LatchkeyReader
from desktop.conversation import (
    AnswerRecord,
    ChatOptions,
    Conversation,
    ConversationOrigin,
    DocumentPart,
    Folder,
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
from desktop.errors import IntegrityError, NotFoundError
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.folder_store import FolderStore
from desktop.storage.whole_conversation import WholeConversation, open_snapshot

IMAGE = b"\x89PNG not really"
LIGHT = b"light"
SHA = hashlib.sha256(IMAGE).hexdigest()
SHA_OF_FUTURE = hashlib.sha256(LIGHT).hexdigest()
FUTURE = f'{{"type":"hologram","z":1.50,"text":"caf\\u00e9","sha256":"{SHA_OF_FUTURE}"}}'
EVERY_PART: tuple[MessagePart, ...] = (
    ThinkingPart("Let me think.", 1.25),
    TextPart("Look: "),
    ImagePart(SHA, "image/png", "cat.png"),
    DocumentPart("Terms", "§ 1", "application/pdf", "cd" * 32),
    ToolCallPart("1", "weather", '{"city":"Köln"}'),
    ToolResultPart("1", "weather", (TextPart("rain"), ImagePart("ef" * 32, "image/webp")), is_error=True),
    SummaryPart("Before that, greetings.", 2),
    UnknownPart("hologram", FUTURE),
    TextPart("مرحبا 你好 👩‍🚀 \x00 \u2028"),
)
ANSWER = Message(
    "a",
    "c",
    "q",
    "assistant",
    EVERY_PART,
    "stopped",
    ModelReference("llama", "Llama 3.2", "12" * 32, "llama3.2", "Built with Llama"),
    {"temperature": 0.1, "top_k": 40, "grammar": "root ::= x", "min_p": None, "top_p": 1.0},
    Timing(12, 3, 45, 0.1 + 0.2, 1 / 3, "length", 42, 4096, 1, 2, 3, 4, 5, 6, 7),
    "It stopped.",
    1764576000.1234567,
    pinned=True,
    edited=True,
    record=AnswerRecord("b1", "Be brief.", "34" * 32, "{}", "{}", 4, 2, ("CPU",), 3, True, "x", False, ("seed",)),
)
HEAD = Conversation(
    "c",
    "A title",
    "person",
    1764575999.9999999,
    1764576000.1,
    "llama",
    "Be brief.",
    "a",
    True,
    None,
    "summarize",
    "f",
    1764576001.3,
    ChatOptions(sampling={"temperature": 0.7}, thinking=True, effort="low"),
    ("blue", "Grün"),
    ConversationOrigin("Jan", "thread-7", 1764576002.7),
)
FOLDER = Folder("f", "Work", 3, "Be kind.", "llama", ChatOptions(preset="Calm"), 1764570000.7, True)


def tree(conversation: Conversation = HEAD) -> WholeConversation:
    question = Message("q", "c", None, "user", (TextPart("What?"),), created_at=1764576000.0)
    other = Message("b", "c", "q", "assistant", (TextPart("Another."),), "streaming")
    return WholeConversation(conversation, (question, ANSWER, other))


def encoded(
    conversations: Iterable[WholeConversation], folders: Iterable[Folder] = (), at: float = 1764576000.0
) -> bytes:
    files = {SHA: IMAGE, SHA_OF_FUTURE: LIGHT}
    return b"".join(encode_document(folders, conversations, files.get, exported=at, generator="Latchkey 0.1.0"))


def read(data: bytes, folder: Path) -> list[ImportedItem] | None:
    """What the program reads of a file with this content; None where it does not take it for such a document."""
    path = folder / "chats.json"
    path.write_bytes(data)
    reader = LatchkeyReader()
    with ExportFiles(path) as files:
        return list(reader.read(files)) if reader.recognizes(files) else None


def chats_in(items: list[ImportedItem] | None) -> list[WholeConversation]:
    return [
        WholeConversation(each.conversation, tuple(each.messages))
        for each in items or ()
        if isinstance(each, ImportedConversation)
    ]


def test_every_field_comes_back(tmp_path: Path) -> None:
    items = read(encoded([tree()], [FOLDER]), tmp_path) or []
    (whole,) = chats_in(items)
    assert [each for each in items if isinstance(each, Folder)] == [FOLDER]
    assert whole.conversation == HEAD
    assert whole.messages[1] == ANSWER
    # What another process is writing is exported as far as it is saved: nobody goes on with it elsewhere.
    assert [message.status for message in whole.messages] == ["complete", "stopped", "stopped"]
    # The other files are not to be had, and nothing is made up for them.
    files = {each.sha256: each.data for each in items if isinstance(each, ImportedAttachment)}
    assert files == {SHA: IMAGE, SHA_OF_FUTURE: LIGHT}


def test_no_field_of_a_conversation_is_forgotten() -> None:
    names = [set(each.__struct_fields__) for each in (DocumentConversation, DocumentMessage)]
    assert names[0] - {"messages"} == set(Conversation.__struct_fields__) - {"deleted_at"}
    assert names[1] - {"digital_source_type"} == set(Message.__struct_fields__) - {"deleted_at", "conversation_id"}


def test_the_document_is_json_that_says_what_a_model_wrote() -> None:
    found = json.loads(encoded([tree()]))
    assert (found["format"], found["version"], found["exported"]) == (
        "latchkey-conversations",
        1,
        "2025-12-01T08:00:00Z",
    )
    question, answer, _ = found["conversations"][0]["messages"]
    assert "digital_source_type" not in question
    assert answer["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")  # a person changed it
    assert answer["model"] == {
        "id": "llama",
        "name": "Llama 3.2",
        "file_sha256": "12" * 32,
        "license": "llama3.2",
        "attribution": "Built with Llama",
    }
    assert answer["parts"][7] == json.loads(FUTURE)
    assert FUTURE in encoded([tree()]).decode()  # as it is stored, to the byte
    assert base64.b64decode(found["attachments"][SHA]["data"]) == IMAGE


def test_conversations_are_asked_for_one_at_a_time() -> None:
    asked: list[int] = []

    def conversations() -> Iterator[WholeConversation]:
        for at in range(3):
            asked.append(at)
            yield tree()

    pieces = encode_document([], conversations(), lambda _: None, exported=0, generator="Latchkey")
    next(pieces)
    assert asked == []
    next(pieces)
    assert asked == [0]
    next(pieces)
    assert asked == [0, 1]
    pieces.close()  # type: ignore[attr-defined] # it is a generator


def test_conversations_come_in_their_order(tmp_path: Path) -> None:
    data = encoded([tree(), tree(msgspec.structs.replace(HEAD, title="Second"))])
    assert [each.conversation.title for each in chats_in(read(data, tmp_path))] == ["A title", "Second"]


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    later = json.loads(encoded([tree()]))
    later["mood"] = later["conversations"][0]["mood"] = later["conversations"][0]["messages"][0]["mood"] = {"deep": [1]}
    pretty = b"\xef\xbb\xbf" + json.dumps(later, indent=2).encode()  # an editor put a mark before it
    assert is_document(pretty[:300])
    assert [each.conversation for each in chats_in(read(pretty, tmp_path))] == [HEAD]


def test_a_later_format_is_refused_as_such(tmp_path: Path) -> None:
    later = b'{"format":"latchkey-conversations","version":2,"conversations":{"by":"id"}}'
    assert is_document(later)
    with pytest.raises(IntegrityError, match="newer Latchkey"):
        read(later, tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b'{"format":"latchkey-ledger","version":1}',
        b'{"format":"latchkey-conversations"}',
        b'{"format":"latchkey-conversations","version":1,"x":' + b"[" * 100_000,
        encoded([tree()])[:-20],
    ],
)
def test_what_is_no_document_is_refused_in_a_sentence(data: bytes, tmp_path: Path) -> None:
    with contextlib.suppress(IntegrityError):
        assert read(data, tmp_path) is None


def test_what_stands_in_the_place_of_conversations_is_named(tmp_path: Path) -> None:
    items = read(b'{"format":"latchkey-conversations","version":1,"conversations":7}', tmp_path)
    assert [type(each) for each in items or ()] == [SkippedItem]


@pytest.mark.parametrize(
    "conversation",
    [
        b"{}",
        b'{"id":7}',
        b'{"id":"c","messages":[{"id":"m","parent_id":"gone","role":"user","parts":[]}]}',
        b'{"id":"c","messages":[{"id":"m","parent_id":"m","role":"user","parts":[]}]}',
        b'{"id":"c","leaf_id":"gone","messages":[{"id":"m","parent_id":null,"role":"user","parts":[]}]}',
        b'{"id":"c","messages":[{"id":"m","parent_id":null,"role":"user","parts":[{"text":"no type"}]}]}',
        b'{"id":"c","title":"\xff"}',
        b'{"id":"c","messages":[{"id":"m","parent_id":null,"role":"user","parts":[{"type":"text","text":"\xff"}]}]}',
    ],
)
def test_a_damaged_conversation_does_not_take_the_others_with_it(conversation: bytes, tmp_path: Path) -> None:
    data = b'{"format":"latchkey-conversations","version":1,"conversations":[' + conversation + b',{"id":"d"}]}'
    with pytest.raises(IntegrityError):
        decode_conversation(msgspec.Raw(conversation))
    *_, sound = chats_in(read(data, tmp_path))
    assert sound.conversation == Conversation("d")


def test_out_and_into_an_empty_home_and_out_again_is_the_same(home: Path) -> None:
    first, second = Database(home / "first.db"), Database(home / "second.db")
    store = ConversationStore(first)
    FolderStore(first).create(FOLDER)
    store.add_messages(tree().messages, create=HEAD, make_leaf=False)
    later = msgspec.structs.replace(HEAD, id="d", leaf_id=None, folder_id=None, pinned=False, title="Empty")
    store.create(later)
    store.create(msgspec.structs.replace(later, id="bin", deleted_at=5.0))
    store.add_message(Message("gone", "c", "q", "assistant", (TextPart("deleted"),)), make_leaf=False)
    store.delete_branch("gone", 7.0)
    written = exported(first)
    assert b'"gone"' not in written
    assert b'"bin"' not in written

    items = read(written, home)
    other = ConversationStore(second)
    for item in items or ():
        if isinstance(item, Folder):
            FolderStore(second).create(item)
    for whole in chats_in(items):
        if whole.messages:
            other.add_messages(whole.messages, create=whole.conversation, make_leaf=False)
        else:
            other.create(whole.conversation)
    assert exported(second) == written
    first.close()
    second.close()


def exported(database: Database) -> bytes:
    with open_snapshot(database) as snapshot:
        return encoded(snapshot.conversations(snapshot.ids()), snapshot.folders())


def test_a_snapshot_does_not_see_what_happens_meanwhile(home: Path) -> None:
    database, elsewhere = Database(home / "chats.db"), Database(home / "chats.db")
    store = ConversationStore(database)
    store.add_messages(tree().messages, create=msgspec.structs.replace(HEAD, folder_id=None))
    with open_snapshot(database) as snapshot:
        ids = snapshot.ids()
        other = ConversationStore(elsewhere)
        other.delete_branch("q", 9.0)
        FolderStore(elsewhere).delete_conversations(["c"], 9.0)
        assert len(snapshot.conversation("c").messages) == 3
        assert [each.id for each in snapshot.conversation("c").branch_shown()] == ["q", "b"]
        assert ids == ["c"]
    with open_snapshot(database) as snapshot, pytest.raises(NotFoundError):
        snapshot.heads(ids)
    database.close()
    elsewhere.close()


def test_folders_of_chosen_chats_only(home: Path) -> None:
    database = Database(home / "chats.db")
    FolderStore(database).create(FOLDER)
    FolderStore(database).create(msgspec.structs.replace(FOLDER, id="g", name="Other"))
    ConversationStore(database).create(msgspec.structs.replace(HEAD, leaf_id=None))
    with open_snapshot(database) as snapshot:
        assert [folder.id for folder in snapshot.folders(["c"])] == ["f"]
        assert len(snapshot.folders()) == 2
    database.close()
