"""A file attached to a message that is not sent yet: as it is shown, as it is kept aside, as the message takes it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from desktop.conversation import AttachedFilePart, ImagePart
from desktop.errors import UserError

AttachmentKind = Literal["document", "image"]
AttachmentState = Literal["reading", "ready", "failed"]


class DraftAttachment(msgspec.Struct, frozen=True):
    """A file attached to a message that is not sent yet. `size` is in bytes; `pages`, `tokens` and `sha256` (of what
    was read) are known once it is "ready". `tokens` are about as many as a model reads of it, all of it; with `whole`
    it is given all, else in passages found for each question. `error` says why it "failed"; `fraction` (0 to 1) how
    far it is read, where that is known."""

    id: str
    name: str
    kind: AttachmentKind
    state: AttachmentState
    size: int = 0
    pages: int = 0
    tokens: int | None = None
    whole: bool = False
    error: UserError | None = None
    sha256: str = ""
    fraction: float | None = None

    @classmethod
    def of(cls, record: "DraftRecord") -> "DraftAttachment":
        """What is shown of a file that was read."""
        return cls(
            record.id,
            record.name,
            record.kind,
            "ready",
            record.size,
            record.pages,
            record.tokens,
            sha256=record.sha256,
        )


class DraftRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that was read. `sha256` is that of what is kept: an image's bytes, or the JSON of a DocumentContent;
    `file_sha256` the file's own. `tokens` are about as many as its text has."""

    id: str
    name: str
    kind: Literal["document", "image"]
    media_type: str
    size: int
    sha256: str
    file_sha256: str
    pages: int = 0
    tokens: int | None = None
    added_at: float = 0.0


@dataclass(frozen=True)
class TakenAttachment:
    """One file of a message that is being sent: the part of the message, and its `content` where it is a document.
    `read` gives the bytes that the part's sha256 is of; it is called off the main thread."""

    part: AttachedFilePart | ImagePart
    record: DraftRecord
    read: Callable[[], bytes]

    @classmethod
    def of(cls, record: DraftRecord, read: Callable[[], bytes], *, whole: bool) -> "TakenAttachment":
        """The file of `record`; with `whole` the message holds all its passages."""
        return cls(_part(record, whole=whole), record, read)


def given_whole(records: Iterable[DraftRecord], room: int) -> list[bool]:
    """Which of these files are given whole: those that fit into `room` tokens together, the first ones first."""
    whole = []
    for record in records:
        fits = record.kind == "document" and (record.tokens or 0) <= room
        room -= (record.tokens or 0) if fits else 0
        whole.append(fits)
    return whole


TakenAttachments = tuple[TakenAttachment, ...]


def _part(record: DraftRecord, *, whole: bool) -> AttachedFilePart | ImagePart:
    if record.kind == "image":
        return ImagePart(record.sha256, record.media_type, record.name)
    return AttachedFilePart(
        record.name, record.media_type, record.sha256, record.file_sha256, record.size, record.pages, whole
    )
