"""Homes with a person's things in them, to back up and to restore into."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from desktop.backup.backup_manifest import MANIFEST, BackupManifest, BackupMember
from desktop.backup.backup_writer import PersonsData
from desktop.conversation import Conversation, Folder, ImagePart, Message, TextPart
from desktop.paths import Paths
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import DOCUMENTS_SCHEMA, Database
from desktop.storage.folder_store import FolderStore
from tests.fakes.ledgers import fill, ledger_in

NOW = 1_790_000_000.0
OpenHome = Callable[[str], PersonsData]


def paths_of(home: Path) -> Paths:
    """The folders of a home, as LATCHKEY_HOME has them."""
    config, data, models, cache, logs = (home / name for name in ("config", "data", "models", "cache", "logs"))
    return Paths(config, data, models, cache, logs, resources=home, catalog=home)


def data_in(home: Path) -> PersonsData:
    """The things of the home at `home`; nothing is made."""
    paths = paths_of(home)
    database = Database(paths.database_file)
    documents = Database(paths.documents_file, DOCUMENTS_SCHEMA)
    return PersonsData(paths, database, ledger_in(home), AttachmentStore(paths.attachments), documents)


def talk(data: PersonsData, name: str, turns: int = 2, **head: object) -> Conversation:
    """A conversation `name`, with that many turns, whose messages are called `name`-0, `name`-1, …"""
    given = {"title": f"About {name}", "title_by": "person", "created_at": NOW, "updated_at": NOW} | head
    conversation = Conversation(name, **given)  # type: ignore[arg-type]
    ConversationStore(data.database).add_messages(said(name, range(2 * turns)), create=conversation)
    return conversation


def said(name: str, numbers: range) -> list[Message]:
    """The messages of these numbers, each under the one before it."""
    return [
        Message(
            f"{name}-{at}",
            name,
            f"{name}-{at - 1}" if at else None,
            "assistant" if at % 2 else "user",
            (TextPart(f"Words {at} of {name}"),),
            created_at=NOW + at,
        )
        for at in numbers
    ]


def furnish(data: PersonsData, image: bytes = b"\x89PNG a picture") -> str:
    """Two conversations, one of them in a folder and with an image, a ledger and settings; the image's sha256."""
    FolderStore(data.database).create(Folder("letters", "Letters"))
    talk(data, "garden", 3, folder_id="letters", tags=("green",), pinned=True)
    talk(data, "house")
    sha256 = data.attachments.add(image)
    with_image = Message("house-image", "house", "house-3", "user", (ImagePart(sha256, "image/png"),), created_at=NOW)
    ConversationStore(data.database).add_message(with_image)
    fill(data.ledger)
    data.paths.config.mkdir(parents=True, exist_ok=True)
    (data.paths.config / "settings.json").write_text('{"version": 1, "theme": "dark", "to_come": 7}')
    (data.paths.config / "presets.json").write_text('{"version": 1, "presets": {"short": {"max_tokens": 9}}}')
    (data.paths.data / "drafts.json").write_text('{"": "Dear Sir"}')
    return sha256


def rewrite(backup: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """A backup with other members, its manifest made to fit: what somebody forges who knows the format."""
    with zipfile.ZipFile(backup) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    manifest = msgspec.json.decode(members.pop(MANIFEST), type=BackupManifest)
    change(members)
    write_members(target, members, manifest)


def write_members(target: Path, members: dict[str, bytes], manifest: BackupManifest) -> None:
    """A backup of these members, with `manifest` made to name them."""
    listed = tuple(BackupMember(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in members.items())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr(MANIFEST, msgspec.json.encode(msgspec.structs.replace(manifest, members=listed)))
