"""Reads what Latchkey exports as JSON, just as it was (see `desktop.chat.export.conversation_document`)."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar

import msgspec

from desktop.chat.export.conversation_document import (
    VERSION,
    decode_attachment,
    decode_conversation,
    is_document,
)
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import (
    ImportedAttachment,
    ImportedConversation,
    ImportedItem,
    SkippedItem,
)
from desktop.conversation import Folder
from desktop.errors import IntegrityError
from desktop.translation import tr

_folders = msgspec.json.Decoder(tuple[Folder, ...])
_attachments = msgspec.json.Decoder(dict[str, msgspec.Raw])
_version = msgspec.json.Decoder(int)
_T = TypeVar("_T")


class LatchkeyReader:
    """Conversations with their folders and attachments. The attachments stand behind the conversations in the file, and
    are given first: it is gone through twice."""

    app = "Latchkey"
    passes = 2

    def recognizes(self, files: ExportFiles) -> bool:
        return any(is_document(files.head(name)) for name in _documents(files))

    def read(self, files: ExportFiles) -> Iterator[ImportedItem]:
        for name in _documents(files):
            if is_document(files.head(name)):
                _check_head(files, name)
                yield from self._read_attachments(files, name)
                yield from self._read_conversations(files, name)

    def _read_attachments(self, files: ExportFiles, name: str) -> Iterator[ImportedItem]:
        for key, value in _until_damage(files.values(name, "conversations", "attachments")):
            if key != "attachments":
                continue
            for sha256, raw in _decoded(_attachments, value).items():
                try:
                    found = decode_attachment(raw)
                except IntegrityError as error:
                    yield SkippedItem(sha256, error.title)
                    continue
                if hashlib.sha256(found.data).hexdigest() == sha256:
                    yield ImportedAttachment(sha256, found.media_type, "", found.data)
                else:
                    yield SkippedItem(sha256, tr("It is damaged: its bytes do not have the hash that they should."))

    def _read_conversations(self, files: ExportFiles, name: str) -> Iterator[ImportedItem]:
        for key, value in files.values(name, "conversations"):
            if key == "folders":
                yield from _decoded(_folders, value)
            elif key == "conversations":
                try:
                    found = decode_conversation(msgspec.Raw(value))
                except IntegrityError as error:
                    yield SkippedItem(_title(value), error.title)
                else:
                    yield ImportedConversation(found.conversation, found.messages, own=True)


class _Titled(msgspec.Struct):
    title: str = ""
    id: str = ""


def _title(conversation: bytes) -> str:
    """What a damaged conversation is called, as far as that can be read."""
    try:
        found = msgspec.json.decode(conversation, type=_Titled)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return tr("A conversation")
    return found.title or found.id or tr("A conversation")


def _decoded(decoder: msgspec.json.Decoder[_T], value: bytes) -> _T:
    try:
        return decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(
            tr("The file is not a whole export of conversations: it is damaged or was cut short."),
            "",
            tr("Export the conversations again."),
            technical=str(error),
        ) from None


def _until_damage(values: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Those before the place where the file is damaged: reading it once more for the conversations says that."""
    with suppress(IntegrityError):
        yield from values


def _documents(files: ExportFiles) -> tuple[str, ...]:
    """The members that may be such a document by their name."""
    names = files.names()
    return names if len(names) == 1 else tuple(name for name in names if name.lower().endswith(".json"))


def _check_head(files: ExportFiles, name: str) -> None:
    """IntegrityError where a later version wrote it. Its format and its version stand before all else."""
    for key, value in files.values(name):
        if key == "version":
            if _decoded(_version, value) <= VERSION:
                return
            raise IntegrityError(
                tr("A newer Latchkey exported these conversations, in a form that this one does not know."),
                "",
                tr("Update Latchkey, then import the file again."),
            )
        if key != "format":
            break
    raise IntegrityError(
        tr("{file} is damaged: {reason}.").format(file=files.shown(name), reason=tr("it does not say its version")),
        "",
        tr("Export the conversations again."),
    )
