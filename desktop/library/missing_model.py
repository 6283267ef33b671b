"""The errors for a model that is not here, and for a file that was never imported."""

import difflib
import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from desktop.errors import LicenseError, NotFoundError
from desktop.translation import tr

_MOST_ALIKE = 4


def alike_ids(name: str, ids: Iterable[str]) -> list[str]:
    """The ids that somebody may mean by `name`: "qwen3:8b" is qwen3-8b, and "llama3" may be several."""
    plain = {each: _plain(each) for each in ids}
    wanted = _plain(name)
    begun = [each for each in plain if plain[each].startswith(wanted)] if len(wanted) > 2 else []
    begun.sort(key=lambda each: plain[each] != wanted)
    near = difflib.get_close_matches(wanted, plain.values(), _MOST_ALIKE, 0.75)
    return [*begun, *(each for each in plain if plain[each] in near and each not in begun)][:_MOST_ALIKE]


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def missing_model_error(name: str, *, known: bool, fetchable: bool, ids: Iterable[str] = ()) -> NotFoundError:
    """Nothing that is here is called `name`. `known`: a model elsewhere is; `fetchable`: its files can be had.

    `ids` are those of all models: what may have been meant is named.
    """
    if known:
        remedy = (
            tr("“latchkey models get {model}” fetches it.")
            if fetchable
            else tr("“latchkey models show {model}” says what it takes to get it.")
        )
        return NotFoundError(tr("{model} is not on this computer.").format(model=name), "", remedy.format(model=name))
    if os.sep in name or "/" in name or name.lower().endswith(".gguf"):
        return NotFoundError(tr("There is no file {path}.").format(path=name), "", tr("Check the path."))
    title = tr("There is no model called {model}.").format(model=name)
    if alike := alike_ids(name, ids):
        remedy = tr("Is it one of these: {models}? “latchkey models list” names them all.")
        return NotFoundError(title, "", remedy.format(models=", ".join(alike)))
    return NotFoundError(title, "", tr("“latchkey models list” names the models; a GGUF file is named by its path."))


def unknown_file_error(path: Path) -> LicenseError:
    """The file at `path` was never imported."""
    return LicenseError(
        tr("{file} was never imported, so no license of it is accepted.").format(file=path.name),
        "",
        tr(
            "Add it with “latchkey models import {path}”, then accept its license with “latchkey licenses accept”."
        ).format(path=shlex.quote(str(path))),
    )
