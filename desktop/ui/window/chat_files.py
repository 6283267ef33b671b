"""The flows of files and pictures in the chat of one window, and where they find what is attached to messages."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from desktop.background import Background
from desktop.chat.attached_file_reader import decoded_content
from desktop.ui.chat.attachment_flow import AttachmentFlow
from desktop.ui.chat.image_flow import ImageFlow
from desktop.ui.chat.source_flow import SourceFlow, document_of

if TYPE_CHECKING:
    from desktop.chat.chat_session import ChatSession
    from desktop.documents.collection_service import CollectionService
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.engine.request_images import PictureCost
    from desktop.storage.attachment_store import AttachmentStore
    from desktop.ui.window.main_window import MainWindow


class SharedDocuments(Protocol):
    """What all windows share of collections: they are built when they are first asked for, off the main thread."""

    def collections(self) -> "CollectionService": ...


class ChatFiles:
    """`images` shows pictures, `sources` what was read of documents, and `attachments` attaches files to the message
    that is being written. `chat` gives the session of the conversation that is shown in `window`; what is attached to
    its messages is in `stored`, or with a temporary chat."""

    def __init__(
        self,
        window: "MainWindow",
        background: Background,
        chat: "Callable[[], ChatSession]",
        engine: "MultiModelEngine",
        stored: "AttachmentStore",
        collections: SharedDocuments,
    ) -> None:
        self._window, self._engine, self._stored = window, engine, stored
        page = window.chat_page
        self.images = ImageFlow(window, background, self._read, page.images, self._picture_cost, self._sees_pictures)
        self.sources = SourceFlow(
            window,
            background,
            page.documents,
            lambda: page.transcript.messages,
            lambda part: decoded_content(self._read(part.sha256)),
            lambda passage: document_of(collections.collections(), passage),
        )
        self.attachments = AttachmentFlow(
            window,
            background,
            page,
            chat,
            pictures=self._picture_cost,
            sees_pictures=self._sees_pictures,
            show_document=self.sources.show_content,
            show_picture=self.images.show_bytes,
        )
        self.attachments.model_asked.connect(lambda: window.show_page("models"))
        window.chat_told.connect(self.attachments.take_event)

    def close(self) -> None:
        """Show nothing any more."""
        self.sources.close()
        self.attachments.close()

    def _read(self, sha256: str) -> bytes:
        """What is attached to a message of the conversation that is shown. Not for the main thread."""
        temporary = self._window.temporary.chat
        kept = temporary.attachments if temporary is not None else self._stored
        return kept.read(sha256)

    def _sees_pictures(self) -> bool | None:
        """Whether the model in use sees pictures; None where none is loaded."""
        model = self._engine.model
        return model.sees_images if model is not None else None

    def _picture_cost(self) -> "PictureCost | None":
        """What pictures cost of the model in use; None where it sees none, or none is loaded."""
        model = self._engine.model
        return model.pictures if model is not None else None
