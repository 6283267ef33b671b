"""Between the turns' documents and what keeps them: finds an answer's citations, and shows a file or a passage of it
beside the chat."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from desktop.background import Background
from desktop.conversation import AttachedFilePart, Message, PassagePart
from desktop.document_content import DocumentContent, DocumentPage
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.attached_file_list import attached_files
from desktop.ui.chat.cited_sources import ShownSource
from desktop.ui.chat.message_documents import CitationsFound, MessageDocuments
from desktop.ui.navigator import Navigator

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from desktop.documents.collection_service import CollectionService
    from desktop.ui.chat.document_side import DocumentSide
    from desktop.ui.parts.side_splitter import SideSplitter
    from desktop.ui.theme.theme import Theme

ReadFile = Callable[[AttachedFilePart], DocumentContent]
FindDocument = Callable[[PassagePart], DocumentContent | None]


class DocumentWindow(Navigator, Protocol):
    """The window, as documents need it: what stands beside the chat, and what the chat session tells."""

    @property
    def theme(self) -> "Theme": ...
    @property
    def side(self) -> "SideSplitter": ...
    @property
    def chat_told(self) -> "SignalInstance": ...
    def focus_composer(self) -> None: ...


class SourceFlow(QObject):
    """`read_file` gives what was read of an attached file and `find_document` the document of a collection that a
    passage is from, both off the main thread; `messages` gives the branch that is shown."""

    def __init__(
        self,
        window: DocumentWindow,
        background: Background,
        documents: MessageDocuments,
        messages: Callable[[], Sequence[Message]],
        read_file: ReadFile,
        find_document: FindDocument,
    ) -> None:
        super().__init__()
        self._window, self._background, self._messages = window, background, messages
        self._read_file, self._find_document = read_file, find_document
        self._side: DocumentSide | None = None
        self._came_from: QWidget | None = None
        self._asked = 0
        self._closed = False
        documents.citations_wanted.connect(self._find_citations)
        documents.source_asked.connect(self.show_source)
        documents.file_asked.connect(self.show_file)
        window.chat_told.connect(self._take_event)
        window.page_shown.connect(lambda page: self.leave() if page else None)

    @property
    def side(self) -> "DocumentSide | None":
        """What stands beside the chat; None where no document was shown yet."""
        return self._side

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_file(self, part: AttachedFilePart) -> None:
        """Show what was read of a file."""
        self._read(lambda: self._read_file(part), self.show_content)

    def show_source(self, source: ShownSource) -> None:
        """Show the passage of a source, in its document where that is still here."""
        passage = source.passage
        if passage is None:
            return
        parts = [part for message in self._messages() for part in attached_files(message)]
        part = next((part for part in parts if part.file_sha256 == passage.file_sha256), None)

        def read() -> DocumentContent:
            if part is not None and not passage.collection:
                content: DocumentContent | None = self._read_file(part)
            else:
                content = self._find_document(passage)
            return content if content is not None and _page_of(content, passage) else _alone(passage)

        self._read(read, lambda content: self._show_passage(content, source), lambda _: self._show_alone(source))

    def show_content(self, content: DocumentContent) -> None:
        """Show a document from its beginning."""
        self._open().show_content(content)
        self._begin()

    def _show_alone(self, source: ShownSource) -> None:
        if source.passage is not None:
            self._show_passage(_alone(source.passage), source)

    def _show_passage(self, content: DocumentContent, source: ShownSource) -> None:
        passage = source.passage
        assert passage is not None
        alone = not content.size
        start = 0 if alone else passage.start
        span = (start, start + len(passage.text))
        words = [(start + low, start + high) for low, high in source.marks]
        note = tr("Only this passage is here: the document it is from has changed or is gone.") if alone else ""
        self._open().show_content(content, _page_of(content, passage) or 1, span, words, note=note)
        self._begin()

    def _open(self) -> "DocumentSide":
        if self._side is None:
            from desktop.ui.chat.document_side import DocumentSide

            self._side = DocumentSide(self._window.theme)
            self._side.closed.connect(self.leave)
            self._window.side.set_reader(self._side)
        if not self._window.side.is_reading:
            self._came_from = QApplication.focusWidget()
        self._window.side.show_reader(True)
        return self._side

    def _begin(self) -> None:
        if self._side is not None:
            self._side.begin()

    def leave(self) -> None:
        """Show the chat alone again; the keyboard goes to where the person came from."""
        side = self._window.side
        if self._side is None or not side.is_reading:
            return
        focus = QApplication.focusWidget()
        inside = focus is not None and self._side.isAncestorOf(focus)
        side.show_reader(False)
        came_from, self._came_from = self._came_from, None
        if inside and came_from is not None and isValid(came_from) and came_from.isVisible():
            came_from.setFocus(Qt.FocusReason.OtherFocusReason)
        elif inside:
            self._window.focus_composer()

    # --- inside --------------------------------------------------------------------------------------------------

    def _read(
        self,
        work: Callable[[], DocumentContent],
        show: Callable[[DocumentContent], None],
        failed: Callable[[UserError], None] | None = None,
    ) -> None:
        """Show what `work` gives, if nothing else was asked for meanwhile."""
        self._asked += 1
        mine = self._asked

        def newest(act: Callable[..., None]) -> Callable[..., None]:
            return lambda result: act(result) if mine == self._asked and not self._closed else None

        self._background.pool(work, newest(show), newest(failed or self._window.show_error))

    def _find_citations(self, text: str, passages: Sequence[PassagePart], found: CitationsFound) -> None:
        from desktop.chat.citations import find_citations

        self._background.pool(lambda: find_citations(text, passages), found)

    def _take_event(self, event: object) -> None:
        from desktop.chat.chat_events import ConversationOpened

        if isinstance(event, ConversationOpened) and not event.unchanged:
            self.leave()


def document_of(service: "CollectionService", passage: PassagePart) -> DocumentContent | None:
    """What was read of the file of a collection that `passage` is from; None where that file is another one now.
    NotFoundError where there is no such collection. Not for the main thread."""
    number = service.contents.find(service.store.find(passage.collection).number, passage.file_sha256)
    return service.contents.content(number) if number is not None else None


def _page_of(content: DocumentContent, passage: PassagePart) -> int:
    """The number of the page on which the passage stands where it says it does; 0 where it does not."""
    place = slice(passage.start, passage.start + len(passage.text))
    pages = (page for page in content.pages if not passage.page or page.number == passage.page)
    return next((page.number for page in pages if page.text[place] == passage.text), 0)


def _alone(passage: PassagePart) -> DocumentContent:
    """A document of a passage alone."""
    return DocumentContent(
        passage.name, "text/plain", passage.file_sha256, 0, (DocumentPage(1, passage.text, passage.label),)
    )
