"""`latchkey models`: those of the catalog, of the Hub and on this disk: to look at, get, add, take away, check."""

from argparse import Namespace
from pathlib import Path

from desktop.cli import catalog_check, models_list, models_show
from desktop.cli.amounts import size
from desktop.cli.exit_codes import DONE
from desktop.cli.reading import reading
from desktop.cli.tools import Tools
from desktop.errors import NotFoundError
from desktop.library.elsewhere.found import FoundModel
from desktop.translation import tr


def run(options: Namespace, tools: Tools) -> int:
    """Do what is asked; the modules behind are loaded only then."""
    match options.action:
        case "list":
            models_list.show_list(options, tools)
        case "show":
            models_show.show_one(options, tools)
        case "check":
            return catalog_check.run(options, tools)
        case "search":
            from desktop.cli import models_search

            models_search.run(options, tools)
        case "get":
            from desktop.cli import models_get

            return models_get.run(options, tools)
        case "downloads":
            from desktop.cli import models_downloads

            models_downloads.run(options, tools)
        case "found":
            from desktop.cli import models_found

            models_found.run(options, tools)
        case "import":
            _import(options, tools)
        case "remove":
            _remove(options, tools)
        case "verify":
            from desktop.cli import models_verify

            models_verify.run(options, tools)
        case other:
            raise AssertionError(f"no such action: {other}")
    return DONE


def _import(options: Namespace, tools: Tools) -> None:
    source: Path | FoundModel = Path(options.path)
    name = Path(options.path).name
    if options.found:
        from desktop.cli.models_found import find_elsewhere

        source = find_elsewhere(options.path, tools)
        name = source.name
    told = reading(name, tools)
    added = tools.assembly.importer.take(source, options.license or "", copy=options.copy, progress=told)
    tools.output.clear_progress()
    if added.existed:
        tools.output.note(tr("The library has it already: {path}").format(path=added.model.path))
    models_show.present(added.model.id, tools, json=options.json)


def _remove(options: Namespace, tools: Tools) -> None:
    """Take a file out of the library; of a model that was only looked up at the Hub, forget what it said."""
    try:
        model = tools.library.find(options.id)
    except NotFoundError:
        known = tools.library.known.find(tools.library.id_of(options.id))
        if known is None:
            raise
        tools.getting.forget(known.id)
        tools.output.line(
            tr("{model} was not on this disk. What the Hub said of it is forgotten.").format(model=known.id)
        )
        return
    freed = tools.assembly.importer.remove(model.id)
    if freed:
        tools.output.line(tr("Removed {model}: {size} are free again.").format(model=model.id, size=size(freed)))
        return
    if model.path.exists():
        tools.output.line(tr("Removed {model}; its file stays: {file}").format(model=model.id, file=model.path))
    else:
        tools.output.line(tr("Removed {model}; its file was gone already.").format(model=model.id))
