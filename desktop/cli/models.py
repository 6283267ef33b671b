"""`latchkey models`: the models of the catalog and on this disk: to look at, to add, to take away, to check."""

from argparse import Namespace
from pathlib import Path

import msgspec

from desktop.cli import catalog_check, models_list, models_search, models_show
from desktop.cli.exit_codes import DONE
from desktop.cli.model_facts import file_hash
from desktop.cli.tools import Tools
from desktop.errors import IntegrityError, NotFoundError
from desktop.library.hashes import parts_of
from desktop.library.models import Listed
from desktop.translation import tr


def run(options: Namespace, tools: Tools) -> int:
    match options.action:
        case "list":
            models_list.show_list(options, tools)
        case "show":
            models_show.show_one(options, tools)
        case "check":
            return catalog_check.run(options, tools)
        case "search":
            models_search.run(options, tools)
        case "import":
            _import(options, tools)
        case "remove":
            _remove(options, tools)
        case "verify":
            _verify(options, tools)
        case other:
            raise AssertionError(f"no such action: {other}")
    return DONE


def _import(options: Namespace, tools: Tools) -> None:
    tools.output.progress(tr("Reading {file}…").format(file=options.path))
    model = tools.assembly.importer.add(Path(options.path), options.license or "", copy=options.copy)
    models_show.present(model.id, tools, json=options.json)


def _remove(options: Namespace, tools: Tools) -> None:
    model = tools.library.find(options.id)
    freed = tools.assembly.importer.remove(model.id)
    if freed:
        tools.output.line(
            tr("Removed {model}: {size} MB are free again.").format(model=model.id, size=f"{freed / 1e6:,.0f}")
        )
    else:
        tools.output.line(tr("Removed {model}; its file stays: {file}").format(model=model.id, file=model.path))


def _verify(options: Namespace, tools: Tools) -> None:
    """Read files to their end, whatever was remembered of them. Raises IntegrityError where one is not what it was."""
    found = [tools.library.listed_one(options.id)] if options.id else tools.library.listed()
    here = [listed for listed in found if listed.model is not None]
    if options.id and not here:
        tools.library.find(options.id)  # says that it is not here
        raise NotFoundError(tr("{model} is not on this computer.").format(model=options.id))
    results = [_verified(listed, tools) for listed in here]
    if options.json:
        tools.output.json(results)
    else:
        words = {True: tr("unchanged"), False: tr("CHANGED"), None: tr("nothing to compare with")}
        tools.output.table([(each.id, words[each.ok], each.sha256 or "–") for each in results])
    changed = [each.id for each in results if each.ok is False]
    if changed:
        raise IntegrityError(
            tr("The file of {models} is not what it was.").format(models=", ".join(changed)),
            "",
            tr("Put the original file back, or import it again."),
        )


class Verified(msgspec.Struct, frozen=True):
    """A file read again. `ok` is None where there is no hash to compare with; `sha256` where it cannot be read."""

    id: str
    file: str
    ok: bool | None
    sha256: str | None
    expected: str | None


def _verified(listed: Listed, tools: Tools) -> Verified:
    subject, model = listed.subject, listed.model
    assert model is not None
    tools.output.progress(tr("Reading {model}…").format(model=subject.id))
    tools.hashes.forget(parts_of(model.path))
    sha256, expected = file_hash(listed, tools), subject.file_sha256 or None
    ok = None if expected is None and sha256 is not None else sha256 == expected
    return Verified(subject.id, str(model.path), ok, sha256, expected)
