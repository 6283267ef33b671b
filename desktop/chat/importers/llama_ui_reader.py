"""Reads what the web UI of llama.cpp's server exports.

Followed is its source: ggml-org/llama.cpp, tools/ui/src/lib (commit 03303167b768, stores/conversations.svelte.ts, and
types/database.d.ts at 18a6e5f0b65d), which writes JSONL, or a zip of it, with a line {"type": "session", …} for a
conversation and lines {"type": "message", "message": {…}} for its messages; and the former tools/server/webui
(types/database.d.ts at cfe4ba8ded30), which wrote JSON: {"conv": {…}, "messages": […]}, or a list of these.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import (
    ImportedAttachment,
    ImportedConversation,
    ImportedItem,
    SkippedItem,
    derived_id,
)
from desktop.chat.importers.inline_image import image_from_url
from desktop.chat.importers.json_stream import MalformedJsonError, decode_json
from desktop.chat.importers.openai_messages import moment_of
from desktop.conversation import (
    Conversation,
    DocumentPart,
    Message,
    MessagePart,
    ModelReference,
    Role,
    TextPart,
    ThinkingPart,
    Timing,
    ToolCallPart,
    ToolResultPart,
)
from desktop.translation import tr

_SESSION = re.compile(rb'\s*\{\s*"type"\s*:\s*"session"')
_FORMER = re.compile(rb'\s*\[?\s*\{\s*"conv"\s*:\s*\{')
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_TEXTS = ("TEXT", "PDF", "MCP_PROMPT", "MCP_RESOURCE", "context", "textFile", "pdfFile")
_IMAGES = ("IMAGE", "imageFile")


class LlamaUiReader:
    """The tree of messages, without the empty one at its root; thinking, calls of tools, images and texts of files."""

    app = "llama.cpp"

    def recognizes(self, files: ExportFiles) -> bool:
        return any(_is_export(files.head(name)) for name in _members(files))

    def read(self, files: ExportFiles) -> Iterator[ImportedItem]:
        for name in _members(files):
            head = files.head(name)
            if _SESSION.match(head):
                yield from self._read_lines(files, name)
            elif _FORMER.match(head):
                yield from self._read_document(files, name)

    def _read_lines(self, files: ExportFiles, name: str) -> Iterator[ImportedItem]:
        conversation: dict[str, Any] | None = None
        messages: list[Any] = []
        for at, line in enumerate(files.lines(name), 1):
            try:
                record = decode_json(line, dict[str, Any])
            except (MalformedJsonError, msgspec.ValidationError):
                where = tr("{file}, line {number}").format(file=files.shown(name), number=at)
                yield SkippedItem(where, tr("It is no JSON."))
                continue
            if record.get("type") == "session":
                if conversation is not None:
                    yield from self._conversation(conversation, messages, files.shown(name))
                conversation, messages = record, []
            elif record.get("type") == "message":
                messages.append(record.get("message"))
        if conversation is not None:
            yield from self._conversation(conversation, messages, files.shown(name))

    def _read_document(self, files: ExportFiles, name: str) -> Iterator[ImportedItem]:
        single: dict[str, Any] = {}
        for at, (key, value) in enumerate(files.values(name), 1):
            where = tr("{file}, conversation {number}").format(file=files.shown(name), number=at)
            try:
                found = decode_json(value, Any)
            except MalformedJsonError as error:
                yield SkippedItem(where, tr("It is damaged: {reason}.").format(reason=error))
                continue
            if key:
                single[key] = found
            else:
                yield from self._exported(found, where)
        if single:
            yield from self._exported(single, files.shown(name))

    def _exported(self, found: object, where: str) -> Iterator[ImportedItem]:
        conversation = found.get("conv") if isinstance(found, dict) else None
        messages = found.get("messages") if isinstance(found, dict) else None
        if isinstance(conversation, dict) and isinstance(messages, list):
            yield from self._conversation(conversation, messages, where)
        else:
            yield SkippedItem(where, tr("It holds no conversation."))

    def _conversation(self, found: dict[str, Any], messages: Sequence[Any], where: str) -> Iterator[ImportedItem]:
        source_id, title = str(found.get("id") or ""), found.get("name")
        shown = title if isinstance(title, str) and title.strip() else where
        conversation_id = derived_id(self.app, source_id or where)
        tree = _MessageTreeReader(self.app, conversation_id)
        for message in messages:
            tree.add(message)
        leaf = found.get("currNode")
        pinned = found.get("pinned") is True
        head = Conversation(
            conversation_id,
            title if isinstance(title, str) else "",
            updated_at=moment_of(found.get("lastModified")),
            system_prompt=tree.system_prompt,
            leaf_id=tree.id_of(leaf) if isinstance(leaf, str) else None,
            pinned=pinned,
        )
        for why in dict.fromkeys(tree.notes):
            yield SkippedItem(shown, why)
        yield ImportedConversation(head, tuple(tree.messages), tuple(tree.attachments.values()), source_id=source_id)


class _MessageTreeReader:
    """The messages of one conversation. What a tool gave is a message of its own there and a part of the answer here:
    what follows it hangs on that answer."""

    def __init__(self, app: str, conversation_id: str) -> None:
        self.messages: list[Message] = []
        self.attachments: dict[str, ImportedAttachment] = {}
        self.notes: list[str] = []
        self.system_prompt = ""
        self._app, self._conversation_id = app, conversation_id
        self._stands_for: dict[str, str | None] = {}
        self._places: dict[str, int] = {}

    def id_of(self, given: str) -> str | None:
        """The id here of the message that the export calls so; None for its root."""
        return self._stands_for[given] if given in self._stands_for else self._own_id(given)

    def add(self, found: object) -> None:
        if not isinstance(found, dict) or not isinstance(found.get("id"), str):
            self.notes.append(tr("Something that is no message was left out."))
            return
        parent = found.get("parent")
        parent_id = self.id_of(parent) if isinstance(parent, str) and parent else None
        given, role = found["id"], _ROLES.get(str(found.get("role")))
        content = found.get("content")
        text = content if isinstance(content, str) else ""
        if found.get("type") == "root":
            self._stands_for[given] = None
        elif found.get("role") == "tool":
            self._add_result(found, parent_id, text)
        elif role is None:
            self._stands_for[given] = parent_id
            why = tr("A message of the unknown role {role} was left out.")
            self.notes.append(why.format(role=str(found.get("role"))[:80]))
        elif role == "system" and parent_id is None and not self.messages and not self.system_prompt:
            self._stands_for[given], self.system_prompt = None, text
        else:
            self._add_message(found, parent_id, role, text)

    def _own_id(self, given: str) -> str:
        return derived_id(self._app, self._conversation_id, given)

    def _add_message(self, found: dict[str, Any], parent_id: str | None, role: Role, text: str) -> None:
        parts: list[MessagePart] = []
        thinking = found.get("reasoningContent") or found.get("reasoning_content") or found.get("thinking")
        if isinstance(thinking, str) and thinking:
            parts.append(ThinkingPart(thinking))
        parts += self._extras(found.get("extra"))
        if text:
            parts.append(TextPart(text))
        parts += self._calls(found.get("toolCalls"))
        name = found.get("model")
        model = ModelReference(name, name) if role == "assistant" and isinstance(name, str) and name else None
        message_id = self._own_id(found["id"])
        self._places[message_id] = len(self.messages)
        self.messages.append(
            Message(
                message_id,
                self._conversation_id,
                parent_id,
                role,
                tuple(parts),
                model=model,
                timing=_timing(found.get("timings")) if role == "assistant" else None,
                created_at=moment_of(found.get("timestamp")),
            )
        )

    def _add_result(self, found: dict[str, Any], parent_id: str | None, text: str) -> None:
        self._stands_for[found["id"]] = parent_id
        at = self._places.get(parent_id or "")
        if at is None or self.messages[at].role != "assistant":
            self.notes.append(tr("The result of a tool that no answer called was left out."))
            return
        answer, call_id = self.messages[at], str(found.get("toolCallId") or "")
        named = [part.name for part in answer.parts if isinstance(part, ToolCallPart) and part.id == call_id]
        result = ToolResultPart(call_id, named[0] if named else "", (TextPart(text),))
        self.messages[at] = msgspec.structs.replace(answer, parts=(*answer.parts, result))

    def _calls(self, given: object) -> list[MessagePart]:
        """The calls of an answer: JSON text in the former export, a list in the newer one."""
        try:
            calls = json.loads(given) if isinstance(given, str) and given else given
        except (ValueError, RecursionError):
            self.notes.append(tr("The calls of tools in an answer could not be read."))
            return []
        found: list[MessagePart] = []
        for call in calls if isinstance(calls, list) else []:
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                arguments = function.get("arguments") or ""
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                found.append(ToolCallPart(str(call.get("id") or ""), str(function.get("name") or ""), text))
        return found

    def _extras(self, given: object) -> Iterator[MessagePart]:
        for extra in given if isinstance(given, list) else []:
            if not isinstance(extra, dict):
                continue
            kind, name, content = extra.get("type"), str(extra.get("name") or ""), extra.get("content")
            if kind in _IMAGES and isinstance(url := extra.get("base64Url"), str):
                yield from self._image(url, name)
            elif kind in _TEXTS and isinstance(content, str):
                yield DocumentPart(name, content)
            else:
                why = tr("{name} was left out: a file of the kind {kind} cannot be taken over.")
                self.notes.append(why.format(name=name[:80] or "?", kind=str(kind)[:80]))

    def _image(self, url: str, name: str) -> Iterator[MessagePart]:
        found = image_from_url(url, name)
        if found is None:
            self.notes.append(tr("{name} was left out: it is no image that is known.").format(name=name[:80] or "?"))
        else:
            self.attachments[found[1].sha256] = found[1]
            yield found[0]


def _timing(given: object) -> Timing | None:
    """Counts and speed of an answer, from its counts and milliseconds."""
    if not isinstance(given, dict):
        return None
    generated, spent = moment_of(given.get("predicted_n")), moment_of(given.get("predicted_ms"))
    read = moment_of(given.get("prompt_n"))
    if not 0 <= generated < 1e9 or not 0 <= read < 1e9 or spent < 0:
        return None
    speed = generated / spent * 1000 if spent else None
    return Timing(prompt_tokens=int(read), generated_tokens=int(generated), tokens_per_s=speed)


def _members(files: ExportFiles) -> tuple[str, ...]:
    names = files.names()
    return names if len(names) == 1 else tuple(name for name in names if name.lower().endswith((".jsonl", ".json")))


def _is_export(head: bytes) -> bool:
    return _SESSION.match(head) is not None or _FORMER.match(head) is not None
