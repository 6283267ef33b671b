"""Conversations and messages as rows, and back. Parts, model, sampling and timing are JSON in their columns."""

import os
import sqlite3
import typing
from typing import Any

import msgspec

from desktop.conversation import (
    AnswerRecord,
    AttachedFilePart,
    ChatOptions,
    Conversation,
    ConversationOrigin,
    ImagePart,
    KnownPart,
    Message,
    MessagePart,
    ModelReference,
    TextPart,
    Timing,
    ToolResultPart,
    UnknownPart,
    joined_text,
)
from desktop.safe_text import repair_surrogates
from desktop.struct_repair import without_lone_surrogates

_SAME_START_S = 2.0
_names: dict[int, str] = {}


def process_stamp() -> str:
    """The name of this process: "<pid> <seconds since 1970>"."""
    pid = os.getpid()
    if pid not in _names:
        import psutil  # costs some milliseconds, and nothing needs it before the first answer

        _names[pid] = f"{pid} {psutil.Process(pid).create_time():.3f}"
    return _names[pid]


def is_process_alive(name: str | None) -> bool:
    """Whether the process that `process_stamp` named so is still running."""
    if name is None:
        return False
    if name == _names.get(os.getpid()):
        return True
    import psutil

    try:
        pid, began = name.split(" ")
        process = psutil.Process(int(pid))
        return abs(process.create_time() - float(began)) < _SAME_START_S and process.status() != psutil.STATUS_ZOMBIE
    except (ValueError, psutil.NoSuchProcess):
        return False
    except psutil.AccessDenied:
        return True  # there is such a process, and it is not ours to look at: leave its answer alone


CONVERSATION_COLUMNS = (
    "id, title, title_by, created_at, updated_at, model_id, system_prompt, leaf_id, pinned, deleted_at, context_full, "
    "folder_id, archived_at, options, origin"
)
MESSAGE_COLUMNS = (
    "id, conversation_id, parent_id, role, status, text, parts, model, sampling, timing, error, writer, created_at, "
    "pinned, edited, record, deleted_at"
)
TAGS_COLUMN = "(SELECT json_group_array(tag) FROM tags WHERE conversation_id = conversations.id)"
"""A conversation's tags, as `conversation_from_row` takes them after its columns."""


class _PartType(msgspec.Struct):
    type: str


class _ResultContent(msgspec.Struct):
    content: tuple[_PartType, ...]


_parts = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_part = msgspec.json.Decoder(KnownPart)
_part_type = msgspec.json.Decoder(_PartType)
_result_content = msgspec.json.Decoder(_ResultContent)
_PART_TYPES, _RESULT_TYPE, _CONTENT_TYPES = (
    frozenset(str(part.__struct_config__.tag) for part in parts)
    for parts in (typing.get_args(KnownPart), (ToolResultPart,), (TextPart, ImagePart))
)
_model = msgspec.json.Decoder(ModelReference)
_sampling = msgspec.json.Decoder(dict[str, float | int | str | None])
_timing = msgspec.json.Decoder(Timing)
_record = msgspec.json.Decoder(AnswerRecord)
_options = msgspec.json.Decoder(ChatOptions)
_tags = msgspec.json.Decoder(tuple[str, ...])
_origin = msgspec.json.Decoder(ConversationOrigin)
_encoder = msgspec.json.Encoder()


def conversation_row(conversation: Conversation) -> dict[str, Any]:
    """The row of a conversation, by column."""
    row = msgspec.structs.asdict(conversation)
    row["title"] = repair_surrogates(conversation.title)
    row["system_prompt"] = repair_surrogates(conversation.system_prompt)
    row["model_id"] = None if conversation.model_id is None else repair_surrogates(conversation.model_id)
    row["options"] = options_json(conversation.options)
    row["origin"] = _json(None if conversation.origin is None else without_lone_surrogates(conversation.origin))
    del row["tags"]  # in a table of their own
    return row


def options_json(options: ChatOptions) -> str | None:
    """As they are stored; None where they say nothing."""
    return None if options == ChatOptions() else _json(without_lone_surrogates(options))


def options_from_json(stored: str | None) -> ChatOptions:
    """The options that are stored so."""
    return ChatOptions() if stored is None else _options.decode(stored)


def conversation_from_row(row: sqlite3.Row | tuple[Any, ...]) -> Conversation:
    """The conversation of a row whose columns are CONVERSATION_COLUMNS and TAGS_COLUMN."""
    id_, title, title_by, created_at, updated_at, model_id, system_prompt, leaf_id, *others = row
    pinned, deleted_at, context_full, folder_id, archived_at, options, origin, tags = others
    return Conversation(
        id_,
        title,
        title_by,
        created_at,
        updated_at,
        model_id,
        system_prompt,
        leaf_id,
        bool(pinned),
        deleted_at,
        context_full,
        folder_id,
        archived_at,
        options_from_json(options),
        _tags.decode(tags) if tags != "[]" else (),
        _origin.decode(origin) if origin is not None else None,
    )


def read_conversation(connection: sqlite3.Connection, conversation_id: str) -> Conversation | None:
    """The head of a conversation, deleted or not, read with `connection`; None where there is none."""
    row = connection.execute(
        f"SELECT {CONVERSATION_COLUMNS}, {TAGS_COLUMN} FROM conversations WHERE id = ?",
        (repair_surrogates(conversation_id),),
    ).fetchone()
    return None if row is None else conversation_from_row(row)


def message_row(message: Message) -> dict[str, Any]:
    """The row of a message, by column."""
    parts = tuple(map(without_lone_surrogates, message.parts))
    only_text = all(isinstance(part, TextPart) for part in parts)
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent_id": message.parent_id,
        "role": message.role,
        "status": message.status,
        "text": _searched_text(parts),
        "parts": None if only_text else _json([part_to_json(part) for part in parts]),
        "model": _json(_storable_model(message.model)),
        "sampling": _json(message.sampling),
        "timing": _json(message.timing),
        "error": repair_surrogates(message.error),
        "writer": process_stamp() if message.status == "streaming" else None,
        "created_at": message.created_at,
        "pinned": message.pinned,
        "edited": message.edited,
        "record": _json(None if message.record is None else without_lone_surrogates(message.record)),
        "deleted_at": message.deleted_at,
    }


def _searched_text(parts: tuple[MessagePart, ...]) -> str:
    """What a message is found by: its visible text, and the names of the files attached to it."""
    names = [part.name for part in parts if isinstance(part, AttachedFilePart)]
    return "\n".join(filter(None, (joined_text(parts), *names)))


def message_from_row(row: sqlite3.Row | tuple[Any, ...]) -> Message:
    """The message of a row whose columns are MESSAGE_COLUMNS."""
    id_, conversation_id, parent_id, role, status, text, parts, *others = row
    model, sampling, timing, error, _writer, created_at, pinned, edited, record, deleted_at = others
    return Message(
        id_,
        conversation_id,
        parent_id,
        role,
        tuple(map(part_from_json, _parts.decode(parts))) if parts is not None else ((TextPart(text),) if text else ()),
        status,
        model_from_json(model) if model is not None else None,
        _sampling.decode(sampling) if sampling is not None else None,
        _timing.decode(timing) if timing is not None else None,
        error,
        created_at,
        bool(pinned),
        bool(edited),
        _record.decode(record) if record is not None else None,
        deleted_at,
    )


def model_from_json(stored: str) -> ModelReference:
    """The model that is stored so."""
    return _model.decode(stored)


def _storable_model(model: ModelReference | None) -> ModelReference | None:
    """A model outside the library is named by its path, and a path need not be text."""
    return None if model is None else without_lone_surrogates(model)


def part_to_json(part: MessagePart) -> MessagePart | msgspec.Raw:
    """What msgspec writes as the stored part: of a part that this version does not know, the JSON it came as."""
    return msgspec.Raw(part.json) if isinstance(part, UnknownPart) else part


def part_from_json(stored: msgspec.Raw) -> MessagePart:
    """A part as it is stored. One whose type a newer version brought is kept as it is, to be stored again unharmed.

    Raises msgspec.DecodeError and UnicodeDecodeError where it is none.
    """
    head = _part_type.decode(stored)
    if head.type not in _PART_TYPES or (head.type in _RESULT_TYPE and not _is_content_known(stored)):
        return UnknownPart(head.type, bytes(stored).decode())
    known: MessagePart = _part.decode(stored)
    return known


def _is_content_known(result: msgspec.Raw) -> bool:
    return all(each.type in _CONTENT_TYPES for each in _result_content.decode(result).content)


def _json(value: object) -> str | None:
    return None if value is None else _encoder.encode(value).decode()
