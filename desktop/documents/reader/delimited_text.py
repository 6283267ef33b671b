"""Tables as text: CSV with whatever delimiter it has, and values separated by tabs."""

import csv
import io
import re
from collections.abc import Iterable

from desktop.documents.reader.page_writer import PageWriter
from desktop.documents.reader.plain_text import note_encoding
from desktop.documents.reader.text_encoding import decoded, text_encoding
from desktop.documents.reader_messages import MOST_CHARACTERS

_SAMPLE = 16_384
_GAP = re.compile("\t{50,}")
_DELIMITERS = ",;\t|"


def read_delimited(data: bytes, pages: PageWriter, *, tabs: bool) -> None:
    """Write each row of `data` as a line, its cells separated by tabs."""
    encoding = text_encoding(data)
    note_encoding(encoding, pages)
    csv.field_size_limit(2 * MOST_CHARACTERS)  # a quotation mark that is never closed makes a cell of all the rest
    text = _bounded(decoded(data, encoding))
    delimiter = "\t" if tabs else _delimiter(text[:_SAMPLE])
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        pages.add(row_line(row))


def row_line(cells: list[str]) -> str:
    """Cells as a line: tabs between them, no breaks within; a gap of fifty cells or more is one tab."""
    return _GAP.sub("\t", "\t".join(" ".join(cell.split()) for cell in cells).rstrip()) + "\n"


def _bounded(pieces: Iterable[str]) -> str:
    """As much of them as is taken of a document, and a little more: so that it is seen to be cut."""
    taken: list[str] = []
    length = 0
    for piece in pieces:
        taken.append(piece)
        length += len(piece)
        if length > MOST_CHARACTERS:
            break
    return "".join(taken)


def _delimiter(sample: str) -> str:
    """What stands most often, and as often, outside quotation marks in each of the first lines."""
    best, delimiter = 0, ","
    for candidate in _DELIMITERS:
        rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=candidate) if row][:20]
        widths = [len(row) for row in rows[:-1] or rows]
        alike = widths.count(max(widths, key=widths.count)) * (max(widths, key=widths.count) - 1) if widths else 0
        if alike > best:
            best, delimiter = alike, candidate
    return delimiter
