"""Writes an export in the form its name asks for: whole, or not at all."""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from desktop.errors import NotFoundError, ResourceError, UserError
from desktop.licenses.account import account_name
from desktop.licenses.export.as_csv import as_csv
from desktop.licenses.export.as_cyclonedx import as_cyclonedx
from desktop.licenses.export.as_html import as_html
from desktop.licenses.export.as_json import as_json
from desktop.licenses.export.document import Document, ExportedModel
from desktop.licenses.ledger_writer import rfc3339
from desktop.licenses.record import Record
from desktop.licenses.seal import LedgerCheck
from desktop.translation import tr

FORMS: tuple[tuple[str, Callable[[Document], bytes]], ...] = (
    (".cdx.json", as_cyclonedx),
    (".json", as_json),
    (".csv", as_csv),
    (".html", as_html),
)
"""The end of a file's name, and what then goes into it; the first that fits counts."""


class UnknownFormError(UserError):
    """The name of the file does not say in which form the ledger is wanted."""


def export(
    path: Path,
    records: Sequence[Record],
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
    the new one is complete. Raises UnknownFormError, NotFoundError where the folder is missing, ResourceError.
    """
    form = form_of(path)
    document = Document(
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


def form_of(path: Path) -> Callable[[Document], bytes]:
    """The form that the name of `path` asks for. Raises UnknownFormError."""
    name = path.name.lower()
    for suffix, form in FORMS:
        if name.endswith(suffix) and name != suffix:
            return form
    raise UnknownFormError(
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
    part: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=".latchkey-", suffix=".part", dir=target.parent)
        part = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        part = None
    except OSError as error:
        raise ResourceError(
            tr("The ledger could not be exported."),
            tr("Writing {file} failed: {reason}.").format(file=path, reason=error.strerror),
            tr("Free some space, or choose a folder that you may write to."),
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
