"""Collections of documents for the window and the command: made, filled, indexed in the background, searched, removed.

Every method may be called from any thread, blocks while it reads or writes the database, and raises what `Database`
raises beside what it says itself.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from desktop.document_content import DocumentContent
from desktop.documents.background_indexing import BackgroundIndexing
from desktop.documents.collection_indexer import CollectionIndexer
from desktop.documents.collection_progress import CollectionProgress
from desktop.documents.collection_watcher import CollectionWatcher
from desktop.documents.document_collection import AddedPaths, CollectionFile, CollectionState
from desktop.documents.document_reading import DocumentReading
from desktop.documents.folder_walk import lies_within
from desktop.documents.passage_search import FoundPassage, PassageSearch, PassageVectors
from desktop.documents.text_analysis import VERSION, index_terms
from desktop.errors import NotFoundError, ResourceError, UserError
from desktop.paths import Paths, absolute
from desktop.storage.collection_contents import CollectionContents
from desktop.storage.collection_files import CollectionCount, CollectionFiles, FileRecord
from desktop.storage.collection_search import PassageIndex
from desktop.storage.collection_store import CollectionRecord, CollectionStore
from desktop.storage.database import DOCUMENTS_SCHEMA, Database
from desktop.translation import tr


class CollectionService:
    """The collections of this person. Building it touches nothing; `start` begins to index in the background.

    `database` is the one for `paths.documents_file`: where other parts of this process use that file too, all share
    one, as two for one file would undo each other's locks. `on_change` is called, on any thread, when what
    `collections` or `files` say is another thing. `vectors` makes what finds passages by their meaning.
    """

    def __init__(
        self,
        paths: Paths,
        reader: DocumentReading,
        *,
        database: Database | None = None,
        on_change: Callable[[], None] = lambda: None,
        vectors: Callable[[Database, CollectionContents], PassageVectors] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._on_change, self._now = on_change, now
        self._database = database or Database(paths.documents_file, DOCUMENTS_SCHEMA)
        self.store = CollectionStore(self._database)
        self._files = CollectionFiles(self._database)
        self.contents = CollectionContents(self._database, index_terms, VERSION)
        self._vectors = vectors(self._database, self.contents) if vectors is not None else None
        self._search = PassageSearch(PassageIndex(self._database), self.contents, self._vectors)
        self._progress = CollectionProgress()
        self._own_folders = (paths.config, paths.data, paths.models, paths.cache, paths.logs)
        self._indexing = BackgroundIndexing(
            paths.documents_file,
            CollectionIndexer(self.store, self._files, self.contents, reader, own_folders=self._own_folders, now=now),
            CollectionWatcher(self.store),
            self._progress,
            on_change,
            self._catch_up,
        )

    # --- what there is -------------------------------------------------------------------------------------------

    def collections(self) -> tuple[CollectionState, ...]:
        """All collections, by name."""
        return self._states(self.store.collections())

    def removed(self) -> tuple[CollectionState, ...]:
        """Those in the bin, the last removed first."""
        return self._states(self.store.removed())

    def collection(self, name: str) -> CollectionState:
        """One collection, also by a name it once had. NotFoundError."""
        return self._states((self.store.find(name),))[0]

    def files(self, name: str) -> tuple[CollectionFile, ...]:
        """The files of a collection, by path. NotFoundError."""
        return tuple(map(_shown, self._files.files(self.store.find(name).number)))

    def content(self, name: str, file_id: int) -> DocumentContent:
        """What was read of a file. NotFoundError where nothing was."""
        file = self._files.file(self.store.find(name).number, file_id)
        if file.content is None:
            raise NotFoundError(tr("Nothing was read of {file}.").format(file=file.path), "", "")
        return self.contents.content(file.content)

    def search(self, names: Sequence[str], text: str, limit: int = 10) -> tuple[FoundPassage, ...]:
        """The best passages for `text` in these collections, the best first. NotFoundError where one is not there."""
        found = [self.store.find(name) for name in names]
        return self._search.search({each.number: each.name for each in found}, text, limit)

    def nearest_sentence(self, question: str, text: str) -> tuple[tuple[int, int], ...]:
        """The sentence to mark in a passage's `text` that was found by its meaning, as a range of its characters; ()
        where that cannot be told. It may take a second."""
        return self._search.nearest_sentence(question, text)

    # --- changed -------------------------------------------------------------------------------------------------

    def create(self, name: str) -> CollectionState:
        """A new, empty collection. CollectionNameError where the name is blank, too long or taken."""
        record = self.store.create(name, self._now())
        self._on_change()
        return self._states((record,))[0]

    def rename(self, old: str, new: str) -> None:
        """Give a collection another name; chats find it by the old one too. NotFoundError, CollectionNameError."""
        self.store.rename(old, new)
        self._on_change()

    def remove(self, name: str) -> None:
        """Put a collection into the bin: its index stays for thirty days. NotFoundError."""
        self.store.remove(name, self._now())
        self._changed()

    def restore(self, name: str) -> None:
        """Bring the collection of this name back that was removed last. NotFoundError, CollectionNameError."""
        self.store.restore(name)
        self._changed()

    def erase(self, name: str) -> None:
        """Erase the collection of this name that was removed last: nothing of it is kept. NotFoundError."""
        self.store.erase(self.store.find_removed(name).number)
        self._changed()

    def add(self, name: str, paths: Sequence[Path]) -> AddedPaths:
        """Put folders and files into a collection; they are read in the background. What is there already is looked
        through again. NotFoundError where there is no such collection."""
        number = self.store.find(name).number
        taken: list[tuple[Path, bool]] = []
        refused: list[tuple[Path, UserError]] = []
        for path in paths:
            try:
                taken.append(self._checked(path))
            except UserError as error:
                refused.append((path, error))
        if taken:
            self.store.add_sources(number, taken)
            self._changed()
        return AddedPaths(tuple(path for path, _ in taken), tuple(refused))

    def take_out(self, name: str, path: Path) -> None:
        """Take out a folder or file that was added, with what lies in it; adding it again undoes it. NotFoundError."""
        number = self.store.find(name).number
        sources = self.store.sources(number)
        taken = [each for each in sources if each.path == path]
        if not taken:
            raise NotFoundError(tr("{file} was not added to this collection.").format(file=path), "", "")
        self.store.remove_source(taken[0].number)
        self._files.forget_within(number, [path], [each.path for each in sources if each.path != path])
        self._changed()

    def cancel(self, name: str) -> None:
        """Leave out what was never read and waits for its turn; it can be taken back. NotFoundError."""
        self._files.leave_unread_out(self.store.find(name).number, self._now())
        self._changed()

    def leave_out(self, name: str, file_id: int) -> None:
        """Leave a file out: it is not found any more, and not read again. NotFoundError."""
        self._set_left_out(name, file_id, self._now())

    def take_back(self, name: str, file_id: int) -> None:
        """Take back a file that was left out. NotFoundError."""
        self._set_left_out(name, file_id, None)

    def enter_password(self, name: str, file_id: int, password: str) -> None:
        """Have an encrypted file read with this password, which is kept nowhere. NotFoundError."""
        file = self._files.file(self.store.find(name).number, file_id)
        self._indexing.indexer.give_password(file, password)
        self._changed()

    def pause(self, name: str) -> None:
        """Read nothing of a collection until it is resumed, also after a restart. NotFoundError."""
        self.store.set_paused(name, True)
        self._changed()

    def resume(self, name: str) -> None:
        """Go on with a paused collection. NotFoundError."""
        self.store.set_paused(name, False)
        self._changed()

    def set_watched(self, name: str, watched: bool) -> None:
        """Whether changes in the folders of a collection are noticed by themselves. NotFoundError."""
        self.store.set_watched(name, watched)
        if watched:
            self.store.look_again([self.store.find(name).number])
        self._changed()

    def refresh(self, name: str) -> None:
        """Look through the folders of a collection again, and try again what could not be read. NotFoundError."""
        number = self.store.find(name).number
        self._files.retry_unreadable(number)
        self.store.look_again([number])
        self._changed()

    # --- indexing ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Index in the background from now on, until `close`."""
        self._indexing.start()

    def index(
        self,
        name: str,
        is_cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Have all that is to be read of a collection read before this returns; `on_progress` is called on the way, in
        the same thread. NotFoundError; StoppedError where `is_cancelled` says so."""
        number = self.store.find(name).number

        def is_due() -> bool:
            count = self._files.counts().get(number, CollectionCount())
            unlooked = any(each.looked_at is None for each in self.store.sources(number))
            return bool(count.waiting) or unlooked or self._indexing.indexer.has_new_password(number)

        self._indexing.index(number, is_cancelled, is_due, on_progress)
        self._on_change()

    def index_meaning(
        self,
        name: str,
        is_cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[float], None] = lambda fraction: None,
    ) -> UserError | None:
        """Have all passages of a collection be found by their meaning before this returns, in the calling thread;
        `on_progress` gets which part is. Why they are not, None where they are. Raises as `index`."""
        number, vectors = self.store.find(name).number, self._vectors
        if vectors is None:
            return None
        vectors.catch_up([number], is_cancelled, lambda _: on_progress(vectors.coverage(number)))
        self._on_change()
        return vectors.problem()

    def models_changed(self) -> None:
        """Other models may search in documents now, or may not any more: look again."""
        self._changed()

    @property
    def meaning_problem(self) -> UserError | None:
        """Why passages are not found by their meaning now; None where they are, or nobody asked for it."""
        return self._vectors.problem() if self._vectors is not None else None

    def finish_erasing(self) -> None:
        """Take what was erased out of the file before this returns, where no other process is about to."""
        self._indexing.purge()

    def close(self) -> None:
        """Stop indexing, soon, and close the file. What was not read is read the next time."""
        self._indexing.close()
        self._database.close()

    @property
    def problem(self) -> UserError | None:
        """Why nothing can be indexed now, None where it can."""
        return self._indexing.problem

    def _catch_up(self, is_cancelled: Callable[[], bool]) -> None:
        if self._vectors is not None:
            wanted = [each.number for each in self.store.collections() if not each.paused]
            self._vectors.catch_up(wanted, is_cancelled, lambda _: self._on_change())

    def _changed(self) -> None:
        self._indexing.wake()
        self._on_change()

    # --- below ---------------------------------------------------------------------------------------------------

    def _set_left_out(self, name: str, file_id: int, at: float | None) -> None:
        file = self._files.file(self.store.find(name).number, file_id)
        self._files.leave_out(file.number, at)
        self._changed()

    def _checked(self, path: Path) -> tuple[Path, bool]:
        """The path from the root on, and whether it is a folder. Raises UserError where it cannot be taken."""
        place = Path(os.path.normpath(absolute(path)))
        if lies_within(place, self._own_folders):
            raise ResourceError(
                tr("{file} lies among Latchkey's own files.").format(file=path), "", tr("Choose files of your own.")
            )
        if place.is_dir():
            return place, True
        if place.is_file():
            return place, False
        raise NotFoundError(
            tr("There is no file or folder {file}.").format(file=path), "", tr("Check the name and where it lies.")
        )

    def _states(self, records: Sequence[CollectionRecord]) -> tuple[CollectionState, ...]:
        counts = self._files.counts()
        return tuple(self._state(each, counts.get(each.number, CollectionCount())) for each in records)

    def _state(self, record: CollectionRecord, count: CollectionCount) -> CollectionState:
        sources = self.store.sources(record.number)
        unlooked = any(each.looked_at is None for each in sources)
        work = self._progress.work(record, count, unlooked)
        return CollectionState(
            record.name,
            count.files,
            count.pages,
            count.passages,
            "lexical-and-meaning" if self._search.by_meaning(record.number) else "lexical",
            work.state,
            work.fraction,
            work.seconds_left,
            count.unread,
            sum(each.skipped for each in sources),
            record.watched,
            tuple(each.path for each in sources),
            tuple(each.problem for each in sources if each.problem),
            record.created_at,
            record.removed_at,
        )


def _shown(file: FileRecord) -> CollectionFile:
    return CollectionFile(
        file.number,
        file.path,
        file.path.name,
        file.size,
        file.pages,
        file.read_at,
        "left-out" if file.left_out_at is not None else file.state,
        file.error,
    )
