"""Conversations and messages as values, known to every floor: the engine reads, storage keeps, chat grows them.

A conversation is a tree: every message names its parent, and the conversation names the leaf it shows. The branch
shown is the path from that leaf up to the root.
"""

from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant"]
Status = Literal["complete", "streaming", "stopped", "failed"]
StopReason = Literal["end", "length", "cancelled", "context-full", "repetition"]


class TextPart(msgspec.Struct, frozen=True, tag="text"):
    """Markdown as the person or the model wrote it."""

    text: str


class ThinkingPart(msgspec.Struct, frozen=True, tag="thinking"):
    """What a reasoning model wrote before its answer; `seconds` it took, where known."""

    text: str
    seconds: float | None = None


MessagePart = TextPart | ThinkingPart


class ModelReference(msgspec.Struct, frozen=True):
    """Which model wrote a message: its id (or path), the name shown, and the sha256 of its file where known."""

    id: str
    name: str
    file_sha256: str | None = None


class Timing(msgspec.Struct, frozen=True):
    """How an answer went: counts in model tokens, times in seconds, speed in tokens per second."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    time_to_first_token_s: float | None = None
    tokens_per_s: float | None = None
    stop_reason: StopReason = "end"
    seed: int | None = None
    context_length: int = 0
    dropped_messages: int = 0


class Message(msgspec.Struct, frozen=True):
    """One turn. `error` is one sentence that says why an answer failed; `created_at` in seconds since 1970, UTC."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    parts: tuple[MessagePart, ...]
    status: Status = "complete"
    model: ModelReference | None = None
    sampling: dict[str, float | int | str | None] | None = None
    timing: Timing | None = None
    error: str = ""
    created_at: float = 0.0

    @property
    def text(self) -> str:
        """The visible text, without thinking."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def thinking(self) -> str:
        """The thinking, without the visible text."""
        return "".join(part.text for part in self.parts if isinstance(part, ThinkingPart))


class Conversation(msgspec.Struct, frozen=True):
    """A conversation's head. `title_by` says who named it: nobody yet, its first turn, or the person."""

    id: str
    title: str = ""
    title_by: Literal["", "first-turn", "person"] = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    model_id: str | None = None
    system_prompt: str = ""
    leaf_id: str | None = None
    pinned: bool = False
    deleted_at: float | None = None
