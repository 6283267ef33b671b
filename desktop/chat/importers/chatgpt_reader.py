"""The data export of ChatGPT: conversations.json, or conversations-000.json and so on, in a zip archive with the files
of the conversations beside it; also such a file by itself, or one conversation.

OpenAI describes it nowhere. This follows what the exports of 2023 to 2026 look like, as other readers of them tell it.
A conversation is a `mapping` of nodes with `parent` and `children`, each with one message or none. An answer is a run
of them: thoughts, calls of tools (`recipient` names the tool), results (author of role "tool"), text.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from desktop.chat.importers.conversation_draft import (
    ConversationDraft,
    audio_or_video,
    code_block,
    damaged_message,
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
    duration,
    exported_objects,
    folders_left,
    is_litter,
    json_members,
    json_text,
    key_paths,
    members_left,
    seconds,
)
from desktop.chat.importers.imported_conversation import ImportedConversation, SkippedItem
from desktop.chat.importers.message_nodes import PARAGRAPH
from desktop.conversation import MessagePart, Status, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from desktop.translation import tr

CONVERSATIONS = re.compile(r"conversations(-\d+)?\.json")
_FILE_ID = re.compile(r"file[-_][A-Za-z0-9]+")
_REFERENCE = re.compile("\ue200[^\ue200\ue201]*\ue201")
"""What a link to a source is in an answer; these characters are for private use, and no font has them."""
_CANVAS = "canmore.create_textdoc"
_NOT_SAID = frozenset(("model_editable_context", "app_pairing_content"))
_RECORDINGS = ("audio_asset_pointer", "video_container_asset_pointer", "real_time_user_audio_video_asset_pointer")


class ChatGptReader:
    """Reads the data export of ChatGPT."""

    app = "ChatGPT"

    def recognizes(self, files: ExportFiles) -> bool:
        """Whether one of its files of conversations begins with a conversation that has a `mapping`."""
        members = json_members(files, CONVERSATIONS)
        return any(not {"mapping", "[].mapping"}.isdisjoint(key_paths(files.head(member))) for member in members)

    def read(self, files: ExportFiles) -> Iterator[ImportedConversation | SkippedItem]:
        """See `ConversationReader`."""
        members = json_members(files, CONVERSATIONS)
        assets = _assets(files)
        in_projects = 0
        for each in exported_objects(files, members):
            if isinstance(each, SkippedItem):
                yield each
            else:
                in_projects += as_text(each.get("gizmo_id")).startswith("g-p-")
                yield from _ChatGptConversation(self.app, each, files, assets).read()
        yield from folders_left(in_projects)
        others = [
            each for each in files.names() if each.endswith(".json") and each not in members and not is_litter(each)
        ]
        yield from members_left(others, tr("Latchkey takes the conversations of this export, and nothing else."))


def _assets(files: ExportFiles) -> dict[str, str]:
    """The members that are files of conversations, by the id that their names begin with, and by their names."""
    found: dict[str, str] = {}
    for member in files.names():
        last = base_name(member)
        if not is_litter(member):
            found.setdefault(last, member)
            if match := _FILE_ID.match(last):
                found.setdefault(match[0], member)
    return found


class _ChatGptConversation:
    def __init__(self, app: str, chat: dict[str, Any], files: ExportFiles, assets: Mapping[str, str]) -> None:
        self._chat, self._files, self._assets = chat, files, assets
        key = as_name(chat.get("conversation_id")) or as_name(chat.get("id"))
        self._draft = ConversationDraft(app, key, as_text(chat.get("title")))
        self._nodes = as_fields(chat.get("mapping"))
        self._system_prompt = ""

    def read(self) -> Iterator[ImportedConversation | SkippedItem]:
        chat = self._chat
        parents = {
            child: key
            for key, node in self._nodes.items()
            for child in as_entries(as_fields(node).get("children"))
            if isinstance(child, str)
        }
        for key, node in self._nodes.items():
            self._add(key, as_fields(node), parents.get(key))
        return self._draft.finish(
            as_name(chat.get("current_node")),
            created_at=seconds(chat.get("create_time")),
            updated_at=seconds(chat.get("update_time")),
            system_prompt=self._system_prompt,
            pinned=chat.get("is_starred") is True or bool(seconds(chat.get("pinned_time"))),
            archived=chat.get("is_archived") is True,
        )

    def _add(self, key: str, node: dict[str, Any], listed_under: str | None) -> None:
        parent = as_name(node.get("parent")) or listed_under
        message = as_fields(node.get("message"))
        meta = as_fields(message.get("metadata"))
        role = as_text(as_fields(message.get("author")).get("role"))
        parts: list[MessagePart] = []
        if node.get("message") is not None and not message:
            self._draft.leave_out(damaged_message(), tr("a message"))
        elif meta.get("is_visually_hidden_from_conversation") is True or role == "system":
            self._note_prompt(message, meta, role)
        elif role in ("user", "assistant", "tool"):
            parts = self._parts(key, node, message, meta, role)
        elif message:
            self._draft.leave_out(damaged_message(), tr("a message"))
        self._draft.add(
            key,
            parent,
            "user" if role == "user" else "assistant",
            parts,
            created_at=seconds(message.get("create_time")),
            model=as_text(meta.get("model_slug")),
            status=_status(message, meta),
            joins=role in ("assistant", "tool"),
        )

    # --- what is not shown there -------------------------------------------------------------------------------------

    def _note_prompt(self, message: dict[str, Any], meta: dict[str, Any], role: str) -> None:
        """Take the person's own instructions, and what the system was told for all to see; the rest stays hidden."""
        content = as_fields(message.get("content"))
        own = as_fields(meta.get("user_context_message_data"))
        said = [as_text(own.get("about_user_message")), as_text(own.get("about_model_message"))]
        if not any(said) and content.get("content_type") == "user_editable_context":
            said = [as_text(content.get("user_profile")), as_text(content.get("user_instructions"))]
        hidden = meta.get("is_visually_hidden_from_conversation") is True
        if not any(said) and not hidden:
            said = [each for each in as_entries(content.get("parts")) if isinstance(each, str)]
        told = PARAGRAPH.join(each.strip() for each in said if each.strip())
        if told:
            self._system_prompt = self._system_prompt or told
        elif hidden and role in ("user", "assistant") and any(map(as_text, as_entries(content.get("parts")))):
            self._draft.leave_out(tr("ChatGPT does not show it either."), tr("a hidden message"))

    # --- what is said ------------------------------------------------------------------------------------------------

    def _parts(
        self, key: str, node: dict[str, Any], message: dict[str, Any], meta: dict[str, Any], role: str
    ) -> list[MessagePart]:
        content = as_fields(message.get("content"))
        recipient = as_text(message.get("recipient")) or "all"
        if role == "tool":
            return self._result(message, content, meta)
        kind = as_text(content.get("content_type"))
        if role == "assistant" and recipient not in ("all", "assistant"):
            return _call(key, recipient, self._said(content, meta, role))
        if kind == "thoughts":
            return [ThinkingPart(_thoughts(content), self._thought_for(node))]
        if kind == "code":
            code = as_text(content.get("text")) or self._said(content, meta, role)
            return [TextPart(code_block(code, as_text(content.get("language")).replace("unknown", "")))] if code else []
        if kind == "reasoning_recap":  # "Thought for 5 seconds"
            return []
        parts = self._content(content, meta, role)
        return [*parts, *self._attachments(meta, content)] if role == "user" else parts

    def _content(self, content: dict[str, Any], meta: dict[str, Any], role: str) -> list[MessagePart]:
        """The parts of content that is shown as it is."""
        kind = as_text(content.get("content_type")) or "text"
        if kind in _NOT_SAID:
            return []
        parts: list[MessagePart] = []
        for each in as_entries(content.get("parts")):
            if isinstance(each, str):
                parts.append(TextPart(_with_references(each, meta) if role != "user" else each))
            elif isinstance(each, dict):
                parts += self._piece(each, meta)
            elif each is not None:
                self._draft.leave_out(damaged_message(), tr("a part of a message"))
        if not parts and (other := _other_text(content)):
            parts.append(TextPart(other))
        if not parts and kind not in ("text", "multimodal_text"):
            self._draft.leave_out(unknown_content(), kind[:80])
        return parts

    def _piece(self, piece: dict[str, Any], meta: dict[str, Any]) -> list[MessagePart]:
        kind = as_text(piece.get("content_type"))
        if kind == "image_asset_pointer":
            pointer = as_text(piece.get("asset_pointer"))
            return self._draft.file(self._files, self._member(pointer), self._image_name(pointer, meta), "image/*")
        if kind in _RECORDINGS:
            self._draft.leave_out(audio_or_video(), tr("a recording"))
            return []
        if said := as_text(piece.get("text")):  # what was heard, among others
            return [TextPart(said)]
        self._draft.leave_out(unknown_content(), kind[:80] or tr("a part of a message"))
        return []

    def _said(self, content: dict[str, Any], meta: dict[str, Any], role: str) -> str:
        parts = [] if "text" in content else self._content(content, meta, role)
        return as_text(content.get("text")) or PARAGRAPH.join(each.text for each in parts if isinstance(each, TextPart))

    def _result(self, message: dict[str, Any], content: dict[str, Any], meta: dict[str, Any]) -> list[MessagePart]:
        """What a tool gave; its images stand after it, as those of an answer do."""
        tool = as_name(as_fields(message.get("author")).get("name"))
        if tool == _CANVAS:  # it says only that the document is there
            return []
        parts = self._content(content, meta, "tool")
        texts = tuple(each for each in parts if isinstance(each, TextPart) and each.text.strip())
        failed = content.get("content_type") == "system_error"
        result = [ToolResultPart("", tool, texts, failed)] if texts else []
        return [*result, *(each for each in parts if not isinstance(each, TextPart))]

    def _attachments(self, meta: dict[str, Any], content: dict[str, Any]) -> list[MessagePart]:
        """The files that came with a question, but for the images that stand in its text."""
        in_text = {_file_id(as_text(as_fields(each).get("asset_pointer"))) for each in as_entries(content.get("parts"))}
        parts: list[MessagePart] = []
        for each in map(as_fields, as_entries(meta.get("attachments"))):
            file_id, name = as_text(each.get("id")), as_text(each.get("name"))
            media_type = as_text(each.get("mimeType")) or as_text(each.get("mime_type"))
            if (file_id or name) and _file_id(file_id) not in in_text - {""}:
                member = self._member(file_id) or self._assets.get(name)
                parts += self._draft.file(self._files, member, name or file_id, media_type)
        return parts

    def _member(self, pointer: str) -> str | None:
        return self._assets.get(_file_id(pointer)) or self._assets.get(base_name(pointer))

    def _image_name(self, pointer: str, meta: dict[str, Any]) -> str:
        for each in map(as_fields, as_entries(meta.get("attachments"))):
            if as_text(each.get("name")) and _file_id(as_text(each.get("id"))) == _file_id(pointer):
                return as_text(each.get("name"))
        return base_name(self._member(pointer) or pointer)[:200]

    def _thought_for(self, node: dict[str, Any]) -> float | None:
        """The seconds that the node after some thoughts says they took."""
        for child in as_entries(node.get("children")):
            message = as_fields(as_fields(self._nodes.get(as_name(child))).get("message"))
            took = duration(as_fields(message.get("metadata")).get("finished_duration_sec"))
            if took is not None:
                return took
        return None


def _call(key: str, recipient: str, said: str) -> list[MessagePart]:
    arguments = json_text(said)
    if recipient == _CANVAS and (document := _canvas(arguments)):
        return [document]
    return [ToolCallPart(key, recipient[:200], arguments)]


def _canvas(arguments: str) -> TextPart | None:
    """A document that was written beside the conversation: it is what was asked for, and so it is given as text."""
    given = as_fields(decoded(arguments.encode()))
    written, kind = as_text(given.get("content")), as_text(given.get("type"))
    if not written:
        return None
    text = code_block(written, kind.partition("/")[2]) if kind.startswith("code") else written
    title = as_text(given.get("name"))
    return TextPart(f"**{title}**{PARAGRAPH}{text}" if title else text)


def _thoughts(content: dict[str, Any]) -> str:
    said = []
    for each in map(as_fields, as_entries(content.get("thoughts"))):
        summary, thought = as_text(each.get("summary")).strip(), as_text(each.get("content")).strip()
        said.append(f"**{summary}**{PARAGRAPH}{thought}" if summary and thought else summary or thought)
    return PARAGRAPH.join(filter(None, said))


def _other_text(content: dict[str, Any]) -> str:
    """The text of content that has no parts: the output of code, a page that was looked at, an error."""
    said = [as_text(content.get(key)) for key in ("title", "url", "name", "text", "result", "summary")]
    return "\n".join(dict.fromkeys(each.strip() for each in said if each.strip()))


def _with_references(said: str, meta: dict[str, Any]) -> str:
    """`said` with the links of its sources in place of the marks that stand for them."""
    if "\ue200" not in said:
        return said
    links = {
        as_text(each.get("matched_text")): as_text(each.get("alt"))
        for each in map(as_fields, as_entries(meta.get("content_references")))
    }
    return _REFERENCE.sub(lambda match: links.get(match[0], ""), said)


def _status(message: dict[str, Any], meta: dict[str, Any]) -> Status:
    finished = as_text(as_fields(meta.get("finish_details")).get("type"))
    return "stopped" if finished == "interrupted" or message.get("status") == "in_progress" else "complete"


def _file_id(pointer: str) -> str:
    match = _FILE_ID.search(pointer.rpartition("://")[2])
    return match[0] if match else ""
