"""What an import stores: each conversation whole, none twice, and nothing that does not fit."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from desktop.chat.export.conversation_document import encode_document
from desktop.chat.importers.all_readers import all_readers
from desktop.chat.importers.conversation_importer import MOST_SKIPPED, ChatImportResult, ConversationImporter
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.import_bounds import LONGEST_TEXT, real_time
from desktop.chat.importers.imported_conversation import (
    ImportedAttachment,
    ImportedConversation,
    ImportedItem,
    SkippedItem,
)
from desktop.chat.importers.inline_image import image_from_bytes
from desktop.conversation import (
    AnswerRecord,
    ChatOptions,
    Conversation,
    ConversationOrigin,
    DocumentPart,
    Folder,
    Message,
    MessagePart,
    ModelReference,
    TextPart,
    ThinkingPart,
    UnknownPart,
)
from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.folder_store import FolderStore
from desktop.storage.message_search import MessageSearch
from desktop.storage.whole_conversation import open_snapshot

NOW = 1_790_000_000.0
PNG = b"\x89PNG\r\n\x1a\n one pixel"


class Place:
    """A home with conversations and attachments, and an importer into it."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "latchkey.db")
        self.attachments = AttachmentStore(folder / "attachments")
        self.store = ConversationStore(self.database)

    def take(self, *items: ImportedItem, app: str = "Other") -> ChatImportResult:
        return self.run(GivenReader(items, app), __file__)

    def run(self, reader: object, path: str | Path, **options: object) -> ChatImportResult:
        importer = ConversationImporter(self.database, self.attachments, [reader], lambda: NOW)  # type: ignore[list-item]
        return importer.run(Path(path), **options)  # type: ignore[arg-type]

    def load(self, path: Path) -> ChatImportResult:
        return ConversationImporter(self.database, self.attachments, all_readers(), lambda: NOW).run(path)

    def export(self, path: Path) -> Path:
        with open_snapshot(self.database) as snapshot:
            pieces = encode_document(
                snapshot.folders(),
                snapshot.conversations(snapshot.ids()),
                lambda sha256: self.attachments.read(sha256) if self.attachments.contains(sha256) else None,
                exported=NOW,
                generator="Latchkey",
            )
            path.write_bytes(b"".join(pieces))
        return path


class GivenReader:
    """Gives what it was made with, of any file."""

    def __init__(self, items: Sequence[ImportedItem], app: str = "Other") -> None:
        self.app = app
        self._items = items

    def recognizes(self, files: ExportFiles) -> bool:
        return True

    def read(self, files: ExportFiles) -> Iterator[ImportedItem]:
        yield from self._items


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "here")
    yield made
    made.database.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "there")
    yield made
    made.database.close()


def message(name: str, parent: str | None, *parts: MessagePart | str, at: float = 5.0, chat: str = "c") -> Message:
    given = tuple(TextPart(each) if isinstance(each, str) else each for each in parts)
    role = "user" if name.startswith("u") else "assistant"
    return Message(name, chat, parent, role, given, created_at=at)  # type: ignore[arg-type]


def chat(*messages: Message, name: str = "c", leaf: str | None = None, title: str = "Title") -> ImportedConversation:
    return ImportedConversation(Conversation(name, title, leaf_id=leaf), messages, source_id=f"there-{name}")


def texts(place: Place, name: str = "c", leaf: str | None = None) -> list[str]:
    return [each.text for each in place.store.branch(name, leaf)]


# --- whole, and never twice ------------------------------------------------------------------------------------------


def test_a_conversation_comes_with_all_its_branches_and_where_it_came_from(place: Place) -> None:
    tree = (message("u1", None, "ask"), message("a1", "u1", "one"), message("a2", "u1", "two"))
    result = place.take(chat(*tree, leaf="a1"), app="ChatGPT")
    assert (result.conversations, result.messages, result.known, result.ids) == (1, 3, 0, ("c",))
    assert texts(place) == ["ask", "one"]
    assert place.store.siblings("a1") == ["a1", "a2"]
    head = place.store.conversation("c")
    assert head.origin == ConversationOrigin("ChatGPT", "there-c", NOW)
    assert (head.title, head.title_by, head.updated_at) == ("Title", "person", 5.0)
    assert [each.message_id for each in MessageSearch(place.database).search("two")] == ["a2"]


def test_what_is_here_is_not_taken_twice_and_what_went_on_gets_what_it_lacks(place: Place) -> None:
    first = (message("u1", None, "ask"), message("a1", "u1", "one"))
    place.take(chat(*first))
    place.store.rename("c", "My own title")
    assert place.take(chat(*first)) == ChatImportResult(0, 0, known=1, app="Other")
    longer = (*first, message("u2", "a1", "more", at=9.0), message("a2", "u2", "yes", at=10.0))
    result = place.take(chat(*longer))
    assert (result.conversations, result.messages, result.added, result.known) == (0, 2, 2, 1)
    assert texts(place) == ["ask", "one", "more", "yes"]
    head = place.store.conversation("c")
    assert (head.title, head.updated_at) == ("My own title", 10.0)


def test_what_goes_on_elsewhere_does_not_change_what_is_shown(place: Place) -> None:
    first = (message("u1", None, "ask"), message("a1", "u1", "one"))
    place.take(chat(*first))
    place.store.add_message(Message("mine", "c", "a1", "user", (TextPart("my own"),)))
    place.take(chat(*first, message("u2", "a1", "other"), message("a2", "u2", "yes")))
    assert texts(place) == ["ask", "one", "my own"]
    assert texts(place, leaf="a2") == ["ask", "one", "other", "yes"]


def test_what_lies_in_the_bin_stays_there_and_is_named(place: Place) -> None:
    place.take(chat(message("u1", None, "ask")))
    FolderStore(place.database).delete_conversations(["c"], 7.0)
    result = place.take(chat(message("u1", None, "ask"), message("a1", "u1", "one")))
    assert (result.conversations, result.messages) == (0, 0)
    assert [each.what for each in result.skipped] == ["Title"]
    assert "bin" in result.skipped[0].why
    assert place.store.conversation("c").deleted_at == 7.0


def test_a_branch_that_was_deleted_here_does_not_come_back(place: Place) -> None:
    tree = (message("u1", None, "ask"), message("a1", "u1", "one"), message("a2", "u1", "two"))
    place.take(chat(*tree, leaf="a2"))
    place.store.delete_branch("a1", 7.0)
    result = place.take(chat(*tree, message("u2", "a1", "more"), message("a3", "u2", "yes"), message("u4", "a2", "go")))
    assert result.messages == 1
    assert [each.why for each in result.skipped] == ["2 messages go on from one that was deleted here."]
    assert place.store.children("u1") == ["a2"]


def test_messages_that_two_conversations_share_are_in_both(place: Place) -> None:
    """Programs copy ids where a chat is branched into another one."""
    tree = (message("u1", None, "ask"), message("a1", "u1", "one"))
    both = (chat(*tree), chat(*tree, message("u2", "a1", "more"), name="d", leaf="u2"))
    assert place.take(*both).messages == 5
    assert (texts(place, "c"), texts(place, "d")) == (["ask", "one"], ["ask", "one", "more"])
    assert place.take(*both).messages == 0


def test_an_import_that_fails_keeps_what_came_before_and_nothing_of_the_rest(place: Place) -> None:
    class Failing(GivenReader):
        def read(self, files: ExportFiles) -> Iterator[ImportedItem]:
            yield chat(message("u1", None, "ask"))
            raise IntegrityError("It is damaged.")

    result = place.run(Failing(()), __file__)
    assert (result.conversations, str(result.error)) == (1, "It is damaged.")
    assert place.store.ids() == ["c"]
    assert place.database.check() == []


def test_a_conversation_whose_image_cannot_be_written_is_not_there_at_all(place: Place) -> None:
    place.attachments.folder.parent.mkdir(parents=True, exist_ok=True)
    place.attachments.folder.write_text("a file in its place")
    found = image_from_bytes(PNG)
    assert found is not None
    pictured = ImportedConversation(Conversation("c"), (message("u1", None, "look", found[0]),), (found[1],))
    result = place.take(pictured)
    assert isinstance(result.error, ResourceError)
    assert place.store.ids() == []


def test_a_disk_that_fills_up_keeps_what_was_stored_and_says_so(place: Place) -> None:
    text = "x" * 300_000  # more than two of these are stored together
    items = [chat(message(f"u{n}", None, text, chat=f"c{n}"), name=f"c{n}", leaf=f"u{n}") for n in range(9)]
    place.take(items[0])
    with place.database.write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 500}")
    result = place.take(*items)
    assert isinstance(result.error, ResourceError)
    assert "full" in result.error.title
    assert 0 < result.conversations < 8
    assert len(place.store.ids()) == result.conversations + 1
    assert all(len(texts(place, name)[0]) == len(text) for name in place.store.ids())
    assert place.database.check() == []


def test_an_import_ends_between_two_conversations(place: Place) -> None:
    told: list[int] = []
    items = [chat(message(f"u{n}", None, "ask", chat=f"c{n}"), name=f"c{n}") for n in range(5)]
    result = place.run(
        GivenReader(items),
        __file__,
        progress=lambda so_far: told.append(so_far.conversations),
        stopped=lambda: len(told) == 2,
    )
    assert (result.stopped, result.conversations, result.error) == (True, 2, None)
    assert sorted(place.store.ids()) == ["c0", "c1"]
    assert told == [1, 2]


# --- Latchkey's own files --------------------------------------------------------------------------------------------


@pytest.fixture
def full(place: Place) -> Place:
    """One of everything that an export carries."""
    image = place.attachments.add(PNG)
    file = place.attachments.add(b"%PDF")
    unknown = place.attachments.add(b"hologram")
    folders = FolderStore(place.database)
    for name in ("f", "g", "h"):
        folders.create(Folder(name, "Same name" if name != "h" else "Other", created_at=3.0))
    folders.place("g", 0)
    folders.delete("h")
    options = ChatOptions(preset="Precise", sampling={"temperature": 0.2})
    head = Conversation(
        "c",
        "T\u2028",
        "person",
        1.5,
        2.25,
        "model",
        "Prompt 🔑",
        None,
        True,
        None,
        "summarize",
        "f",
        9.0,
        options,
        ("a", "ä"),
    )
    found = image_from_bytes(PNG, "cat.png")
    assert found is not None
    assert found[0].sha256 == image
    record = AnswerRecord("build", "Prompt 🔑", "ab" * 32, '{"seed":1}', "{}")
    answer = Message(
        "a1", "c", "u1", "assistant", (ThinkingPart("Hm", 0.5), TextPart("مرحبا \x00")), "stopped",
        ModelReference("m", "Model", "cd" * 32), {"seed": 3}, None, "Stopped.", 2.0, True, True, record,
    )  # fmt: skip
    future = UnknownPart(
        "hologram", f'{{"type":"hologram","z":1.50,"t":"caf\\u00e9 \\ud83d\\ude00","sha256":"{unknown}"}}'
    )
    place.store.create(head)
    place.store.add_messages(
        [
            message("u1", None, "look", found[0], DocumentPart("Terms", "§ 1", "application/pdf", file)),
            answer,
            message("a2", "u1", future),
        ]
    )
    place.store.set_leaf("c", "a1")
    place.store.create(Conversation("empty", origin=ConversationOrigin("Jan", "t", 4.0)))
    return place


def test_what_latchkey_exported_comes_in_and_goes_out_the_same(full: Place, other: Place, tmp_path: Path) -> None:
    first = full.export(tmp_path / "one.json")
    result = other.load(first)
    assert (result.conversations, result.messages, result.archived, result.skipped, result.error) == (2, 3, 1, (), None)
    assert other.export(tmp_path / "two.json").read_bytes() == first.read_bytes()
    assert sorted(other.attachments.ids()) == sorted(full.attachments.ids())
    folders = [other.attachments.folder, *other.attachments.folder.iterdir(), other.database.path.parent]
    assert [each.name for each in folders if each.name.startswith(".")] == []
    assert os.name == "nt" or {stat.S_IMODE(each.stat().st_mode) for each in folders} == {0o700}
    again = other.load(first)
    assert (again.conversations, again.messages, again.known, again.skipped) == (0, 0, 2, ())
    assert other.export(tmp_path / "three.json").read_bytes() == first.read_bytes()


def test_a_file_chooses_no_tools_but_those_that_come_with_latchkey(place: Place, tmp_path: Path) -> None:
    options = {"tools": ["files", "built-in"]}
    said: dict[str, object] = {"id": "m", "parent_id": None, "role": "user", "parts": []}
    document = {
        "format": "latchkey-conversations",
        "version": 1,
        "folders": [{"id": "f", "name": "Work", "options": options}],
        "conversations": [{"id": "c", "folder_id": "f", "options": options, "messages": [said]}],
    }
    path = tmp_path / "own.json"
    path.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    result = place.load(path)
    assert place.store.conversation("c").options.tools == ("built-in",)
    assert [each.options.tools for each in FolderStore(place.database).folders()] == [("built-in",)]
    assert "tool servers" in " ".join(each.why for each in result.skipped)


@pytest.mark.parametrize("future", [2.5e11, 1e300, NOW + 40 * 86_400])
def test_times_in_the_future_of_an_own_file_are_now(future: float, place: Place, tmp_path: Path) -> None:
    head = {"id": "c", "created_at": future, "updated_at": future, "archived_at": future}
    said: dict[str, object] = {"id": "m", "parent_id": None, "role": "user", "parts": [], "created_at": future}
    document = {"format": "latchkey-conversations", "version": 1, "conversations": [{**head, "messages": [said]}]}
    path = tmp_path / "future.json"
    path.write_text(json.dumps(document, separators=(",", ":")))
    assert place.load(path).conversations == 1
    found = place.store.conversation("c")
    assert (found.created_at, found.updated_at, found.archived_at) == (NOW, NOW, NOW)
    assert place.store.message("m").created_at == NOW


def test_a_folder_of_the_same_name_that_was_here_takes_its_conversations(
    full: Place, other: Place, tmp_path: Path
) -> None:
    FolderStore(other.database).create(Folder("mine", "Same name"))
    other.load(full.export(tmp_path / "one.json"))
    assert [each.id for each in FolderStore(other.database).folders()] == ["mine"]
    assert other.store.conversation("c").folder_id == "mine"


@pytest.mark.parametrize("position", [10**30, 2**63 - 1, -(10**30)])
def test_a_folder_stands_somewhere_whatever_its_file_says(place: Place, position: int) -> None:
    first, second = Folder("f", "First", position), Folder("s", "Second", position)
    result = place.take(first, second, chat(message("m", None, "Words")))
    assert (result.error, result.conversations) == (None, 1)
    folders = FolderStore(place.database).folders()
    assert {each.id for each in folders} == {"f", "s"}
    assert all(0 <= each.position < 2**53 for each in folders)


def test_a_document_that_is_cut_gives_what_is_whole_and_says_so(full: Place, other: Place, tmp_path: Path) -> None:
    data = full.export(tmp_path / "one.json").read_bytes()
    path = tmp_path / "cut.json"
    last = 0
    for size in range(0, len(data) - 2, 37):
        path.write_bytes(data[:size])
        result = other.load(path)
        assert isinstance(result.error, IntegrityError), size
        assert result.known + result.conversations >= last
        last = result.known + result.conversations
    assert last == 2
    assert other.database.check() == []


def test_a_damaged_attachment_and_a_damaged_conversation_cost_themselves(
    full: Place, other: Place, tmp_path: Path
) -> None:
    path = full.export(tmp_path / "one.json")
    value = json.loads(path.read_text())
    first = min(value["attachments"])
    value["attachments"][first]["data"] = "AAAA"
    value["conversations"].append({**value["conversations"][0], "id": "d", "title": "Torn", "leaf_id": "nowhere"})
    path.write_text(json.dumps(value))
    result = other.load(path)
    assert result.conversations == 2
    assert {each.what for each in result.skipped} >= {first, "Torn"}


def test_a_document_of_a_later_version_is_refused(full: Place, other: Place, tmp_path: Path) -> None:
    path = full.export(tmp_path / "one.json")
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2', 1))
    result = other.load(path)
    assert isinstance(result.error, IntegrityError)
    assert "newer" in str(result.error)
    assert not other.database.path.exists()


# --- what does not fit -----------------------------------------------------------------------------------------------


def test_a_tree_that_does_not_hang_together_comes_in_all_the_same(place: Place) -> None:
    result = place.take(
        chat(
            message("a1", "u1", "answer"),
            message("u1", None, "ask"),
            message("u1", None, "twice"),
            message("a2", "gone", "orphan"),
            message("u3", "a3", "round"),
            message("a3", "u3", "and round"),
            message("u4", "u4", "itself"),
            leaf="a1",
        )
    )
    assert result.messages == 6
    assert texts(place) == ["ask", "answer"]
    assert texts(place, leaf="a3") == ["round", "and round"]
    assert len(result.skipped) == 3
    assert place.database.check() == []


def test_a_chain_of_ten_thousand_in_any_order_is_stored(place: Place) -> None:
    chain = [message(f"u{n}", f"u{n - 1}" if n else None, str(n)) for n in range(10_000)]
    assert place.take(chat(*reversed(chain), leaf="u9999")).messages == 10_000
    assert texts(place) == [str(n) for n in range(10_000)]


def test_hostile_ids_titles_and_texts_fit(place: Place) -> None:
    bad = "../../x\x00\ud800" + "y" * 10_000
    answer = Message(
        bad, bad, None, "assistant", (TextPart("x" * (LONGEST_TEXT + 5)),), "streaming",
        ModelReference(bad, bad, bad), error=bad, created_at=math.nan, record=AnswerRecord(options="{]", load="5"),
    )  # fmt: skip
    head = Conversation(bad, f"{bad}\nsecond line", created_at=-1.0, updated_at=math.inf, tags=(bad, "", "\x1b[2J"))
    result = place.take(ImportedConversation(head, (answer,), source_id=bad))
    (name,) = place.store.ids()
    stored, kept = place.store.branch(name)[0], place.store.conversation(name)
    assert name.isalnum()
    assert (len(stored.text), stored.status, stored.record) == (LONGEST_TEXT, "stopped", None)
    assert len(kept.title) <= 300
    assert "\n" not in kept.title
    assert (kept.created_at, kept.updated_at, stored.created_at) == (NOW, NOW, NOW)
    assert [each.why for each in result.skipped] == [f"A text of more than {LONGEST_TEXT} characters was cut."]
    assert place.take(ImportedConversation(head, (answer,), source_id=bad)).conversations == 0


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (1_700_000_000.5, 1_700_000_000.5),
        (1_700_000_000_500.0, 1_700_000_000.5),
        (1.7e15, 1.7e9),
        (1.7e18, 1.7e9),
        (NOW + 40 * 86_400, NOW),
        (-5.0, 0.0),
        (math.nan, 0.0),
        (math.inf, 0.0),
    ],
)
def test_times_of_every_unit_are_what_they_mean(given: float, meant: float) -> None:
    assert real_time(given, NOW) == meant


def test_conversations_without_messages_are_named(place: Place) -> None:
    result = place.take(chat(title="Nothing said"))
    assert [(each.what, each.why) for each in result.skipped] == [("Nothing said", "It holds no messages.")]
    assert place.store.ids() == []


def test_a_conversation_without_a_title_is_named_after_its_first_turn(place: Place) -> None:
    place.take(chat(message("u1", None, "How do I stop? Please."), title=" \u200b\n"))
    assert place.store.conversation("c").title == "How do I stop?"


def test_images_come_once_and_one_that_is_missing_is_named(place: Place) -> None:
    found = image_from_bytes(PNG, "cat.png")
    assert found is not None
    part, attachment = found
    wrong = ImportedAttachment("0" * 64, "image/png", "", b"other bytes")
    torn = part.__class__("0" * 64, "image/png")
    result = place.take(
        attachment,
        ImportedConversation(Conversation("c", "With a cat"), (message("u1", None, part, torn),), (wrong,)),
        ImportedConversation(Conversation("d", "The cat again"), (message("u2", None, part, chat="d"),)),
    )
    assert place.attachments.read(part.sha256) == PNG
    assert [(each.what, each.why) for each in result.skipped] == [("With a cat", "1 image is not in the file.")]


def test_what_is_left_out_is_named_up_to_a_bound(place: Place) -> None:
    items = [SkippedItem(f"\x1b[2J{n}" + "x" * 5_000, "Because.") for n in range(MOST_SKIPPED + 7)]
    result = place.take(*items)
    assert len(result.skipped) == MOST_SKIPPED + 1
    assert result.skipped[0].what.startswith("\\x1b[2J0")
    assert len(result.skipped[0].what) < 300
    assert result.skipped[-1].why == "7 more were not taken."


def test_a_file_of_another_kind_is_refused_and_makes_no_database(place: Place, tmp_path: Path) -> None:
    for name, data in (
        ("a.json", b'{"some": "thing"}'),
        ("b.txt", b"hello"),
        ("c.json", b""),
        ("d.json", b"[" * 9_999),
    ):
        (tmp_path / name).write_bytes(data)
        result = place.load(tmp_path / name)
        assert isinstance(result.error, IntegrityError)
        assert name in result.error.title
    assert isinstance(place.load(tmp_path / "none").error, NotFoundError)
    assert not place.database.path.exists()


def test_an_archive_within_the_archive_is_named(place: Place, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.jsonl", json.dumps({"messages": [{"role": "user", "content": "hi"}]}))
        file.writestr("inner.zip", b"PK")
    result = place.load(tmp_path / "a.zip")
    assert result.conversations == 1
    assert [each.what for each in result.skipped] == ["inner.zip"]
