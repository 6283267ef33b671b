"""Conversations and messages as rows, and back. Parts, model, sampling and timing are JSON in their columns."""

import os
import sqlite3
from typing import Any

import msgspec

from desktop.conversation import Conversation, Message, MessagePart, ModelReference, TextPart, ThinkingPart, Timing
from desktop.safe_text import repair_surrogates

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
    """Whether the process named so by `this_process` is still running."""
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
    "id, title, title_by, created_at, updated_at, model_id, system_prompt, leaf_id, pinned, deleted_at"
)
MESSAGE_COLUMNS = (
    "id, conversation_id, parent_id, role, status, text, parts, model, sampling, timing, error, writer, created_at"
)

_parts = msgspec.json.Decoder(tuple[MessagePart, ...])
_model = msgspec.json.Decoder(ModelReference)
_sampling = msgspec.json.Decoder(dict[str, float | int | str | None])
_timing = msgspec.json.Decoder(Timing)
_encoder = msgspec.json.Encoder()


def conversation_row(conversation: Conversation) -> dict[str, Any]:
    """The row of a conversation, by column."""
    row = msgspec.structs.asdict(conversation)
    row["title"] = repair_surrogates(conversation.title)
    row["system_prompt"] = repair_surrogates(conversation.system_prompt)
    row["model_id"] = None if conversation.model_id is None else repair_surrogates(conversation.model_id)
    return row


def conversation_from_row(row: sqlite3.Row | tuple[Any, ...]) -> Conversation:
    """The conversation of a row whose columns are CONVERSATION."""
    id_, title, title_by, created_at, updated_at, model_id, system_prompt, leaf_id, pinned, deleted_at = row
    return Conversation(
        id_, title, title_by, created_at, updated_at, model_id, system_prompt, leaf_id, bool(pinned), deleted_at
    )


def message_row(message: Message) -> dict[str, Any]:
    """The row of a message, by column."""
    parts = tuple(_storable_part(part) for part in message.parts)
    only_text = all(isinstance(part, TextPart) for part in parts)
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent_id": message.parent_id,
        "role": message.role,
        "status": message.status,
        "text": "".join(part.text for part in parts if isinstance(part, TextPart)),
        "parts": None if only_text else _json(parts),
        "model": _json(_storable_model(message.model)),
        "sampling": _json(message.sampling),
        "timing": _json(message.timing),
        "error": repair_surrogates(message.error),
        "writer": process_stamp() if message.status == "streaming" else None,
        "created_at": message.created_at,
    }


def message_from_row(row: sqlite3.Row | tuple[Any, ...]) -> Message:
    """The message of a row whose columns are MESSAGE."""
    id_, conversation_id, parent_id, role, status, text, parts, model, sampling, timing, error, _writer, created_at = (
        row
    )
    return Message(
        id_,
        conversation_id,
        parent_id,
        role,
        _parts.decode(parts) if parts is not None else ((TextPart(text),) if text else ()),
        status,
        _model.decode(model) if model is not None else None,
        _sampling.decode(sampling) if sampling is not None else None,
        _timing.decode(timing) if timing is not None else None,
        error,
        created_at,
    )


def _storable_model(model: ModelReference | None) -> ModelReference | None:
    """A model outside the library is named by its path, and a path need not be text."""
    return model and ModelReference(repair_surrogates(model.id), repair_surrogates(model.name), model.file_sha256)


def _storable_part(part: MessagePart) -> MessagePart:
    if isinstance(part, ThinkingPart):
        return ThinkingPart(repair_surrogates(part.text), part.seconds)
    return TextPart(repair_surrogates(part.text))


def _json(value: object) -> str | None:
    return None if value is None else _encoder.encode(value).decode()
