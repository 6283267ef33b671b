"""The data export of Claude (claude.ai): conversations.json in a zip archive, also such a file by itself, or one
conversation.

Anthropic describes it nowhere. This follows what the exports of 2024 to 2026 look like, as other readers of them tell
it: `chat_messages` with `sender`, `content` in blocks (in old ones only `text`), `attachments` with the text that was
taken from a file, and `files` of which there is nothing but the name.
"""

import re
from collections.abc import Iterator
from typing import Any

from desktop.chat.importers.conversation_draft import (
    ConversationDraft,
    audio_or_video,
    code_block,
    damaged_message,
    not_in_export,
    unknown_content,
)
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.export_json import (
    as_entries,
    as_fields,
    as_name,
    as_text,
    exported_objects,
    is_litter,
    json_members,
    json_text,
    key_paths,
    members_left,
    seconds,
)
from desktop.chat.importers.imported_conversation import ImportedConversation, SkippedItem
from desktop.chat.importers.message_nodes import PARAGRAPH, joined_parts
from desktop.conversation import MessagePart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from desktop.translation import tr

CONVERSATIONS = re.compile(r"conversations(-\d+)?\.json")
_ARTIFACTS = "artifacts"
_WRITTEN = ("create", "rewrite")
_NOT_SAID = frozenset(("token_budget", "flag", "redacted_thinking"))


class ClaudeReader:
    """Reads the data export of Claude."""

    app = "Claude"

    def recognizes(self, files: ExportFiles) -> bool:
        """Whether one of its files of conversations begins with a conversation that has `chat_messages`."""
        members = json_members(files, CONVERSATIONS)
        wanted = {"chat_messages", "[].chat_messages"}
        return any(not wanted.isdisjoint(key_paths(files.head(member))) for member in members)

    def read(self, files: ExportFiles) -> Iterator[ImportedConversation | SkippedItem]:
        """See `ConversationReader`."""
        members = json_members(files, CONVERSATIONS)
        for each in exported_objects(files, members):
            if isinstance(each, SkippedItem):
                yield each
            else:
                yield from _ClaudeConversation(self.app, each).read()
        others = [each for each in files.names() if each not in members and not is_litter(each)]
        yield from members_left(others, tr("Latchkey takes the conversations of this export, and nothing else."))


class _ClaudeConversation:
    def __init__(self, app: str, chat: dict[str, Any]) -> None:
        self._chat = chat
        self._draft = ConversationDraft(app, as_name(chat.get("uuid")), as_text(chat.get("name")))
        self._documents: set[str] = set()

    def read(self) -> Iterator[ImportedConversation | SkippedItem]:
        chat = self._chat
        messages = as_entries(chat.get("chat_messages"))
        is_tree = any("parent_message_uuid" in as_fields(each) for each in messages)
        above: str | None = None
        for each in messages:
            if not isinstance(each, dict):
                self._draft.leave_out(damaged_message(), tr("a message"))
                continue
            above = self._add(each, as_name(each.get("parent_message_uuid")) if is_tree else above)
        return self._draft.finish(
            as_name(chat.get("current_leaf_message_uuid")),
            created_at=seconds(chat.get("created_at")),
            updated_at=seconds(chat.get("updated_at")),
            pinned=chat.get("is_starred") is True,
        )

    def _add(self, message: dict[str, Any], above: str | None) -> str:
        sender = as_text(message.get("sender"))
        parts: list[MessagePart] = []
        if sender in ("human", "assistant"):
            parts = self._parts(message)
        else:
            self._draft.leave_out(damaged_message(), tr("a message"))
        return self._draft.add(
            as_name(message.get("uuid")),
            above or None,
            "user" if sender == "human" else "assistant",
            parts,
            created_at=seconds(message.get("created_at")),
            model=as_text(message.get("model")) or as_text(self._chat.get("model")),
            status="stopped" if message.get("stop_reason") == "user_canceled" else "complete",
        )

    def _parts(self, message: dict[str, Any]) -> list[MessagePart]:
        parts: list[MessagePart] = []
        for each in map(as_fields, as_entries(message.get("attachments"))):
            title = as_text(each.get("file_name")) or tr("Pasted text")
            parts += self._draft.document(title, as_text(each.get("extracted_content")))
        for each in as_entries(message.get("files")) + as_entries(message.get("files_v2")):
            self._draft.leave_out(not_in_export(), as_text(as_fields(each).get("file_name")))
        blocks: list[MessagePart] = []
        for each in as_entries(message.get("content")):
            if isinstance(each, dict):
                blocks += self._block(each)
            else:
                self._draft.leave_out(damaged_message(), tr("a part of a message"))
        if not blocks:
            blocks = [TextPart(as_text(message.get("text")))]
        said = joined_parts(blocks, "")  # a sentence that cites a source is in several blocks
        return [*parts, *(TextPart(each.text.strip("\n")) if isinstance(each, TextPart) else each for each in said)]

    def _block(self, block: dict[str, Any]) -> list[MessagePart]:
        match as_text(block.get("type")):
            case "text":
                return [TextPart(as_text(block.get("text")))]
            case "thinking":
                return [ThinkingPart(as_text(block.get("thinking")), _took(block))]
            case "tool_use":
                return self._call(block)
            case "tool_result":
                return self._result(block)
            case "voice_note":
                self._draft.leave_out(audio_or_video(), as_text(block.get("title")) or tr("a recording"))
                return [TextPart(as_text(block.get("text")))]
            case kind if kind in _NOT_SAID:
                return []
            case kind:
                self._draft.leave_out(unknown_content(), kind[:80])
                return []

    def _call(self, block: dict[str, Any]) -> list[MessagePart]:
        call_id, given = as_name(block.get("id")), as_fields(block.get("input"))
        written = as_text(given.get("content"))
        if block.get("name") == _ARTIFACTS and given.get("command") in _WRITTEN and written:
            self._documents.add(call_id)
            return [TextPart(f"{PARAGRAPH}{_artifact(given, written)}{PARAGRAPH}")]
        return [ToolCallPart(call_id, as_text(block.get("name"))[:200], json_text(block.get("input")))]

    def _result(self, block: dict[str, Any]) -> list[MessagePart]:
        call_id, content = as_name(block.get("tool_use_id")), block.get("content")
        if call_id and call_id in self._documents:  # it says only that the document is there
            return []
        texts = [TextPart(content)] if isinstance(content, str) and content else []
        for each in map(as_fields, as_entries(content)):
            if said := as_text(each.get("text")):
                texts.append(TextPart(said))
            elif link := as_text(each.get("url")):
                texts.append(TextPart(f"{as_text(each.get('title'))}\n{link}".strip()))
            else:
                self._draft.leave_out(unknown_content(), as_text(each.get("type"))[:80])
        name = as_text(block.get("name"))[:200]
        return [ToolResultPart(call_id, name, tuple(texts), block.get("is_error") is True)]


def _artifact(given: dict[str, Any], written: str) -> str:
    """A document that was written beside the conversation: it is what was asked for, and so it is given as text."""
    kind, title = as_text(given.get("type")), as_text(given.get("title"))
    text = written if kind == "text/markdown" else code_block(written, _language(given, kind))
    return f"**{title}**{PARAGRAPH}{text}" if title else text


def _language(given: dict[str, Any], kind: str) -> str:
    known = {"text/html": "html", "image/svg+xml": "svg", "application/vnd.ant.react": "jsx"}
    return as_text(given.get("language")) or known.get(kind, kind.rpartition(".")[2] if "mermaid" in kind else "")


def _took(block: dict[str, Any]) -> float | None:
    start, stop = seconds(block.get("start_timestamp")), seconds(block.get("stop_timestamp"))
    return round(stop - start, 1) if 0 < start < stop else None
