"""What the chat needs of documents: who reads files, who searches collections, and where drafts are kept."""

from dataclasses import dataclass
from pathlib import Path

from desktop.chat.attached_file_reader import AttachedFileReading
from desktop.chat.message_pictures import PictureDecoder
from desktop.chat.passage_finder import CollectionSearching


@dataclass(frozen=True)
class DocumentServices:
    """Without `reader` no documents are attached, without `collections` none are searched. `drafts` is the folder for
    what was read of files that are attached to messages not sent yet; None: it is kept in memory alone. Without
    `pictures` models are shown none."""

    reader: AttachedFileReading | None = None
    collections: CollectionSearching | None = None
    drafts: Path | None = None
    pictures: PictureDecoder | None = None


NO_DOCUMENTS = DocumentServices()
