"""Conversations and their messages on disk: a tree per conversation, a branch of it shown.

Every method is one transaction and may be called from any thread, one at a time per thread. Each raises what
`Database` raises; those that need something that is not there raise NotFoundError.
"""

import sys
from typing import Literal

from desktop.conversation import ContextChoice, Conversation
from desktop.safe_text import repair_surrogates
from desktop.storage.conversation_erasure import ConversationErasure
from desktop.storage.conversation_rows import (
    CONVERSATION_COLUMNS,
    TAGS_COLUMN,
    conversation_from_row,
    conversation_row,
    read_conversation,
)
from desktop.storage.message_search import conversations_holding
from desktop.storage.message_tree import (
    UPDATE_CONVERSATION,
    MessageTree,
    insert_conversation,
    missing_conversation,
)
from desktop.storage.search_query import parse_query

_NEWEST_HITS = 2000


class ConversationStore(MessageTree):
    """What is kept of conversations, in the database: their heads, and their messages (see `MessageTree`)."""

    # --- conversations -------------------------------------------------------------------------------------------

    def conversations(self, query: str | None = None, limit: int = 500, offset: int = 0) -> list[Conversation]:
        """Those not deleted, pinned first, then the ones last written to; with a `query` those that hold its words.

        All its words have to occur in the title or in one message. Of messages the 2,000 newest that match count.
        """
        wanted = parse_query(query) if query else None
        condition = "deleted_at IS NULL"
        values: dict[str, str | int] = {"limit": limit, "offset": offset, "hits": _NEWEST_HITS}
        if wanted is not None:
            holding, found = conversations_holding(wanted)
            condition += f" AND {holding}"
            values |= found
        with self.database.read() as connection:
            rows = connection.execute(
                f"SELECT {CONVERSATION_COLUMNS}, {TAGS_COLUMN} FROM conversations WHERE {condition} "
                "ORDER BY pinned DESC, updated_at DESC, number DESC LIMIT :limit OFFSET :offset",
                values,
            )
            return [conversation_from_row(row) for row in rows]

    def ids(self) -> list[str]:
        """The ids of all conversations that are not deleted."""
        with self.database.read() as connection:
            return [row[0] for row in connection.execute("SELECT id FROM conversations WHERE deleted_at IS NULL")]

    def ids_beginning(self, beginning: str) -> list[str]:
        """The ids that begin so, of deleted conversations too; two at most."""
        last = beginning + chr(sys.maxunicode)
        query = "SELECT id FROM conversations WHERE id BETWEEN ? AND ? LIMIT 2"
        with self.database.read() as connection:
            return [row[0] for row in connection.execute(query, (beginning, last))]

    def find_conversation(self, conversation_id: str) -> Conversation | None:
        """The head of a conversation, deleted or not; None where there is none."""
        with self.database.read() as connection:
            return read_conversation(connection, conversation_id)

    def conversation(self, conversation_id: str) -> Conversation:
        """The head of a conversation, deleted or not. NotFoundError where there is none."""
        found = self.find_conversation(conversation_id)
        if found is None:
            raise missing_conversation(conversation_id)
        return found

    def create(self, conversation: Conversation) -> None:
        """Store a new one."""
        with self.database.write() as connection:
            insert_conversation(connection, conversation)

    def update(self, conversation: Conversation) -> None:
        """Store a changed head in place of the old one."""
        with self.database.write() as connection:
            changed = connection.execute(UPDATE_CONVERSATION, conversation_row(conversation))
            if not changed.rowcount:
                raise missing_conversation(conversation.id)

    def rename(self, conversation_id: str, title: str, by: Literal["first-turn", "person"] = "person") -> None:
        """Give it the person's title, or that of its first turn."""
        self._change(conversation_id, "title = ?, title_by = ?", repair_surrogates(title), by)

    def set_context_full(self, conversation_id: str, choice: ContextChoice | None) -> None:
        """What happens where it no longer fits the context; None: what the settings say."""
        self._change(conversation_id, "context_full = ?", choice)

    def purge(self, older_than: float) -> int:
        """Erase the conversations and the branches deleted at or before `older_than`; how many there were."""
        erasure = ConversationErasure(self.database)
        erasure.begin_old(older_than)
        return sum(erasure.steps(older_than))

    def _change(self, conversation_id: str, assignment: str, *values: object) -> None:
        with self.database.write() as connection:
            changed = connection.execute(
                f"UPDATE conversations SET {assignment} WHERE id = ?", (*values, conversation_id)
            )
            if not changed.rowcount:
                raise missing_conversation(conversation_id)
