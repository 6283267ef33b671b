"""PDF, by pdfium: the text of each page, in the order in which the file draws it."""

import re

import pypdfium2
from pypdfium2 import raw

from desktop.documents.reader.page_writer import PageWriter
from desktop.documents.reader.refused_file import RefusedFileError

# Where a word is parted at the end of a line pdfium writes U+0002, or U+FFFE, in place of the hyphen.
_PARTED = re.compile("[\x02\ufffe](?:\r?\n)?")
_BLANKS = re.compile(r"[ \t]+(?=\n|$)")


def read_pdf(data: bytes, password: str, pages: PageWriter) -> None:
    """Write the pages of `data`. Raises RefusedFileError where it does not open, or not with this password."""
    try:
        document = pypdfium2.PdfDocument(data, password=password or None)
    except pypdfium2.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise RefusedFileError("password-wrong" if password else "password-needed") from error
        raise RefusedFileError("damaged") from error
    with document:
        _write_pages(document, pages)


def _write_pages(document: pypdfium2.PdfDocument, pages: PageWriter) -> None:
    total = len(document)
    if total == 0:
        raise RefusedFileError("damaged")
    without_text, unreadable = _PageNumbers(), _PageNumbers()
    try:
        for index in range(total):
            number = index + 1
            text = _page_text(document, index)
            if text is None:
                unreadable.add(number)
            elif not text.strip():
                without_text.add(number)
            label = document.get_page_label(index)
            pages.add(text or "", number, label="" if label == str(number) else label, total=total)
    finally:
        if without_text.count == total:
            pages.note("no-text", total)
        elif without_text.count:
            pages.note("pages-without-text", without_text.count, without_text.ranges())
        if unreadable.count:
            pages.note("pages-unreadable", unreadable.count, unreadable.ranges())
        if attached := document.count_attachments():
            names = [document.get_attachment(index).get_name() for index in range(min(attached, 100))]
            pages.note("attachments", attached, names)


def _page_text(document: pypdfium2.PdfDocument, index: int) -> str | None:
    """The text of a page, or None where it cannot be read. Pages are closed at once: memory stays as it is."""
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return None
    try:
        text_page = page.get_textpage()
        try:
            text = text_page.get_text_range()
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        return None
    finally:
        page.close()
    return _BLANKS.sub("", _PARTED.sub("", text).replace("\r\n", "\n"))


class _PageNumbers:
    """Which pages something holds for."""

    def __init__(self) -> None:
        self.count = 0
        self._ranges: list[list[int]] = []

    def add(self, number: int) -> None:
        self.count += 1
        if self._ranges and self._ranges[-1][1] == number - 1:
            self._ranges[-1][1] = number
        else:
            self._ranges.append([number, number])

    def ranges(self) -> list[str]:
        """ "3", "7–9" and so on."""
        return [str(first) if first == last else f"{first}–{last}" for first, last in self._ranges]
