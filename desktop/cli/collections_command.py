"""`latchkey collections`: collections of documents, from the command."""

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from desktop.byte_size import duration_text, percent_text, size_text
from desktop.chat.export.message_sources import place_text
from desktop.cli.collections_add_command import add_paths, unlock_file, update_collection, why_unread
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, UsageError
from desktop.cli.output import paragraph
from desktop.cli.terminal_input import decode_input, repair_input
from desktop.documents.collection_service import CollectionService
from desktop.documents.document_collection import CollectionFile, CollectionState, FileState
from desktop.documents.passage_search import FoundPassage
from desktop.errors import NotFoundError
from desktop.paths import absolute
from desktop.safe_text import one_line
from desktop.storage.collection_store import CollectionNameError
from desktop.translation import tr, trn

_MOST_TYPED = 1 << 20


def run(options: Namespace, tools: CommandContext) -> int:
    try:
        return _run(options, tools)
    except CollectionNameError as error:
        raise UsageError(error.title, error.detail, error.remedy) from error


def _run(options: Namespace, tools: CommandContext) -> int:
    if options.action == "list":
        _list(options, tools)
        return DONE
    name = repair_input(options.name)
    if options.action != "create" and not tools.paths.documents_file.exists():  # looking does not make one
        raise NotFoundError(
            tr("There is no collection “{name}”.").format(name=name),
            "",
            tr("“latchkey collections create NAME” makes one."),
        )
    service = tools.collections
    match options.action:
        case "create":
            service.create(name)
            _report(options, tools, service.collection(name))
        case "add":
            return add_paths(options, tools, name)
        case "update":
            return update_collection(options, tools, name)
        case "unlock":
            return unlock_file(options, tools, name, found_file(service, name, options.path))
        case "search":
            _search(options, tools, name)
        case "show":
            _show(options, tools, name)
        case "take-out" | "take-back":
            _take(options, service, name)
            _report(options, tools, service.collection(name))
        case _:
            _change(options, tools, name)
    return DONE


def _change(options: Namespace, tools: CommandContext, name: str) -> None:
    """What needs nothing but the collection's name."""
    service = tools.collections
    match options.action:
        case "remove":
            state = service.collection(name)
            service.remove(name)
            if options.erase:
                service.erase(state.name)
                service.finish_erasing()
            _report(options, tools, state)
            return
        case "restore":
            service.restore(name)
        case "rename":
            name = repair_input(options.new)
            service.rename(repair_input(options.name), name)
        case "watch" | "unwatch":
            service.set_watched(name, options.action == "watch")
        case "pause":
            service.pause(name)
        case "resume":
            service.resume(name)
    _report(options, tools, service.collection(name))


def _list(options: Namespace, tools: CommandContext) -> None:
    states: Sequence[CollectionState] = ()
    if tools.paths.documents_file.exists():
        states = tools.collections.removed() if options.removed else tools.collections.collections()
    if options.json:
        tools.output.json([collection_json(each) for each in states])
    elif states:
        tools.output.table([(each.name, collection_line(each)) for each in states])
    elif options.removed:
        tools.output.note(tr("There are none."))
    else:
        tools.output.note(tr("There are no collections yet; “latchkey collections create NAME” makes one."))


def _report(options: Namespace, tools: CommandContext, state: CollectionState) -> None:
    if options.json:
        tools.output.json(collection_json(state))


def _show(options: Namespace, tools: CommandContext, name: str) -> None:
    service = tools.collections
    state, files = service.collection(name), service.files(name)
    if options.json:
        tools.output.json({**collection_json(state), "contents": [file_json(each) for each in files]})
        return
    tools.output.note(f"{state.name}: {collection_line(state)}")
    for problem in state.problems:
        tools.output.note(problem)
    if service.meaning_problem is not None:
        tools.output.note(one_line(str(service.meaning_problem)))
    tools.output.table([(str(each.path), _file_line(each)) for each in files])


def _search(options: Namespace, tools: CommandContext, name: str) -> None:
    text = repair_input(options.text)
    if text == "-":
        text = decode_input(tools.stdin.read(_MOST_TYPED))
    if not text.strip():
        raise UsageError(tr("There is nothing to search for."), "", tr("Give a word or a question."))
    found = tools.collections.search([name], text, options.limit)
    problem = tools.collections.meaning_problem
    if problem is not None and not isinstance(problem, NotFoundError):  # there is a model, and it may not be used
        tools.output.note(tr("Passages are found by their words alone: {reason}").format(reason=one_line(str(problem))))
    if options.json:
        tools.output.json([passage_json(each) for each in found])
        return
    for each in found:
        tools.output.line(_place(each))
        for line in paragraph(each.text, "    "):
            tools.output.line(line)
    if not found:
        tools.output.note(tr("Nothing was found."))


def _take(options: Namespace, service: CollectionService, name: str) -> None:
    """Take a folder or file that was added out, or one of the files of a folder out or back."""
    place = Path(os.path.normpath(absolute(Path(options.path))))
    if options.action == "take-out" and place in service.collection(name).sources:
        service.take_out(name, place)
        return
    file = found_file(service, name, options.path)
    if options.action == "take-out":
        service.leave_out(name, file.id)
    else:
        service.take_back(name, file.id)


def found_file(service: CollectionService, name: str, path: str) -> CollectionFile:
    """The file of a collection at `path`. NotFoundError."""
    place = Path(os.path.normpath(absolute(Path(path))))
    for each in service.files(name):
        if each.path == place:
            return each
    raise NotFoundError(
        tr("{file} is not in the collection “{name}”.").format(file=path, name=name),
        "",
        tr("“latchkey collections show NAME” lists its files."),
    )


# --- how it is shown -------------------------------------------------------------------------------------------------


def collection_json(state: CollectionState) -> dict[str, Any]:
    """A collection: fields and their names are part of the command's contract."""
    return {
        "name": state.name,
        "files": state.files,
        "pages": state.pages,
        "passages": state.passages,
        "search_by": state.search_by,
        "state": state.state,
        "fraction": round(state.fraction, 4),
        "unread": state.unread,
        "skipped": state.skipped,
        "watched": state.watched,
        "sources": [str(each) for each in state.sources],
        "problems": list(state.problems),
    }


def file_json(file: CollectionFile) -> dict[str, Any]:
    """A file of a collection."""
    return {
        "file": str(file.path),
        "size": file.size,
        "pages": file.pages,
        "state": file.state,
        "read_at": file.read_at,
        "error": why_unread(file) or None,
    }


def passage_json(found: FoundPassage) -> dict[str, Any]:
    """A passage that was found. `page` is null where the format has none."""
    return {"file": str(found.path), "page": found.page or None, "text": found.text, "score": round(found.score, 4)}


def collection_line(state: CollectionState) -> str:
    """How much is in a collection and what is done with it, in one line."""
    parts = [trn("{count} file", "{count} files", state.files).format(count=state.files)]
    if state.pages:
        parts.append(trn("{count} page", "{count} pages", state.pages).format(count=state.pages))
    if state.unread:
        parts.append(trn("{count} not read", "{count} not read", state.unread).format(count=state.unread))
    if state.watched:
        parts.append(tr("watched"))
    match state.state:
        case "paused":
            parts.append(tr("paused"))
        case "waiting":
            parts.append(tr("waits to be read; “latchkey collections update” reads it"))
        case "indexing":
            parts.append(percent_text(round(state.fraction * 1000), 1000))
            if state.seconds_left is not None:
                parts.append(tr("{time} left").format(time=duration_text(state.seconds_left)))
    return ", ".join(parts)


def _file_line(file: CollectionFile) -> str:
    if why := why_unread(file):
        return why
    words: dict[FileState, str] = {
        "read": trn("{count} page", "{count} pages", file.pages).format(count=file.pages)
        if file.pages
        else size_text(file.size),
        "waiting": tr("waits to be read"),
        "changed": tr("was changed, and waits to be read"),
        "missing": tr("is no longer there"),
        "left-out": tr("taken out"),
    }
    return words.get(file.state, file.state)


def _place(found: FoundPassage) -> str:
    return place_text(str(found.path), found.page, one_line(found.label))
