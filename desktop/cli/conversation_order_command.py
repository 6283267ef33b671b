"""Those commands of `latchkey conversations` that keep them in order: the list, folders, tags, archive, bin."""

import datetime
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import msgspec

from desktop.chat.conversation_writer import ConversationWriter, new_id
from desktop.cli.command_context import CommandContext
from desktop.cli.conversations_command import head_json, kept_conversation, stored_conversation
from desktop.cli.exit_codes import UsageError
from desktop.cli.terminal_input import repair_input
from desktop.conversation import Conversation, Folder
from desktop.errors import NotFoundError
from desktop.storage.conversation_listing import ConversationListing, ListFilter
from desktop.storage.folder_store import BlankNameError, FolderStore
from desktop.translation import tr, trn

_ALL = 10_000_000


def run(options: Namespace, tools: CommandContext) -> None:
    """Do what `options.action` says. UsageError where a folder or a tag would have no name."""
    try:
        _run(options, tools)
    except BlankNameError as error:
        raise UsageError(error.title, error.detail, error.remedy) from error


def _run(options: Namespace, tools: CommandContext) -> None:
    match options.action:
        case "list":
            _list(options, tools)
        case "move":
            _move(options, tools)
        case "tag":
            _tag(options, tools)
        case "pin" | "unpin":
            conversations = _kept(tools, [options.id])
            _folders(tools).pin([each.id for each in conversations], options.action == "pin")
            _report(options, tools, conversations)
        case "archive" | "unarchive":
            conversations = _kept(tools, options.ids)
            at = time.time() if options.action == "archive" else None
            _folders(tools).archive([each.id for each in conversations], at)
            _report(options, tools, conversations)
        case "delete":
            _delete(options, tools)
        case "undelete":
            conversations = [_stored(tools, each) for each in dict.fromkeys(options.ids)]
            _folders(tools).undelete([each.id for each in conversations])
            _report(options, tools, conversations)
        case "folders":
            _change_folders(options, tools)


def _folders(tools: CommandContext) -> FolderStore:
    return FolderStore(tools.conversation_store.database)


def _list(options: Namespace, tools: CommandContext) -> None:
    found: list[Conversation] = []
    names: dict[str, str] = {}
    if tools.paths.database_file.exists():  # looking does not make one
        folder = None if options.folder is None else _find_folder(tools, options.folder).id
        tag = None if options.tag is None else _used_tag(tools, repair_input(options.tag))
        place = "archive" if options.archived else "bin" if options.deleted else "chats"
        wanted = ListFilter(place, tag=tag, folder_id=folder, limit=_ALL)  # type: ignore[arg-type]
        found = ConversationListing(tools.conversation_store.database).conversations(wanted)
        names = {each.id: each.name for each in _folders(tools).folders()}
    elif options.folder is not None:
        raise _no_folder(options.folder)
    if options.json:
        tools.output.json([head_json(conversation) for conversation in found])
    elif found:
        tools.output.table([(each.id, _day(each.updated_at), _in_words(each, names)) for each in found])
    elif options.archived or options.deleted or options.folder or options.tag:
        tools.output.note(tr("There are none."))
    else:
        tools.output.note(tr("There are no conversations yet."))


def _in_words(conversation: Conversation, folders: dict[str, str]) -> str:
    folder = folders.get(conversation.folder_id or "", "")
    parts = [conversation.title, f"[{folder}]" if folder else "", *(f"#{tag}" for tag in conversation.tags)]
    return "  ".join(part for part in parts if part)


def _used_tag(tools: CommandContext, tag: str) -> str:
    """A tag as it is stored, whatever its capitals."""
    wanted = tag.removeprefix("#")
    used = (name for name, _ in _folders(tools).tags())
    return next((each for each in used if each.casefold() == wanted.casefold()), wanted)


def _move(options: Namespace, tools: CommandContext) -> None:
    *ids, last = options.ids
    if options.out:
        ids, last = options.ids, None
    if not ids:
        raise UsageError(
            tr("The folder is missing, or the conversations are."),
            "",
            tr("“latchkey conversations move ID… FOLDER” puts them into a folder, “move ID… --out” out of it."),
        )
    conversations = _kept(tools, ids)
    folder = None if last is None else _find_folder(tools, last)
    _folders(tools).move([each.id for each in conversations], folder.id if folder is not None else None)
    _report(options, tools, conversations)


def _tag(options: Namespace, tools: CommandContext) -> None:
    conversations = _kept(tools, [options.id])
    store, ids = _folders(tools), [each.id for each in conversations]
    for tag in map(repair_input, options.tags):
        if options.remove:
            store.remove_tag(ids, tag)
        else:
            store.add_tag(ids, tag)
    _report(options, tools, conversations)


def _delete(options: Namespace, tools: CommandContext) -> None:
    writer = ConversationWriter(tools.conversation_store, time.time, tools.prompt_cache, attachments=tools.attachments)
    if not options.for_good:
        conversations = _kept(tools, options.ids)
        writer.delete([each.id for each in conversations])
        _report(options, tools, conversations)
        return
    conversations = [_stored(tools, each) for each in dict.fromkeys(options.ids)]
    kept = [each.id for each in conversations if each.deleted_at is None]
    if kept:
        writer.delete(kept)
    erased = writer.erase([each.id for each in conversations])
    if options.json:
        tools.output.json([head_json(each) for each in conversations])
    else:
        tools.output.line(
            trn("{count} conversation was erased.", "{count} conversations were erased.", len(erased)).format(
                count=len(erased)
            )
        )


def _report(options: Namespace, tools: CommandContext, before: Sequence[Conversation]) -> None:
    """The conversations as they are now."""
    now = [tools.conversation_store.conversation(each.id) for each in before]
    if options.json:
        tools.output.json([head_json(each) for each in now])
        return
    changed = sum(one != other for one, other in zip(before, now, strict=True))
    tools.output.line(
        trn("{count} conversation changed.", "{count} conversations changed.", changed).format(count=changed)
    )


def _kept(tools: CommandContext, ids: Sequence[str]) -> list[Conversation]:
    """These conversations, each once. NotFoundError, before anything is changed, where one is not there or deleted."""
    return [kept_conversation(tools, each) for each in dict.fromkeys(ids)]


def _stored(tools: CommandContext, conversation_id: str) -> Conversation:
    """A conversation, deleted or not."""
    found = stored_conversation(tools, conversation_id)
    if found is None:
        raise NotFoundError(
            tr("There is no conversation {id}.").format(id=conversation_id),
            "",
            tr("“latchkey conversations list --deleted” names those in the bin."),
        )
    return found


# --- folders ---------------------------------------------------------------------------------------------------------


def _change_folders(options: Namespace, tools: CommandContext) -> None:
    action = options.folder_action
    if action == "list":
        folders = _folders(tools).folders() if tools.paths.database_file.exists() else []
        if options.json:
            tools.output.json([_folder_json(tools, each) for each in folders])
        elif folders:
            tools.output.table([(each.id, each.name) for each in folders])
        else:
            tools.output.note(tr("There are no folders yet."))
        return
    if action == "add":
        folder = _folders(tools).create(_changed(Folder(new_id(), repair_input(options.folder)), options))
        _report_folder(options, tools, folder, tr("The folder is there."))
        return
    folder = _find_folder(tools, options.folder)
    if action == "remove":
        gone = _folder_json(tools, folder)
        _folders(tools).delete(folder.id)
        if options.json:
            tools.output.json(gone)
        else:
            tools.output.line(tr("The folder is gone; its conversations stay."))
        return
    if action == "rename":
        _folders(tools).rename(folder.id, repair_input(options.name))
    else:
        _folders(tools).update(_changed(folder, options))
    _report_folder(options, tools, _folders(tools).folder(folder.id), tr("The folder is changed."))


def _changed(folder: Folder, options: Namespace) -> Folder:
    """`folder` with what the command line says; "" takes a value away."""
    said: dict[str, Any] = {}
    if options.system is not None:
        said["system_prompt"] = repair_input(options.system)
    if options.model is not None:
        said["model_id"] = repair_input(options.model) or None
    if options.preset is not None:
        said["options"] = msgspec.structs.replace(folder.options, preset=repair_input(options.preset) or None)
    return msgspec.structs.replace(folder, **said)


def _report_folder(options: Namespace, tools: CommandContext, folder: Folder, text: str) -> None:
    if options.json:
        tools.output.json(_folder_json(tools, folder))
    else:
        tools.output.line(text)


def _folder_json(tools: CommandContext, folder: Folder) -> dict[str, Any]:
    listing = ConversationListing(tools.conversation_store.database)
    held = [
        len(listing.conversations(ListFilter(place, folder_id=folder.id, limit=_ALL))) for place in ("chats", "archive")
    ]
    return {
        "id": folder.id,
        "name": folder.name,
        "conversations": sum(held),
        "system_prompt": folder.system_prompt,
        "model": folder.model_id,
        "options": folder.options,
    }


def _find_folder(tools: CommandContext, given: str) -> Folder:
    """The folder of this id or name. NotFoundError where there is none, UsageError where several have the name."""
    wanted = repair_input(given)
    folders = _folders(tools).folders() if tools.paths.database_file.exists() else []
    found = [each for each in folders if each.id == wanted] or [each for each in folders if each.name == wanted]
    found = found or [each for each in folders if each.name.casefold() == wanted.casefold()]
    if not found:
        raise _no_folder(wanted)
    if len(found) > 1:
        raise UsageError(
            tr("Several folders are named {name}.").format(name=wanted),
            "",
            tr("Give the id of one, as “latchkey conversations folders list” names them."),
        )
    return found[0]


def _no_folder(name: str) -> NotFoundError:
    return NotFoundError(
        tr("There is no folder {name}.").format(name=name),
        "",
        tr("“latchkey conversations folders add” makes one, “folders list” names those that are there."),
    )


def _day(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
