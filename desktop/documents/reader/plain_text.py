"""Text, Markdown and program code, as they are written."""

from desktop.documents.reader.page_writer import PageWriter
from desktop.documents.reader.text_encoding import TextEncoding, decoded, text_encoding


def read_text(data: bytes, pages: PageWriter) -> None:
    """Write the text in `data` as one page."""
    encoding = text_encoding(data)
    note_encoding(encoding, pages)
    for piece in decoded(data, encoding):
        pages.add(piece)


def note_encoding(encoding: TextEncoding, pages: PageWriter) -> None:
    """Have the person told where an encoding was guessed, or does not fit all bytes."""
    if encoding.guessed:
        pages.note("encoding", names=[encoding.name.replace("_", "-")])
    if encoding.broken:
        pages.note("bytes-replaced")
