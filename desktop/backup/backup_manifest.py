"""The format of a backup, and the manifest that says what is in one.

A backup is a ZIP file (APPNOTE.TXT 6.3; deflate or stored, ZIP64 where it is large, no encryption, no comment) of these
members, each of them but the manifest optional:

    conversations.db        the conversations: a SQLite database of the schema version that the manifest names
    ledger.json             the ledger with its texts, as `latchkey licenses export FILE.json` writes it
    config/settings.json    the settings, without the password of a proxy
    config/presets.json     config/prompts.json     config/models.toml     config/endpoints.json
    drafts.json             what was typed and not sent
    collections.json        the collections of documents: names, folders, and what was left out; not what was read
    tool-servers.json       the tool servers: without the values of their environment and address, none allowed to start
    attachments/SHA256      each image, and what was read of each document, that a message names, by its sha256
    manifest.json           last: see `BackupManifest`

Access tokens, their vault and index, the key that seals the ledger, the log of requests, models and the records of them
are in no backup. A number `version` above VERSION means that what is written here no longer holds.
"""

import re
from typing import Annotated

import msgspec

from desktop.licenses.export.json_export import MAX_EXPORT_BYTES
from desktop.storage.attachment_store import LARGEST_ATTACHMENT

FORMAT = "latchkey-backup"
VERSION = 1
MANIFEST = "manifest.json"
CONVERSATIONS = "conversations.db"
LEDGER = "ledger.json"
DRAFTS = "drafts.json"
COLLECTIONS = "collections.json"
TOOL_SERVERS = "tool-servers.json"
CONFIG_FILES = ("settings.json", "presets.json", "prompts.json", "models.toml", "endpoints.json")
ATTACHMENTS = "attachments/"

LARGEST_MANIFEST = 256 << 20
LARGEST_CONFIG = 8 << 20
LARGEST_DRAFTS = 64 << 20
LARGEST_COLLECTIONS = 64 << 20
_ATTACHMENT = re.compile(r"attachments/[0-9a-f]{64}")
_LARGEST: dict[str, int] = {
    CONVERSATIONS: 1 << 50,
    LEDGER: MAX_EXPORT_BYTES,
    DRAFTS: LARGEST_DRAFTS,
    COLLECTIONS: LARGEST_COLLECTIONS,
    TOOL_SERVERS: LARGEST_CONFIG,
    **{f"config/{name}": LARGEST_CONFIG for name in CONFIG_FILES},
}


class BackupMember(msgspec.Struct, frozen=True):
    """A member of the file: its name, the bytes of it before it was packed, and their sha256."""

    name: str
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class BackupCounts(msgspec.Struct, frozen=True):
    """How much is in a backup: what a person recognizes it by."""

    conversations: int = 0
    messages: int = 0
    folders: int = 0
    attachments: int = 0
    ledger_records: int = 0
    collections: int = 0


class BackupManifest(msgspec.Struct, frozen=True):
    """What a backup holds. `created` is when it was begun (seconds since 1970, UTC), `conversations_version` and
    `ledger_version` are those of the schemas it was written from. `left_out` names, in sentences, what should be in it
    and could not be read."""

    format: str
    version: int
    app_version: str
    created: Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]
    conversations_version: int
    ledger_version: int
    counts: BackupCounts
    left_out: tuple[str, ...]
    members: tuple[BackupMember, ...]


def largest_member(name: str) -> int:
    """The most bytes that a member of this name may have, 0 where no member is called so."""
    return LARGEST_ATTACHMENT if _ATTACHMENT.fullmatch(name) else _LARGEST.get(name, 0)
