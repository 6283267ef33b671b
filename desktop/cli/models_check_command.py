"""`latchkey models check`: every mistake in a catalog file, with its line, before anybody relies on it."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from desktop.catalog.catalog import CatalogEntry
from desktop.catalog.catalog_file import CatalogProblem, CatalogReadResult, read_catalog
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, exit_code
from desktop.errors import IntegrityError, NotFoundError
from desktop.paths import Paths, expanded
from desktop.translation import tr, trn


def run(options: Namespace, tools: CommandContext) -> int:
    """Exit code 7 where there is a mistake. Raises NotFoundError where there is no such file.

    With `--evidence` it lists, too, which facts of its models were compared with nothing.
    """
    path = expanded(options.file)
    if not path.is_file():
        raise NotFoundError(tr("There is no file {file}.").format(file=options.file), "", tr("Check the path."))
    read, problems = _checked(path, tools.paths)
    weak = [each for each in read.catalog.model if options.evidence and each.without_evidence]
    if options.json:
        tools.output.json(
            {
                "ok": not problems,
                "models": len(read.catalog.model),
                "problems": [
                    {"file": str(each.file), "line": each.line, "where": each.where, "message": each.message}
                    for each in problems
                ],
                **(
                    {"without_evidence": {each.id: list(each.without_evidence) for each in weak}}
                    if options.evidence
                    else {}
                ),
            }
        )
    else:
        if options.evidence:
            _show_evidence(read.catalog.model, weak, tools)
        for each in problems:
            tools.output.line(str(each))
        if not problems:
            tools.output.line(tr("{file} is in order.").format(file=options.file))
    if not problems:
        return DONE
    tools.output.note(
        trn("{file} has {count} mistake.", "{file} has {count} mistakes.", len(problems)).format(
            file=options.file, count=len(problems)
        )
    )
    return exit_code(IntegrityError(""))


def _show_evidence(models: Sequence[CatalogEntry], weak: Sequence[CatalogEntry], tools: CommandContext) -> None:
    """Each model with the facts that stand on nothing, and how many of all were compared."""
    tools.output.table(
        [(tr("MODEL"), tr("COMPARED WITH NOTHING")), *((each.id, ", ".join(each.without_evidence)) for each in weak)],
        shrink=(1,),
    )
    compared = sum(len({fact for one in each.evidence for fact in one.facts}) for each in models)
    tools.output.line(
        tr("Facts compared with their sources: {facts}. Models with facts that were not: {models}.").format(
            facts=compared, models=len(weak)
        )
    )


def _checked(path: Path, paths: Paths) -> tuple[CatalogReadResult, list[CatalogProblem]]:
    """The file read, and its mistakes.

    A file may be a catalog by itself, as the one that ships, or add to that one, as a person's own does. Which of them
    it is meant to be shows in how it holds better.
    """
    folders = (paths.resources, paths.config, path.parent)
    alone = read_catalog(path, text_folders=folders, thorough=True)
    if path.resolve() == paths.catalog.resolve() or (
        path.resolve() != paths.own_catalog.resolve() and not alone.problems
    ):
        return alone, list(alone.problems)
    added = read_catalog(paths.catalog, path, text_folders=folders, thorough=True)
    problems = [each for each in added.problems if each.file == path]
    if len(alone.problems) < len(problems) and path.resolve() != paths.own_catalog.resolve():
        return alone, list(alone.problems)
    return added, problems
