"""Exports show the files of a chat, and what its answers cite: the right passages, and wrong citations as such."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from desktop.chat.export.chat_html import chats_as_html
from desktop.chat.export.chat_markdown import chats_as_markdown
from desktop.chat.export.conversation_document import encode_document
from desktop.chat.importers.all_readers import all_readers
from desktop.chat.importers.conversation_importer import ConversationImporter
from desktop.conversation import AttachedFilePart, Conversation, Message, PassagePart, TextPart
from desktop.document_content import DocumentContent, DocumentPage
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_copy import copy_conversation
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.memory_attachments import MemoryAttachments
from desktop.storage.whole_conversation import WholeConversation
from tests.unit.chat.export.chats import GUIDE, HOSTILE, source

FEES = "The annual fee is 40 euros. It is due in March."
CONTENT = DocumentContent("fees.pdf", "application/pdf", "f" * 64, 2048, (DocumentPage(1, FEES),), paged=True)
DATA = msgspec.json.encode(CONTENT)
SHA = hashlib.sha256(DATA).hexdigest()


def chat() -> WholeConversation:
    """A file given whole; an answer that cites it rightly, wrongly, and what was never given."""
    file = AttachedFilePart("fees.pdf", "application/pdf", SHA, "f" * 64, 2048, 2, whole=True)
    given = PassagePart(1, "fees.pdf", 1, FEES, "f" * 64)
    found = PassagePart(2, f"rules{HOSTILE}.md", 0, f"Dogs stay outside. {HOSTILE}", "e" * 64, collection="Club")
    said = "The annual fee is 40 euros [1]. Cats fly at night [2]. It rains [7]."
    messages = (
        Message("q", "c", None, "user", (file, given, TextPart("What is the fee?"))),
        Message("a", "c", "q", "assistant", (found, TextPart(said)), model=GUIDE),
    )
    return WholeConversation(Conversation("c", "Fees", leaf_id="a"), messages)


def test_exports_for_people_list_files_and_sources() -> None:
    whole = chat()
    html, markdown = (
        b"".join(write((whole.conversation,), (whole,), source())).decode()
        for write in (chats_as_html, chats_as_markdown)
    )
    for text in (html, markdown):
        assert "Attached: fees.pdf (2 pages, 2 kB)" in text.replace("2.0 kB", "2 kB").replace("\\", "")
        assert "7]: wrong, the model was given no such passage" in text.replace("\\", "")
        assert "the passage does not seem to say this" in text
    assert "<mark>The annual fee is 40 euros.</mark> It is due in March." in html
    assert "fees.pdf, page 1: “The annual fee is 40 euros.”" in markdown
    for tag in ("<script", "<img", "onerror=alert(1)>"):
        assert tag not in html.replace("onerror=alert(1)&gt;", "")
    listed = markdown.partition("**Sources**")[2]
    assert "<script" not in listed.replace("\\<script", "")


@pytest.fixture
def stored(home: Path) -> Iterator[tuple[ConversationStore, AttachmentStore]]:
    database = Database(home / "first.db")
    store, files = ConversationStore(database), AttachmentStore(home / "first")
    store.add_messages(chat().messages, create=chat().conversation, keep=lambda: files.add(DATA))
    yield store, files
    database.close()


def test_what_was_read_of_a_file_goes_with_the_chat(
    stored: tuple[ConversationStore, AttachmentStore], home: Path
) -> None:
    store, files = stored
    assert store.branch("c") == list(chat().messages)
    exported = b"".join(encode_document((), (chat(),), files.read, exported=0.0, generator="Latchkey"))
    (home / "export.json").write_bytes(exported)
    database = Database(home / "second.db")
    there = AttachmentStore(home / "second")
    ConversationImporter(database, there, all_readers()).run(home / "export.json")
    again = ConversationStore(database)
    assert again.branch("c") == list(chat().messages)
    assert there.read(SHA) == DATA, "it can be looked at, and searched, where it was imported"
    database.close()

    temporary = MemoryAttachments()
    copied = Database(home / "third.db")
    copy_conversation(store, ConversationStore(copied), "c", (files, temporary))
    assert temporary.read(SHA) == DATA
    copied.close()
