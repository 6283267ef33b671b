"""Reads one attached file: an image is taken as it is, of a document its text is read."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from desktop.atomic_file import open_regular, read_bounded
from desktop.chat.attachment_drafts import AttachmentDrafts
from desktop.chat.document_tokens import estimated_tokens, most_tokens
from desktop.chat.draft_attachment import DraftRecord
from desktop.document_content import DocumentContent
from desktop.errors import NotFoundError, ResourceError, StoppedError, UserError
from desktop.image_format import image_format
from desktop.translation import tr

_LARGEST_IMAGE = 64 << 20
_HEAD = 64  # bytes that tell an image


class AttachedFileReading(Protocol):
    """What reads documents and images (see `desktop.documents.document_reader`): in a process of its own, off the main
    thread. Raises UserError, StoppedError where `is_cancelled` said so."""

    def read(
        self,
        path: Path,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool],
        on_progress: Callable[[int, int], None],
    ) -> DocumentContent: ...

    def read_bytes(
        self,
        data: bytes,
        name: str,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool],
        on_progress: Callable[[int, int], None],
    ) -> DocumentContent: ...


@dataclass(frozen=True)
class GivenFile:
    """A file to be read: by its path, or its bytes where it came without one."""

    id: str
    name: str
    source: Path | bytes
    password: str = ""


class AttachedFileReader:
    """Puts what it reads into `drafts`. Without `documents` images alone can be read."""

    def __init__(self, documents: AttachedFileReading | None, drafts: AttachmentDrafts) -> None:
        self._documents, self._drafts = documents, drafts

    def read(
        self,
        file: GivenFile,
        *,
        is_cancelled: Callable[[], bool],
        on_size: Callable[[int], None],
        on_progress: Callable[[int, int], None],
    ) -> DraftRecord:
        """What was read of `file`, which is kept aside. Off the main thread. Raises what reading raises, StoppedError
        where `is_cancelled` said so."""
        on_size(_size(file.source, file.name))
        if (data := _image(file.source, file.name)) is not None:
            found = image_format(data)
            sha256 = self._drafts.add(data)
            kind = found.media_type if found is not None else ""
            return DraftRecord(file.id, file.name, "image", kind, len(data), sha256, sha256)
        content = self._document(file, is_cancelled, on_progress)
        if is_cancelled():
            raise StoppedError
        sha256 = self._drafts.add(msgspec.json.encode(content))
        # A file is given whole where it takes half of the room; at most it is to take all.
        tokens = sum(max(estimated_tokens(page.text), most_tokens(page.text) // 2) for page in content.pages)
        pages = len(content.pages) if content.paged else 0
        return DraftRecord(
            file.id, file.name, "document", content.media_type, content.size, sha256, content.sha256, pages, tokens
        )

    def _document(
        self, file: GivenFile, is_cancelled: Callable[[], bool], on_progress: Callable[[int, int], None]
    ) -> DocumentContent:
        documents = self._documents
        if documents is None:
            raise UserError(tr("Documents cannot be read here."))
        if isinstance(file.source, bytes):
            return documents.read_bytes(
                file.source, file.name, password=file.password, is_cancelled=is_cancelled, on_progress=on_progress
            )
        return documents.read(file.source, password=file.password, is_cancelled=is_cancelled, on_progress=on_progress)


def decoded_content(data: bytes) -> DocumentContent:
    """What was read of a document, from its JSON. UserError where it is none."""
    try:
        return msgspec.json.decode(data, type=DocumentContent)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UserError(
            tr("What was read of this document cannot be shown."),
            tr("It is not in the form that this version knows."),
            technical=str(error),
        ) from error


def _size(source: Path | bytes, name: str) -> int:
    """How large a file is, in bytes. NotFoundError where there is none, UserError for a folder."""
    if isinstance(source, bytes):
        return len(source)
    try:
        if source.is_dir():
            raise UserError(
                tr("{file} is a folder.").format(file=name), "", tr("Put it into a collection, or attach its files.")
            )
        return source.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(tr("There is no file {file}.").format(file=name), "", tr("Check its name.")) from None
    except OSError as error:
        raise ResourceError(
            tr("{file} could not be read: {reason}.").format(file=name, reason=error.strerror or error),
            "",
            tr("Look at its rights."),
        ) from error


def _image(source: Path | bytes, name: str) -> bytes | None:
    """The bytes of an image; None for anything else. ResourceError where it is too large."""
    head = source[:_HEAD] if isinstance(source, bytes) else b""
    if isinstance(source, Path):
        with suppress(OSError), os.fdopen(open_regular(source, follow_link=True), "rb") as file:
            head = file.read(_HEAD)
    if image_format(head) is None:
        return None
    if _size(source, name) <= _LARGEST_IMAGE:
        if isinstance(source, bytes):
            return source
        try:
            return read_bounded(source, _LARGEST_IMAGE, follow_link=True)
        except OSError as error:
            raise ResourceError(
                tr("{file} could not be read: {reason}.").format(file=name, reason=error.strerror or error)
            ) from error
    raise ResourceError(
        tr("{file} is too large: it has more than {size} MB.").format(file=name, size=_LARGEST_IMAGE >> 20),
        "",
        tr("Give a smaller one."),
    )
