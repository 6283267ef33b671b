"""Conversations and their messages on disk: a tree per conversation, a branch of it shown, all of it searchable.

Every method is one transaction and may be called from any thread, one at a time per thread. Each raises what
`Database` raises; those that need something that is not there raise NotFoundError.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.conversation import ContextChoice, Conversation, Message, Role
from desktop.errors import NotFoundError
from desktop.safe_text import repair_surrogates
from desktop.storage.conversation_rows import (
    CONVERSATION_COLUMNS,
    MESSAGE_COLUMNS,
    TAGS_COLUMN,
    conversation_from_row,
    conversation_row,
    is_process_alive,
    message_from_row,
    message_row,
)
from desktop.storage.database import Database
from desktop.storage.search_query import excerpt_around, parse_query
from desktop.translation import tr

_NEWEST_HITS = 2000
_EXCERPT_WORDS = 12


def _named(columns: str) -> str:
    return ", ".join(f":{column}" for column in columns.split(", "))


def _assigned(columns: str) -> str:
    return ", ".join(f"{column} = :{column}" for column in columns.split(", ") if column != "id")


_FOLDER_OR_NONE = "(SELECT id FROM folders WHERE id = :folder_id)"  # it may have been deleted a moment ago
_INSERT_CONVERSATION = (
    f"INSERT INTO conversations ({CONVERSATION_COLUMNS}) "
    f"VALUES ({_named(CONVERSATION_COLUMNS).replace(':folder_id', _FOLDER_OR_NONE)})"
)
_UPDATE_CONVERSATION = (
    f"UPDATE conversations SET {_assigned(CONVERSATION_COLUMNS).replace(':folder_id', _FOLDER_OR_NONE)} WHERE id = :id"
)
_INSERT_MESSAGE = f"INSERT INTO messages ({MESSAGE_COLUMNS}) VALUES ({_named(MESSAGE_COLUMNS)})"
_SAVED = "status, text, parts, model, sampling, timing, error, writer, record"
_UPDATE_MESSAGE = f"UPDATE messages SET {_assigned(_SAVED)} WHERE id = :id"

# UNION, not UNION ALL: a row seen twice (only a damaged file can hold a loop) ends the walk.
_BRANCH = """
    WITH RECURSIVE branch (number, parent_id) AS (
        SELECT number, parent_id FROM messages WHERE id = :leaf AND conversation_id = :conversation
        UNION
        SELECT messages.number, messages.parent_id FROM branch JOIN messages ON messages.id = branch.parent_id
    )
"""
_UNDER = """
    WITH RECURSIVE under (number, id) AS (
        SELECT number, id FROM messages WHERE id = :id
        UNION
        SELECT messages.number, messages.id FROM under JOIN messages ON messages.parent_id = under.id
    )
    SELECT id FROM under ORDER BY number DESC LIMIT 1
"""


@dataclass(frozen=True)
class MessageHit:
    """A message that search found; `excerpt` is the text around the first match, on one line."""

    conversation_id: str
    title: str
    message_id: str
    role: Role
    excerpt: str
    created_at: float


class ConversationStore:
    """What is kept of conversations, in `database`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # --- conversations -------------------------------------------------------------------------------------------

    def conversations(self, query: str | None = None, limit: int = 500, offset: int = 0) -> list[Conversation]:
        """Those not deleted, pinned first, then the ones last written to; with a `query` those that hold its words.

        All its words have to occur in the title or in one message. Of messages the 2,000 newest that match count.
        """
        wanted = parse_query(query) if query else None
        condition = "deleted_at IS NULL"
        values: dict[str, str | int] = {"limit": limit, "offset": offset, "hits": _NEWEST_HITS}
        if wanted is not None:
            in_title, title_values = wanted.select_sql("conversations", "title", "title_words")
            in_text, text_values = wanted.select_sql("messages", "text", "message_words")
            in_messages = f"SELECT conversation_id FROM messages WHERE number IN ({in_text})"
            condition += f" AND (number IN ({in_title}) OR id IN ({in_messages}))"
            values |= title_values | text_values
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

    def find_conversation(self, conversation_id: str) -> Conversation | None:
        """The head of a conversation, deleted or not; None where there is none."""
        with self.database.read() as connection:
            row = connection.execute(
                f"SELECT {CONVERSATION_COLUMNS}, {TAGS_COLUMN} FROM conversations WHERE id = ?",
                (repair_surrogates(conversation_id),),
            ).fetchone()
        return None if row is None else conversation_from_row(row)

    def conversation(self, conversation_id: str) -> Conversation:
        """The head of a conversation, deleted or not. NotFoundError where there is none."""
        found = self.find_conversation(conversation_id)
        if found is None:
            raise _missing_conversation(conversation_id)
        return found

    def create(self, conversation: Conversation) -> None:
        """Store a new one."""
        with self.database.write() as connection:
            connection.execute(_INSERT_CONVERSATION, conversation_row(conversation))

    def update(self, conversation: Conversation) -> None:
        """Store a changed head in place of the old one."""
        with self.database.write() as connection:
            changed = connection.execute(_UPDATE_CONVERSATION, conversation_row(conversation))
            if not changed.rowcount:
                raise _missing_conversation(conversation.id)

    def rename(self, conversation_id: str, title: str, by: Literal["first-turn", "person"] = "person") -> None:
        """Give it the person's title, or that of its first turn."""
        self._change(conversation_id, "title = ?, title_by = ?", repair_surrogates(title), by)

    def pin(self, conversation_id: str, pinned: bool) -> None:
        """Keep it at the top of the list, or no longer."""
        self._change(conversation_id, "pinned = ?", pinned)

    def set_context_full(self, conversation_id: str, choice: ContextChoice | None) -> None:
        """What happens where it no longer fits the context; None: what the settings say."""
        self._change(conversation_id, "context_full = ?", choice)

    def delete(self, conversation_id: str, at: float) -> None:
        """Take it off the list and out of search. `restore` brings it back until it is purged. `at`: seconds, UTC."""
        self._change(conversation_id, "deleted_at = ?", at)

    def restore(self, conversation_id: str) -> None:
        """Bring a deleted one back as it was."""
        self._change(conversation_id, "deleted_at = ?", None)

    def purge(self, older_than: float) -> int:
        """Erase the conversations deleted at or before `older_than`; how many there were.

        Nothing of their text stays in the file or its journal: not in the tables, not in the search indexes. (Where
        another process is reading just then, the journal keeps it until it is emptied or the last process closes it.)
        """
        with self.database.write() as connection:
            gone = "SELECT id FROM conversations WHERE deleted_at <= ?"
            connection.execute(f"DELETE FROM messages WHERE conversation_id IN ({gone})", (older_than,))
            count = connection.execute("DELETE FROM conversations WHERE deleted_at <= ?", (older_than,)).rowcount
            if count:
                # An index only notes that a row is gone; merging all of it into one piece drops the words.
                for index in ("title_words", "message_words"):
                    connection.execute(f"INSERT INTO {index} ({index}) VALUES ('optimize')")
        if count:
            self.database.truncate_wal()
        return count

    # --- messages ------------------------------------------------------------------------------------------------

    def add_message(self, message: Message, *, make_leaf: bool = True) -> None:
        """Store a new message under its parent; with `make_leaf` its branch is the one shown."""
        self.add_messages((message,), make_leaf=make_leaf)

    def add_messages(
        self, messages: Sequence[Message], *, create: Conversation | None = None, make_leaf: bool = True
    ) -> None:
        """Store messages of one conversation, parents first, and with `create` their conversation before them."""
        with self.database.write() as connection:
            if create is not None:
                connection.execute(_INSERT_CONVERSATION, conversation_row(create))
            last = messages[-1]
            changed = connection.execute(
                "UPDATE conversations SET updated_at = max(updated_at, :at), leaf_id = iif(:leaf, :id, leaf_id) "
                "WHERE id = :conversation",
                {"at": last.created_at, "leaf": make_leaf, "id": last.id, "conversation": last.conversation_id},
            )
            if not changed.rowcount:
                raise _missing_conversation(last.conversation_id)
            for message in messages:
                connection.execute(_INSERT_MESSAGE, message_row(message))

    def save_message(self, message: Message, *, answered: bool = True) -> None:
        """Store what was said since: parts, status, timing, error, model. Durable once the answer is over.

        Its conversation then names the model as the one that answered last; not where it was not `answered`, but
        changed by the person.
        """
        over = message.status != "streaming"
        with self.database.write(durable=over) as connection:
            if not connection.execute(_UPDATE_MESSAGE, message_row(message)).rowcount:
                raise _missing_message(message.id)
            if over and answered and message.model is not None:
                connection.execute(
                    "UPDATE conversations SET model_id = ? WHERE id = ?",
                    (repair_surrogates(message.model.id), message.conversation_id),
                )

    def pin_message(self, message_id: str, pinned: bool) -> Message:
        """Keep a message in the model's context, or no longer; the message as it is then."""
        with self.database.write() as connection:
            connection.execute("UPDATE messages SET pinned = ? WHERE id = ?", (pinned, message_id))
        return self.message(message_id)

    def message(self, message_id: str) -> Message:
        """One message."""
        with self.database.read() as connection:
            row = connection.execute(f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = ?", (message_id,)).fetchone()
        if row is None:
            raise _missing_message(message_id)
        return message_from_row(row)

    def branch(self, conversation_id: str, leaf_id: str | None = None) -> list[Message]:
        """The branch from the root to `leaf_id` (None: to the conversation's leaf); empty where there is none."""
        with self.database.read() as connection:
            leaf = "(SELECT leaf_id FROM conversations WHERE id = :conversation)" if leaf_id is None else ":leaf"
            rows = connection.execute(
                f"{_BRANCH.replace(':leaf', leaf)} SELECT {MESSAGE_COLUMNS} FROM messages "
                "WHERE number IN (SELECT number FROM branch) ORDER BY number",
                {"conversation": conversation_id, "leaf": leaf_id},
            )
            return [message_from_row(row) for row in rows]

    def set_leaf(self, conversation_id: str, message_id: str) -> None:
        """Show the branch that ends with this message."""
        with self.database.write() as connection:
            changed = connection.execute(
                "UPDATE conversations SET leaf_id = :id WHERE id = :conversation "
                "AND EXISTS (SELECT 1 FROM messages WHERE id = :id AND conversation_id = :conversation)",
                {"id": message_id, "conversation": conversation_id},
            )
            if not changed.rowcount:
                raise _missing_message(message_id)

    def newest_leaf(self, message_id: str) -> str:
        """The last message written under this one: the end of its newest branch. Itself where nothing follows it."""
        with self.database.read() as connection:
            row = connection.execute(_UNDER, {"id": message_id}).fetchone()
        if row is None:
            raise _missing_message(message_id)
        return str(row[0])

    def siblings(self, message_id: str) -> list[str]:
        """The messages that stand in its place, oldest first, itself among them."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT other.id FROM messages JOIN messages AS other "
                "ON other.conversation_id = messages.conversation_id AND other.parent_id IS messages.parent_id "
                "WHERE messages.id = ? ORDER BY other.number",
                (message_id,),
            ).fetchall()
        if not rows:
            raise _missing_message(message_id)
        return [str(row[0]) for row in rows]

    def children(self, message_id: str) -> list[str]:
        """The messages under this one, oldest first."""
        with self.database.read() as connection:
            rows = connection.execute("SELECT id FROM messages WHERE parent_id = ? ORDER BY number", (message_id,))
            return [str(row[0]) for row in rows]

    def sibling_groups(self, conversation_id: str) -> list[list[str]]:
        """Every place of the tree that more than one message stands in: those messages, oldest first."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT parent_id, id FROM messages WHERE conversation_id = :id AND ifnull(parent_id, '') IN ("
                "  SELECT ifnull(parent_id, '') FROM messages INDEXED BY messages_of_conversation "
                "  WHERE conversation_id = :id GROUP BY parent_id HAVING count(*) > 1) ORDER BY number",
                {"id": conversation_id},
            )
            groups: dict[str | None, list[str]] = {}
            for parent_id, message_id in rows:
                groups.setdefault(parent_id, []).append(message_id)
            return list(groups.values())

    def mark_interrupted(self) -> int:
        """Set the answers that a process left unfinished when it died to `stopped`, with what was saved of them.

        Those of a process that still runs are left alone. How many there were.
        """
        with self.database.read() as connection:
            writers = connection.execute("SELECT DISTINCT writer FROM messages WHERE status = 'streaming'").fetchall()
        dead = [writer for (writer,) in writers if not is_process_alive(writer)]
        if not dead:
            return 0
        count = 0
        with self.database.write() as connection:
            for writer in dead:
                count += connection.execute(
                    "UPDATE messages SET status = 'stopped', writer = NULL WHERE status = 'streaming' AND writer IS ?",
                    (writer,),
                ).rowcount
        return count

    # --- search --------------------------------------------------------------------------------------------------

    def search(self, text: str, limit: int = 50) -> list[MessageHit]:
        """The newest messages, of conversations not deleted, that hold every word of `text` or words it begins."""
        wanted = parse_query(text)
        if wanted is None:
            return []
        values: dict[str, str | int] = {"limit": limit, "hits": _NEWEST_HITS}
        if wanted.words and not wanted.literal:
            source = "message_words JOIN messages ON messages.number = message_words.rowid"
            excerpt = f"snippet(message_words, 0, '', '', '…', {_EXCERPT_WORDS})"
            condition, order = "message_words MATCH :words", "message_words.rowid"  # the index's own order: no sorting
            values["words"] = wanted.words
        else:
            numbers, more = wanted.select_sql("messages", "text", "message_words")
            values |= more
            source, excerpt, order = "messages", "messages.text", "messages.number"
            condition = f"messages.number IN ({numbers})"
        with self.database.read() as connection:
            rows = connection.execute(
                f"SELECT conversations.id, title, messages.id, role, {excerpt}, messages.created_at FROM {source} "
                f"JOIN conversations ON conversations.id = messages.conversation_id WHERE {condition} "
                f"AND conversations.deleted_at IS NULL ORDER BY {order} DESC LIMIT :limit",
                values,
            )
            return [
                MessageHit(chat, title, message, role, excerpt_around(found, wanted.literal), created_at)
                for chat, title, message, role, found, created_at in rows
            ]

    def _change(self, conversation_id: str, assignment: str, *values: object) -> None:
        with self.database.write() as connection:
            changed = connection.execute(
                f"UPDATE conversations SET {assignment} WHERE id = ?", (*values, conversation_id)
            )
            if not changed.rowcount:
                raise _missing_conversation(conversation_id)


def _missing_conversation(conversation_id: str) -> NotFoundError:
    return NotFoundError(
        tr("There is no such conversation."),
        tr("None is stored under {id}.").format(id=conversation_id),
        tr("Look at the list of conversations for those that are there."),
    )


def _missing_message(message_id: str) -> NotFoundError:
    return NotFoundError(
        tr("There is no such message."),
        tr("None is stored under {id}.").format(id=message_id),
        tr("Its conversation was perhaps erased meanwhile."),
    )
