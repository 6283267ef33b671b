"""The conversations of LM Studio: files `<time>.conversation.json` of its folder `conversations`, by themselves, in a
zip archive, or in its whole folder, where `user-files` has what was attached.

Its documentation (lmstudio.ai/docs/app/basics/chat) names the folder and leaves the format open. This follows what
versions 0.3 and 0.4 write, as other readers of it tell it, with the parts of messages as they stand in lmstudio-js,
packages/lms-shared-types/src/ChatHistoryData.ts. A message has `versions`, of which one is `currentlySelected`; an
answer consists of `steps`. Messages have no ids: they are known by what they say, and where.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from desktop.chat.importers.conversation_draft import (
    ConversationDraft,
    damaged_message,
    thinking_and_text,
    unknown_content,
)
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.export_json import (
    as_entries,
    as_fields,
    as_name,
    as_text,
    base_name,
    decoded,
    is_litter,
    json_text,
    key_paths,
    object_in,
    seconds,
)
from desktop.chat.importers.imported_conversation import (
    ImportedConversation,
    ImportedItem,
    SkippedItem,
    derived_id,
)
from desktop.conversation import Folder, MessagePart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from desktop.translation import tr

_ENDING = ".conversation.json"
_PROMPT_KEY = "llm.prediction.systemPrompt"
_NOT_SAID = frozenset(("debugInfoBlock", "status", "toolStatus"))


class LmStudioReader:
    """Reads the conversations of LM Studio."""

    app = "LM Studio"

    def recognizes(self, files: ExportFiles) -> bool:
        """Whether a file is named as LM Studio names them, or is one of its conversations under another name."""
        return bool(_members(files))

    def read(self, files: ExportFiles) -> Iterator[ImportedItem]:
        """See `ConversationReader`."""
        attached = {base_name(each): each for each in files.names() if "user-files/" in each and not is_litter(each)}
        folders: dict[str, Folder] = {}
        for member in _members(files):
            chat = object_in(files, member)
            if isinstance(chat, SkippedItem):
                yield chat
                continue
            name = _folder(member)
            if name and name not in folders:
                folders[name] = Folder(derived_id(self.app, "folder", name), name)
                yield folders[name]
            yield from _LmStudioConversation(self.app, member, chat, files, attached).read(folders.get(name))


def _folder(member: str) -> str:
    """The name of the folder that a conversation is in, those around it before it; "" where it is in none."""
    before, _, inside = member.rpartition("conversations/")
    return inside.rpartition("/")[0] if before or member.startswith("conversations/") else ""


def _members(files: ExportFiles) -> tuple[str, ...]:
    names = [each for each in files.names() if not is_litter(each)]
    if found := tuple(sorted(each for each in names if each.casefold().endswith(_ENDING))):
        return found
    return tuple(each for each in names[:1] if len(names) == 1 and "messages[].versions" in key_paths(files.head(each)))


class _LmStudioConversation:
    def __init__(
        self, app: str, member: str, chat: dict[str, Any], files: ExportFiles, attached: Mapping[str, str]
    ) -> None:
        self._chat, self._files, self._attached = chat, files, attached
        last = base_name(member)
        stem = last[: -len(_ENDING)] if last.casefold().endswith(_ENDING) else last
        self._began = seconds(chat.get("createdAt")) or (seconds(stem) if stem.isdecimal() else 0.0)
        key = as_name(chat.get("createdAt")) or stem
        self._draft = ConversationDraft(app, key, as_text(chat.get("name")))
        model = as_fields(chat.get("lastUsedModel"))
        self._model = as_text(model.get("identifier")) or as_text(model.get("indexedModelIdentifier"))

    def read(self, folder: Folder | None) -> Iterator[ImportedConversation | SkippedItem]:
        chat = self._chat
        above: str | None = None
        for message in as_entries(chat.get("messages")):
            above = self._add_versions(as_fields(message), above)
        return self._draft.finish(
            above or "",
            created_at=self._began,
            updated_at=max(seconds(chat.get("userLastMessagedAt")), seconds(chat.get("assistantLastMessagedAt"))),
            system_prompt=self._system_prompt(),
            pinned=chat.get("pinned") is True,
            folder_id=None if folder is None else folder.id,
        )

    def _system_prompt(self) -> str:
        """The prompt that was set for this conversation; the older place for it where that says nothing."""
        for field in as_entries(as_fields(self._chat.get("perChatPredictionConfig")).get("fields")):
            if as_fields(field).get("key") == _PROMPT_KEY and (prompt := as_text(as_fields(field).get("value"))):
                return prompt
        return as_text(self._chat.get("systemPrompt"))

    def _add_versions(self, message: dict[str, Any], above: str | None) -> str | None:
        """Add the versions of a message; the key of the one that is shown, below which the next ones stand."""
        versions = as_entries(message.get("versions")) or [message]
        chosen = message.get("currentlySelected")
        if not isinstance(chosen, int) or not 0 <= chosen < len(versions):
            chosen = len(versions) - 1
        keys = [self._add(as_fields(version), above) for version in versions]
        return keys[chosen] or above

    def _add(self, version: dict[str, Any], above: str | None) -> str | None:
        role = as_text(version.get("role"))
        if role not in ("user", "assistant"):
            self._draft.leave_out(damaged_message(), tr("a message"))
            return None
        parts: list[MessagePart] = []
        began = 0.0
        sender = as_text(as_fields(version.get("senderInfo")).get("senderName"))
        model = "" if role == "user" else sender or self._model
        for step in map(as_fields, as_entries(version.get("steps"))):
            parts += self._step(step)
            began = began or seconds(as_text(step.get("stepIdentifier")).partition("-")[0])
            info = as_fields(step.get("genInfo"))
            model = as_text(info.get("identifier")) or as_text(info.get("indexedModelIdentifier")) or model
        if not parts:
            parts = self._content(version.get("content"), {})
        return self._draft.add(
            "",
            above,
            "user" if role == "user" else "assistant",
            parts,
            created_at=began,
            model=model,
            model_name=sender,
        )

    def _step(self, step: dict[str, Any]) -> list[MessagePart]:
        kind = as_text(step.get("type"))
        if kind == "contentBlock":
            return self._content(step.get("content"), as_fields(step.get("style")))
        if kind not in _NOT_SAID:
            self._draft.leave_out(unknown_content(), kind[:80] or tr("a part of a message"))
        return []

    def _content(self, content: Any, style: dict[str, Any]) -> list[MessagePart]:
        parts: list[MessagePart] = []
        for piece in map(as_fields, as_entries(content) or [{"type": "text", "text": content}]):
            thinking = "thinking" in (style.get("type"), as_fields(piece.get("style")).get("type"))
            match as_text(piece.get("type")):
                case "text":
                    said = as_text(piece.get("text"))
                    parts += [ThinkingPart(said.strip())] if thinking else [TextPart(said)]
                case "file":
                    parts += self._file(piece)
                case "toolCallRequest":
                    parts.append(_call(piece))
                case "toolCallResult":
                    call_id = as_name(piece.get("toolCallId")) or as_name(piece.get("toolCallRequestId"))
                    said = _result_text(piece.get("content"))
                    parts.append(ToolResultPart(call_id, as_text(piece.get("name"))[:200], (TextPart(said),)))
                case kind:
                    self._draft.leave_out(unknown_content(), kind[:80] or tr("a part of a message"))
        if len(parts) == 1 and isinstance(parts[0], TextPart):  # what versions before 0.3.6 did not tell apart
            return thinking_and_text(parts[0].text)
        return parts

    def _file(self, piece: dict[str, Any]) -> list[MessagePart]:
        identifier = as_text(piece.get("fileIdentifier")) or as_text(piece.get("identifier"))
        name = as_text(piece.get("name")) or self._original_name(identifier) or identifier
        media_type = {"image": "image/*", "text/plain": "text/plain"}.get(as_text(piece.get("fileType")), "")
        return self._draft.file(self._files, self._attached.get(identifier), name, media_type)

    def _original_name(self, identifier: str) -> str:
        """The name that a file had before it was attached; "" where the one beside it does not say so."""
        beside = self._attached.get(f"{identifier}.metadata.json")
        try:
            return as_text(as_fields(decoded(self._files.head(beside, 1 << 20))).get("originalName")) if beside else ""
        except ValueError:
            return ""


def _call(piece: dict[str, Any]) -> ToolCallPart:
    asked = as_fields(piece.get("toolCallRequest")) or piece
    call_id = as_name(asked.get("id")) or as_name(asked.get("toolCallRequestId")) or as_name(asked.get("callId"))
    arguments = asked.get("arguments", asked.get("parameters"))
    return ToolCallPart(call_id, as_text(asked.get("name"))[:200], json_text(arguments))


def _result_text(content: Any) -> str:
    """What a tool gave: text, or JSON of a list of pieces (MCP) of which some are text."""
    said = as_text(content)
    try:
        pieces = entries if (entries := as_entries(content)) else as_entries(decoded(said.encode())) if said else []
    except ValueError:
        pieces = []
    texts = [as_text(as_fields(piece).get("text")) for piece in pieces]
    return "\n".join(filter(None, texts)) or said or (json_text(content) if content else "")
