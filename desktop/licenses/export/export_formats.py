"""Writes an export in the format that its file's name asks for, whole or not at all; and the ledger as CSV."""

import csv
import io
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from desktop.atomic_file import write_atomically, write_error
from desktop.errors import NotFoundError, ResourceError, UserError
from desktop.licenses.export.cyclonedx_export import as_cyclonedx
from desktop.licenses.export.export_document import ExportDocument, ExportedModel, printable
from desktop.licenses.export.html_report import as_html
from desktop.licenses.export.json_export import as_json
from desktop.licenses.ledger_record import LedgerRecord, account_name
from desktop.licenses.ledger_seal import LedgerCheck
from desktop.licenses.ledger_writer import rfc3339
from desktop.safe_text import spreadsheet_cell
from desktop.translation import tr

_FIRST = ("seq", "time", "event")
_COLUMNS = (*_FIRST, *(field.name for field in msgspec.structs.fields(LedgerRecord) if field.name not in _FIRST))


_DIFFERS = "text_differs"
"""In what an accepted text differs from the one in force when the export is made: "white space", "words", or empty."""


def as_csv(document: ExportDocument) -> bytes:
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
    return spreadsheet_cell(printable(value))


EXPORT_FORMATS: tuple[tuple[str, Callable[[ExportDocument], bytes]], ...] = (
    (".cdx.json", as_cyclonedx),
    (".json", as_json),
    (".csv", as_csv),
    (".html", as_html),
)
"""The end of a file's name, and what then goes into it; the first that fits counts."""


class UnknownExportFormatError(UserError):
    """The name of the file does not say in which form the ledger is wanted."""


def write_export(
    path: Path,
    records: Sequence[LedgerRecord],
    texts: Mapping[str, bytes],
    check: LedgerCheck,
    *,
    app_version: str,
    models: Sequence[ExportedModel] = (),
    machine: str | None = None,
    os_user: str | None = None,
    now: float | None = None,
) -> None:
    """Write the ledger to `path`, in the form its name ends with: .json, .csv, .html or .cdx.json.

    `models` is what is known of the models that the records name. `machine`, `os_user` and `now` (seconds since 1970,
    UTC) are this machine, this account and this moment where they are not given. A file that is there is replaced once
    the new one is complete. Raises UnknownExportFormatError, NotFoundError where the folder is missing, ResourceError.
    """
    form = export_format(path)
    document = ExportDocument(
        records,
        texts,
        check,
        models,
        app_version,
        platform.node() if machine is None else machine,
        account_name() if os_user is None else os_user,
        rfc3339(time.time() if now is None else now),
    )
    _write(path, form(document))


def export_format(path: Path) -> Callable[[ExportDocument], bytes]:
    """The form that the name of `path` asks for. Raises UnknownExportFormatError."""
    name = path.name.lower()
    for suffix, form in EXPORT_FORMATS:
        if name.endswith(suffix) and name != suffix:
            return form
    raise UnknownExportFormatError(
        tr("The name {file} does not say what to export.").format(file=path.name),
        "",
        tr("Let it end with .json, .csv, .html or .cdx.json."),
    )


def _write(path: Path, data: bytes) -> None:
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise ResourceError(
            tr("{file} is not a file.").format(file=path),
            tr("Something else has this name, and is not replaced."),
            tr("Choose another name."),
        )
    if not target.parent.is_dir():
        raise NotFoundError(
            tr("There is no folder {folder}.").format(folder=target.parent), "", tr("Make it, or choose another one.")
        )
    try:
        write_atomically(target, data)
    except OSError as error:
        raise write_error(
            tr("The ledger could not be exported."),
            path,
            error,
            tr("Free some space, or choose a folder that you may write to."),
        ) from error
