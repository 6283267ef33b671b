"""`latchkey models`: its subcommands, and what `verify`, `downloads`, `import` and `remove` do."""

import contextlib
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from desktop.byte_size import part_text, percent_text, size_text
from desktop.cli import models_check_command, models_list_command, models_show_command
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE
from desktop.cli.model_json import file_hash
from desktop.cli.terminal_progress import hashing_progress
from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.library.library_model import ListedModel, command_id
from desktop.library.other_apps.discovered_model import DiscoveredModel
from desktop.split_files import parts_of
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.library.download_item import DownloadItem


State = Literal["unchanged", "changed", "missing", "unreadable", "unknown"]
_STATES: dict[bool | None, State] = {True: "unchanged", False: "changed", None: "unknown"}


class FileVerification(msgspec.Struct, frozen=True):
    """A file read again. `ok` is None where there is no hash to compare with; `sha256` where it cannot be read."""

    id: str
    file: str
    ok: bool | None
    sha256: str | None
    expected: str | None
    state: State


def run_verify(options: Namespace, tools: CommandContext) -> None:
    """Raises IntegrityError where a file is not what it was, NotFoundError where one is gone."""
    found = [tools.library.find_listed(options.id)] if options.id else tools.library.listed_files()
    here = [listed for listed in found if listed.model is not None and listed.model.served is None]
    if options.id and not here:
        tools.library.find(options.id)  # says that it is not here
        raise NotFoundError(tr("{model} is not on this computer.").format(model=options.id))
    results = [_verified(listed, tools) for listed in here]
    if options.json:
        tools.output.json(results)
    else:
        words: dict[State, str] = {
            "unchanged": tr("unchanged"),
            "changed": tr("CHANGED"),
            "missing": tr("MISSING"),
            "unreadable": tr("CANNOT BE READ"),
            "unknown": tr("nothing to compare with"),
        }
        tools.output.table([(each.id, words[each.state], each.sha256 or "–") for each in results])
    _raise(results)


def _raise(results: list[FileVerification]) -> None:
    changed = ", ".join(each.id for each in results if each.state in ("changed", "unreadable"))
    gone = ", ".join(f"{each.id} ({each.file})" for each in results if each.state == "missing")
    if changed:
        raise IntegrityError(
            tr("The file of {models} is not what it was.").format(models=changed),
            tr("Gone is that of {models}.").format(models=gone) if gone else "",
            tr("Put the original file back, fetch or import it again, or remove the model from the library."),
        )
    if gone:
        raise NotFoundError(
            tr("The file of {models} is gone.").format(models=gone),
            "",
            tr("Put it back, connect the disk it is on, or remove the model: latchkey models remove ID"),
        )


def _verified(listed: ListedModel, tools: CommandContext) -> FileVerification:
    subject, model = listed.subject, listed.model
    assert model is not None
    expected = subject.file_sha256 or None
    if not all(file.is_file() for file in parts_of(model.path)):
        return FileVerification(command_id(listed), str(model.path), False, None, expected, "missing")
    on_progress = hashing_progress(command_id(listed), tools)
    if model.built_in:
        tools.hashes.forget(parts_of(model.path))
    else:
        # A mismatch is reported below, with both hashes; a match is recorded.
        with contextlib.suppress(IntegrityError, NotFoundError, ResourceError):
            tools.assembly.importer.verify(model.id, progress=on_progress)
    sha256 = file_hash(listed, tools)
    tools.output.clear_progress()
    if sha256 is None:
        return FileVerification(command_id(listed), str(model.path), False, None, expected, "unreadable")
    ok = None if expected is None else sha256 == expected
    return FileVerification(command_id(listed), str(model.path), ok, sha256, expected, _STATES[ok])


class UnfinishedDownload(msgspec.Struct, frozen=True):
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


def run_downloads(options: Namespace, tools: CommandContext) -> None:
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


def _described(item: "DownloadItem") -> UnfinishedDownload:
    progress = item.progress
    return UnfinishedDownload(
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
    here = f"{percent_text(progress.done, progress.total)}, {part_text(progress.done, progress.total)}"
    return item.id, item.model_id, item.file, item.error.title if item.error else progress.state, here


def run(options: Namespace, tools: CommandContext) -> int:
    """Do what is asked; the modules behind are loaded only then."""
    match options.action:
        case "list":
            models_list_command.show_list(options, tools)
        case "show":
            models_show_command.show_one(options, tools)
        case "check":
            return models_check_command.run(options, tools)
        case "search":
            from desktop.cli import models_search_command

            models_search_command.run_search(options, tools)
        case "get":
            from desktop.cli import models_get_command

            return models_get_command.run(options, tools)
        case "downloads":
            run_downloads(options, tools)
        case "found":
            from desktop.cli import models_search_command

            models_search_command.run_found(options, tools)
        case "import":
            _import(options, tools)
        case "settings":
            from desktop.cli import models_settings_command

            models_settings_command.run(options, tools)
        case "remove":
            _remove(options, tools)
        case "verify":
            run_verify(options, tools)
        case other:
            raise AssertionError(f"no such action: {other}")
    return DONE


def _import(options: Namespace, tools: CommandContext) -> None:
    source: Path | DiscoveredModel = Path(options.path)
    name = Path(options.path).name
    if options.found:
        from desktop.cli.models_search_command import find_elsewhere

        source = find_elsewhere(options.path, tools)
        name = source.name
    on_progress = hashing_progress(name, tools)
    added = tools.assembly.importer.import_file(
        source, options.license or "", copy=options.copy, adapters=True, progress=on_progress
    )
    tools.output.clear_progress()
    if added.existed:
        tools.output.note(tr("The library has it already: {path}").format(path=added.model.path))
    models_show_command.present(added.model.id, tools, json=options.json)


def _remove(options: Namespace, tools: CommandContext) -> None:
    """Take a file out of the library; of a model that was only looked up at the Hub, forget what it said."""
    try:
        model = tools.library.find(options.id)
    except NotFoundError:
        known = tools.library.hub_records.find(tools.library.id_of(options.id))
        if known is None:
            raise
        tools.lookup.forget(known.id)
        tools.output.line(
            tr("{model} was not on this disk. What the Hub said of it is forgotten.").format(model=known.id)
        )
        return
    if model.served is not None:
        name = model.served.endpoint.name
        raise NotFoundError(
            tr("{model} is not on this machine, so nothing of it is to be removed.").format(model=model.id),
            "",
            tr("“latchkey endpoints remove {name}” removes its endpoint.").format(name=name),
        )
    freed = tools.assembly.importer.remove(model.id)
    if freed:
        tools.output.line(tr("Removed {model}: {size} are free again.").format(model=model.id, size=size_text(freed)))
        return
    if model.path.exists():
        tools.output.line(tr("Removed {model}; its file stays: {file}").format(model=model.id, file=model.path))
    else:
        tools.output.line(tr("Removed {model}; its file was gone already.").format(model=model.id))
