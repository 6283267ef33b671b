"""`latchkey models downloads`: what was begun and is not here yet."""

from argparse import Namespace
from typing import TYPE_CHECKING

import msgspec

from desktop.cli.amounts import part, percent
from desktop.cli.tools import Tools
from desktop.errors import NotFoundError
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.library.downloads import DownloadItem


class Unfinished(msgspec.Struct, frozen=True):
    """A download as `models downloads --json` gives it: fields and their names are part of the command's contract.

    `done` and `total` in bytes. `error` says what it failed with.
    """

    id: str
    model: str
    repository: str
    commit: str
    file: str
    state: str
    done: int
    total: int
    error: str | None


def run(options: Namespace, tools: Tools) -> None:
    """List them, or give one up. Raises NotFoundError where there is no such download."""
    unfinished = [each for each in tools.downloads.all() if each.progress.state not in ("done", "cancelled")]
    if options.cancel is not None:
        called = {options.cancel, tools.library.id_of(options.cancel)}
        found = next((each for each in unfinished if called & {each.id, each.model_id, each.file}), None)
        if found is None:
            raise NotFoundError(
                tr("There is no download {id}.").format(id=options.cancel),
                "",
                tr("“latchkey models downloads” lists them."),
            )
        tools.downloads.cancel(found.id)
        tools.downloads.wait(found.id)
        unfinished = [each for each in unfinished if each.id != found.id]
        if not options.json:
            sentence = tr("Given up: {file} of {model}; what was fetched of it is deleted.")
            tools.output.line(sentence.format(file=found.file, model=found.model_id))
            return
    if options.json:
        tools.output.json([_described(each) for each in unfinished])
    elif unfinished:
        tools.output.table(
            [(tr("ID"), tr("MODEL"), tr("FILE"), tr("STATE"), tr("HERE")), *map(_row, unfinished)], (1, 2)
        )
        tools.output.note(tr("“latchkey models get MODEL” goes on with one; --cancel ID gives it up."))
    else:
        tools.output.note(tr("No download is waiting."))


def _described(item: "DownloadItem") -> Unfinished:
    progress = item.progress
    return Unfinished(
        item.id,
        item.model_id,
        item.repository,
        item.commit,
        item.file,
        progress.state,
        progress.done,
        progress.total,
        str(item.error) if item.error is not None else None,
    )


def _row(item: "DownloadItem") -> tuple[str, ...]:
    progress = item.progress
    here = f"{percent(progress.done, progress.total)}, {part(progress.done, progress.total)}"
    return item.id, item.model_id, item.file, item.error.title if item.error else progress.state, here
