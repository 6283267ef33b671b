"""Reads the files of collections into their index: one after another, in the order that makes much findable soon.

What is done survives the process: each file counts when it is whole, and whoever comes next goes on with the others.
One process at a time does it, which a lock says; others leave it to that one.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.document_content import DocumentContent
from desktop.documents.document_reading import DocumentReading
from desktop.documents.folder_walk import FolderWalk, walk_folder
from desktop.documents.passage_splitter import split_document
from desktop.errors import IntegrityError, PasswordNeededError, ResourceError, StoppedError, UserError
from desktop.file_stamp import FileStamp, stamp_at
from desktop.storage.collection_contents import CollectionContents
from desktop.storage.collection_files import CollectionFiles, FileRecord
from desktop.storage.collection_store import CollectionSource, CollectionStore
from desktop.translation import tr, trn

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class IndexingStep:
    """What is being done: `collection` is its number, `file` is being read (None: folders are looked through), of whose
    `pages` so many are read; 0 of them are known where `pages` is 0."""

    collection: int
    file: Path | None = None
    done: int = 0
    pages: int = 0


class CollectionIndexer:
    """Looks through folders and reads files. One thread of one process may use it at a time.

    `own_folders` are Latchkey's, which are never read. `yield_time` is called between passages, for a thread that lets
    others go first. `tell` gets each step.
    """

    def __init__(
        self,
        store: CollectionStore,
        files: CollectionFiles,
        contents: CollectionContents,
        reader: DocumentReading,
        *,
        own_folders: Sequence[Path],
        tell: Callable[[IndexingStep], None] = lambda step: None,
        yield_time: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._files, self._contents, self._reader = store, files, contents, reader
        self._own_folders = tuple(own_folders)
        self._tell, self._yield_time, self._now = tell, yield_time, now
        self._passwords: dict[int, str] = {}
        self._lock = threading.Lock()

    def give_password(self, file: int, password: str) -> None:
        """The password of a file, for as long as this process runs; it is kept nowhere else."""
        with self._lock:
            self._passwords[file] = password

    def run(self, is_cancelled: Callable[[], bool], collections: Sequence[int] | None = None) -> None:
        """Do all there is to do for these collections, or for all that are neither paused nor removed.

        Raises StoppedError where `is_cancelled` says so, and what `Database` raises: what is done by then is kept.
        """
        self._look_through(is_cancelled, collections)
        while (file := self._files.next_to_read(collections)) is not None:
            self._read(file, is_cancelled)
        for _ in self._contents.purge():
            self._yield_time()
            _stop_if(is_cancelled)

    # --- folders -------------------------------------------------------------------------------------------------

    def _look_through(self, is_cancelled: Callable[[], bool], collections: Sequence[int] | None) -> None:
        due = [each for each in self._store.sources() if each.looked_at is None]
        for number in dict.fromkeys(each.collection for each in due):
            if collections is None or number in collections:
                self._tell(IndexingStep(number))
                self._look_at_collection(number, is_cancelled)

    def _look_at_collection(self, collection: int, is_cancelled: Callable[[], bool]) -> None:
        """Compare what is in the folders with what is known: new, changed and vanished files."""
        seen: dict[Path, FileStamp] = {}
        unreachable: list[Path] = []
        for source in self._store.sources(collection):
            found, problem = self._look_at_source(source, is_cancelled)
            if found is None:
                unreachable.append(source.path)
            else:
                seen.update(found.files)
            self._store.mark_looked(source.number, self._now(), found.skipped if found else 0, problem)
        self._files.note_seen(collection, seen.items())
        missing = [
            each.number
            for each in self._files.files(collection)
            if each.path not in seen
            and each.state != "missing"
            and not any(each.path.is_relative_to(root) for root in unreachable)
        ]
        self._files.note_missing(missing, self._now())

    def _look_at_source(
        self, source: CollectionSource, is_cancelled: Callable[[], bool]
    ) -> tuple[FolderWalk | None, str]:
        """What a folder or file of a person's holds now, None where it cannot be reached; and what is wrong with it."""
        if not source.folder:
            stamp = stamp_at(source.path)
            if stamp is None:
                return FolderWalk(), tr("{file} is no longer there.").format(file=source.path)
            return FolderWalk(files=[(source.path, stamp)]), ""
        try:
            found = walk_folder(source.path, self._own_folders, is_cancelled)
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

    def _read(self, file: FileRecord, is_cancelled: Callable[[], bool]) -> None:
        """Read one file, whatever comes of it: it is no longer among those to read then."""
        self._tell(IndexingStep(file.collection, file.path))
        stamp = stamp_at(file.path)
        if stamp is None:
            self._files.note_missing([file.number], self._now())
            return
        try:
            content = self._content_of(file, is_cancelled)
        except PasswordNeededError as error:
            self._files.note_unread(file.number, "encrypted", error)
        except UserError as error:
            _log.info("%s was not read: %s %s", file.path, error, error.technical)
            self._files.note_unread(file.number, "unreadable", error)
        else:
            self._keep(file, content, stamp, is_cancelled)

    def _content_of(self, file: FileRecord, is_cancelled: Callable[[], bool]) -> DocumentContent:
        with self._lock:
            password = self._passwords.get(file.number, "")
        return self._reader.read(
            file.path,
            password=password,
            is_cancelled=is_cancelled,
            on_progress=lambda done, pages: self._tell(IndexingStep(file.collection, file.path, done, pages)),
        )

    def _keep(
        self, file: FileRecord, content: DocumentContent, stamp: FileStamp, is_cancelled: Callable[[], bool]
    ) -> None:
        number = self._contents.find(file.collection, content.sha256)
        if number is None:

            def go_on(_done: int) -> None:
                self._yield_time()
                _stop_if(is_cancelled)

            number = self._contents.add(file.collection, content, split_document(content), go_on=go_on)
        self._files.note_read(file.number, number, stamp, self._now())


def lower_priority() -> None:
    """Have the system prefer other threads to the calling one, where it can."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    except (AttributeError, OSError):
        return


def indexing_failed(error: UserError) -> bool:
    """Whether going on is of no use now: the database cannot be written."""
    return isinstance(error, IntegrityError | ResourceError)


def _stop_if(is_cancelled: Callable[[], bool]) -> None:
    if is_cancelled():
        raise StoppedError
