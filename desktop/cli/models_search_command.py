"""`latchkey models search`: repositories at the Hub with files that Latchkey can run.

And `models found`: models that other programs keep on this disk.
"""

import os
import platform
import shlex
from argparse import Namespace

import msgspec

from desktop.byte_size import size_text
from desktop.catalog.base_model_name import find_base
from desktop.catalog.license_terms import Restriction
from desktop.catalog.lineage import node_of_entry, trace_in
from desktop.cli.command_context import CommandContext
from desktop.cli.models_list_command import in_short
from desktop.cli.output import paragraph
from desktop.cli.terminal_input import repair_input
from desktop.errors import NotFoundError
from desktop.hub.hub_lineage import GATES
from desktop.hub.repository_info import SearchResult
from desktop.library.other_apps import DiscoveredModel, DiscoveryResult, discover_models, skip_reasons
from desktop.licenses.license_subject import UNKNOWN_LICENSE
from desktop.paths import NO_HOME, home_folder
from desktop.translation import tr

_FOUND_SHRINKING = (1, 4)
_SHRINKING = (2, 3)


class OtherAppModel(msgspec.Struct, frozen=True):
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


def run_found(options: Namespace, tools: CommandContext) -> None:
    """List them."""
    findings = _look(tools)
    if options.json:
        tools.output.json([_found_json(each) for each in findings.models])
        return
    if findings.models:
        header = (tr("PROGRAM"), tr("NAME"), tr("QUANTIZATION"), tr("SIZE"), tr("STATE"))
        tools.output.table([header, *map(_found_row, findings.models)], _FOUND_SHRINKING)
        tools.output.note(tr("“latchkey models import --found NAME” adds one; its file stays where it is."))
    else:
        tools.output.note(tr("No models of LM Studio, Ollama, Jan, GPT4All, llama.cpp and the like were found."))
    for line in skip_reasons(findings.skipped):
        tools.output.note(line)
    if not findings.complete:
        tools.output.note(tr("There is more than could be looked at."))


def find_elsewhere(name: str, tools: CommandContext) -> DiscoveredModel:
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


def _look(tools: CommandContext) -> DiscoveryResult:
    tools.output.progress(tr("Looking at other programs' folders…"))
    imports = tools.library.installed_models.all()
    findings = discover_models(os.environ, home_folder() or NO_HOME, platform.system(), imports=imports)
    tools.output.clear_progress()
    return findings


def _found_json(found: DiscoveredModel) -> OtherAppModel:
    return OtherAppModel(
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


def _found_row(found: DiscoveredModel) -> tuple[str, ...]:
    state = tr("in use as {id}").format(id=found.imported) if found.imported else tr("not used yet")
    return found.app, found.name, found.quantization or "–", size_text(found.size), state


class HubSearchResult(msgspec.Struct, frozen=True):
    """A repository as `models search --json` gives it: fields and their names are part of the command's contract.

    `license` is as its publisher names it, None where nobody does. `base` is the catalog's model that it was made of,
    `restrictions` are that one's; None where the catalog does not know what it was made of, and so not its terms.
    """

    id: str
    gate: str
    license: str | None
    base: str | None
    restrictions: tuple[Restriction, ...] | None
    downloads: int
    likes: int
    changed: str | None


def run_search(options: Namespace, tools: CommandContext) -> None:
    """Ask the Hub. Raises ForbiddenError offline, and NetworkError."""
    text = repair_input(" ".join(options.text))
    tools.output.progress(tr("Asking {host}…").format(host=tools.online.host))
    found = [_described(each, tools) for each in tools.online.hub.search(text, options.limit)]
    if options.json:
        tools.output.json(found)
        return
    if not found:
        tools.output.note(tr("Nothing was found. Search for fewer words, or paste the address of a model’s page."))
        return
    header = (tr("NAME"), tr("GATE"), tr("LICENSE"), tr("RESTRICTIONS"), tr("DOWNLOADS"))
    tools.output.table([header, *(_row(each) for each in found)], _SHRINKING)
    for line in paragraph(
        tr("“latchkey models get NAME” fetches one. Its license and what it was made of are looked at before.")
    ):
        tools.output.dim(line + "\n")


def _described(found: SearchResult, tools: CommandContext) -> HubSearchResult:
    names = [found.id, *(base.id for base in found.bases)]
    entry = next((entry for name in names if (entry := find_base(name, tools.library.catalog)) is not None), None)
    catalog = tools.library.catalog
    named = next((name for name in found.licenses if name), None)
    license_ = catalog.find_license(named) if named else None
    return HubSearchResult(
        id=found.id,
        gate=GATES[found.gated],
        license=license_.id if license_ and license_.id != UNKNOWN_LICENSE else named,
        base=entry.id if entry else None,
        restrictions=trace_in(catalog, node_of_entry(entry)).restrictions if entry else None,
        downloads=found.downloads,
        likes=found.likes,
        changed=found.changed or None,
    )


def _row(found: HubSearchResult) -> tuple[str, ...]:
    license_ = (found.license or tr("unknown")).removeprefix("LicenseRef-")
    restrictions = tr("not known yet") if found.restrictions is None else in_short(found.restrictions)
    return found.id, found.gate, license_, restrictions, f"{found.downloads:,}"
