"""Exports chats: reads them as they stand at one moment and writes them in one of the forms, each in its turn."""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import msgspec

from desktop.atomic_file import temporary_folder
from desktop.chat.export.chat_html import chats_as_html
from desktop.chat.export.chat_markdown import chats_as_markdown
from desktop.chat.export.chat_style import read_colors
from desktop.chat.export.conversation_document import encode_document
from desktop.chat.export.export_target import ExportPlace
from desktop.chat.export.message_words import ExportSource
from desktop.conversation import Conversation, ImagePart, Message, ModelReference, ToolResultPart
from desktop.errors import IntegrityError, NotFoundError, ResourceError, StoppedError
from desktop.own_files import refuse_own_file
from desktop.paths import Paths
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.database import Database
from desktop.storage.whole_conversation import ConversationSnapshot, WholeConversation, open_snapshot
from desktop.translation import tr

ChatFormat = Literal["md", "html", "json", "pdf"]
CHAT_SUFFIXES: dict[str, ChatFormat] = {
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".pdf": "pdf",
}
"""The form that the end of a file's name asks for."""

ReferenceLookup = Callable[[ModelReference], ModelReference]
"""Gives a model's reference with the license and the attribution that are known of it."""


ChatDrawing = Callable[[Sequence[Conversation], Iterable[WholeConversation], ExportSource], None]
"""Draws chats somewhere: their heads, the chats, and what belongs to them."""


class PdfDrawing(Protocol):
    """Draws chats as PDF into a file on the disk, from its present position on. Raises OSError."""

    def __call__(
        self,
        heads: Sequence[Conversation],
        conversations: Iterable[WholeConversation],
        source: ExportSource,
        file: BinaryIO,
    ) -> None: ...


@dataclass(frozen=True)
class ExportProgress:
    """What an export tells and asks while it goes on: `told` how many of how many conversations are written, `stopped`
    whether it is to be given up."""

    told: Callable[[int, int], None] = lambda _done, _all: None
    stopped: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class ExportResult:
    """What was written: so many conversations, messages of all branches, bytes. `missing` are images that are not here
    any more, by their sha256."""

    conversations: int
    messages: int
    bytes: int
    missing: tuple[str, ...] = ()


def format_of(path: Path) -> ChatFormat | None:
    """The form that a file's name asks for; None where it names none."""
    return CHAT_SUFFIXES.get(path.suffix.lower())


class ChatExporter:
    """Exports from any database of conversations. `terms` completes what messages say of their models; `draw_pdf` draws
    PDF, where something can. May be used from any thread."""

    def __init__(
        self,
        attachments: AttachmentStore,
        terms: ReferenceLookup,
        *,
        paths: Paths,
        generator: str,
        draw_pdf: PdfDrawing | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._attachments, self._terms, self._paths = attachments, terms, paths
        self._generator, self._draw_pdf, self._clock = generator, draw_pdf, clock

    def export(
        self,
        database: Database,
        ids: Sequence[str] | None,
        form: ChatFormat,
        target: ExportPlace,
        progress: ExportProgress = ExportProgress(),
    ) -> ExportResult:
        """Write the conversations `ids` in this order (None: all that are not in the bin) to `target`.

        Nothing is written where one of them is not there (NotFoundError), and nothing is left where writing fails or is
        stopped. Raises what `ExportTarget.open` and `Database` raise, ResourceError where the target lies among
        Latchkey's own files, and StoppedError.
        """
        target.check()
        if target.path is not None:
            refuse_own_file(target.path, self._paths)
        with open_snapshot(database) as snapshot:
            run = _ExportRun(self._attachments, self._terms, snapshot, ids, progress)
            if not run.heads and form != "json":
                raise NotFoundError(tr("There are no conversations to export."))
            with target.open() as file:
                written = self._write(run, form, file, streams=target.streams)
        return ExportResult(len(run.heads), run.messages, written, tuple(sorted(run.images & run.missing)))

    def draw(
        self,
        database: Database,
        ids: Sequence[str],
        drawing: ChatDrawing,
        progress: ExportProgress = ExportProgress(),
    ) -> None:
        """Have the conversations `ids` drawn in this order. Raises NotFoundError, StoppedError, what `Database` raises
        and what `drawing` raises."""
        with open_snapshot(database) as snapshot:
            run = _ExportRun(self._attachments, self._terms, snapshot, ids, progress)
            drawing(run.heads, run.conversations(), self._source(run))

    def _write(self, run: "_ExportRun", form: ChatFormat, file: BinaryIO, *, streams: bool) -> int:
        if form == "pdf":
            return self._write_pdf(run, file, streams=streams)
        written = 0
        for piece in self._pieces(run, form):
            run.check_stopped()
            file.write(piece)
            written += len(piece)
        file.flush()
        return written

    def _pieces(self, run: "_ExportRun", form: ChatFormat) -> Iterator[bytes]:
        if form == "json":
            return encode_document(
                run.folders, run.conversations(), run.attachment, exported=self._clock(), generator=self._generator
            )
        write = chats_as_html if form == "html" else chats_as_markdown
        return write(run.heads, run.conversations(), self._source(run))

    def _write_pdf(self, run: "_ExportRun", file: BinaryIO, *, streams: bool) -> int:
        if self._draw_pdf is None:
            raise ResourceError(
                tr("PDF cannot be drawn here."), tr("The part of Latchkey that draws is missing."), tr("Export HTML.")
            )
        if not streams:
            self._draw_pdf(run.heads, run.conversations(), self._source(run), file)
            return file.seek(0, 2)
        with temporary_folder() as folder, (folder / "chats.pdf").open("w+b") as whole:
            self._draw_pdf(run.heads, run.conversations(), self._source(run), whole)
            size = whole.seek(0, 2)
            whole.seek(0)
            shutil.copyfileobj(whole, file)
        return size

    def _source(self, run: "_ExportRun") -> ExportSource:
        return ExportSource(
            run.attachment,
            self._generator,
            self._clock(),
            read_colors(self._paths.resources / "style"),
            tuple(run.models()),
        )


class _ExportRun:
    """One export: what it reads, and what it counts."""

    def __init__(
        self,
        attachments: AttachmentStore,
        terms: ReferenceLookup,
        snapshot: ConversationSnapshot,
        ids: Sequence[str] | None,
        progress: ExportProgress,
    ) -> None:
        self._attachments, self._terms, self._snapshot, self._progress = attachments, terms, snapshot, progress
        wanted = snapshot.ids() if ids is None else list(dict.fromkeys(ids))
        self.heads = snapshot.heads(wanted)
        self.folders = snapshot.folders(None if ids is None else wanted)
        self.messages = 0
        self.images: set[str] = set()
        self.missing: set[str] = set()

    def check_stopped(self) -> None:
        if self._progress.stopped():
            raise StoppedError

    def conversations(self) -> Iterator[WholeConversation]:
        for done, head in enumerate(self.heads):
            self.check_stopped()
            self._progress.told(done, len(self.heads))
            whole = self._snapshot.conversation(head.id)
            self.messages += len(whole.messages)
            self.images.update(_images(whole.messages))
            yield WholeConversation(whole.conversation, tuple(map(self._with_terms, whole.messages)))
        self._progress.told(len(self.heads), len(self.heads))

    def _with_terms(self, message: Message) -> Message:
        if message.model is None:
            return message
        return msgspec.structs.replace(message, model=self._terms(message.model))

    def models(self) -> list[ModelReference]:
        """The models that wrote something in the chats, with their terms."""
        found = self._snapshot.models([head.id for head in self.heads])
        return list(dict.fromkeys(map(self._terms, found)))

    def attachment(self, sha256: str) -> bytes | None:
        try:
            return self._attachments.read(sha256)
        except (NotFoundError, IntegrityError, ResourceError):
            self.missing.add(sha256)
            return None


def _images(messages: Iterable[Message]) -> Iterator[str]:
    for message in messages:
        for part in message.parts:
            if isinstance(part, ImagePart):
                yield part.sha256
            elif isinstance(part, ToolResultPart):
                yield from (each.sha256 for each in part.content if isinstance(each, ImagePart))
