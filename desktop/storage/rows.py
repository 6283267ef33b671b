"""Conversations and messages as rows, and back. Parts, model, sampling and timing are JSON in their columns."""

import sqlite3
from typing import Any

import msgspec

from desktop.conversation import Conversation, Message, ModelReference, Part, TextPart, ThinkingPart, Timing
from desktop.storage.processes import this_process
from desktop.storage.text import storable

CONVERSATION = "id, title, title_by, created_at, updated_at, model_id, system_prompt, leaf_id, pinned, deleted_at"
MESSAGE = (
    "id, conversation_id, parent_id, role, status, text, parts, model, sampling, timing, error, writer, created_at"
)

_parts = msgspec.json.Decoder(tuple[Part, ...])
_model = msgspec.json.Decoder(ModelReference)
_sampling = msgspec.json.Decoder(dict[str, float | int | str | None])
_timing = msgspec.json.Decoder(Timing)
_encoder = msgspec.json.Encoder()


def from_conversation(conversation: Conversation) -> dict[str, Any]:
    """The row of a conversation, by column."""
    row = msgspec.structs.asdict(conversation)
    row["title"] = storable(conversation.title)
    row["system_prompt"] = storable(conversation.system_prompt)
    row["model_id"] = None if conversation.model_id is None else storable(conversation.model_id)
    return row


def to_conversation(row: sqlite3.Row | tuple[Any, ...]) -> Conversation:
    """The conversation of a row whose columns are CONVERSATION."""
    id_, title, title_by, created_at, updated_at, model_id, system_prompt, leaf_id, pinned, deleted_at = row
    return Conversation(
        id_, title, title_by, created_at, updated_at, model_id, system_prompt, leaf_id, bool(pinned), deleted_at
    )


def from_message(message: Message) -> dict[str, Any]:
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
        "error": storable(message.error),
        "writer": this_process() if message.status == "streaming" else None,
        "created_at": message.created_at,
    }


def to_message(row: sqlite3.Row | tuple[Any, ...]) -> Message:
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
    return model and ModelReference(storable(model.id), storable(model.name), model.file_sha256)


def _storable_part(part: Part) -> Part:
    if isinstance(part, ThinkingPart):
        return ThinkingPart(storable(part.text), part.seconds)
    return TextPart(storable(part.text))


def _json(value: object) -> str | None:
    return None if value is None else _encoder.encode(value).decode()
