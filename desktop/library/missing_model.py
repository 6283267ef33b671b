"""The errors for a model that is not here, and for a file that was never imported."""

import os
import shlex
from pathlib import Path

from desktop.errors import LicenseError, NotFoundError
from desktop.translation import tr


def missing_model_error(name: str, *, known: bool, fetchable: bool) -> NotFoundError:
    """Nothing that is here is called `name`. `known`: a model elsewhere is; `fetchable`: its files can be had."""
    if known:
        remedy = (
            tr("“latchkey models get {model}” fetches it.")
            if fetchable
            else tr("“latchkey models show {model}” says what it takes to get it.")
        )
        return NotFoundError(tr("{model} is not on this computer.").format(model=name), "", remedy.format(model=name))
    if os.sep in name or "/" in name or name.lower().endswith(".gguf"):
        return NotFoundError(tr("There is no file {path}.").format(path=name), "", tr("Check the path."))
    return NotFoundError(
        tr("There is no model called {model}.").format(model=name),
        "",
        tr("“latchkey models list” names the models; a GGUF file is named by its path."),
    )


def unknown_file_error(path: Path) -> LicenseError:
    """The file at `path` was never imported."""
    return LicenseError(
        tr("{file} was never imported, so no license of it is accepted.").format(file=path.name),
        "",
        tr(
            "Add it with “latchkey models import {path}”, then accept its license with “latchkey licenses accept”."
        ).format(path=shlex.quote(str(path))),
    )
