"""Between the panel's documents and what keeps collections: which there are, and which files this chat has."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt, Signal

from desktop.chat.chat_events import ChatEvent, ConversationOpened, MessageAdded
from desktop.conversation import AttachedFilePart, Conversation, Folder, Message
from desktop.errors import NotFoundError
from desktop.translation import tr, trn
from desktop.ui.panel.document_section import DocumentSection, OfferedCollection

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from desktop.documents.collection_service import CollectionService
    from desktop.documents.document_collection import CollectionState


class CollectionsSource(Protocol):
    """What all windows share of collections (see `SharedCollections`)."""

    @property
    def changed(self) -> "SignalInstance": ...
    def run(
        self,
        work: "Callable[[CollectionService], tuple[OfferedCollection, ...]]",
        success: Callable[[tuple[OfferedCollection, ...]], None],
        failure: Callable[[Exception], None],
    ) -> None: ...


class PanelDocuments(QObject):
    """`file_asked` carries an `AttachedFilePart` to be shown, `page_asked` where collections are to be made;
    `chosen_changed` the names of the collections that answers look in now."""

    file_asked = Signal(object)
    page_asked = Signal()
    chosen_changed = Signal(tuple)

    def __init__(self, collections: CollectionsSource | None, is_open: Callable[[], bool]) -> None:
        super().__init__()
        self._collections, self._is_open = collections, is_open
        self._section: DocumentSection | None = None
        self._files: dict[str, AttachedFilePart] = {}
        self._reading = self._outdated = False
        self._chosen: tuple[str, ...] = ()
        if collections is not None:
            collections.changed.connect(self.refresh)

    def use(self, section: DocumentSection) -> None:
        """The panel was built: show it here."""
        self._section = section
        section.file_asked.connect(self.file_asked)
        section.page_asked.connect(self.page_asked)
        section.show_files(tuple(self._files.values()))
        self.refresh()

    def show_place(self, head: Conversation, folder: Folder | None) -> None:
        """Answers are asked for in this conversation, which is in that folder."""
        chosen = head.options.collections or (folder.options.collections if folder is not None else ())
        if chosen != self._chosen:
            self._chosen = chosen
            self.chosen_changed.emit(chosen)

    def begin(self) -> None:
        """Give the keyboard to the collections."""
        if self._section is not None:
            first = self._section.boxes[0] if self._section.boxes else self._section.page_button
            first.setFocus(Qt.FocusReason.OtherFocusReason)

    def refresh(self) -> None:
        """Read which collections there are, while somebody sees it. One reading at a time."""
        if self._section is None or self._collections is None or not self._is_open():
            return
        if self._reading:
            self._outdated = True
            return
        self._reading, self._outdated = True, False
        self._collections.run(_read, self._show, lambda _: self._show(()))

    def _show(self, offered: tuple[OfferedCollection, ...]) -> None:
        self._reading = False
        if self._section is not None:
            self._section.show_collections(offered)
        if self._outdated:
            self.refresh()

    def take_event(self, event: ChatEvent) -> None:
        """The chat session told of something."""
        match event:
            case ConversationOpened():
                self._files = {}
                self._take(event.messages)
            case MessageAdded():
                self._take((event.message,))

    def _take(self, messages: tuple[Message, ...]) -> None:
        found = [part for message in messages for part in message.parts if isinstance(part, AttachedFilePart)]
        self._files |= {part.sha256: part for part in found}
        if self._section is not None:
            self._section.show_files(tuple(self._files.values()))


def _read(service: "CollectionService") -> tuple[OfferedCollection, ...]:
    try:
        states = service.collections()
    except NotFoundError:
        states = ()
    return tuple(OfferedCollection(state.name, _detail(state)) for state in states)


def _detail(state: "CollectionState") -> str:
    if state.state == "indexing" and state.fraction < 1:
        return tr("{percent} % read").format(percent=int(state.fraction * 100))
    return trn("1 file", "{count} files", state.files).format(count=f"{state.files:,}")
