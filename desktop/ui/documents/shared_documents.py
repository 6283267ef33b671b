"""What reads documents and what keeps collections, shared by all windows.

They are built when they are first needed, off the main thread; their modules are imported then, so that a start does
not wait for them.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.errors import StoppedError, UserError

if TYPE_CHECKING:
    from desktop.document_content import DocumentContent
    from desktop.documents.collection_service import CollectionService
    from desktop.documents.document_reader import DecodedImage, DocumentReader
    from desktop.documents.passage_search import FoundPassage

T = TypeVar("T")
_WHOLE = "landlock+seccomp"
"""What `DocumentReader.confinement` says where nothing is missing."""


class SharedReader:
    """Reads documents as `DocumentReader` does. Not for the main thread."""

    def __init__(self, make: "Callable[[], DocumentReader]") -> None:
        self._make = make
        self._lock = threading.Lock()
        self._built: DocumentReader | None = None
        self._confined: bool | None = None
        self._closed = False

    def read(
        self,
        path: Path,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> "DocumentContent":
        """See `DocumentReader.read`. StoppedError once this is closed."""
        return self.reader().read(path, password=password, is_cancelled=is_cancelled, on_progress=on_progress)

    def read_bytes(
        self,
        data: bytes,
        name: str,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> "DocumentContent":
        """See `DocumentReader.read_bytes`. StoppedError once this is closed."""
        return self.reader().read_bytes(
            data, name, password=password, is_cancelled=is_cancelled, on_progress=on_progress
        )

    def read_image(
        self, data: bytes, *, longest_side: int, name: str = "", is_cancelled: Callable[[], bool] = lambda: False
    ) -> "DecodedImage":
        """See `DocumentReader.read_image`. StoppedError once this is closed."""
        return self.reader().read_image(data, longest_side=longest_side, name=name, is_cancelled=is_cancelled)

    def is_confined(self) -> bool:
        """Whether its processes have neither network nor home folder; asks one of them the first time. Not for the main
        thread."""
        if self._confined is None:
            try:
                self._confined = self.reader().confinement() == _WHOLE
            except UserError:
                return False
        return self._confined

    def reader(self) -> "DocumentReader":
        """The reader, built now where it was not. StoppedError once this is closed."""
        with self._lock:
            if self._closed:
                raise StoppedError
            if self._built is None:
                self._built = self._make()
            return self._built

    def close(self) -> None:
        """End its processes at once; whoever waits for one gets StoppedError."""
        self._closed = True
        with self._lock:
            if self._built is not None:
                self._built.close()


class SharedCollections(QObject):
    """`make` builds the collections (any thread); it is given what they call, on any thread, when something changed.
    `changed` then on the main thread, once for many such calls."""

    changed = Signal()

    def __init__(self, background: Background, make: "Callable[[Callable[[], None]], CollectionService]") -> None:
        super().__init__()
        self._background, self._make = background, make
        self._lock = threading.Lock()
        self._built: CollectionService | None = None
        self._closed = self._told = False

    def run(
        self,
        work: "Callable[[CollectionService], T]",
        success: Callable[[T], None] | None = None,
        failure: Callable[[UserError], None] | None = None,
    ) -> None:
        """Do `work` with them beside everything else; `success` or `failure` then on the main thread."""
        if not self._closed:
            self._background.pool(lambda: work(self.collections()), success, failure)

    def run_if_built(self, work: "Callable[[CollectionService], T]", success: Callable[[T], None]) -> None:
        """The same, where they were built before; nothing otherwise, or where it fails."""
        if self._built is not None:
            self.run(work, success, lambda _: None)

    def tell_models_changed(self) -> None:
        """Other models may search in documents now. Nothing is built for it."""
        self.run_if_built(lambda service: service.models_changed(), lambda _: None)

    def start(self) -> None:
        """Build them, and have them go on with what was not read."""
        self.run(lambda _: None)

    def collections(self) -> "CollectionService":
        """The collections, built now where they were not. Not for the main thread. StoppedError once this is closed."""
        with self._lock:
            if self._closed:
                raise StoppedError
            if self._built is None:
                self._built = self._make(self._tell)
                self._built.start()
                self._tell()
            return self._built

    def search(self, names: Sequence[str], text: str, limit: int) -> "Sequence[FoundPassage]":
        """See `CollectionService.search`. Not for the main thread."""
        return self.collections().search(names, text, limit)

    def close(self) -> None:
        """Stop what is being read. What was not is read the next time."""
        self._closed = True
        with self._lock:
            built, self._built = self._built, None
        if built is not None:
            built.close()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._background.call_on_main_thread(self._emit)

    def _emit(self) -> None:
        self._told = False
        if not self._closed:
            self.changed.emit()
