"""Has a document parsed by what knows its format."""

import contextlib
from collections.abc import Callable

from desktop.documents.reader.document_format import PAGED, document_format
from desktop.documents.reader.page_writer import PageWriter
from desktop.documents.reader.refused_file import DocumentFullError
from desktop.documents.reader_messages import DocumentRead, MediaType, PageText


def parse_document(data: bytes, suffix: str, password: str, send: Callable[[PageText], None]) -> DocumentRead:
    """Give the pages of the document in `data` to `send`, and what is to be known about them. `suffix` is the end of
    its name, in small letters. Raises RefusedFileError, and whatever else a parser raises of a hostile file.
    """
    pages = PageWriter(send)
    media_type: MediaType
    if not data:
        pages.note("empty")
        media_type = "text/plain"
    else:
        media_type = document_format(data, suffix)
        with contextlib.suppress(DocumentFullError):  # a note says so
            _parse(media_type, data, password, pages)
    pages.finish()
    return DocumentRead(media_type, media_type in PAGED, tuple(pages.notes))


def _parse(media_type: MediaType, data: bytes, password: str, pages: PageWriter) -> None:
    """Each parser, with its libraries, is imported when the first file of its format comes."""
    match media_type:
        case "application/pdf":
            from desktop.documents.reader.pdf_document import read_pdf

            read_pdf(data, password, pages)
        case "application/vnd.openxmlformats-officedocument.wordprocessingml.document":
            from desktop.documents.reader.word_document import read_word_document

            read_word_document(data, pages)
        case "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
            from desktop.documents.reader.spreadsheet import read_spreadsheet

            read_spreadsheet(data, pages)
        case "application/vnd.oasis.opendocument.text":
            from desktop.documents.reader.open_document import read_open_document

            read_open_document(data, pages)
        case "text/html":
            from desktop.documents.reader.html_text import read_html

            read_html(data, pages)
        case "message/rfc822":
            from desktop.documents.reader.mail_message import read_mail

            read_mail(data, pages)
        case "text/csv" | "text/tab-separated-values":
            from desktop.documents.reader.delimited_text import read_delimited

            read_delimited(data, pages, tabs=media_type == "text/tab-separated-values")
        case _:
            from desktop.documents.reader.plain_text import read_text

            read_text(data, pages)
