"""Reads the files of collections into their index: one after another, in the order that makes much findable soon.

What is done survives the process: each file counts when it is whole, and whoever comes next goes on with the others.
One process at a time does it, which a lock says; others leave it to that one.
"""

import dataclasses
import hashlib
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from desktop.atomic_file import open_regular
from desktop.conversation import DELETED_KEPT_DAYS
from desktop.document_content import DocumentContent
from desktop.documents.document_reading import DocumentReading, ReaderNotStartedError
from desktop.documents.folder_walk import FolderWalk, lies_within, walk_folder
from desktop.documents.passage_splitter import split_document
from desktop.errors import NotFoundError, PasswordNeededError, StoppedError, UserError
from desktop.file_stamp import FileStamp, stamp_at
from desktop.safe_text import repair_surrogates
from desktop.storage.collection_contents import CollectionContents
from desktop.storage.collection_files import CollectionFiles, FileRecord
from desktop.storage.collection_store import CollectionSource, CollectionStore
from desktop.translation import tr, trn

_DAY_S = 86400.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class IndexingStep:
    """What is being done: `collection` is its number, `file` is being read (None: folders are looked through), of whose
    `pages` so many are read; 0 of them are known where `pages` is 0."""

    collection: int
    file: Path | None = None
    done: int = 0
    pages: int = 0


@dataclass(frozen=True)
class IndexingCalls:
    """Whom an indexer calls on its way: `step` gets what it does, `looked` the number of a collection and the seconds
    that its folders took to look through; `yield_time` is called every few milliseconds of work. Once `is_cancelled`
    says so it ends with StoppedError."""

    is_cancelled: Callable[[], bool] = lambda: False
    step: Callable[[IndexingStep], None] = lambda step: None
    looked: Callable[[int, float], None] = lambda collection, seconds: None
    yield_time: Callable[[], None] = lambda: None

    def go_on(self) -> None:
        """Let others go first, or end."""
        self.yield_time()
        if self.is_cancelled():
            raise StoppedError


class _NotReadError(Exception):
    """A file could not be read: how it stands then, and why."""

    def __init__(self, state: Literal["encrypted", "unreadable"], error: UserError) -> None:
        super().__init__(state, error)
        self.state, self.error = state, error


class CollectionIndexer:
    """Looks through folders and reads files. One thread of one process may use it at a time.

    `own_folders` are Latchkey's, which are never read.
    """

    def __init__(
        self,
        store: CollectionStore,
        files: CollectionFiles,
        contents: CollectionContents,
        reader: DocumentReading,
        *,
        own_folders: Sequence[Path],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._files, self._contents, self._reader = store, files, contents, reader
        self._own_folders = tuple(own_folders)
        self._now = now
        self._reconsider = threading.Event()
        self._passwords: dict[int, str] = {}
        self._unlocked: dict[int, int] = {}
        self._lock = threading.Lock()

    def give_password(self, file: FileRecord, password: str) -> None:
        """The password of a file, for as long as this process runs; it is kept nowhere else. The file is read again by
        the next `run` here: another process could not open it."""
        with self._lock:
            self._passwords[file.number] = password
            self._unlocked[file.number] = file.collection

    def has_new_password(self, collection: int) -> bool:
        """Whether a password was given for a file of this collection and not tried yet."""
        with self._lock:
            return collection in self._unlocked.values()

    def reconsider(self) -> None:
        """Something was changed: the file that is being read is given up where it is no longer wanted."""
        self._reconsider.set()

    def run(self, calls: IndexingCalls, collections: Sequence[int] | None = None) -> None:
        """Do all there is to do for these collections, or for all that are neither paused nor removed.

        Raises StoppedError, ReaderNotStartedError, and what `Database` raises: what is done by then is kept.
        """
        self._forget_old()
        for _ in self._contents.rebuild():
            calls.go_on()
        self._look_through(calls, collections)
        self._read_unlocked_again(collections)
        while files := self._files.next_to_read(collections):
            for file in files:
                calls.go_on()
                if self._files.is_wanted(file.number):  # it may have been left out meanwhile
                    self._read(file, calls)
        self.purge(calls)

    def purge(self, calls: IndexingCalls) -> None:
        """Take out what belongs to no file any more. Raises as `run`."""
        for _ in self._contents.purge():
            calls.go_on()

    def _forget_old(self) -> None:
        """Erase what has been in the bin, left out or missing for thirty days."""
        before = self._now() - DELETED_KEPT_DAYS * _DAY_S
        for record in self._store.removed():
            if record.removed_at is not None and record.removed_at < before:
                self._store.erase(record.number)
        self._files.forget_before(before)

    def _read_unlocked_again(self, collections: Sequence[int] | None) -> None:
        with self._lock:
            tried = [file for file, of in self._unlocked.items() if collections is None or of in collections]
            for file in tried:
                del self._unlocked[file]
        for file in tried:
            self._files.read_again(file)

    # --- folders -------------------------------------------------------------------------------------------------

    def _look_through(self, calls: IndexingCalls, collections: Sequence[int] | None) -> None:
        due = dict.fromkeys(each.collection for each in self._store.sources() if each.looked_at is None)
        for number in due:
            if collections is None or number in collections:
                calls.step(IndexingStep(number))
                begun = time.monotonic()
                self._look_at_collection(number, calls)
                calls.looked(number, time.monotonic() - begun)

    def _look_at_collection(self, collection: int, calls: IndexingCalls) -> None:
        """Compare what is in the folders with what is known: new, changed and vanished files."""
        seen: dict[Path, FileStamp] = {}
        unreachable: list[Path] = []
        looked: list[tuple[int, int, str]] = []
        sources = self._store.sources(collection)
        for source in sources:
            found, problem = self._look_at_source(source, calls)
            if found is None:
                unreachable.append(source.path)
            else:
                seen.update(found.files)
            looked.append((source.number, found.skipped if found else source.skipped, problem))
        self._files.note_seen(collection, seen.items())
        kept = [each.path for each in self._store.sources(collection)]
        if taken_out := [each.path for each in sources if each.path not in kept]:  # while they were looked through
            self._files.forget_within(collection, taken_out, kept)
        missing = [
            each.number
            for each in self._files.files(collection)
            if each.path not in seen
            and each.state != "missing"
            and not any(each.path.is_relative_to(root) for root in unreachable)
        ]
        self._files.note_missing(missing, self._now())
        for number, skipped, problem in looked:
            self._store.mark_looked(number, self._now(), skipped, problem)

    def _look_at_source(self, source: CollectionSource, calls: IndexingCalls) -> tuple[FolderWalk | None, str]:
        """What a folder or file of a person's holds now, None where it cannot be reached; and what is wrong with it."""
        if lies_within(source.path, self._own_folders):
            return FolderWalk(), tr("{file} lies among Latchkey's own files.").format(file=source.path)
        if not source.folder:
            stamp = stamp_at(source.path)
            if stamp is None:
                return FolderWalk(), tr("{file} is no longer there.").format(file=source.path)
            return FolderWalk(files=[(source.path, stamp)]), ""
        try:
            found = walk_folder(source.path, self._own_folders, calls.is_cancelled)
        except OSError as error:
            problem = tr("The folder {folder} cannot be reached: {reason}.")
            return None, problem.format(folder=source.path, reason=error.strerror or error)
        if found.cut:
            return found, tr("{folder} holds more files than a collection takes.").format(folder=source.path)
        if found.closed:
            text = trn(
                "One folder in {folder} cannot be looked into.",
                "{count} folders in {folder} cannot be looked into.",
                found.closed,
            )
            return found, text.format(count=found.closed, folder=source.path)
        return found, ""

    # --- files ---------------------------------------------------------------------------------------------------

    def _read(self, file: FileRecord, calls: IndexingCalls) -> None:
        """Read one file, whatever comes of it: it is no longer among those to read then."""
        calls.step(IndexingStep(file.collection, file.path))
        stamp = stamp_at(file.path)
        if stamp is None:
            self._files.note_missing([file.number], self._now())
            return
        if (known := self._known_content(file, stamp)) is not None:
            self._files.note_read(file.number, known, stamp, self._now())
            return
        wanted = dataclasses.replace(calls, is_cancelled=self._asks_whether_unwanted(file, calls.is_cancelled))
        try:
            content = _storable(self._content_of(file, wanted))
            number = self._contents.find(file.collection, content.sha256)
            if number is None:
                passages = split_document(content)
                number = self._contents.add(file.collection, content, passages, go_on=wanted.go_on)
            self._files.note_read(file.number, number, stamp, self._now())
        except StoppedError:
            if calls.is_cancelled():
                raise
        except NotFoundError:
            self._files.note_missing([file.number], self._now())
        except _NotReadError as failed:
            self._files.note_unread(file.number, failed.state, failed.error)
        except UserError:
            raise
        except Exception as bug:  # noqa: BLE001 - a mistake with one text is not to keep all others from being read
            places = "".join(traceback.format_tb(bug.__traceback__))  # what it says may quote the document
            _log.error("reading %s failed: %s\n%s", file.path, type(bug).__name__, places)
            self._files.note_unread(file.number, "unreadable", _mistake_error(file.path))

    def _asks_whether_unwanted(self, file: FileRecord, is_cancelled: Callable[[], bool]) -> Callable[[], bool]:
        """What says that reading is to stop: everything, or of this file as it was left out or its collection paused
        or removed."""
        unwanted = False

        def ask() -> bool:
            nonlocal unwanted
            if self._reconsider.is_set():
                self._reconsider.clear()
                unwanted = not self._files.is_wanted(file.number)
            return unwanted or is_cancelled()

        return ask

    def _known_content(self, file: FileRecord, stamp: FileStamp) -> int | None:
        """What was read before of a file with the same bytes: it was renamed, copied, or only touched."""
        if not self._contents.has_size(file.collection, stamp.size):
            return None
        try:
            with os.fdopen(open_regular(file.path, follow_link=True), "rb") as opened:
                sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError:
            return None  # whoever reads it says why
        return self._contents.find(file.collection, sha256)

    def _content_of(self, file: FileRecord, calls: IndexingCalls) -> DocumentContent:
        with self._lock:
            password = self._passwords.get(file.number, "")
        try:
            return self._reader.read(
                file.path,
                password=password,
                is_cancelled=calls.is_cancelled,
                on_progress=lambda done, pages: calls.step(IndexingStep(file.collection, file.path, done, pages)),
            )
        except PasswordNeededError as error:
            raise _NotReadError("encrypted", error) from error
        except (NotFoundError, ReaderNotStartedError):
            raise
        except UserError as error:
            _log.info("%s was not read: %s %s", file.path, error, error.technical)
            raise _NotReadError("unreadable", error) from error


def _mistake_error(file: Path) -> UserError:
    return UserError(
        tr("Latchkey made a mistake when it read {file}.").format(file=file.name),
        tr("The log says where it failed."),
        tr("Please report it with the log."),
    )


def _storable(content: DocumentContent) -> DocumentContent:
    """`content` without half characters, which a name may hold, and without NUL, at which SQLite ends a text."""
    pages = tuple(
        msgspec.structs.replace(page, text=_sound(page.text), label=_sound(page.label)) for page in content.pages
    )
    notes = tuple(map(_sound, content.notes))
    return msgspec.structs.replace(content, name=_sound(content.name), pages=pages, notes=notes)


def _sound(text: str) -> str:
    return repair_surrogates(text).replace("\0", " ")
