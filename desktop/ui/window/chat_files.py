"""The flows of files and pictures in the chat of one window, and where they find what is attached to messages."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from desktop.background import Background
from desktop.chat.attached_file_reader import decoded_content
from desktop.conversation import ImagePart
from desktop.ui.chat.attachment_flow import AttachmentFlow
from desktop.ui.chat.image_flow import ImageFlow
from desktop.ui.chat.source_flow import SourceFlow, document_of

if TYPE_CHECKING:
    from desktop.chat.answer_service import AnswerService
    from desktop.chat.chat_session import ChatSession
    from desktop.chat.message_pictures import ShownPicture
    from desktop.documents.collection_service import CollectionService
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.engine.request_images import PictureCost
    from desktop.ui.window.main_window import MainWindow


class SharedDocuments(Protocol):
    """What all windows share of collections: they are built when they are first asked for, off the main thread."""

    def collections(self) -> "CollectionService": ...


class ChatFiles:
    """`images` shows pictures, `sources` what was read of documents, and `attachments` attaches files to the message
    that is being written. `chat` gives the session of the conversation that is shown in `window`; `answers` are those
    of all conversations but the temporary ones."""

    def __init__(
        self,
        window: "MainWindow",
        background: Background,
        chat: "Callable[[], ChatSession]",
        engine: "MultiModelEngine",
        answers: "AnswerService",
        collections: SharedDocuments,
    ) -> None:
        self._window, self._engine, self._answers = window, engine, answers
        page = window.chat_page
        self.images = ImageFlow(
            window, background, self._read, page.images, self._picture_cost, self._sees_pictures, self._given
        )
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
        window.chat_told.connect(self.attachments.take_event)

    def close(self) -> None:
        """Show nothing any more."""
        self.sources.close()
        self.attachments.close()

    def _read(self, sha256: str) -> bytes:
        """What is attached to a message of the conversation that is shown. Not for the main thread."""
        kept = self._shown_answers().attachments
        assert kept is not None
        return kept.read(sha256)

    def _given(self, part: ImagePart) -> "ShownPicture":
        """A picture as a model is given it. Not for the main thread."""
        return self._shown_answers().pictures.shown(part, self._picture_cost())

    def _shown_answers(self) -> "AnswerService":
        """The answers of the conversation that is shown."""
        temporary = self._window.temporary.chat
        return temporary.answers if temporary is not None else self._answers

    def _sees_pictures(self) -> bool | None:
        """Whether the model in use sees pictures; None where none is loaded."""
        model = self._engine.model
        return model.sees_images if model is not None else None

    def _picture_cost(self) -> "PictureCost | None":
        """What pictures cost of the model in use; None where it sees none, or none is loaded."""
        model = self._engine.model
        return model.pictures if model is not None else None
