"""What a reader of an export gives: conversations as trees of messages, and what it could not take, by name."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from desktop.chat.importers.export_files import ExportFiles
from desktop.conversation import Conversation, Folder, Message

_NAMESPACE = uuid.UUID("6f1f3c0e-52f4-4c8e-9a4b-2f0a3a7d1c55")


@dataclass(frozen=True)
class ImportedAttachment:
    """The bytes of an image that a message names by its sha256."""

    sha256: str
    media_type: str
    name: str
    data: bytes


@dataclass(frozen=True)
class ImportedConversation:
    """A conversation with all its branches: parents stand before their children, and `conversation.leaf_id` is the end
    of the branch shown. Its id and those of its messages come from `derived_id`, so that nothing is taken twice.

    `source_id` is what the program calls it. One that is `own` was exported by Latchkey: it is taken just as it is.
    """

    conversation: Conversation
    messages: tuple[Message, ...]
    attachments: tuple[ImportedAttachment, ...] = ()
    source_id: str = ""
    own: bool = False


@dataclass(frozen=True)
class SkippedItem:
    """Something that was not taken: `what` it is, as a person finds it in the export, and `why`, one sentence. With
    `is_damage` the export itself is damaged there, and may have held more."""

    what: str
    why: str
    is_damage: bool = False


ImportedItem = ImportedConversation | ImportedAttachment | Folder | SkippedItem


class ConversationReader(Protocol):
    """Reads the export of one program. One that goes through its files more than once says how often by `passes`."""

    app: str
    """The program's own name."""

    def recognizes(self, files: ExportFiles) -> bool:
        """Whether this is such an export. Looks at names and beginnings only."""
        ...

    def read(self, files: ExportFiles) -> Iterator[ImportedItem]:
        """Its conversations one after another, and what could not be taken. A folder that conversations stand in, and
        an image that several of them share, may come before the first that names it. Raises IntegrityError where the
        export as a whole is damaged, ResourceError where it cannot be read."""
        ...


def derived_id(app: str, *names: str) -> str:
    """An id for what `app` calls by `names`: 32 hexadecimal digits, the same whenever it is imported (RFC 9562,
    version 5)."""
    return uuid.uuid5(_NAMESPACE, "\0".join((app, *names))).hex
