"""What answers in a conversation or a folder are asked with, on disk: read together, changed value by value.

Each method is one transaction and may be called from any thread, as those of `ConversationStore`.
"""

from collections.abc import Callable

from desktop.conversation import Conversation, Folder
from desktop.safe_text import repair_surrogates
from desktop.storage.conversation_rows import options_json, read_conversation
from desktop.storage.database import Database
from desktop.storage.folder_store import find_folder


class ChatOptionsStore:
    """System prompts and options in `database`. Raises what `Database` raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def place_of(self, conversation_id: str) -> tuple[Conversation | None, Folder | None]:
        """A conversation and its folder, as they are now; None where there is none."""
        with self._database.read() as connection:
            head = read_conversation(connection, conversation_id)
            folder = None if head is None or head.folder_id is None else find_folder(connection, head.folder_id)
        return head, folder

    def folder(self, folder_id: str) -> Folder | None:
        """A folder as it is now; None where there is none."""
        with self._database.read() as connection:
            return find_folder(connection, folder_id)

    def change_conversation(
        self, conversation_id: str, change: Callable[[Conversation], Conversation]
    ) -> Conversation | None:
        """Store what `change` makes of a conversation's system prompt and options; the conversation as it is then,
        None where it is not stored."""
        with self._database.write() as connection:
            head = read_conversation(connection, conversation_id)
            if head is None:
                return None
            changed = change(head)
            connection.execute(
                "UPDATE conversations SET system_prompt = ?, options = ? WHERE id = ?",
                (repair_surrogates(changed.system_prompt), options_json(changed.options), head.id),
            )
            return read_conversation(connection, conversation_id)

    def change_folder(self, folder_id: str, change: Callable[[Folder], Folder]) -> Folder | None:
        """The same for a folder."""
        with self._database.write() as connection:
            folder = find_folder(connection, folder_id)
            if folder is None:
                return None
            changed = change(folder)
            connection.execute(
                "UPDATE folders SET system_prompt = ?, options = ? WHERE id = ?",
                (repair_surrogates(changed.system_prompt), options_json(changed.options), folder.id),
            )
            return find_folder(connection, folder_id)
