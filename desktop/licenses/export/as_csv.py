"""The records as a table for a spreadsheet (RFC 4180, UTF-8): one row each, every field a column."""

import csv
import io

import msgspec

from desktop.licenses.export.document import Document, shown
from desktop.licenses.record import Record

_FIRST = ("seq", "time", "event")
_COLUMNS = (*_FIRST, *(field.name for field in msgspec.structs.fields(Record) if field.name not in _FIRST))
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(document: Document) -> bytes:
    """The export. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for record in document.records:
        writer.writerow([_cell(getattr(record, name)) for name in _COLUMNS])
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: str | int) -> str | int:
    if isinstance(value, int):
        return value
    text = shown(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
