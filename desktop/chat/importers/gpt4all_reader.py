"""The chats of GPT4All: files gpt4all-<id>.chat, by themselves, in a zip archive or in its folder of models.

As nomic-ai/gpt4all writes and reads them: gpt4all-chat/src/chatlistmodel.cpp (the head; versions 1 to 12, and files
without a head before that), chat.cpp, chatllm.cpp (the state of a model, left out), chatmodel.cpp and tool.cpp, up to
version 3.10. Messages have no ids and no times: they are known by what they say, and where.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from desktop.chat.importers.conversation_draft import (
    ConversationDraft,
    damaged_message,
    only_images_and_texts,
    percent_decoded,
    thinking_and_text,
    unknown_content,
)
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.export_json import base_name, is_litter, json_text, seconds
from desktop.chat.importers.imported_conversation import ImportedConversation, SkippedItem
from desktop.chat.importers.qt_data_stream import QtDataError, QtDataStream
from desktop.conversation import MessagePart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from desktop.errors import IntegrityError, UserError
from desktop.translation import tr

_MAGIC = b"\xf5\xd5\x53\xcc"
_NEWEST = 12
_ENDING = ".chat"
_DEEPEST = 8
_OLDEST_FILE = (1_600_000_000, 1_800_000_000)
"""Seconds since 1970 between which files without a head were begun, and some years."""


@dataclass(slots=True)
class _ChatItem:
    name: str
    value: str
    is_error: bool = False
    stopped: bool = False
    has_sources: bool = False
    better: str = ""
    thinking_ms: int = 0
    tool: str = ""
    arguments: str = "{}"
    failed: bool = False
    files: list[tuple[bytes, bytes]] = field(default_factory=list)
    items: list["_ChatItem"] = field(default_factory=list)


class Gpt4AllReader:
    """Reads the chats of GPT4All."""

    app = "GPT4All"

    def recognizes(self, files: ExportFiles) -> bool:
        """Whether there is a file with the head of such a chat, or of its name where there is none."""
        return any(_version(files.head(member, 8), member) is not None for member in _members(files))

    def read(self, files: ExportFiles) -> Iterator[ImportedConversation | SkippedItem]:
        """See `ConversationReader`."""
        for member in _members(files):
            version = _version(files.head(member, 8), member)
            if version is None or version > _NEWEST:
                why = tr("It is no chat of GPT4All.") if version is None else tr("A newer GPT4All wrote it.")
                yield SkippedItem(files.shown(member), why, is_damage=version is None)
                continue
            try:
                stream = QtDataStream(files.read(member))
            except UserError as error:
                yield SkippedItem(files.shown(member), error.title, is_damage=isinstance(error, IntegrityError))
                continue
            yield from _read_chat(self.app, stream, version, member, files.shown(member))


def _members(files: ExportFiles) -> tuple[str, ...]:
    return tuple(sorted(each for each in files.names() if each.endswith(_ENDING) and not is_litter(each)))


def _version(head: bytes, member: str) -> int | None:
    """The version of the format; 0 for files without a head, which begin with the time of their making."""
    if head.startswith(_MAGIC) and len(head) == 8:
        version = int.from_bytes(head[4:8], "big", signed=True)
        return version if version >= 1 else None
    made = int.from_bytes(head[:8], "big")
    is_old = base_name(member).startswith("gpt4all-") and _OLDEST_FILE[0] < made < _OLDEST_FILE[1]
    return 0 if is_old else None


def _read_chat(
    app: str, stream: QtDataStream, version: int, member: str, where: str
) -> Iterator[ImportedConversation | SkippedItem]:
    try:
        stream.skip(8 if version else 0)
        made = stream.int64()
        chat_id, title = stream.string(), stream.string()
        stream.string()  # how the person is called
        model = stream.string()
        if version >= 3:
            stream.strings()  # collections of LocalDocs
        _skip_state(stream, version)
        count = stream.int32()
    except QtDataError:
        yield SkippedItem(where, tr("It is damaged and cannot be read."), is_damage=True)
        return
    draft = ConversationDraft(app, chat_id or base_name(member), title)
    above: str | None = None
    prompt = ""
    for _number in range(count):
        try:
            item = _item(stream, version)
        except QtDataError:
            why = tr("The file ends too early, or holds something else.")
            draft.leave_out(why, tr("the end of the conversation"), is_damage=True)
            break
        if item.name == "System: ":
            prompt = prompt or item.value
        elif item.name in ("Prompt: ", "Response: "):
            above = _add(draft, item, above, model)
        else:
            draft.leave_out(damaged_message(), tr("a message"))
    yield from draft.finish(above or "", created_at=seconds(made), system_prompt=prompt)


def _skip_state(stream: QtDataStream, version: int) -> None:
    """Leave out what the model had computed (ChatLLM::deserialize)."""
    if version >= 11:
        return
    has_state = stream.boolean() if version >= 6 else True
    if version >= 2:
        stream.skip(8)  # type of the model, version of its state
    stream.string()  # the last answer
    stream.string()  # the name that was generated
    stream.skip(4)  # tokens
    if not has_state:
        return
    stream.skip((4 if version < 4 else 0) + 4 + (4 if version >= 7 else 0))
    if version < 9:
        stream.skip(4 * stream.int64())  # logits
    stream.skip(4 * stream.int64())  # tokens
    stream.skip_byte_array()


def _item(stream: QtDataStream, version: int) -> _ChatItem:
    """One message (ChatItem::deserialize)."""
    if version < 12:
        stream.skip(4)  # number
    item = _ChatItem(stream.string(), stream.string())
    if version < 10:
        stream.string()  # prompt
    item.better = stream.string()
    stream.boolean()  # is the current answer
    item.stopped = stream.boolean()
    stream.skip(2)  # thumbs
    if version >= 11 and item.name == "Response: ":
        item.is_error = stream.boolean()
    if version >= 8:
        for _number in range(stream.int64()):
            item.has_sources = True
            for _text in range(7):
                stream.string()
            stream.skip(12)  # page, lines
    elif version >= 3:
        item.has_sources = bool(stream.string())
        stream.strings()
    if version >= 10:
        for _number in range(stream.int64()):
            item.files.append((stream.byte_array(), stream.byte_array()))
    if version >= 12:
        item.items = [_sub_item(stream, 1) for _number in range(stream.int64())]
    return item


def _sub_item(stream: QtDataStream, depth: int) -> _ChatItem:
    """A part of an answer (ChatItem::deserializeSubItems)."""
    if depth > _DEEPEST:
        raise QtDataError("too deep")
    item = _ChatItem(stream.string(), stream.string())
    if item.name == "ToolCall: ":
        item.tool = stream.string()
        given = {}
        for _number in range(stream.int64()):
            name = stream.string()
            stream.skip(4)  # type of the parameter
            given[name] = stream.variant()
        item.arguments = json_text(given) or "{}"
        stream.string()  # the result, which follows as an item of its own
        item.failed = stream.int32() != 0
        stream.string()  # the error in words
    elif item.name == "Think: ":
        item.thinking_ms = stream.int32()
    elif item.name not in ("Response: ", "ToolResponse: ", "Text: "):
        raise QtDataError("a part of another kind")
    item.items = [_sub_item(stream, depth + 1) for _number in range(stream.int64())]
    return item


def _add(draft: ConversationDraft, item: _ChatItem, above: str | None, model: str) -> str:
    is_question = item.name == "Prompt: "
    parts: list[MessagePart] = []
    for url, content in item.files:
        parts += _file(draft, base_name(percent_decoded(url).decode(errors="replace")), content)
    if is_question:
        parts.append(TextPart(item.value))
    else:
        parts += [*_answer_parts(item.items), *thinking_and_text(item.value)]
    if item.has_sources:
        draft.leave_out(tr("Latchkey does not take them."), tr("passages of LocalDocs that an answer was made from"))
    if item.better:
        draft.leave_out(unknown_content(), tr("a better answer that was proposed"))
    return draft.add(
        "",
        above,
        "user" if is_question else "assistant",
        parts,
        model=model,
        status="failed" if item.is_error else "stopped" if item.stopped else "complete",
    )


def _answer_parts(items: list[_ChatItem]) -> list[MessagePart]:
    parts: list[MessagePart] = []
    failed = False
    for item in items:
        match item.name:
            case "Response: ":
                parts += _answer_parts(item.items) or [TextPart(item.value)]
                failed = any(each.failed for each in item.items)
            case "Text: ":
                parts.append(TextPart(item.value))
            case "Think: ":
                took = item.thinking_ms / 1000 if item.thinking_ms > 0 else None
                thought = "".join(part.text for part in thinking_and_text(item.value) if hasattr(part, "text"))
                parts.append(ThinkingPart(thought.strip(), took))
            case "ToolCall: ":
                parts.append(ToolCallPart("", item.tool or "tool", item.arguments))
            case _:
                parts.append(ToolResultPart("", "", (TextPart(item.value),), failed))
    return parts


def _file(draft: ConversationDraft, name: str, content: bytes) -> list[MessagePart]:
    if name.casefold().endswith(".xlsx"):
        draft.leave_out(only_images_and_texts(), name)
        return []
    return draft.document(name, content)
