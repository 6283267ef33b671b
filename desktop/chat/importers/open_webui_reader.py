"""The chats that Open WebUI exports: a JSON file with an array of chats, or with one.

As `ChatModel` in backend/open_webui/models/chats.py gives them (versions 0.3 to 0.6), with the tree of messages in
`chat.history`; older ones, and those that others made, have that tree at their top. An answer holds its thinking and
its calls of tools as <details> of HTML in its text (`serialize_output` in backend/open_webui/utils/middleware.py),
newer ones also as a list `output`.
"""

import html
import re
from collections.abc import Iterator
from typing import Any

from desktop.chat.importers.conversation_draft import (
    ConversationDraft,
    audio_or_video,
    damaged_message,
    not_in_export,
    thinking_and_text,
    unknown_content,
)
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.export_json import (
    as_entries,
    as_fields,
    as_name,
    as_text,
    decoded,
    duration,
    exported_objects,
    folders_left,
    is_litter,
    json_text,
    key_paths,
    members_left,
    seconds,
)
from desktop.chat.importers.imported_conversation import ImportedConversation, SkippedItem
from desktop.conversation import MessagePart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from desktop.translation import tr

_MOST_FILES = 200
_TREES = frozenset(
    f"{start}{path}"
    for start in ("", "[].")
    for path in ("chat.history", "chat.messages", "history.messages", "history.currentId")
)
_DETAILS, _DETAILS_END = '<details type="', "</details>"
_ATTRIBUTE = re.compile(r'([a-z_]+)="([^"]*)"')
_SUMMARY = re.compile(r"\s*<summary>.*?</summary>\n?", re.DOTALL)


class OpenWebUiReader:
    """Reads the chats that Open WebUI exports."""

    app = "Open WebUI"

    def recognizes(self, files: ExportFiles) -> bool:
        """Whether there is a JSON file that begins with a chat of this kind."""
        return bool(_members(files))

    def read(self, files: ExportFiles) -> Iterator[ImportedConversation | SkippedItem]:
        """See `ConversationReader`."""
        members = _members(files)
        in_folders = 0
        for each in exported_objects(files, members):
            if isinstance(each, SkippedItem):
                yield each
            else:
                in_folders += bool(as_name(each.get("folder_id")))
                yield from _OpenWebUiConversation(self.app, each).read()
        yield from folders_left(in_folders)
        others = [each for each in files.names() if each not in members and not is_litter(each)]
        yield from members_left(others, tr("Latchkey takes the conversations of this export, and nothing else."))


def _members(files: ExportFiles) -> tuple[str, ...]:
    found = [each for each in files.names() if each.casefold().endswith(".json") and not is_litter(each)]
    names = found or list(files.names())[:1]
    return tuple(each for each in names[:_MOST_FILES] if not _TREES.isdisjoint(key_paths(files.head(each))))


class _OpenWebUiConversation:
    def __init__(self, app: str, entry: dict[str, Any]) -> None:
        self._entry = entry
        self._chat = as_fields(entry.get("chat")) or entry
        key = as_name(entry.get("id")) or as_name(self._chat.get("id"))
        title = as_text(entry.get("title")) or as_text(self._chat.get("title"))
        self._draft = ConversationDraft(app, key, title)
        self._system_prompt = as_text(as_fields(self._chat.get("params")).get("system")) or as_text(
            self._chat.get("system")
        )

    def read(self) -> Iterator[ImportedConversation | SkippedItem]:
        entry, chat = self._entry, self._chat
        history = as_fields(chat.get("history"))
        messages = as_fields(history.get("messages"))
        leaf = as_name(history.get("currentId"))
        for key, message in messages.items():
            self._add(key, as_fields(message), as_name(as_fields(message).get("parentId")) or None)
        if not messages:
            leaf = self._add_list(as_entries(chat.get("messages")))
        tags = as_entries(as_fields(entry.get("meta")).get("tags")) or as_entries(chat.get("tags"))
        return self._draft.finish(
            leaf,
            created_at=seconds(entry.get("created_at")) or seconds(chat.get("timestamp")),
            updated_at=seconds(entry.get("updated_at")),
            system_prompt=self._system_prompt,
            pinned=entry.get("pinned") is True,
            archived=entry.get("archived") is True,
            tags=[as_text(tag) or as_text(as_fields(tag).get("name")) for tag in tags],
        )

    def _add_list(self, messages: list[Any]) -> str:
        """Add messages that are only a list, as the oldest chats have them; the key of the last one."""
        above: str | None = None
        for message in messages:
            above = self._add(as_name(as_fields(message).get("id")), as_fields(message), above) or above
        return above or ""

    def _add(self, key: str, message: dict[str, Any], parent: str | None) -> str:
        role = as_text(message.get("role"))
        parts: list[MessagePart] = []
        if role == "system":
            said = "".join(part.text for part in self._content(message) if isinstance(part, TextPart))
            self._system_prompt = self._system_prompt or said
        elif role in ("user", "assistant"):
            parts = self._parts(message, role)
        else:
            self._draft.leave_out(damaged_message(), tr("a message"))
        error = message.get("error")
        model = as_text(message.get("model")) if role == "assistant" else ""
        return self._draft.add(
            key,
            parent,
            "user" if role == "user" else "assistant",
            parts,
            created_at=seconds(message.get("timestamp")),
            model=model,
            model_name=as_text(message.get("modelName")),
            status="failed" if error else "stopped" if message.get("done") is False else "complete",
            error=as_text(error) or as_text(as_fields(error).get("content")),
        )

    def _parts(self, message: dict[str, Any], role: str) -> list[MessagePart]:
        parts: list[MessagePart] = []
        for each in as_entries(message.get("files")):
            parts += self._file(as_fields(each))
        said = self._output(as_entries(message.get("output"))) if role == "assistant" else []
        if not any(isinstance(part, TextPart) for part in said):
            said = self._content(message)
            if role == "assistant":
                said = [new for part in said for new in (_answer(part.text) if isinstance(part, TextPart) else [part])]
        if message.get("sources") or message.get("citations"):
            self._draft.leave_out(tr("Latchkey does not take them."), tr("sources that an answer cites"))
        if as_fields(message.get("merged")):
            self._draft.leave_out(unknown_content(), tr("an answer made of several ones"))
        return [*parts, *said] if role == "user" else [*said, *parts]

    def _content(self, message: dict[str, Any]) -> list[MessagePart]:
        content = message.get("content")
        if isinstance(content, str):
            return [TextPart(content)]
        parts: list[MessagePart] = []
        for each in as_entries(content):
            piece = as_fields(each)
            if said := as_text(each) or as_text(piece.get("text")):
                parts.append(TextPart(said))
            elif "image_url" in piece:
                url = piece["image_url"]
                parts += self._draft.image_url(as_text(url) or as_text(as_fields(url).get("url")))
            else:
                self._draft.leave_out(unknown_content(), as_text(piece.get("type"))[:80])
        return parts

    def _file(self, given: dict[str, Any]) -> list[MessagePart]:
        stored = as_fields(given.get("file"))
        meta = as_fields(stored.get("meta"))
        name = as_text(given.get("name")) or as_text(stored.get("filename")) or as_text(meta.get("name"))
        media_type = as_text(given.get("content_type")) or as_text(meta.get("content_type"))
        kind, url = as_text(given.get("type")), as_text(given.get("url"))
        content = as_text(as_fields(stored.get("data")).get("content")) or as_text(given.get("content"))
        if kind == "image" or url.startswith("data:image/"):
            return self._draft.image_url(url, name)
        if content:
            return self._draft.document(name or tr("Document"), content, media_type)
        if media_type.startswith(("audio/", "video/")):
            self._draft.leave_out(audio_or_video(), name)
        else:
            self._draft.leave_out(not_in_export(), name or kind[:80])
        return []

    def _output(self, items: list[Any]) -> list[MessagePart]:
        """The parts of a newer answer, from the list that it was made of."""
        parts: list[MessagePart] = []
        for item in map(as_fields, items):
            match item.get("type"):
                case "message":
                    parts += [TextPart(said) for said in _texts(item.get("content"))]
                case "reasoning":
                    said = _texts(item.get("content")) or _texts(item.get("summary"))
                    parts.append(ThinkingPart("\n\n".join(said), duration(item.get("duration"))))
                case "function_call":
                    arguments = json_text(item.get("arguments") or {})
                    parts.append(ToolCallPart(as_name(item.get("call_id")), as_text(item.get("name"))[:200], arguments))
                case "function_call_output":
                    output = item.get("output")
                    said = [as_text(output)] if as_text(output) else _texts(output)
                    parts.append(ToolResultPart(as_name(item.get("call_id")), "", tuple(map(TextPart, said))))
                case "open_webui:code_interpreter":
                    parts += _code_run(as_text(item.get("code")), as_text(item.get("lang")), item.get("output"))
                case kind:
                    self._draft.leave_out(unknown_content(), as_text(kind)[:80])
        return parts


def _texts(content: Any) -> list[str]:
    return [said for each in as_entries(content) if (said := as_text(as_fields(each).get("text")).strip())]


def _code_run(code: str, language: str, output: Any) -> list[MessagePart]:
    """A program that the answer ran, and what it gave, as a call of a tool."""
    parts: list[MessagePart] = [ToolCallPart("", "code_interpreter", json_text({"code": code, "language": language}))]
    given = [as_text(output)] if isinstance(output, str) else list(map(as_text, as_fields(output).values()))
    if said := "\n".join(filter(None, given)):
        parts.append(ToolResultPart("", "code_interpreter", (TextPart(said),)))
    return parts


def _answer(content: str) -> list[MessagePart]:
    """The parts of an answer's text: what stands in <details> of known types is no text."""
    parts: list[MessagePart] = []
    at = 0
    while (start := content.find(_DETAILS, at)) >= 0:
        opened = content.find(">", start)
        end = content.find(_DETAILS_END, opened) if opened >= 0 else -1
        if end < 0:
            break
        attributes = dict(_ATTRIBUTE.findall(content[start : opened + 1]))
        found = _details(attributes, content[opened + 1 : end])
        after = end + len(_DETAILS_END)
        if found is None:
            parts.append(TextPart(content[at:after]))
        else:
            parts += [TextPart(content[at:start].strip("\n")), *found]
            after += content[after : after + 1] == "\n"
        at = after
    rest = content[at:]
    return [*parts, TextPart(rest)] if parts else thinking_and_text(rest)


def _details(attributes: dict[str, str], inside: str) -> list[MessagePart] | None:
    summary = _SUMMARY.match(inside)
    body = html.unescape(inside[summary.end() :] if summary else inside).strip("\n")
    match attributes.get("type"):
        case "reasoning":
            thought = "\n".join(line.removeprefix(">").removeprefix(" ") for line in body.split("\n"))
            return [ThinkingPart(thought.strip(), duration(_number(attributes.get("duration", ""))))]
        case "tool_calls":
            call_id, name = attributes.get("id", ""), html.unescape(attributes.get("name", ""))[:200]
            call = ToolCallPart(call_id, name, json_text(_attribute(attributes.get("arguments", "")) or {}))
            result = _attribute(attributes.get("result", "")) or body
            said = result if isinstance(result, str) else json_text(result)
            return [call, ToolResultPart(call_id, name, (TextPart(said),))] if said.strip() else [call]
        case "code_interpreter":
            language = body.partition("\n")[0].lstrip("`")
            code = body.strip("`\n").partition("\n")[2] if body.startswith("```") else body
            return _code_run(code, language, _attribute(attributes.get("output", "")))
        case _:
            return None


def _attribute(escaped: str) -> Any:
    """The value of an attribute: JSON, escaped for HTML, and where that is a text of JSON again, what it says."""
    value: Any = html.unescape(escaped)
    try:
        return decoded(value.encode(errors="replace")) if value else None
    except ValueError:
        return value


def _number(digits: str) -> float | None:
    return float(digits) if digits.replace(".", "", 1).isdecimal() and digits.isascii() and len(digits) < 20 else None
