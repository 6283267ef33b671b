"""The parts of a person's message that hold the files attached to it."""

from collections.abc import Collection, Iterable

from desktop.chat.attached_file_reader import decoded_content
from desktop.chat.draft_attachment import TakenAttachments
from desktop.chat.passage_finder import numbered_parts
from desktop.conversation import AttachedFilePart, ImagePart, Message, MessagePart, PassagePart
from desktop.documents.passage_splitter import split_document


def attached_parts(
    attached: TakenAttachments, before: Iterable[Message]
) -> tuple[tuple[MessagePart, ...], tuple[bytes, ...]]:
    """The parts for `attached`, and the bytes that they name by their sha256. Passages of files that are given whole
    have numbers that go on from those in the messages `before` them. Reads files. Raises UserError."""
    parts: list[MessagePart] = []
    files: list[bytes] = []
    numbers = (part.number for message in before for part in message.parts if isinstance(part, PassagePart))
    number = max(numbers, default=0)
    for each in attached:
        data = each.read()
        files.append(data)
        parts.append(each.part)
        if isinstance(each.part, AttachedFilePart) and each.part.whole:
            content = decoded_content(data)
            passages = numbered_parts(each.part.name, content, split_document(content), number + 1)
            number += len(passages)
            parts += passages
    return tuple(parts), tuple(files)


def kept_parts(message: Message, left_out: Collection[str]) -> tuple[MessagePart, ...]:
    """What is attached to `message` but for the files whose part's sha256 is in `left_out`."""
    files = [part for part in message.parts if isinstance(part, AttachedFilePart | ImagePart)]
    gone = {part.file_sha256 for part in files if isinstance(part, AttachedFilePart) and part.sha256 in left_out}
    kept: list[MessagePart] = []
    for part in message.parts:
        match part:
            case AttachedFilePart() | ImagePart():
                stays = part.sha256 not in left_out
            case PassagePart():
                stays = part.file_sha256 not in gone
            case _:
                stays = False
        if stays:
            kept.append(part)
    return tuple(kept)
