"""The conversations of Jan: its folder `threads`, in which each has a folder with thread.json and messages.jsonl.

As janhq/jan writes them: core/src/types/thread/threadEntity.ts and core/src/types/message/messageEntity.ts (0.5 to
0.7), web-app/src/lib/messages.ts for the calls of tools in `metadata`, and web-app/src/lib/message-branching.ts (0.8)
for the tree, which is in `metadata` too: `parentId`, and `activeChildId` for the branch shown.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from desktop.chat.importers.conversation_draft import (
    ConversationDraft,
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
from desktop.conversation import Folder, MessagePart, Status, TextPart, ThinkingPart, ToolCallPart, ToolResultPart
from desktop.errors import UserError
from desktop.translation import tr

_HEAD, _MESSAGES = "thread.json", "messages.jsonl"
_LOOKED_AT = 50
_ATTACHED = re.compile(r"\n*\[ATTACHED_FILES\]\n(.*?)\n?\[/ATTACHED_FILES\]\s*\Z", re.DOTALL)
_ATTACHED_NAME = re.compile(r"\bname: ([^,\n]+)")
_STATUS: dict[str, Status] = {"error": "failed", "stopped": "stopped", "pending": "stopped"}


class JanReader:
    """Reads the conversations of Jan."""

    app = "Jan"

    def recognizes(self, files: ExportFiles) -> bool:
        """Whether there is a thread.json or a messages.jsonl of this kind."""
        return any(_is_thread(files, member) for member in _members(files)[:_LOOKED_AT])

    def read(self, files: ExportFiles) -> Iterator[ImportedItem]:
        """See `ConversationReader`."""
        folders: dict[str, dict[str, str]] = {}
        for member in _members(files):
            folder, _, last = member.rpartition("/")
            folders.setdefault(folder, {})[_HEAD if last == _HEAD else _MESSAGES] = member
        every = frozenset(files.names())
        known: dict[str, Folder] = {}
        for folder, members in folders.items():
            conversation = _JanConversation(self.app, folder, members, files, every)
            project = conversation.project
            if project and project not in known:
                known[project] = Folder(derived_id(self.app, "folder", project), project)
                yield known[project]
            yield from conversation.read(known.get(project))


def _members(files: ExportFiles) -> list[str]:
    names = [each for each in files.names() if not is_litter(each)]
    return [each for each in names if base_name(each) == _HEAD or each.endswith(".jsonl")]


def _is_thread(files: ExportFiles, member: str) -> bool:
    keys = key_paths(files.head(member))
    return "assistants" in keys if base_name(member) == _HEAD else {"thread_id", "role", "content"} <= keys


class _JanConversation:
    def __init__(
        self, app: str, folder: str, members: dict[str, str], files: ExportFiles, every: Collection[str]
    ) -> None:
        self._files, self._every = files, every
        self._inlined: set[str] = set()
        self._results: set[str] = set()
        self._folder = folder
        self._messages, self._damage = _lines(files, members.get(_MESSAGES))
        head = object_in(files, members[_HEAD]) if _HEAD in members else {}
        self._thread = as_fields(head)
        self._meta = as_fields(self._thread.get("metadata"))
        said = next((as_name(each.get("thread_id")) for each in self._messages if isinstance(each, dict)), "")
        key = as_name(self._thread.get("id")) or said or base_name(folder)
        title = as_text(self._thread.get("title")) or as_text(self._meta.get("title"))
        self._draft = ConversationDraft(app, key, title)
        self._assistant = as_fields(next(iter(as_entries(self._thread.get("assistants"))), None))
        model = as_fields(self._assistant.get("model")) or as_fields(self._thread.get("model"))
        self._model = as_text(model.get("id"))
        self.project = as_text(as_fields(self._meta.get("project")).get("name"))[:200]
        if isinstance(head, SkippedItem):
            self._damage.append(head)

    def read(self, folder: Folder | None) -> Iterator[ImportedConversation | SkippedItem]:
        leaf = self._add_all()
        yield from self._damage
        yield from self._draft.finish(
            leaf,
            created_at=seconds(self._thread.get("created")) or seconds(self._thread.get("created_at")),
            updated_at=seconds(self._thread.get("updated")) or seconds(self._meta.get("updated_at")),
            system_prompt=as_text(self._assistant.get("instructions")),
            folder_id=None if folder is None else folder.id,
            pinned=self._meta.get("is_favorite") is True or self._thread.get("isFavorite") is True,
        )

    def _add_all(self) -> str:
        """Add the messages, one below the other or as the tree that they are; the end of the branch shown."""
        known = [each for each in self._messages if isinstance(each, dict)]
        for _damaged in range(len(self._messages) - len(known)):
            self._draft.leave_out(damaged_message(), tr("a message"))
        is_tree = any({"parentId", "activeChildId"} & as_fields(each.get("metadata")).keys() for each in known)
        above: str | None = None
        question: str | None = None
        for message in known:
            link = as_fields(message.get("metadata")).get("parentId")
            if is_tree and "parentId" in as_fields(message.get("metadata")):
                # An answer that lost its link belongs to the question before it.
                above = as_name(link) or (None if message.get("role") == "user" else question)
            above = self._add(message, above)
            question = above if message.get("role") == "user" else question
        return _active_leaf(known, as_name(self._meta.get("activeRootId"))) if is_tree else above or ""

    def _add(self, message: dict[str, Any], above: str | None) -> str:
        role = as_text(message.get("role"))
        meta = as_fields(message.get("metadata"))
        parts: list[MessagePart] = []
        if role == "tool":
            said = "\n".join(part.text for part in self._content(message) if isinstance(part, TextPart))
            parts = [ToolResultPart(as_name(message.get("tool_call_id")), "", (TextPart(said),))]
        elif role == "assistant":
            parts = self._answer(message, meta)
        elif role == "user":
            parts = [*self._documents(meta), *self._content(message)]
        else:
            self._draft.leave_out(damaged_message(), tr("a message"))
        joins = role == "tool" or (role == "assistant" and above in self._results)
        error = meta.get("error")
        status = _STATUS.get(as_text(message.get("status")), "complete")
        key = self._draft.add(
            as_name(message.get("id")),
            above,
            "user" if role == "user" else "assistant",
            parts,
            created_at=seconds(message.get("created_at")) or seconds(message.get("completed_at")),
            model=as_text(meta.get("modelId")) or self._model,
            status="stopped" if meta.get("stopped") is True else "failed" if error else status,
            error=as_text(error) or as_text(as_fields(error).get("message")),
            joins=joins,
        )
        self._results |= {key} if role == "tool" else set()
        return key

    def _answer(self, message: dict[str, Any], meta: dict[str, Any]) -> list[MessagePart]:
        said: list[MessagePart] = []
        for part in self._content(message):
            said += thinking_and_text(part.text) if isinstance(part, TextPart) else [part]
        calls: list[MessagePart] = []
        for call in map(as_fields, as_entries(meta.get("tool_calls"))):
            calls += self._call(call)
        thought = [part for part in said if isinstance(part, ThinkingPart)] if calls else []
        return [*thought, *calls, *(part for part in said if part not in thought)]

    def _call(self, call: dict[str, Any]) -> list[MessagePart]:
        tool = as_fields(call.get("tool"))
        function = as_fields(tool.get("function"))
        call_id = as_name(tool.get("id")) or as_name(call.get("id"))
        name = (as_text(function.get("name")) or as_text(call.get("name")))[:200]
        asked = ToolCallPart(call_id, name, json_text(function.get("arguments", call.get("args"))))
        response = as_fields(call.get("response"))
        return [asked, *self._given(call_id, name, response.get("content", call.get("response")), response)]

    def _given(self, call_id: str, name: str, content: Any, response: dict[str, Any]) -> list[MessagePart]:
        """What a tool gave; its images stand after it, as those of an answer do."""
        error = as_text(response.get("error"))
        texts = [as_text(content)] if as_text(content) else []
        images: list[MessagePart] = []
        for piece in map(as_fields, as_entries(content)):
            if said := as_text(piece.get("text")):
                texts.append(said)
            elif data := as_text(piece.get("data")):
                images += self._draft.image_url(f"data:{as_text(piece.get('mimeType'))};base64,{data}")
            elif piece:
                self._draft.leave_out(unknown_content(), as_text(piece.get("type"))[:80])
        given = tuple(TextPart(said) for said in [*texts, error] if said)
        return [*([ToolResultPart(call_id, name, given, bool(error))] if given else []), *images]

    def _content(self, message: dict[str, Any]) -> list[MessagePart]:
        content = message.get("content")
        if isinstance(content, str):
            return [TextPart(content)]
        parts: list[MessagePart] = []
        for piece in map(as_fields, as_entries(content)):
            said = as_text(as_fields(piece.get("text")).get("value")) or as_text(piece.get("text"))
            kind = as_text(piece.get("type"))
            if kind == "reasoning":
                parts.append(ThinkingPart(said.strip()))
            elif kind == "tool_call":
                call_id, name = as_name(piece.get("tool_call_id")), as_text(piece.get("tool_name"))[:200]
                parts.append(ToolCallPart(call_id, name, json_text(piece.get("input"))))
                output = piece.get("output")
                given = as_fields(output).get("content", output)
                parts += self._given(call_id, name, given, as_fields(output))
            elif kind == "image_url":
                url = piece.get("image_url")
                parts += self._draft.image_url(as_text(url) or as_text(as_fields(url).get("url")))
            elif kind == "text" or (not kind and said):
                parts += self._text(said, as_text(message.get("role")))
            else:  # before 0.6: a file beside the messages
                parts += self._file(piece, kind)
        return parts

    def _text(self, said: str, role: str) -> list[MessagePart]:
        """A text without the list of files that Jan writes at its end."""
        attached = _ATTACHED.search(said, max(0, said.rfind("[ATTACHED_FILES]") - 2)) if role == "user" else None
        if attached is None:
            return [TextPart(said)]
        for name in _ATTACHED_NAME.findall(attached[1]):
            if name.strip() not in self._inlined:
                self._draft.leave_out(not_in_export(), name.strip()[:200])
        return [TextPart(said[: attached.start()])]

    def _documents(self, meta: dict[str, Any]) -> list[MessagePart]:
        """The files whose text was given to the model with a question."""
        parts: list[MessagePart] = []
        self._inlined.clear()
        for each in map(as_fields, as_entries(meta.get("inline_file_contents"))):
            name = as_text(each.get("name"))
            self._inlined.add(name)
            parts += self._draft.document(name or tr("Document"), as_text(each.get("content")))
        return parts

    def _file(self, piece: dict[str, Any], kind: str) -> list[MessagePart]:
        given = as_fields(piece.get("text"))
        name = as_text(given.get("name")) or base_name(as_text(next(iter(as_entries(given.get("annotations"))), "")))
        if not name:
            self._draft.leave_out(unknown_content(), kind[:80] or tr("a part of a message"))
            return []
        member = f"{self._folder}/files/{name}".lstrip("/")
        found = member if member in self._every else None
        return self._draft.file(self._files, found, name, "image/*" if kind == "image" else "")


def _lines(files: ExportFiles, member: str | None) -> tuple[list[Any], list[SkippedItem]]:
    """The values of the lines, None for one that is damaged; and what of the file could not be read at all."""
    found: list[Any] = []
    try:
        for line in files.lines(member) if member else ():
            try:
                value = decoded(line)
            except ValueError:
                value = None
            found.append(value if isinstance(value, dict) else None)
    except UserError as error:
        return found, [SkippedItem(files.shown(member or ""), error.title, is_damage=True)]
    return found, []


def _active_leaf(messages: Sequence[dict[str, Any]], root: str) -> str:
    """The end of the branch that Jan shows: down from the root that is active, or the newest one, in the same way."""
    children: dict[str, list[str]] = {}
    active: dict[str, str] = {}
    for message in sorted(messages, key=lambda each: seconds(each.get("created_at"))):
        key, meta = as_name(message.get("id")), as_fields(message.get("metadata"))
        children.setdefault(as_name(meta.get("parentId")), []).append(key)
        active[key] = as_name(meta.get("activeChildId"))
    seen: set[str] = set()
    at = root if root in children.get("", ()) else next(reversed(children.get("", [])), "")
    while at and at not in seen:
        seen.add(at)
        below = children.get(at, [])
        chosen = active.get(at, "")
        following = chosen if chosen in below else next(reversed(below), "")
        if not following or following in seen:
            return at
        at = following
    return at
