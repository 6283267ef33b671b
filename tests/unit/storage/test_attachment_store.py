"""Files that messages name by their sha256: kept whole, read verified, gone with the last message that names them."""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.chat.conversation_writer import ConversationWriter
from desktop.conversation import (
    Conversation,
    ImagePart,
    Message,
    MessagePart,
    TextPart,
    ToolResultPart,
    UnknownPart,
)
from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database


@pytest.fixture
def attachments(home: Path) -> AttachmentStore:
    return AttachmentStore(home / "data" / "attachments")


@pytest.fixture
def store(home: Path) -> Iterator[ConversationStore]:
    database = Database(home / "data" / "latchkey.db")
    yield ConversationStore(database)
    database.close()


@pytest.fixture
def writer(store: ConversationStore, attachments: AttachmentStore) -> ConversationWriter:
    return ConversationWriter(store, lambda: 1_000.0, attachments=attachments)


def test_what_is_added_is_read_again_and_lies_for_this_person_alone(attachments: AttachmentStore) -> None:
    assert not attachments.folder.exists()
    sha256 = attachments.add(b"an image")
    assert sha256 == hashlib.sha256(b"an image").hexdigest()
    assert attachments.read(sha256) == b"an image"
    assert attachments.contains(sha256)
    assert not attachments.contains("0" * 64)
    path = attachments.path(sha256)
    assert path == attachments.folder / sha256[:2] / sha256
    assert list(attachments.ids()) == [sha256]
    if os.name != "nt":
        assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, attachments.folder)] == [
            0o600,
            0o700,
            0o700,
        ]


def test_what_is_here_and_whole_is_not_written_again_and_what_is_damaged_is(attachments: AttachmentStore) -> None:
    path = attachments.path(attachments.add(b"an image"))
    before = path.stat()
    attachments.add(b"an image")
    assert path.stat().st_ino == before.st_ino
    path.write_bytes(b"an imago")
    with pytest.raises(IntegrityError):
        attachments.read(path.name)
    attachments.add(b"an image")
    assert attachments.read(path.name) == b"an image"


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "０" * 64])
def test_a_name_that_is_none_is_not_looked_for(attachments: AttachmentStore, name: str) -> None:
    for use in (attachments.read, attachments.path):
        with pytest.raises(NotFoundError):
            use(name)
    assert not attachments.contains(name)


@pytest.mark.skipif(sys.platform == "win32", reason="no links and pipes as here")
def test_what_others_put_in_its_place_is_not_read(attachments: AttachmentStore, tmp_path: Path) -> None:
    sha256 = attachments.add(b"an image")
    path = attachments.path(sha256)
    path.unlink()
    with pytest.raises(NotFoundError):
        attachments.read(sha256)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"an image")
    path.symlink_to(elsewhere)
    with pytest.raises(IntegrityError):
        attachments.read(sha256)
    attachments.add(b"an image")
    assert not path.is_symlink()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(IntegrityError):
        attachments.read(sha256)


def test_a_folder_that_cannot_be_written_is_said(attachments: AttachmentStore) -> None:
    attachments.folder.parent.mkdir(parents=True, exist_ok=True)
    attachments.folder.write_text("a file in its place")
    with pytest.raises(ResourceError):
        attachments.add(b"an image")
    assert list(attachments.folder.parent.iterdir()) == [attachments.folder]


def kept(store: ConversationStore, name: str, *parts: MessagePart) -> None:
    store.create(Conversation(name))
    store.add_message(Message(f"m-{name}", name, None, "user", parts))


def test_they_go_with_the_last_message_that_names_them(
    store: ConversationStore, attachments: AttachmentStore, writer: ConversationWriter
) -> None:
    one, two, three, four = (attachments.add(each) for each in (b"1", b"2", b"3", b"4"))
    kept(store, "a", ImagePart(one, "image/png"), ImagePart(two, "image/png"))
    kept(store, "b", TextPart("look"), ImagePart(two, "image/png"))
    kept(store, "c", ToolResultPart("c", "t", (ImagePart(three, "image/png"),)))
    kept(store, "d", UnknownPart("video", f'{{"type": "video", "sha256" : "{four}"}}'))
    (attachments.path(one).parent / ".latchkey-cut.part").write_bytes(b"half")
    writer.delete(["a"])
    assert writer.purge(0.0) == ()
    assert set(attachments.ids()) == {one, two, three, four}
    writer.erase(["a"])
    assert set(attachments.ids()) == {two, three, four}
    writer.delete(["b", "c", "d"])
    writer.purge(2_000.0)
    assert list(attachments.ids()) == []


def test_a_branch_that_is_purged_takes_its_images_along(
    store: ConversationStore, attachments: AttachmentStore, writer: ConversationWriter
) -> None:
    sha256 = attachments.add(b"1")
    kept(store, "a", TextPart("first"))
    store.add_message(Message("m", "a", "m-a", "assistant", (ImagePart(sha256, "image/png"),)))
    store.delete_branch("m", 5.0)
    writer.erase([])
    assert attachments.contains(sha256)
    writer.purge(6.0)
    assert not attachments.contains(sha256)


def test_what_a_run_that_died_left_goes_at_the_next_start(
    attachments: AttachmentStore, writer: ConversationWriter
) -> None:
    sha256 = attachments.add(b"1")
    (attachments.path(sha256).parent / ".latchkey-cut.part").write_bytes(b"half")
    (attachments.folder / "notes.txt").write_text("a person's own")
    writer.purge(0.0)
    assert list(attachments.folder.rglob("*.part")) == []
    assert not attachments.contains(sha256)
    assert (attachments.folder / "notes.txt").exists()
