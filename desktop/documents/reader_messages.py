"""What the app and the reader of documents say to each other, and within which bounds the reader is believed: it may
have been taken over by the file it reads.

A request is followed by the file's bytes in `FileData`, exactly as many as it says. The reader answers with `PageText`
(what belongs to one page may come in several), `DocumentRead` or `ImageDecoded`, or with `ReadingRefused`.
"""

from typing import Annotated, Literal

import msgspec

from desktop.engine.message_bounds import Count, ShortText

MOST_CHARACTERS = 50_000_000
"""Of one document: what comes after is left out, and a note says so. 10,000 printed pages hold some 35 million."""
MOST_PAGES = 50_000
LARGEST_FILE = 256 * 1024 * 1024
LONGEST_PIECE = 500_000
"""Characters of one `PageText`."""
LONGEST_SIDE = 4096
"""Of a decoded image, in pixels: it has to fit into one message."""
DATA_SIZE = 1024 * 1024
_MOST_NOTES = 100

ReadingProblem = Literal[
    "archive",
    "binary",
    "bomb",
    "damaged",
    "image",
    "image-too-large",
    "library-missing",
    "memory",
    "no-image",
    "office-encrypted",
    "old-office",
    "other-office",
    "password-needed",
    "password-wrong",
    "presentation",
    "rich-text",
]
"""Why a file is not read."""

NoteKind = Literal[
    "attachments",
    "bytes-replaced",
    "cut",
    "cut-pages",
    "empty",
    "encoding",
    "hidden-sheets",
    "no-text",
    "pages-unreadable",
    "pages-without-text",
    "tracked-changes",
]
"""What is to be known about what was read."""

MediaType = Literal[
    "application/pdf",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "message/rfc822",
    "text/csv",
    "text/html",
    "text/markdown",
    "text/plain",
    "text/tab-separated-values",
]


class DocumentRequest(msgspec.Struct, frozen=True, tag="document"):
    """Read a document of `size` bytes. `suffix` is how its name ends (".pdf"), in small letters."""

    size: int
    suffix: str
    password: str = ""


class ImageRequest(msgspec.Struct, frozen=True, tag="image"):
    """Decode an image of `size` bytes, so that no side has more than `longest_side` pixels."""

    size: int
    longest_side: int


class FileData(msgspec.Struct, frozen=True, tag="data"):
    data: bytes


ReaderRequest = DocumentRequest | ImageRequest | FileData


class ReaderReady(msgspec.Struct, frozen=True, tag="ready"):
    """The reader waits for requests. `confinement` is "landlock+seccomp", or why not."""

    confinement: ShortText


class PageText(msgspec.Struct, frozen=True, tag="page"):
    """The text, or a part of it, of page `number`; of `total` pages, 0 where that is not known. Numbers never fall."""

    number: Annotated[int, msgspec.Meta(ge=1, le=MOST_PAGES)]
    text: Annotated[str, msgspec.Meta(max_length=LONGEST_PIECE)]
    label: Annotated[str, msgspec.Meta(max_length=200)] = ""
    total: Count = 0


class ReadingNote(msgspec.Struct, frozen=True):
    """Something to be known. `count` and `names` belong to some kinds: how many, and which."""

    kind: NoteKind
    count: Count = 0
    names: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=300)], ...], msgspec.Meta(max_length=1000)] = ()


class DocumentRead(msgspec.Struct, frozen=True, tag="read"):
    """All pages have been sent."""

    media_type: MediaType
    paged: bool
    notes: Annotated[tuple[ReadingNote, ...], msgspec.Meta(max_length=_MOST_NOTES)] = ()


class ImageDecoded(msgspec.Struct, frozen=True, tag="image"):
    """The image: `rgb` holds three bytes for each pixel, line after line from the top."""

    width: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_SIDE)]
    height: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_SIDE)]
    rgb: bytes
    original_width: Annotated[int, msgspec.Meta(ge=1, le=2**31)]
    original_height: Annotated[int, msgspec.Meta(ge=1, le=2**31)]


class ReadingRefused(msgspec.Struct, frozen=True, tag="refused"):
    """The file is not read. `technical` is for the log."""

    problem: ReadingProblem
    technical: ShortText = ""


ReaderEvent = ReaderReady | PageText | DocumentRead | ImageDecoded | ReadingRefused
