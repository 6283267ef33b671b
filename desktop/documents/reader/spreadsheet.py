"""XLSX: each sheet is a page with its name as label, each row a line. Formulas show what they last gave."""

import datetime
import io
import zipfile
from collections.abc import Iterable
from typing import Any

import openpyxl

from desktop.documents.reader.delimited_text import row_line
from desktop.documents.reader.page_writer import PageWriter
from desktop.documents.reader.refused_file import RefusedFileError
from desktop.documents.reader.zip_bounds import check_archive


def read_spreadsheet(data: bytes, pages: PageWriter) -> None:
    """Write the sheets in `data`. Raises RefusedFileError where it is no workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_archive(archive)
        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise RefusedFileError("damaged") from error
    sheets = workbook.worksheets
    hidden = [sheet.title for sheet in sheets if sheet.sheet_state != "visible"]
    for number, sheet in enumerate(sheets, 1):
        sheet.reset_dimensions()  # what a sheet says of its size is not to be believed: rows would be padded to it
        pages.add("", number, label=sheet.title, total=len(sheets))
        for row in sheet.iter_rows(values_only=True):
            line = row_line(_texts(row))
            if line != "\n":
                pages.add(line, number, label=sheet.title, total=len(sheets))
    if hidden:
        pages.note("hidden-sheets", len(hidden), hidden)


def _texts(row: Iterable[Any]) -> list[str]:
    return ["" if value is None else _text(value) for value in row]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    return str(value)
