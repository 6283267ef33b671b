"""A conversation while it is read from another program's export: its messages under the names they have there, its
images, and what of it is left out."""

import hashlib
import re
from collections.abc import Iterator, Sequence

from desktop.byte_size import size_text
from desktop.chat.conversation_writer import title_from, typed_title
from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.export_json import base_name, listed, shown
from desktop.chat.importers.imported_conversation import (
    ImportedAttachment,
    ImportedConversation,
    SkippedItem,
    derived_id,
)
from desktop.chat.importers.inline_image import image_from_bytes, image_from_url
from desktop.chat.importers.message_nodes import (
    PARAGRAPH,
    MessageNode,
    forest_of,
    joined_parts,
    paired_parts,
)
from desktop.conversation import (
    Conversation,
    DocumentPart,
    Message,
    MessagePart,
    ModelReference,
    Role,
    Status,
    TextPart,
    ThinkingPart,
    joined_text,
)
from desktop.errors import UserError
from desktop.image_format import image_format
from desktop.safe_text import repair_surrogates
from desktop.translation import tr

LARGEST_FILE = 64 << 20
"""Bytes that an image or a text file of a conversation has at most."""
LARGEST_TOGETHER = 512 << 20
"""Bytes that the images of one conversation have at most: they are in memory together."""
_TEXT_ENDING = re.compile(
    r".*\.(txt|md|markdown|rst|[ct]sv|jsonl?|ya?ml|toml|ini|cfg|conf|log|xml|html?|css|svg|tex|srt|vtt|sql|sh|bat|ps1|pyi?|"
    r"ipynb|[mc]?jsx?|tsx?|java|kt|[ch]|[ch]pp|cc|cs|go|rs|rb|php|pl|lua|r|swift|scala|dart|diff|patch)",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_THINK = re.compile(r"\s*<think>")


class ConversationDraft:
    """A conversation of `app`, called `key` there ("": it has no name, and is known by how it begins) and `title`."""

    def __init__(self, app: str, key: str, title: str) -> None:
        self._app, self._key = app, repair_surrogates(key)
        self.title = typed_title(repair_surrogates(title[:1000]))
        self._nodes: dict[str, MessageNode] = {}
        self._images: dict[str, ImportedAttachment] = {}
        self._image_bytes = 0
        self._left: dict[str, tuple[list[str], int]] = {}
        self._damage: set[str] = set()

    def add(
        self,
        key: str,
        parent: str | None,
        role: Role,
        parts: Sequence[MessagePart],
        *,
        created_at: float = 0.0,
        model: str = "",
        model_name: str = "",
        status: Status = "complete",
        error: str = "",
        joins: bool = False,
        between: str = PARAGRAPH,
    ) -> str:
        """Add a message below `parent`; the key it has. Without one ("") it is known by what it says and where. With no
        parts it is left out, and what is below it comes to stand below `parent`. For `joins` see `MessageNode`;
        `between` stands between its texts."""
        made = joined_parts(parts, between)
        key = repair_surrogates(key) or _content_key(parent, role, made)
        number = 2
        while key in self._nodes:
            key = f"{key.partition(chr(0))[0]}\0{number}"
            number += 1
        reference = ModelReference(model[:500], (model_name or model)[:500]) if model and role == "assistant" else None
        above = None if parent is None else repair_surrogates(parent)
        if status == "failed" and not error:
            error = tr("The answer failed in {app}.").format(app=self._app)
        self._nodes[key] = MessageNode(key, above, role, made, created_at, reference, status, error, joins)
        return key

    # --- files -------------------------------------------------------------------------------------------------------

    def image(self, data: bytes, name: str = "") -> list[MessagePart]:
        """The part for an image with these bytes, which are kept; none where it cannot be taken."""
        found = image_from_bytes(data, base_name(name)[:200])
        if found is None:
            self.leave_out(tr("It is not a PNG, JPEG, GIF, WebP or BMP image."), name)
            return []
        part, attachment = found
        if part.sha256 not in self._images:
            if len(data) > LARGEST_FILE or self._image_bytes + len(data) > LARGEST_TOGETHER:
                self.leave_out(_too_large(), name)
                return []
            self._images[part.sha256] = attachment
            self._image_bytes += len(data)
        return [part]

    def image_url(self, url: str, name: str = "") -> list[MessagePart]:
        """The same for an image that `url` itself holds; no other is fetched."""
        if url[:5].casefold() != "data:":
            self.leave_out(not_in_export(), name or url[:80])
            return []
        if len(url) > 2 * LARGEST_FILE:
            self.leave_out(_too_large(), name)
            return []
        found = image_from_url(url)
        return self.image(b"" if found is None else found[1].data, name or tr("image"))

    def file(self, files: ExportFiles, member: str | None, name: str, media_type: str = "") -> list[MessagePart]:
        """The part for a file that the conversation names, found in the export as `member` (None: it is not there): an
        image, or a text as a document. None where it is neither."""
        if member is None:
            self.leave_out(not_in_export(), name)
            return []
        try:
            data = files.head(member, LARGEST_FILE + 1)
        except UserError:
            self.leave_out(tr("The file in the export is damaged."), name)
            return []
        name = name or base_name(member)
        if image_format(data) is not None or media_type.startswith("image/"):
            return self.image(data, name)
        if len(data) > LARGEST_FILE:
            self.leave_out(_too_large(), name)
            return []
        if media_type.startswith("text/") or _TEXT_ENDING.fullmatch(name):
            return self.document(name, data, media_type)
        self.leave_out(only_images_and_texts(), name)
        return []

    def document(self, name: str, content: str | bytes, media_type: str = "") -> list[MessagePart]:
        """The part for a text file; none where it holds no text."""
        sha256 = ""
        if isinstance(content, bytes):
            sha256 = hashlib.sha256(content).hexdigest()
            try:
                content = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                self.leave_out(tr("Its text is not in UTF-8."), name)
                return []
        return [DocumentPart(name[:500], content, media_type[:200] or "text/plain", sha256)] if content.strip() else []

    # --- what is left out --------------------------------------------------------------------------------------------

    def leave_out(self, why: str, name: str = "", *, is_damage: bool = False) -> None:
        """Note that something is not taken, for the sentence `why`. What has the same reason is named together. With
        `is_damage` the file itself is damaged there."""
        self._damage |= {why} if is_damage else set()
        names, count = self._left.get(why, ([], 0))
        if len(names) < 3 and name not in names:
            names.append(name or tr("something without a name"))
        self._left[why] = names, count + 1

    def skipped(self) -> Iterator[SkippedItem]:
        """What was left out, one item for each reason."""
        title = shown(self.title) or tr("Conversation without a title")
        for why, (names, count) in self._left.items():
            what = tr("“{chat}”: {things}").format(chat=title, things=listed(names, count))
            yield SkippedItem(what, why, why in self._damage)

    # --- the end -----------------------------------------------------------------------------------------------------

    def finish(
        self,
        leaf: str = "",
        *,
        created_at: float = 0.0,
        updated_at: float = 0.0,
        system_prompt: str = "",
        pinned: bool = False,
        archived: bool = False,
        tags: Sequence[str] = (),
        folder_id: str | None = None,
    ) -> Iterator[ImportedConversation | SkippedItem]:
        """The conversation, where it has messages, and what was left out. `leaf` ends the branch shown; where there is
        none of this name, the one written last is shown."""
        forest = forest_of(self._nodes, created_at)
        if forest.nodes:
            times = [node.created_at for node in forest.nodes if node.created_at]
            key = self._key or f"{forest.nodes[0].key}\0{times[0] if times else 0}"
            began = created_at or min(times, default=0.0)
            changed = max(updated_at, began, 0.0 if updated_at else max(times, default=0.0))
            conversation_id = derived_id(self._app, key)
            shown_leaf = forest.keys.get(repair_surrogates(leaf)) or forest.newest_leaf()
            first_turn = next((joined_text(tuple(node.parts)) for node in forest.nodes if node.role == "user"), "")
            title, self.title = self.title, self.title or title_from(first_turn)
            head = Conversation(
                conversation_id,
                self.title,
                "person" if title else "first-turn",
                began,
                changed,
                system_prompt=system_prompt.strip(),
                leaf_id=None if shown_leaf is None else derived_id(self._app, key, shown_leaf),
                pinned=pinned,
                folder_id=folder_id,
                archived_at=changed or 1.0 if archived else None,
                tags=tuple(sorted({tag[:100].strip() for tag in tags[:100] if tag.strip()})),
            )
            messages = tuple(self._message(node, conversation_id, key) for node in forest.nodes)
            yield ImportedConversation(head, messages, tuple(self._images.values()), source_id=self._key)
        else:
            self.leave_out(tr("There is no message in it."), tr("the conversation"))
        yield from self.skipped()

    def _message(self, node: MessageNode, conversation_id: str, key: str) -> Message:
        parts = joined_parts(node.parts)
        return Message(
            derived_id(self._app, key, node.key),
            conversation_id,
            None if node.parent is None else derived_id(self._app, key, node.parent),
            node.role,
            tuple(paired_parts(parts) if node.role == "assistant" else parts),
            node.status,
            node.model,
            error=node.error[:1000],
            created_at=node.created_at,
        )


# --- texts -----------------------------------------------------------------------------------------------------------


def thinking_and_text(answer: str) -> list[MessagePart]:
    """The parts of an answer that begins with its thinking, between <think> and </think>; else its text alone."""
    parts: list[MessagePart] = []
    at = 0
    while opened := _THINK.match(answer, at):
        closed = answer.find("</think>", opened.end())
        parts.append(ThinkingPart(answer[opened.end() : closed if closed >= 0 else None].strip()))
        at = closed + len("</think>") if closed >= 0 else len(answer)
    said = answer[at:].lstrip("\n") if at else answer
    return [*parts, TextPart(said)] if said else parts


def code_block(code: str, language: str = "") -> str:
    """`code` as Markdown: fenced by more backticks than it holds."""
    fence = "```"
    while fence in code:
        fence += "`"
    language = language if language.isalnum() else ""
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"


def percent_decoded(escaped: bytes) -> bytes:
    """`escaped` with the bytes that its %XX stand for (RFC 3986)."""
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), escaped)


def not_in_export() -> str:
    """Why a file is left out that the export names only."""
    return tr("The file is not in the export.")


def only_images_and_texts() -> str:
    """Why a file of another kind is left out."""
    return tr("Latchkey takes images and text files only.")


def audio_or_video() -> str:
    """Why a recording is left out."""
    return tr("Latchkey does not take audio or video.")


def unknown_content() -> str:
    """Why content of a kind is left out that no one here knows."""
    return tr("Latchkey does not know content of this kind.")


def damaged_message() -> str:
    """Why something is left out that stands in the place of a message."""
    return tr("It is damaged and cannot be read.")


def _too_large() -> str:
    return tr("It is larger than {size}, or comes after many large ones.").format(size=size_text(LARGEST_FILE))


def _content_key(parent: str | None, role: str, parts: Sequence[MessagePart]) -> str:
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    said = f"{parent or ''}\0{role}\0{text or repr(parts)}"
    return hashlib.sha256(said.encode(errors="replace")).hexdigest()
