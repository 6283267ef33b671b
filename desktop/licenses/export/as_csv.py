"""The records as a table for a spreadsheet (RFC 4180, UTF-8): one row each, every field a column, and one
more that tells acceptances of another edition."""

import csv
import io

import msgspec

from desktop.licenses.export.document import Document, shown
from desktop.licenses.record import Record
from desktop.plain_text import spreadsheet_cell

_FIRST = ("seq", "time", "event")
_COLUMNS = (*_FIRST, *(field.name for field in msgspec.structs.fields(Record) if field.name not in _FIRST))


_DIFFERS = "text_differs"
"""In what an accepted text differs from the one in force when the export is made: "white space", "words", or empty."""


def as_csv(document: Document) -> bytes:
    """The export. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow((*_COLUMNS, _DIFFERS))
    for record in document.records:
        differs = document.differing.get(record.seq, "")
        writer.writerow([*(_cell(getattr(record, name)) for name in _COLUMNS), differs])
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: str | int) -> str | int:
    if isinstance(value, int):
        return value
    return spreadsheet_cell(shown(value))
