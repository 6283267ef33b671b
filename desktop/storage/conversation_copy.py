"""Copies a conversation with its whole tree from one store into another."""

import msgspec

from desktop.conversation import Conversation
from desktop.storage.attachment_store import AttachmentStore, attachments_named
from desktop.storage.conversation_rows import MESSAGE_COLUMNS, message_from_row, message_row
from desktop.storage.conversation_store import ConversationStore


def copy_conversation(
    source: ConversationStore,
    target: ConversationStore,
    conversation_id: str,
    attachments: tuple[AttachmentStore, AttachmentStore] | None = None,
) -> Conversation:
    """Store in `target` what `source` has of a conversation, every branch that was not deleted, under the same ids; its
    head there. `attachments` are the files that its messages name: where they are, and where to add them.

    All of it or, where that raises what a store raises, nothing. NotFoundError where there is none.
    """
    head = source.conversation(conversation_id)
    with source.database.read() as connection:
        rows = connection.execute(
            f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE conversation_id = ? AND deleted_at IS NULL ORDER BY number",
            (conversation_id,),
        )
        messages = [message_from_row(row) for row in rows]

    def keep() -> None:
        if attachments is not None:
            there, here = attachments
            named = {
                sha256 for message in messages for sha256 in attachments_named(message_row(message)["parts"] or "")
            }
            for sha256 in sorted(named):
                if there.contains(sha256):
                    here.add(there.read(sha256))

    # A folder or a tag of this conversation is one of the source's.
    kept = msgspec.structs.replace(head, folder_id=None, tags=())
    if not messages:
        target.create(kept)
    else:
        target.add_messages(messages, create=kept, make_leaf=False, keep=keep)
    return kept
