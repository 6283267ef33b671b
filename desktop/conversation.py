"""Conversations and messages as values that all packages use: the engine reads, `storage` stores and `chat` extends
them.

A conversation is a tree: every message names its parent, and the conversation names the leaf it shows. The branch
shown is the path from that leaf up to the root. What a message holds are its parts, in the order in which they were
written. A `ChatMessage` is what a model is given of it: a role and the parts.
"""

from typing import Annotated, Literal

import msgspec

Role = Literal["system", "user", "assistant"]
ChatRole = Literal["system", "user", "assistant", "tool"]
Status = Literal["complete", "streaming", "stopped", "failed"]
ContextChoice = Literal["ask", "drop-oldest", "summarize", "stop"]
"""What happens where a conversation no longer fits the model's context: the person is asked, the oldest rounds are left
out, a summary takes their place, or no answer is begun."""
StopReason = Literal["end", "length", "cancelled", "context-full", "repetition", "tool-calls"]


class TextPart(msgspec.Struct, frozen=True, tag="text"):
    """Markdown as the person or the model wrote it."""

    text: str


class ThinkingPart(msgspec.Struct, frozen=True, tag="thinking"):
    """What a reasoning model wrote before its answer; `seconds` it took, where known."""

    text: str
    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e15)] | None = None


class ImagePart(msgspec.Struct, frozen=True, tag="image"):
    """An image by the sha256 of its bytes (64 hexadecimal digits), which are kept elsewhere. `name` is its file's."""

    sha256: str
    media_type: str
    name: str = ""


class DocumentPart(msgspec.Struct, frozen=True, tag="document"):
    """A document as a model reads it: its title and its text. `media_type` and `sha256` are those of the file that the
    text was taken from; "" where there was none."""

    title: str
    text: str
    media_type: str = "text/plain"
    sha256: str = ""


class AttachedFilePart(msgspec.Struct, frozen=True, tag="attached-file"):
    """A file that the person attached, which a model reads in passages. `sha256` is that of what was read of it, the
    JSON of a `DocumentContent` kept as an attachment; `file_sha256` and `size` (bytes) are the file's own, which is not
    kept. With `whole` all its passages stand in the same message; otherwise each answer has those found for it."""

    name: str
    media_type: str
    sha256: str
    file_sha256: str
    size: int
    pages: int
    whole: bool


class PassagePart(msgspec.Struct, frozen=True, tag="passage"):
    """A passage of a document as a model reads it, under the `number` by which an answer cites it: 1 and up, no two the
    same on a branch. It stands in a question where the whole file was given, in an answer where it was found for it.

    `name` is the file's, `page` counts from 1 (0: the format has no pages), `label` is the page's own name; `start` is
    the passage's first character in the page's text. `collection` is where it was found, "" for an attached file.
    """

    number: int
    name: str
    page: int
    text: str
    file_sha256: str
    label: str = ""
    start: int = 0
    collection: str = ""


class ToolCallPart(msgspec.Struct, frozen=True, tag="tool-call"):
    """The model calls tool `name` with `arguments`, JSON text as the model wrote it. `id` is what the result names.

    `server` is the tool server that has it and `tool` its name there, "" where Latchkey did not call it: it was
    imported, or nothing has this name. `sent` are the arguments that a person put in place of the model's, "" where
    those were sent.
    """

    id: str
    name: str
    arguments: str
    server: str = ""
    tool: str = ""
    sent: str = ""


ToolOutcome = Literal["done", "failed", "denied", "cancelled"]
"""How a call of a tool ended: with a result, without one, not made as nobody allowed it, or stopped."""


class ToolResultPart(msgspec.Struct, frozen=True, tag="tool-result"):
    """What tool `name` gave for the call `call_id`; with `is_error` there is no result and `content` says why, for the
    model. `outcome` says the same for people, None where it was imported; `by` due to what it was called
    (`desktop.tools.tool_permission`), `seconds` how long it took, `size` the bytes that its server sent, `at` when it
    was called, in seconds since 1970, UTC; 0 where it was not.

    `by` is "built-in", "always", "chat" (allowed for this chat) or "approval" (this call alone) where it was called,
    "person" where a person denied it, else why it was denied; "" where nothing was decided."""

    call_id: str
    name: str
    content: tuple[TextPart | ImagePart, ...]
    is_error: bool = False
    outcome: ToolOutcome | None = None
    by: str = ""
    seconds: float = 0.0
    size: int = 0
    at: float = 0.0


class NotePart(msgspec.Struct, frozen=True, tag="note"):
    """A sentence that Latchkey tells the person about an answer: what it was asked for without. No model reads it."""

    text: str


class SummaryPart(msgspec.Struct, frozen=True, tag="summary"):
    """What was said before, in short: a model is given `text` in place of the first `covers` messages of the branch,
    counted from the root, but for those of pinned rounds. Part of the answer that it was made for.

    Where it could not be made, `text` is "" and `error` one sentence that says why; it covers nothing then.
    """

    text: str
    covers: int = 0
    error: str = ""


class UnknownPart(msgspec.Struct, frozen=True, tag="unknown"):
    """A part of a type that this version does not know, as it is stored: `kind` is its type, `json` the whole of it."""

    kind: str
    json: str


KnownPart = (
    TextPart
    | ThinkingPart
    | ImagePart
    | DocumentPart
    | AttachedFilePart
    | PassagePart
    | ToolCallPart
    | ToolResultPart
    | SummaryPart
    | NotePart
)
MessagePart = KnownPart | UnknownPart
AnswerPart = TextPart | ThinkingPart | ToolCallPart
"""The parts that a model's answer can have."""


class ChatMessage(msgspec.Struct, frozen=True):
    """One message as a model is to see it. The results of tools stand in messages of role `tool`. What is `pinned` is
    never left out to fit the context."""

    role: ChatRole
    parts: tuple[MessagePart, ...]
    pinned: bool = False

    @classmethod
    def from_text(cls, role: ChatRole, text: str) -> "ChatMessage":
        """A message that holds `text` alone."""
        return cls(role, (TextPart(text),))

    @property
    def text(self) -> str:
        """The texts of its parts of type text, joined; all else is left out."""
        return joined_text(self.parts)

    @property
    def length(self) -> int:
        """Characters in all its parts together."""
        return _characters(self.parts)


class ModelReference(msgspec.Struct, frozen=True):
    """Which model wrote a message: its id (or path), the name shown, and the sha256 of its file where known. `license`
    is the id of the license that it was under then, `attribution` the line that its licenses ask to be shown; "" where
    that was not known, or there is none."""

    id: str
    name: str
    file_sha256: str | None = None
    license: str = ""
    attribution: str = ""


class Timing(msgspec.Struct, frozen=True):
    """How an answer went: counts in model tokens, times in seconds, speed in tokens per second.

    Of `cached_tokens`, `memory_tokens` came from a state kept in memory, `disk_tokens` from one kept on the disk. Of
    `prompt_tokens`, the system message with a summary in it takes `system_tokens`, and passages of documents take
    `document_tokens`; where that is not known, nothing is stored of it.

    Where the model went on after calls of tools, prompt and cached tokens are those of the last time it was asked, in
    whose prompt stands what was generated before; `last_tokens` are those of `generated_tokens` that came after it.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    time_to_first_token_s: float | None = None
    tokens_per_s: float | None = None
    stop_reason: StopReason = "end"
    seed: int | None = None
    context_length: int = 0
    dropped_messages: int = 0
    memory_tokens: int = 0
    disk_tokens: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    system_tokens: int | msgspec.UnsetType = msgspec.UNSET
    document_tokens: int | msgspec.UnsetType = msgspec.UNSET
    last_tokens: int | msgspec.UnsetType = msgspec.UNSET

    @property
    def used_tokens(self) -> int:
        """What prompt and answer took of the context at its end."""
        last = self.last_tokens
        return self.prompt_tokens + (last if isinstance(last, int) else self.generated_tokens)


class AnswerRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer was made from, besides its branch and its model: enough to make it again.

    `engine` is the build that generated it, on `devices`, with `threads` and with so many layers on a GPU.
    `prompt_sha256` is the hash of the tokens that the model read, as 32-bit integers in little-endian order. `options`
    and `load` are the JSON of its GenerationOptions, with the seed that was used, and of its LoadParams. The model went
    on from the first `continues` characters of its text. `beside_others`: other answers were generated meanwhile.

    One that was made again from the record of the answer `rerun_of` is `identical` or not; what was not as it was then
    is named in `differs_in` (see `desktop.chat.answer_record`).
    """

    engine: str = ""
    system_prompt: str = ""
    prompt_sha256: str = ""
    options: str = ""
    load: str = ""
    threads: int = 0
    gpu_layers: int = 0
    devices: tuple[str, ...] = ()
    continues: int = 0
    beside_others: bool = False
    rerun_of: str = ""
    identical: bool | None = None
    differs_in: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True):
    """One turn. `error` is one sentence that says why an answer failed; `created_at` in seconds since 1970, UTC. What
    is `pinned` stays in the model's context, with the round it belongs to. An answer is `edited` where a person changed
    what the model wrote. With `deleted_at` it and all under it were taken out of the tree, and can come back."""

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
    pinned: bool = False
    edited: bool = False
    record: AnswerRecord | None = None
    deleted_at: float | None = None

    @property
    def text(self) -> str:
        """The visible text, without thinking."""
        return joined_text(self.parts)

    @property
    def thinking(self) -> str:
        """The thinking, without the visible text."""
        return "".join(part.text for part in self.parts if isinstance(part, ThinkingPart))

    @property
    def begun(self) -> bool:
        """Whether anything was said in it: text, thinking, or a call of a tool."""
        return any(not isinstance(part, SummaryPart | PassagePart | NotePart) for part in self.parts)

    @property
    def summary(self) -> SummaryPart | None:
        """The summary that was made for this answer, or the trace of one that failed."""
        return next((part for part in self.parts if isinstance(part, SummaryPart)), None)


class ChatOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What answers of a conversation, or of those in a folder, are asked with; None and what is left out: as it is
    without. `sampling` by the names of `SamplingParams`, `max_tokens` among them; `collections` are the names of those
    that passages are looked for in, `tools` those of the tool servers whose tools the model is offered."""

    preset: str | None = None
    sampling: dict[str, float | int | str | None] = {}
    thinking: bool | None = None
    effort: Literal["low", "medium", "high"] | None = None
    thinking_budget: int | None = None
    context_length: int | None = None
    collections: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


DELETED_KEPT_DAYS = 30
"""A deleted conversation is erased by the first start after so many days, if nobody erases it sooner."""


class Folder(msgspec.Struct, frozen=True):
    """A folder of conversations. Those in it have its system prompt and its options where they say nothing of their
    own; a new one begins with its model. Where it is `folded`, the list leaves them out of sight."""

    id: str
    name: str
    position: int = 0
    system_prompt: str = ""
    model_id: str | None = None
    options: ChatOptions = ChatOptions()
    created_at: float = 0.0
    folded: bool = False


class ConversationOrigin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a conversation was imported from: the program's own name, its id there ("" where it has none), and when it
    was imported, in seconds since 1970, UTC."""

    app: str
    id: str = ""
    imported_at: float = 0.0


class Conversation(msgspec.Struct, frozen=True):
    """A conversation's head. `title_by` says who named it: nobody yet, its first turn, or the person. `context_full` is
    what the person chose for it, None where the settings hold. `tags` are in the order of the alphabet. One that was
    begun here has no `origin`."""

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
    context_full: ContextChoice | None = None
    folder_id: str | None = None
    archived_at: float | None = None
    options: ChatOptions = ChatOptions()
    tags: tuple[str, ...] = ()
    origin: ConversationOrigin | None = None


def joined_text(parts: tuple[MessagePart, ...]) -> str:
    """The texts of those parts that are of type text; a paragraph ends where a tool gave a result."""
    texts = [""]
    for part in parts:
        if isinstance(part, TextPart):
            texts[-1] += part.text
        elif isinstance(part, ToolResultPart) and texts[-1].strip():
            texts.append("")
    said = [text for text in texts if text.strip()] if len(texts) > 1 else texts
    return said[0] if len(said) == 1 else "\n\n".join(text.strip("\n") for text in said)


def _characters(value: object) -> int:
    match value:
        case str():
            return len(value)
        case tuple():
            return sum(map(_characters, value))
        case msgspec.Struct():
            return sum(_characters(getattr(value, name)) for name in value.__struct_fields__)
        case _:
            return 0
