"""`latchkey conversations`: what is kept, to read and to search."""

import datetime
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from desktop.chat.citations import passages_of
from desktop.chat.export.message_sources import cited_sources, file_words
from desktop.chat.tool_call_words import call_words, replaced_words, result_text, result_words
from desktop.cli import conversation_settings_command
from desktop.cli.asked_documents import cited_passages
from desktop.cli.asked_tools import asked_calls
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE
from desktop.cli.terminal_answer import ModelCredits
from desktop.cli.terminal_input import repair_input
from desktop.conversation import (
    AttachedFilePart,
    Conversation,
    ConversationOrigin,
    Message,
    NotePart,
    PassagePart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from desktop.errors import NotFoundError
from desktop.safe_text import one_line
from desktop.storage.message_search import MessageHit, MessageSearch, SearchFilter
from desktop.translation import tr, trn

_ALL = 1_000_000
_SHORTEST_BEGINNING = 4


def run(options: Namespace, tools: CommandContext) -> int:
    match options.action:
        case "show":
            _show(options, tools)
        case "search":
            _search(options, tools)
        case "pin" | "unpin" if options.message is not None:
            _pin(options, tools)
        case "settings":
            conversation_settings_command.run(options, tools, kept_conversation(tools, options.id))
        case "rerun":
            from desktop.cli import conversations_rerun_command

            return conversations_rerun_command.run(options, tools)
        case "export":
            from desktop.cli import conversations_export_command

            conversations_export_command.run(options, tools)
        case "import":
            from desktop.cli import conversations_import_command

            return conversations_import_command.run(options, tools)
        case _:
            from desktop.cli import conversation_order_command

            conversation_order_command.run(options, tools)
    return DONE


def _show(options: Namespace, tools: CommandContext) -> None:
    conversation = kept_conversation(tools, options.id)
    messages = tools.conversation_store.branch(conversation.id)
    model_credits = ModelCredits(tools.library)
    if options.json:
        shown = [
            _message(message, model_credits, passages_of(messages[: at + 1])) for at, message in enumerate(messages)
        ]
        tools.output.json({**head_json(conversation), "messages": shown})
        return
    tools.output.line(conversation.title)
    dropped = 0
    passages: tuple[PassagePart, ...] = ()
    for message in messages:
        tools.output.line()
        pinned = tr(" (pinned)") if message.pinned else ""
        pinned += tr(" (edited by you)") if message.edited else ""
        tools.output.line(f"{_speaker(message)}{pinned}:")
        if message.summary is not None and message.summary.text:
            summary = trn(
                "[The model sees this in place of the first message: {text}]",
                "[The model sees this in place of the first {count} messages: {text}]",
                message.summary.covers,
            )
            tools.output.line(summary.format(count=message.summary.covers, text=message.summary.text))
        if message.timing is not None and message.status != "failed":
            if message.timing.dropped_messages > dropped:
                left = trn(
                    "[From here on the model did not see the oldest message.]",
                    "[From here on the model did not see {count} of the oldest messages.]",
                    message.timing.dropped_messages,
                )
                tools.output.line(left.format(count=message.timing.dropped_messages))
            dropped = message.timing.dropped_messages
        for line in _attached(message):
            tools.output.line(f"[{line}]")
        for line in _body(message):
            tools.output.line(line)
        passages += passages_of((message,))
        for source in cited_sources(message, passages):
            tools.output.line(f"[{source.words}]")
        if message.error:
            tools.output.line(f"[{message.error}]")
        if message.model and (line := model_credits.credit_line(message.model)):
            tools.output.line(f"[{line}]")


def _pin(options: Namespace, tools: CommandContext) -> None:
    """Keep a message in the model's context, or no longer."""
    kept_message(tools, kept_conversation(tools, options.id), options.message)
    message = tools.conversation_store.pin_message(options.message, options.action == "pin")
    if options.json:
        tools.output.json(_message(message, ModelCredits(tools.library), _given(tools, message)))
    elif message.pinned:
        tools.output.line(tr("It stays in the model's context, with its question or answer."))
    else:
        tools.output.line(tr("It is left out with the others where the context is full."))


def _search(options: Namespace, tools: CommandContext) -> None:
    """Messages that hold the words; looking for them does not make a database where there is none."""
    found: list[MessageHit] = []
    if tools.paths.database_file.exists():
        search = tools.message_search
        narrowed = SearchFilter(
            model=repair_input(options.model),
            since=None if options.since is None else _midnight(options.since),
            until=None if options.until is None else _midnight(options.until + datetime.timedelta(days=1)),
            folder_id=_folder_id(search, repair_input(options.folder)) if options.folder else "",
            tag=repair_input(options.tag),
        )
        found = search.search(repair_input(options.text), narrowed, limit=options.limit)
    if options.json:
        tools.output.json([_hit(each) for each in found])
    elif found:
        tools.output.table([(each.conversation_id, each.title, each.snippet) for each in found])
    else:
        tools.output.note(tr("No message holds that."))


def _hit(hit: MessageHit) -> dict[str, Any]:
    return {
        "id": hit.conversation_id,
        "title": hit.title,
        "message": hit.message_id,
        "snippet": hit.snippet,
        "role": hit.role,
        "created_at": moment(hit.created_at),
        "archived": hit.archived,
    }


def _folder_id(search: MessageSearch, wanted: str) -> str:
    """The id of the folder with this id or name. Raises NotFoundError where there is none, or several have it."""
    folders = search.choices().folders
    named = [key for key, name in folders if wanted == key] or [key for key, name in folders if wanted == name]
    named = named or [key for key, name in folders if wanted.casefold() == name.casefold()]
    if len(named) == 1:
        return named[0]
    names = ", ".join(f"{name} ({key})" if named else name for key, name in folders)
    raise NotFoundError(
        tr("Several folders are called {name}.").format(name=wanted)
        if named
        else tr("There is no folder {name}.").format(name=wanted),
        tr("The folders are {names}.").format(names=names) if names else tr("There are no folders."),
        tr("Name one by its id.") if named else "",
    )


def _midnight(day: datetime.date) -> float:
    """When a day begins where the person is, in seconds since 1970."""
    return datetime.datetime(day.year, day.month, day.day).astimezone().timestamp()


def stored_conversation(tools: CommandContext, conversation_id: str) -> Conversation | None:
    """As `kept_conversation`, of deleted ones too; None where there is none."""
    if not tools.paths.database_file.exists():
        return None
    store = tools.conversation_store
    found = store.find_conversation(conversation_id)
    if found is None and len(conversation_id) >= _SHORTEST_BEGINNING:
        alike = store.ids_beginning(conversation_id)
        found = store.find_conversation(alike[0]) if len(alike) == 1 else None
    return found


def kept_conversation(tools: CommandContext, conversation_id: str) -> Conversation:
    """The conversation with this id, or the only one whose id begins so. Raises NotFoundError; looking does not make a
    database where there is none."""
    found = stored_conversation(tools, conversation_id)
    if found is None or found.deleted_at is not None:
        raise NotFoundError(
            tr("There is no conversation {id}.").format(id=conversation_id),
            "",
            tr("“latchkey conversations list” names them."),
        )
    return found


def kept_message(tools: CommandContext, conversation: Conversation, message_id: str) -> Message:
    """The message of `conversation` with this id. Raises NotFoundError."""
    message = tools.conversation_store.message(message_id)
    if message.conversation_id != conversation.id or message.deleted_at is not None:
        raise NotFoundError(
            tr("There is no message {id} in this conversation.").format(id=message_id),
            "",
            tr("“latchkey conversations show {id} --json” names them.").format(id=conversation.id),
        )
    return message


def head_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation as `--json` gives it; `folder` by its id. One that was begun here has no `origin`."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "model": conversation.model_id,
        "pinned": conversation.pinned,
        "folder": conversation.folder_id,
        "tags": conversation.tags,
        "archived_at": None if conversation.archived_at is None else moment(conversation.archived_at),
        "deleted_at": None if conversation.deleted_at is None else moment(conversation.deleted_at),
        "created_at": moment(conversation.created_at),
        "updated_at": moment(conversation.updated_at),
        "origin": None if conversation.origin is None else _origin_json(conversation.origin),
    }


def _origin_json(origin: ConversationOrigin) -> dict[str, Any]:
    return {"app": origin.app, "id": origin.id or None, "imported_at": moment(origin.imported_at)}


def _given(tools: CommandContext, message: Message) -> tuple[PassagePart, ...]:
    """The passages that the model was given up to a message."""
    return passages_of(tools.conversation_store.branch(message.conversation_id, message.id))


def _message(message: Message, model_credits: ModelCredits, passages: Sequence[PassagePart]) -> dict[str, Any]:
    return {
        "id": message.id,
        "parent": message.parent_id,
        "role": message.role,
        "text": message.text,
        "thinking": message.thinking,
        "pinned": message.pinned,
        "edited": message.edited,
        "summary": message.summary,
        "files": [_file_json(part) for part in message.parts if isinstance(part, AttachedFilePart)],
        "citations": cited_passages(message.text, passages)[0] if message.role == "assistant" else [],
        "tool_calls": asked_calls(message),
        "notes": [part.text for part in message.parts if isinstance(part, NotePart)],
        "status": message.status,
        "error": message.error,
        "model": message.model,
        "credit": (model_credits.credit_line(message.model) or None) if message.model else None,
        "sampling": message.sampling,
        "timing": message.timing,
        "record": message.record,
        "created_at": moment(message.created_at),
    }


def _file_json(part: AttachedFilePart) -> dict[str, Any]:
    return {"name": part.name, "size": part.size, "pages": part.pages or None, "whole": part.whole}


def _body(message: Message) -> list[str]:
    """What was said, with calls of tools and what Latchkey noted where they stand."""
    if not any(isinstance(part, ToolCallPart | ToolResultPart | NotePart) for part in message.parts):
        return [message.text]
    lines: list[str] = []
    for part in message.parts:
        match part:
            case TextPart() if part.text.strip():
                lines.append(part.text.strip("\n"))
            case NotePart():
                lines.append(f"[{part.text}]")
            case ToolCallPart():
                lines.append(f"[{call_words(part)}: {one_line(part.sent or part.arguments)}]")
                if part.sent:
                    lines.append(f"[{replaced_words()}: {one_line(part.arguments)}]")
            case ToolResultPart():
                lines.append(f"[{result_words(part)}: {result_text(part)}]")
    return lines


def _attached(message: Message) -> list[str]:
    return [file_words(part) for part in message.parts if isinstance(part, AttachedFilePart)]


def _speaker(message: Message) -> str:
    match message.role:
        case "user":
            return tr("You")
        case "system":
            return tr("System prompt")
    return message.model.name if message.model else tr("Assistant")


def moment(seconds: float) -> str:
    """A time as RFC 3339 has it, in UTC, to the second."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
