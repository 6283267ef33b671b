"""Takes in the conversations of an export: each whole or not at all, nothing twice, and names what is left out."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.import_bounds import fitted, without_servers
from desktop.chat.importers.imported_conversation import (
    ConversationReader,
    ImportedAttachment,
    ImportedConversation,
    SkippedItem,
    derived_id,
)
from desktop.conversation import Conversation, Folder
from desktop.errors import IntegrityError, StoppedError, UserError
from desktop.safe_text import one_line
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.database import Database
from desktop.storage.folder_store import BlankNameError
from desktop.storage.import_store import ImportStore, ReadConversation, StoredImport
from desktop.translation import tr, trn

MOST_SKIPPED = 1_000
"""What was not taken is named so far; the rest is counted."""
_LONGEST_SHOWN = 200
_MOST_TOGETHER, _MOST_CHARACTERS, _LONGEST_WAIT_S = 100, 400_000, 1.0
"""So much is stored in one transaction: others wait for it no longer than can hardly be felt."""
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz")
_T = TypeVar("_T")


@dataclass(frozen=True)
class ImportProgress:
    """How far an import is: conversations that were read, and bytes of those there are (0: not known)."""

    conversations: int
    bytes_read: int
    bytes_total: int


@dataclass(frozen=True)
class ChatImportResult:
    """What came of an import. `conversations` are new, `archived` of them in the archive; `known` were here already.
    `messages` are new in both, `added` of them in those that were here. `ids` are those of the new conversations, `app`
    is the program they come from.

    `error` says why it ended before its end, if it did: what had come by then is here. One that was `stopped` did so at
    a person's wish.
    """

    conversations: int = 0
    messages: int = 0
    skipped: tuple[SkippedItem, ...] = ()
    archived: int = 0
    known: int = 0
    added: int = 0
    ids: tuple[str, ...] = ()
    app: str = ""
    error: UserError | None = None
    stopped: bool = False


class DatabaseCall(Protocol):
    """Runs work on the database where that is done, and gives its result."""

    def __call__(self, work: Callable[[], _T]) -> _T: ...


def call_here(work: Callable[[], _T]) -> _T:
    """The work's result, in this thread."""
    return work()


class ConversationImporter:
    """Imports by `readers`, of which the first that recognizes an export reads it, into `database` and `attachments`.
    `on_database` runs what is done with these; `clock` gives seconds since 1970."""

    def __init__(
        self,
        database: Database,
        attachments: AttachmentStore,
        readers: Sequence[ConversationReader],
        clock: Callable[[], float] = time.time,
        on_database: DatabaseCall = call_here,
    ) -> None:
        self._store = ImportStore(database, attachments)
        self._attachments = attachments
        self._readers = readers
        self._clock = clock
        self._on_database = on_database

    def run(
        self,
        path: Path,
        progress: Callable[[ImportProgress], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> ChatImportResult:
        """Import the file, archive or folder at `path`. `progress` is told after each conversation, and `stopped`
        asked before the next; both in this thread. Raises nothing that a person can act on: the result says it."""
        run = _ImportRun(self._store, self._attachments.staging(uuid.uuid4().hex), self._clock(), self._on_database)
        try:
            try:
                run.read(path, self._readers, progress, stopped)
            finally:
                run.staged.remove()
                if run.result.messages or run.result.conversations:
                    self._on_database(self._store.finish)
        except RecursionError:
            run.result = replace(run.result, error=_too_deep(path))
        except UserError as error:
            run.result = replace(run.result, error=error)
        except StoppedError:
            run.result = replace(run.result, stopped=True)
        return run.result


class _ImportRun:
    """One import under way."""

    def __init__(self, store: ImportStore, staged: AttachmentStore, now: float, on_database: DatabaseCall) -> None:
        self.result = ChatImportResult()
        self.staged = staged
        self._store = store
        self._now = now
        self._on_database = on_database
        self._ids: list[str] = []
        self._skipped: list[SkippedItem] = []
        self._unnamed = 0
        self._folders: dict[str, str] = {}
        self._folder_ids: dict[str, str] | None = None
        self._bytes = 0
        self._damage: SkippedItem | None = None
        self._read = self._characters = 0
        self._pending: list[tuple[ReadConversation, list[str]]] = []
        self._stored_at = time.monotonic()

    def read(
        self,
        path: Path,
        readers: Sequence[ConversationReader],
        progress: Callable[[ImportProgress], None],
        stopped: Callable[[], bool],
    ) -> None:
        def on_read(count: int) -> None:
            self._bytes += count
            if stopped():
                raise StoppedError

        try:
            with ExportFiles(path, on_read) as files:
                reader = _reader_of(files, readers)
                self.result = replace(self.result, app=reader.app)
                total = files.total_bytes * getattr(reader, "passes", 1)
                for item in reader.read(files):
                    if stopped():
                        raise StoppedError
                    self._take(item, reader.app)
                    progress(ImportProgress(self._read, self._bytes, total))
                for each in files.unread:
                    self._skip(each.name, each.why)
                for name in files.names():
                    if name.lower().endswith(_ARCHIVES) and name != path.name:
                        self._skip(name, tr("It is an archive itself: unpack it, and import what is in it."))
                files.check_unchanged()
                if self._damage is not None:
                    raise _damaged(self._damage)
        finally:
            try:
                self._store_pending()
            finally:
                self._conclude()

    def _conclude(self) -> None:
        if self._unnamed:
            more = trn("{count} more was not taken.", "{count} more were not taken.", self._unnamed)
            self._skipped.append(SkippedItem("…", more.format(count=self._unnamed)))
        self.result = replace(self.result, skipped=tuple(self._skipped), ids=tuple(self._ids))

    def _take(self, item: object, app: str) -> None:
        match item:
            case ImportedConversation():
                self._take_conversation(item, app)
            case ImportedAttachment():
                self.staged.add(item.data)
            case Folder():
                self._take_folder(item)
            case SkippedItem():
                self._skip(item.what, item.why)
                self._damage = item if item.is_damage else self._damage

    def _take_folder(self, folder: Folder) -> None:
        """One of this id or name that was here before is the one meant."""
        if self._folder_ids is None:
            self._folder_ids = self._on_database(self._store.folder_ids)
        there = self._folder_ids.get(folder.name)
        if folder.id in self._folder_ids.values() or there is None:
            folder = msgspec.structs.replace(folder, options=without_servers(folder.options))
            try:
                self._on_database(lambda: self._store.add_folder(folder))
            except BlankNameError as error:
                self._skip(folder.id, error.title)
        else:
            self._folders[folder.id] = there

    def _take_conversation(self, item: ImportedConversation, app: str) -> None:
        fitting, notes = fitted(item, app, self._now)
        head = fitting.conversation
        shown = head.title or head.id
        if not fitting.messages and not item.own:
            self._skip(shown, tr("It holds no messages."))
            return
        head = msgspec.structs.replace(head, folder_id=self._folders.get(head.folder_id or "", head.folder_id))
        data = {each.sha256: each.data for each in fitting.attachments}
        read = ReadConversation(head, fitting.messages, data, lambda message_id: derived_id("", head.id, message_id))
        self._pending.append((read, notes))
        self._read += 1
        self._characters += sum(len(message.text) for message in read.messages) + sum(map(len, data.values()))
        late = time.monotonic() > self._stored_at + _LONGEST_WAIT_S
        if late or self._characters > _MOST_CHARACTERS or len(self._pending) >= _MOST_TOGETHER:
            self._store_pending()

    def _store_pending(self) -> None:
        """Store what was read, several conversations in one transaction: the index of words takes less time so."""
        pending, self._pending, self._characters = self._pending, [], 0
        self._stored_at = time.monotonic()
        if not pending:
            return
        given = [read for read, _ in pending]
        stored = self._on_database(lambda: self._store.store(given, self.staged))
        for (read, notes), found in zip(pending, stored, strict=True):
            self._count(found, read.head)
            for why in (*notes, *_notes(found)):
                self._skip(read.head.title or read.head.id, why)

    def _count(self, found: StoredImport, head: Conversation) -> None:
        if found.outcome == "new":
            self._ids.append(head.id)
        self.result = replace(
            self.result,
            conversations=len(self._ids),
            archived=self.result.archived + (found.outcome == "new" and head.archived_at is not None),
            messages=self.result.messages + found.messages,
            known=self.result.known + (found.outcome in ("grown", "known")),
            added=self.result.added + (found.messages if found.outcome == "grown" else 0),
        )

    def _skip(self, what: str, why: str) -> None:
        if len(self._skipped) < MOST_SKIPPED:
            self._skipped.append(SkippedItem(one_line(what)[:_LONGEST_SHOWN], why))
        else:
            self._unnamed += 1


def _notes(found: StoredImport) -> list[str]:
    notes = []
    if found.outcome == "deleted":
        notes.append(tr("It lies in the bin; bring it back from there."))
    if found.left:
        why = trn(
            "{count} message goes on from one that was deleted here.",
            "{count} messages go on from one that was deleted here.",
            found.left,
        )
        notes.append(why.format(count=found.left))
    if found.missing:
        why = trn("{count} image is not in the file.", "{count} images are not in the file.", len(found.missing))
        notes.append(why.format(count=len(found.missing)))
    return notes


def _too_deep(path: Path) -> IntegrityError:
    return IntegrityError(
        tr("{file} is damaged: {reason}.").format(file=one_line(path.name), reason=tr("it is nested too deeply"))
    )


def _damaged(item: SkippedItem) -> IntegrityError:
    return IntegrityError(
        tr("{file} is damaged: {reason}.").format(file=item.what, reason=tr("not all of it can be read")),
        item.why,
        tr("Export or download it again."),
    )


def _reader_of(files: ExportFiles, readers: Sequence[ConversationReader]) -> ConversationReader:
    """The first that recognizes the export. IntegrityError where none does."""
    for reader in readers:
        if reader.recognizes(files):
            return reader
    apps = ", ".join(dict.fromkeys(reader.app for reader in readers))
    raise IntegrityError(
        tr("{file} holds no chats that Latchkey knows how to read.").format(file=one_line(files.path.name)),
        tr("It reads what these programs export: {apps}.").format(apps=apps),
        tr("Choose the file as the program gave it, not unpacked or changed."),
    )
