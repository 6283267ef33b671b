"""The messages of conversations on disk: a tree per conversation, of which a branch is shown.

A branch that was deleted stays in the file, each message of it with the time of that, until it is purged. No method
finds a message of it but `message` and those that restore and purge it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

import msgspec

from desktop.conversation import Conversation, Message
from desktop.ended_calls import calls_ended
from desktop.errors import NotFoundError
from desktop.safe_text import repair_surrogates
from desktop.storage.conversation_rows import (
    CONVERSATION_COLUMNS,
    MESSAGE_COLUMNS,
    conversation_row,
    is_process_alive,
    message_from_row,
    message_row,
)
from desktop.storage.database import Database
from desktop.translation import tr


def _named(columns: str) -> str:
    return ", ".join(f":{column}" for column in columns.split(", "))


def _assigned(columns: str) -> str:
    return ", ".join(f"{column} = :{column}" for column in columns.split(", ") if column != "id")


_FOLDER_OR_NONE = "(SELECT id FROM folders WHERE id = :folder_id)"  # it may have been deleted a moment ago
_INSERT_CONVERSATION = (
    f"INSERT INTO conversations ({CONVERSATION_COLUMNS}) "
    f"VALUES ({_named(CONVERSATION_COLUMNS).replace(':folder_id', _FOLDER_OR_NONE)})"
)
UPDATE_CONVERSATION = (
    f"UPDATE conversations SET {_assigned(CONVERSATION_COLUMNS).replace(':folder_id', _FOLDER_OR_NONE)} WHERE id = :id"
)
"""Puts a changed head, given by column, in place of the old one."""
_INSERT_MESSAGE = f"INSERT INTO messages ({MESSAGE_COLUMNS}) VALUES ({_named(MESSAGE_COLUMNS)})"
_SAVED = "status, text, parts, model, sampling, timing, error, writer, record"
_UPDATE_MESSAGE = f"UPDATE messages SET {_assigned(_SAVED)} WHERE id = :id"
_STEP_S = 1e-3
"""Between two deletions in one conversation, where the clock says there is none: the time tells them apart."""

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
        SELECT number, id FROM messages WHERE id = :id AND deleted_at IS NULL
        UNION
        SELECT messages.number, messages.id FROM under JOIN messages ON messages.parent_id = under.id
        WHERE messages.deleted_at IS NULL
    )
"""
_DELETED_WITH = """
    WITH RECURSIVE under (number, id) AS (
        SELECT number, id FROM messages WHERE id = :id AND deleted_at = :at
        UNION
        SELECT messages.number, messages.id FROM under JOIN messages ON messages.parent_id = under.id
        WHERE messages.deleted_at = :at
    )
"""
# With all under them: where the clock was set back, what lies under a branch may have been deleted "later" than it.
_PURGED = """
    WITH RECURSIVE gone (number, id) AS (
        SELECT number, id FROM messages WHERE deleted_at <= :before
        UNION
        SELECT messages.number, messages.id FROM gone JOIN messages ON messages.parent_id = gone.id
    )
"""


@dataclass(frozen=True)
class DeletedBranch:
    """A branch that was deleted: its first message, all its messages, and the leaf that was shown until then."""

    conversation_id: str
    message_id: str
    message_ids: tuple[str, ...]
    leaf_id: str | None


class MessageTree:
    """The messages in `database`. Every method is one transaction; it raises what `Database` raises, and NotFoundError
    where it needs something that is not there."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add_message(self, message: Message, *, make_leaf: bool = True) -> None:
        """Store a new message under its parent; with `make_leaf` its branch is the one shown."""
        self.add_messages((message,), make_leaf=make_leaf)

    def add_messages(
        self,
        messages: Sequence[Message],
        *,
        create: Conversation | None = None,
        make_leaf: bool = True,
        keep: Callable[[], object] = lambda: None,
    ) -> None:
        """Store messages of one conversation, parents first, and with `create` their conversation before them. `keep`
        keeps the files that they name: where it raises, nothing is stored. The parent of the first may have been
        deleted meanwhile: NotFoundError."""
        with self.database.write() as connection:
            keep()
            if create is not None:
                insert_conversation(connection, create)
            last = messages[-1]
            changed = connection.execute(
                "UPDATE conversations SET updated_at = max(updated_at, :at), leaf_id = iif(:leaf, :id, leaf_id) "
                "WHERE id = :conversation",
                {"at": last.created_at, "leaf": make_leaf, "id": last.id, "conversation": last.conversation_id},
            )
            if not changed.rowcount:
                raise missing_conversation(last.conversation_id)
            parent_id = messages[0].parent_id
            if parent_id is not None and _is_deleted(connection, parent_id):
                raise missing_message(parent_id)
            for message in messages:
                insert_message(connection, message)

    def save_message(
        self, message: Message, *, answered: bool = True, keep: Callable[[], object] = lambda: None
    ) -> None:
        """Store what was said since: parts, status, timing, error, model, record. Durable once the answer is over.

        Its conversation then names the model as the one that answered last; not where it was not `answered`, but
        changed by the person. `keep` keeps the files that it names: where it raises, nothing is stored.
        """
        over = message.status != "streaming"
        with self.database.write(durable=over) as connection:
            keep()
            if not connection.execute(_UPDATE_MESSAGE, message_row(message)).rowcount:
                raise missing_message(message.id)
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
        """One message, deleted or not."""
        with self.database.read() as connection:
            row = connection.execute(f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = ?", (message_id,)).fetchone()
        if row is None:
            raise missing_message(message_id)
        return message_from_row(row)

    # --- the tree ------------------------------------------------------------------------------------------------

    def branch(self, conversation_id: str, leaf_id: str | None = None) -> list[Message]:
        """The branch from the root to `leaf_id` (None: to the conversation's leaf); empty where there is none."""
        with self.database.read() as connection:
            leaf = "(SELECT leaf_id FROM conversations WHERE id = :conversation)" if leaf_id is None else ":leaf"
            rows = connection.execute(
                f"{_BRANCH.replace(':leaf', leaf)} SELECT {MESSAGE_COLUMNS} FROM messages "
                "WHERE number IN (SELECT number FROM branch) AND deleted_at IS NULL ORDER BY number",
                {"conversation": conversation_id, "leaf": leaf_id},
            )
            return [message_from_row(row) for row in rows]

    def set_leaf(self, conversation_id: str, message_id: str) -> None:
        """Show the branch that ends with this message."""
        with self.database.write() as connection:
            changed = connection.execute(
                "UPDATE conversations SET leaf_id = :id WHERE id = :conversation AND EXISTS "
                "(SELECT 1 FROM messages WHERE id = :id AND conversation_id = :conversation AND deleted_at IS NULL)",
                {"id": message_id, "conversation": conversation_id},
            )
            if not changed.rowcount:
                raise missing_message(message_id)

    def newest_leaf(self, message_id: str) -> str:
        """The last message written under this one: the end of its newest branch. Itself where nothing follows it."""
        with self.database.read() as connection:
            return _newest_leaf(connection, message_id)

    def siblings(self, message_id: str) -> list[str]:
        """The messages that stand in its place, oldest first, itself among them."""
        with self.database.read() as connection:
            found = _siblings(connection, message_id)
        if message_id not in found:
            raise missing_message(message_id)
        return found

    def children(self, message_id: str) -> list[str]:
        """The messages under this one, oldest first."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT id FROM messages WHERE parent_id = ? AND deleted_at IS NULL ORDER BY number", (message_id,)
            )
            return [str(row[0]) for row in rows]

    def sibling_groups(self, conversation_id: str) -> list[list[str]]:
        """Every place of the tree that more than one message stands in: those messages, oldest first."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT parent_id, id FROM messages WHERE conversation_id = :id AND deleted_at IS NULL "
                "AND ifnull(parent_id, '') IN ("
                "  SELECT ifnull(parent_id, '') FROM messages INDEXED BY messages_of_conversation "
                "  WHERE conversation_id = :id AND deleted_at IS NULL GROUP BY parent_id HAVING count(*) > 1) "
                "ORDER BY number",
                {"id": conversation_id},
            )
            groups: dict[str | None, list[str]] = {}
            for parent_id, message_id in rows:
                groups.setdefault(parent_id, []).append(message_id)
            return list(groups.values())

    def mark_interrupted(self) -> int:
        """Set the answers that a process left unfinished when it died to `stopped`, with what was saved of them.

        Those of a process that still runs are left alone. How many there were in branches that are not deleted.
        """
        with self.database.read() as connection:
            writers = connection.execute("SELECT DISTINCT writer FROM messages WHERE status = 'streaming'").fetchall()
        dead = [writer for (writer,) in writers if not is_process_alive(writer)]
        if not dead:
            return 0
        with self.database.write() as connection:
            count = 0
            for writer in dead:
                theirs = "status = 'streaming' AND writer IS ?"
                counted = f"SELECT count(*) FROM messages WHERE {theirs} AND deleted_at IS NULL"
                count += int(connection.execute(counted, (writer,)).fetchone()[0])
                self._end_calls(connection, theirs, writer)
                connection.execute(f"UPDATE messages SET status = 'stopped', writer = NULL WHERE {theirs}", (writer,))
        return count

    @staticmethod
    def _end_calls(connection: Connection, theirs: str, writer: str | None) -> None:
        """The calls of tools that were under way have ended: each gets a result that says so."""
        rows = connection.execute(
            f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE {theirs} AND parts LIKE '%\"tool-call\"%'", (writer,)
        ).fetchall()
        for message in map(message_from_row, rows):
            parts = calls_ended(message.parts)
            if parts != message.parts:
                row = message_row(msgspec.structs.replace(message, parts=parts))
                connection.execute("UPDATE messages SET parts = :parts WHERE id = :id", row)

    # --- branches that are deleted -------------------------------------------------------------------------------

    def delete_branch(self, message_id: str, at: float) -> DeletedBranch:
        """Take a message and all under it out of the tree, at `at` (seconds, UTC).

        Where the leaf shown is one of them, the newest branch of a sibling is shown from now on, else the parent, and
        where there is neither, nothing. `restore_branch` brings them back until they are purged.
        """
        with self.database.write() as connection:
            gone = [str(row[0]) for row in connection.execute(f"{_UNDER} SELECT id FROM under", {"id": message_id})]
            if not gone:
                raise missing_message(message_id)
            chat, parent_id, leaf_id = connection.execute(
                "SELECT conversations.id, parent_id, leaf_id FROM messages "
                "JOIN conversations ON conversations.id = conversation_id WHERE messages.id = ?",
                (message_id,),
            ).fetchone()
            siblings = _siblings(connection, message_id)
            at = _time_apart(connection, chat, at)
            connection.execute(
                f"{_UNDER} UPDATE messages SET deleted_at = :at WHERE number IN (SELECT number FROM under)",
                {"id": message_id, "at": at},
            )
            if leaf_id in gone:
                place = siblings.index(message_id)
                beside = siblings[place - 1] if place else next(iter(siblings[1:]), None)
                leaf = parent_id if beside is None else _newest_leaf(connection, beside)
                connection.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf, chat))
        return DeletedBranch(chat, message_id, tuple(gone), leaf_id)

    def restore_branch(self, deleted: DeletedBranch) -> None:
        """Bring a deleted branch back, and show what was shown then.

        Where something above it was deleted since, it comes back with that.
        """
        with self.database.write() as connection:
            row = connection.execute(
                "SELECT messages.deleted_at, parents.deleted_at FROM messages "
                "LEFT JOIN messages AS parents ON parents.id = messages.parent_id WHERE messages.id = ?",
                (deleted.message_id,),
            ).fetchone()
            if row is None:
                raise missing_message(deleted.message_id)
            at, with_parent = row
            connection.execute(
                f"{_DELETED_WITH} UPDATE messages SET deleted_at = :then WHERE number IN (SELECT number FROM under)",
                {"id": deleted.message_id, "at": at, "then": with_parent},
            )
            if with_parent is None and deleted.leaf_id in deleted.message_ids:
                connection.execute(
                    "UPDATE conversations SET leaf_id = ? WHERE id = ?", (deleted.leaf_id, deleted.conversation_id)
                )


def purge_branches(connection: Connection, older_than: float) -> int:
    """Erase, in a transaction of `connection`, the branches deleted at or before `older_than`; how many there were."""
    values = {"before": older_than}
    deletions = "SELECT count(DISTINCT deleted_at) FROM messages WHERE deleted_at <= :before"
    count = int(connection.execute(deletions, values).fetchone()[0])
    if count:
        connection.execute(f"{_PURGED} DELETE FROM messages WHERE number IN (SELECT number FROM gone)", values)
    return count


def insert_conversation(connection: Connection, conversation: Conversation) -> None:
    """Store a new conversation's head, with its tags."""
    connection.execute(_INSERT_CONVERSATION, conversation_row(conversation))
    for tag in conversation.tags:
        connection.execute("INSERT OR IGNORE INTO tags VALUES (?, ?)", (conversation.id, repair_surrogates(tag)))


def insert_message(connection: Connection, message: Message) -> None:
    """Store a new message; its parent is stored."""
    connection.execute(_INSERT_MESSAGE, message_row(message))


def _siblings(connection: Connection, message_id: str) -> list[str]:
    rows = connection.execute(
        "SELECT other.id FROM messages JOIN messages AS other "
        "ON other.conversation_id = messages.conversation_id AND other.parent_id IS messages.parent_id "
        "WHERE messages.id = ? AND other.deleted_at IS NULL ORDER BY other.number",
        (message_id,),
    )
    return [str(row[0]) for row in rows]


def _newest_leaf(connection: Connection, message_id: str) -> str:
    newest = f"{_UNDER} SELECT id FROM under ORDER BY number DESC LIMIT 1"
    row = connection.execute(newest, {"id": message_id}).fetchone()
    if row is None:
        raise missing_message(message_id)
    return str(row[0])


def _is_deleted(connection: Connection, message_id: str) -> bool:
    row = connection.execute("SELECT deleted_at FROM messages WHERE id = ?", (message_id,)).fetchone()
    return row is not None and row[0] is not None


def _time_apart(connection: Connection, conversation_id: str, at: float) -> float:
    """`at`, or a little after it where another branch of the conversation was deleted just then."""
    rows = connection.execute(
        "SELECT DISTINCT deleted_at FROM messages WHERE conversation_id = ? AND deleted_at IS NOT NULL",
        (conversation_id,),
    )
    taken = {row[0] for row in rows}
    while at in taken:
        at += _STEP_S
    return at


def missing_conversation(conversation_id: str) -> NotFoundError:
    """No conversation has this id."""
    return NotFoundError(
        tr("There is no such conversation."),
        tr("None is stored under {id}.").format(id=conversation_id),
        tr("Look at the list of conversations for those that are there."),
    )


def missing_message(message_id: str) -> NotFoundError:
    """No message has this id, or it was deleted."""
    return NotFoundError(
        tr("There is no such message."),
        tr("None is stored under {id}.").format(id=message_id),
        tr("It was perhaps deleted meanwhile, or its conversation was."),
    )
