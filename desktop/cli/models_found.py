"""`latchkey models found`: models that other programs fetched already, to be used where they lie."""

import os
import platform
import shlex
from argparse import Namespace

import msgspec

from desktop.cli.amounts import size
from desktop.cli.tools import Tools
from desktop.errors import NotFoundError
from desktop.library.elsewhere import Findings, FoundModel, look, reasons
from desktop.paths import NO_HOME, home_folder
from desktop.translation import tr

_SHRINKING = (1, 4)


class Elsewhere(msgspec.Struct, frozen=True):
    """A model of another program as `models found --json` gives it: fields are part of the command's contract.

    `size` in bytes. `imported` is its id where it is in the library already.
    """

    name: str
    app: str
    path: str
    size: int
    quantization: str
    architecture: str
    license: str | None
    repository: str | None
    imported: str | None


def run(options: Namespace, tools: Tools) -> None:
    """List them."""
    findings = _look(tools)
    if options.json:
        tools.output.json([_described(each) for each in findings.models])
        return
    if findings.models:
        header = (tr("PROGRAM"), tr("NAME"), tr("QUANTIZATION"), tr("SIZE"), tr("STATE"))
        tools.output.table([header, *map(_row, findings.models)], _SHRINKING)
        tools.output.note(tr("“latchkey models import --found NAME” adds one; its file stays where it is."))
    else:
        tools.output.note(tr("No models of LM Studio, Ollama, Jan, GPT4All, llama.cpp and the like were found."))
    for line in reasons(findings.left_out):
        tools.output.note(line)
    if not findings.complete:
        tools.output.note(tr("There is more than could be looked at."))


def find_elsewhere(name: str, tools: Tools) -> FoundModel:
    """The one model of another program with this name or path. Raises NotFoundError where there is none, or several."""
    wanted = name.casefold()
    models = _look(tools).models
    found = [each for each in models if wanted in (each.name.casefold(), str(each.path).casefold())]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(
            tr("No other program has a model called {name}.").format(name=name),
            "",
            tr("“latchkey models found” lists those that were found."),
        )
    raise NotFoundError(
        tr("Several models of other programs are called {name}.").format(name=name),
        tr("They are {files}.").format(files=", ".join(str(each.path) for each in found)),
        tr("Name one by its path: latchkey models import --found {path}").format(path=shlex.quote(str(found[0].path))),
    )


def _look(tools: Tools) -> Findings:
    tools.output.progress(tr("Looking at other programs' folders…"))
    imports = tools.library.imports.all()
    findings = look(os.environ, home_folder() or NO_HOME, platform.system(), imports=imports)
    tools.output.clear_progress()
    return findings


def _described(found: FoundModel) -> Elsewhere:
    return Elsewhere(
        found.name,
        found.app,
        str(found.path),
        found.size,
        found.quantization,
        found.architecture,
        found.license or None,
        found.repository or None,
        found.imported or None,
    )


def _row(found: FoundModel) -> tuple[str, ...]:
    state = tr("in use as {id}").format(id=found.imported) if found.imported else tr("not used yet")
    return found.app, found.name, found.quantization or "–", size(found.size), state
