"""Whole conversations, read one after another as they all stood at one moment: heads, every branch, folders, tags.

What lies in the bin, and branches that were deleted, are no part of them.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from desktop.conversation import Conversation, Folder, Message, ModelReference
from desktop.storage.conversation_rows import (
    MESSAGE_COLUMNS,
    message_from_row,
    model_from_json,
    read_conversation,
)
from desktop.storage.database import Database
from desktop.storage.folder_store import read_folders
from desktop.storage.message_tree import missing_conversation


@dataclass(frozen=True)
class WholeConversation:
    """A conversation's head and all its messages in the order in which they were stored: parents before children."""

    conversation: Conversation
    messages: tuple[Message, ...]

    def branch_shown(self) -> tuple[Message, ...]:
        """The messages from the root to the leaf that is shown, in this order."""
        by_id = {message.id: message for message in self.messages}
        branch: list[Message] = []
        message = by_id.get(self.conversation.leaf_id or "")
        while message is not None and len(branch) < len(by_id):
            branch.append(message)
            message = by_id.get(message.parent_id or "")
        return tuple(reversed(branch))


class ConversationSnapshot:
    """The conversations of one moment, read with a connection that sees that moment only. What was stored first comes
    first. Raises what `Database` raises."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def ids(self) -> list[str]:
        """Those of all conversations that are not in the bin."""
        rows = self._connection.execute("SELECT id FROM conversations WHERE deleted_at IS NULL ORDER BY number")
        return [str(row[0]) for row in rows]

    def heads(self, ids: Sequence[str]) -> list[Conversation]:
        """The heads of those of `ids`, in their order. NotFoundError where one is none, or lies in the bin."""
        return [self._head(conversation_id) for conversation_id in ids]

    def folders(self, conversation_ids: Sequence[str] | None = None) -> list[Folder]:
        """All folders as they stand in the list; with `conversation_ids` those that one of these lies in."""
        folders = read_folders(self._connection)
        if conversation_ids is None:
            return folders
        used = {self._head(each).folder_id for each in conversation_ids}
        return [folder for folder in folders if folder.id in used]

    def models(self, ids: Sequence[str]) -> list[ModelReference]:
        """The models that wrote something in the conversations `ids`, each once for each way it is named."""
        found: dict[str, None] = {}
        for conversation_id in ids:
            rows = self._connection.execute(
                "SELECT DISTINCT model FROM messages WHERE conversation_id = ? AND deleted_at IS NULL "
                "AND model IS NOT NULL ORDER BY model",
                (conversation_id,),
            )
            found.update(dict.fromkeys(str(row[0]) for row in rows))
        return [model_from_json(stored) for stored in found]

    def conversation(self, conversation_id: str) -> WholeConversation:
        """One of them. NotFoundError where there is none, or it lies in the bin."""
        rows = self._connection.execute(
            f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE conversation_id = ? AND deleted_at IS NULL ORDER BY number",
            (conversation_id,),
        )
        return WholeConversation(self._head(conversation_id), tuple(message_from_row(row) for row in rows))

    def conversations(self, ids: Sequence[str]) -> Iterator[WholeConversation]:
        """Those of `ids`, in their order, each read when it is asked for."""
        for conversation_id in ids:
            yield self.conversation(conversation_id)

    def _head(self, conversation_id: str) -> Conversation:
        head = read_conversation(self._connection, conversation_id)
        if head is None or head.deleted_at is not None:
            raise missing_conversation(conversation_id)
        return head


@contextmanager
def open_snapshot(database: Database) -> Iterator[ConversationSnapshot]:
    """What is stored at this moment, to be read in this thread until the block ends. The thread asks nothing else of
    `database` meanwhile. Raises what `Database` raises."""
    with database.read() as connection:
        yield ConversationSnapshot(connection)
