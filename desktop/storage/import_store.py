"""Stores conversations that were imported: each as a whole or not at all, and none of their messages twice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Literal

import msgspec

from desktop.conversation import (
    AttachedFilePart,
    Conversation,
    DocumentPart,
    Folder,
    ImagePart,
    Message,
    MessagePart,
    ToolResultPart,
    UnknownPart,
)
from desktop.storage.attachment_store import AttachmentStore, attachments_named
from desktop.storage.conversation_rows import read_conversation
from desktop.storage.database import Database
from desktop.storage.folder_store import FolderStore, folder_name
from desktop.storage.message_tree import insert_conversation, insert_message

_CACHE_KIB, _USUAL_CACHE_KIB = 32_768, 2_000
"""Ids are spread over all of their index: with SQLite's usual cache an import of 50 MB took twice as long."""

_LAST_POSITION = 1_000_000


@dataclass(frozen=True)
class ReadConversation:
    """A conversation that was read: its messages, parents first, and the bytes of images by their sha256. `renamed`
    gives another id for a message whose own is that of a message elsewhere."""

    head: Conversation
    messages: Sequence[Message]
    data: Mapping[str, bytes]
    renamed: Callable[[str], str]


@dataclass(frozen=True)
class StoredImport:
    """What became of one conversation: it is `new`, got `messages` that it lacked (`grown`), had all of them (`known`),
    or lies in the bin (`deleted`), where nothing is changed. `left` counts messages that stand below what was deleted
    here, `missing` are the sha256 of images that are not to be had."""

    outcome: Literal["new", "grown", "known", "deleted"]
    messages: int = 0
    left: int = 0
    missing: tuple[str, ...] = ()


class ImportStore:
    """Stores into `database`, and into `attachments` what its messages name. Every method raises what `Database`
    raises, and ResourceError where an attachment cannot be written."""

    def __init__(self, database: Database, attachments: AttachmentStore) -> None:
        self._database = database
        self._folders = FolderStore(database)
        self._attachments = attachments

    def folder_ids(self) -> dict[str, str]:
        """The ids of the folders that are there, by their names."""
        return {folder.name: folder.id for folder in reversed(self._folders.folders())}

    def add_folder(self, folder: Folder) -> None:
        """Have a folder with this id; one that is there stays as it is."""
        position = min(max(folder.position, 0), _LAST_POSITION)  # a file may say any number
        fitting = msgspec.structs.replace(folder, name=folder_name(folder.name), position=position)
        self._folders.restore(fitting, ())

    def store(self, conversations: Sequence[ReadConversation], staged: AttachmentStore) -> list[StoredImport]:
        """Store these, all or none of them: each with its whole tree or, of one that is here, the messages that it
        lacks; its head stays but for what goes on from the message shown.

        Images that do not come with a conversation are taken from `staged`, which lies in a folder of the same disk.
        """
        # Not durable, which would take a write to the disk for each of thousands: `finish` is, at the end.
        with self._database.write(durable=False) as connection:
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            return [self._store(connection, each, staged) for each in conversations]

    def _store(self, connection: Connection, given: ReadConversation, staged: AttachmentStore) -> StoredImport:
        here = read_conversation(connection, given.head.id)
        if here is not None and here.deleted_at is not None:
            return StoredImport("deleted")
        messages, leaf_id = _with_own_ids(connection, given)
        stored = dict(_stored(connection, [message.id for message in messages]))
        lost = {message_id for message_id, (_, deleted_at) in stored.items() if deleted_at is not None}
        left, new = 0, list[Message]()
        for message in messages:
            if message.id in stored:
                continue
            if message.parent_id in lost:
                lost.add(message.id)
                left += 1
            else:
                new.append(message)
        missing = set[str]()
        for sha256, shown in (each for message in new for each in _attachments(message.parts)):
            if sha256 not in missing and not self._keep(sha256, given.data, staged) and shown:
                missing.add(sha256)
        if here is None:
            insert_conversation(connection, msgspec.structs.replace(given.head, leaf_id=leaf_id))
        for message in new:
            insert_message(connection, message)
        if here is not None and new:
            _go_on(connection, here, messages, leaf_id, newest=max(message.created_at for message in new))
        outcome: Literal["new", "grown", "known"] = "new" if here is None else "grown" if new else "known"
        return StoredImport(outcome, len(new), left, tuple(sorted(missing)))

    def finish(self) -> None:
        """Have all that was stored reach the disk. In the thread that stored it."""
        with self._database.read() as connection:
            connection.execute(f"PRAGMA cache_size = -{_USUAL_CACHE_KIB}")
            connection.execute("PRAGMA shrink_memory")
        self._database.truncate_wal()

    def _keep(self, sha256: str, data: Mapping[str, bytes], staged: AttachmentStore) -> bool:
        if sha256 in data:
            return self._attachments.add(data[sha256]) == sha256
        return self._attachments.contains(sha256) or self._attachments.adopt(staged, sha256)


def _stored(connection: Connection, ids: Sequence[str]) -> Iterator[tuple[str, tuple[str, float | None]]]:
    """Those of these messages that are here: their ids, with their conversation and when they were deleted."""
    rows = connection.execute(
        "SELECT id, conversation_id, deleted_at FROM messages WHERE id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(ids).decode(),),
    )
    return ((message_id, (conversation_id, deleted_at)) for message_id, conversation_id, deleted_at in rows)


def _with_own_ids(connection: Connection, given: ReadConversation) -> tuple[list[Message], str | None]:
    """The messages with the id of their conversation, none of them with the id of a message elsewhere; and the leaf."""
    head = given.head
    stored = _stored(connection, [message.id for message in given.messages])
    other = {message_id: given.renamed(message_id) for message_id, (owner, _) in stored if owner != head.id}
    own = [
        msgspec.structs.replace(
            message,
            id=other.get(message.id, message.id),
            parent_id=other.get(message.parent_id, message.parent_id) if message.parent_id is not None else None,
            conversation_id=head.id,
        )
        for message in given.messages
    ]
    return own, None if head.leaf_id is None else other.get(head.leaf_id, head.leaf_id)


def _go_on(
    connection: Connection, here: Conversation, messages: Sequence[Message], leaf_id: str | None, newest: float
) -> None:
    """Show what goes on from the message that is shown here; another branch than that is not shown."""
    parents = {message.id: message.parent_id for message in messages}
    above, shown = leaf_id, here.leaf_id
    for _ in range(len(parents)):
        if above is None or above == here.leaf_id:
            break
        above = parents.get(above)
    if here.leaf_id is not None and above == here.leaf_id:
        shown = leaf_id
    connection.execute(
        "UPDATE conversations SET leaf_id = ?, updated_at = max(updated_at, ?) WHERE id = ?", (shown, newest, here.id)
    )


def _attachments(parts: Sequence[MessagePart]) -> Iterator[tuple[str, bool]]:
    """The sha256 of all that these parts name, and whether it is shown: of a document its text is."""
    for part in parts:
        match part:
            case ImagePart():
                yield part.sha256, True
            case AttachedFilePart():
                yield part.sha256, False
            case DocumentPart() if part.sha256:
                yield part.sha256, False
            case ToolResultPart():
                yield from _attachments(part.content)
            case UnknownPart():
                yield from ((sha256, False) for sha256 in attachments_named(part.json))
