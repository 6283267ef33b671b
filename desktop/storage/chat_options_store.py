"""What answers in a conversation or a folder are asked with, on disk: read together, changed value by value.

Each method is one transaction and may be called from any thread, as those of `ConversationStore`.
"""

import sqlite3
from collections.abc import Callable

from desktop.conversation import Conversation, Folder
from desktop.safe_text import repair_surrogates
from desktop.storage.conversation_rows import (
    CONVERSATION_COLUMNS,
    TAGS_COLUMN,
    conversation_from_row,
    options_from_json,
    options_json,
)
from desktop.storage.database import Database

_FOLDER_COLUMNS = "id, name, position, system_prompt, model_id, options, created_at"


class ChatOptionsStore:
    """System prompts and options in `database`. Raises what `Database` raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def place_of(self, conversation_id: str) -> tuple[Conversation | None, Folder | None]:
        """A conversation and its folder, as they are now; None where there is none."""
        with self._database.read() as connection:
            head = _conversation(connection, conversation_id)
            folder = None if head is None or head.folder_id is None else _folder(connection, head.folder_id)
        return head, folder

    def folder(self, folder_id: str) -> Folder | None:
        """A folder as it is now; None where there is none."""
        with self._database.read() as connection:
            return _folder(connection, folder_id)

    def change_conversation(
        self, conversation_id: str, change: Callable[[Conversation], Conversation]
    ) -> Conversation | None:
        """Store what `change` makes of a conversation's system prompt and options; the conversation as it is then,
        None where it is not stored."""
        with self._database.write() as connection:
            head = _conversation(connection, conversation_id)
            if head is None:
                return None
            changed = change(head)
            connection.execute(
                "UPDATE conversations SET system_prompt = ?, options = ? WHERE id = ?",
                (repair_surrogates(changed.system_prompt), options_json(changed.options), head.id),
            )
            return _conversation(connection, conversation_id)

    def change_folder(self, folder_id: str, change: Callable[[Folder], Folder]) -> Folder | None:
        """The same for a folder."""
        with self._database.write() as connection:
            folder = _folder(connection, folder_id)
            if folder is None:
                return None
            changed = change(folder)
            connection.execute(
                "UPDATE folders SET system_prompt = ?, options = ? WHERE id = ?",
                (repair_surrogates(changed.system_prompt), options_json(changed.options), folder.id),
            )
            return _folder(connection, folder_id)


def _conversation(connection: sqlite3.Connection, conversation_id: str) -> Conversation | None:
    row = connection.execute(
        f"SELECT {CONVERSATION_COLUMNS}, {TAGS_COLUMN} FROM conversations WHERE id = ?",
        (repair_surrogates(conversation_id),),
    ).fetchone()
    return None if row is None else conversation_from_row(row)


def _folder(connection: sqlite3.Connection, folder_id: str) -> Folder | None:
    row = connection.execute(f"SELECT {_FOLDER_COLUMNS} FROM folders WHERE id = ?", (folder_id,)).fetchone()
    if row is None:
        return None
    id_, name, position, system_prompt, model_id, options, created_at = row
    return Folder(id_, name, position, system_prompt, model_id, options_from_json(options), created_at)
