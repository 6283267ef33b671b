"""Between the composer and the files of the message that is written in it: what is chosen, dropped or pasted is
attached to the conversation that is shown."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QBuffer, QByteArray, QIODeviceBase, QMimeData, QObject, QSize, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QImage
from PySide6.QtWidgets import QFileDialog

from desktop.background import Background
from desktop.conversation import AttachedFilePart, ImagePart
from desktop.errors import UserError
from desktop.translation import tr, trn
from desktop.ui.chat.attachment_text import pixels_text, question_of
from desktop.ui.chat.cited_sources import file_name
from desktop.ui.chat.dropped_files_flow import DroppedFilesFlow
from desktop.ui.parts.given_data import encoded_picture, holds_picture, is_attachable, local_paths

if TYPE_CHECKING:
    from desktop.chat.chat_session import ChatSession
    from desktop.chat.draft_attachment import AttachmentKind, DraftAttachment
    from desktop.chat.message_attachments import MessageAttachments
    from desktop.document_content import DocumentContent
    from desktop.engine.request_images import PictureCost
    from desktop.ui.chat.chat_page import ChatPage
    from desktop.ui.navigator import Navigator

_DOCUMENTS = (
    "txt md rst org tex log pdf docx odt rtf xlsx ods csv tsv html htm xhtml eml json jsonl xml yaml yml toml ini "
    "py js ts java c h cpp rs go sh sql"
)
_KEPT = "kept-"
"""Begins the id of a file that an earlier turn has already."""
_PICTURES = "png jpg jpeg gif webp bmp"


class AttachmentFlow(QObject):
    """`chat` gives the session of the conversation that is shown. `sees_pictures` says whether the model in use does,
    None where that is not known, and `pictures` what they cost of it. `show_document` and `show_picture` show what was
    read of a file.

    `drops` tells what is meant for elsewhere; `model_asked` where another model is to be chosen; `removed` has what is
    to be said of files that were taken away, and what brings them back.
    """

    model_asked = Signal()
    removed = Signal(str, object)

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        page: "ChatPage",
        chat: "Callable[[], ChatSession]",
        *,
        pictures: "Callable[[], PictureCost | None]",
        sees_pictures: Callable[[], bool | None],
        show_document: "Callable[[DocumentContent], None]",
        show_picture: Callable[[str, bytes], None],
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._page, self._chat = navigator, background, page, chat
        self._pictures, self._sees_pictures = pictures, sees_pictures
        self._show_document, self._show_picture = show_document, show_picture
        self._dialog: QFileDialog | None = None
        self._closed = False
        composer = page.composer
        strip = self._strip = composer.attachments
        self.drops = DroppedFilesFlow(background, strip, lambda: self._key, self._add, self._say)
        composer.attach_asked.connect(self.choose_files)
        composer.edit.set_takes_files(is_attachable)
        composer.edit.files_pasted.connect(self.add_data)
        composer.edit.long_pasted.connect(self._offer_file)
        composer.allow_files()
        composer.sent.connect(self._sent)
        page.files_key_changed.connect(self.show)
        strip.opened.connect(self._open)
        strip.removed.connect(lambda item_id: self._remove(lambda item: item.id == item_id))
        strip.retried.connect(lambda item_id: self._files.retry(self._key, item_id))
        strip.password_entered.connect(lambda item_id, word: self._files.enter_password(self._key, item_id, word))
        strip.cleared.connect(lambda: self._remove(lambda item: True))
        strip.pictures_removed.connect(lambda: self._remove(lambda item: item.kind == "image"))
        strip.model_asked.connect(self.model_asked)
        strip.left.connect(page.focus_composer)
        self.show()

    # --- what is attached ----------------------------------------------------------------------------------------

    def choose_files(self) -> None:
        """Let the person choose files."""
        if self._dialog is not None:
            return
        dialog = self._dialog = QFileDialog(self._navigator.dialog_parent, tr("Attach files"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        both, documents, pictures = _patterns(f"{_DOCUMENTS} {_PICTURES}"), _patterns(_DOCUMENTS), _patterns(_PICTURES)
        dialog.setNameFilters(
            [
                tr("Documents and pictures ({patterns})").format(patterns=both),
                tr("Documents ({patterns})").format(patterns=documents),
                tr("Pictures ({patterns})").format(patterns=pictures),
                tr("All files (*)"),
            ]
        )
        dialog.filesSelected.connect(lambda names: self.add_files([Path(name) for name in names]))
        dialog.finished.connect(self._dialog_closed)
        dialog.open()

    def _dialog_closed(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.deleteLater()
        self._page.focus_composer()

    def add_files(self, paths: Sequence[Path]) -> None:
        """Attach files."""
        self._add(paths, self._key)

    def _add(self, paths: Sequence[Path], key: str) -> None:
        if paths:
            self._files.add_files(key, paths)
            count = len(paths)
            self._say(trn("{count} file attached", "{count} files attached", count).format(count=count))

    def add_data(self, data: QMimeData) -> None:
        """Attach what was pasted or dropped: files, or a picture."""
        if paths := local_paths(data):
            self.drops.take(paths, self._key)
        elif holds_picture(data):
            self._add_picture(data)

    def _add_picture(self, data: QMimeData) -> None:
        name = tr("Pasted picture")
        if (given := encoded_picture(data)) is not None:
            self._files.add_bytes(self._key, given.data, f"{name}.{given.media_type.rpartition('/')[2]}")
            return
        image, key = QImage(data.imageData()), self._key
        if not image.isNull():
            self._background.pool(lambda: _png(image), lambda made: self._files.add_bytes(key, made, f"{name}.png"))

    def _offer_file(self, text: str) -> None:
        """A very long text was pasted: it stays in the message unless the person wants it as a file."""
        said = tr("A text of {count} characters was pasted.").format(count=f"{len(text):,}")
        self._strip.ask(said, [(tr("Attach it as a file"), lambda: self._make_file(text))])
        self._say(said)

    def _make_file(self, text: str) -> None:
        self._page.composer.edit.take_out(text)
        self._files.add_bytes(self._key, text.encode("utf-8", "replace"), tr("Pasted text") + ".txt")

    def _remove(self, gone: "Callable[[DraftAttachment], bool]") -> None:
        items = [item for item in self._strip.items if gone(item)]
        if not items:
            return
        key, edited, chat = self._key, self._page.edited, self._chat()
        message_id = edited.id if edited is not None else ""
        kept = [item.sha256 for item in items if item.id.startswith(_KEPT)]
        given = [item.id for item in items if not item.id.startswith(_KEPT)]
        for sha256 in kept:
            self._page.branches.leave_out(message_id, sha256)
        bring_back = chat.attachments.remove(key, *given)

        def undo() -> None:
            bring_back()
            for sha256 in kept:
                self._page.branches.leave_out(message_id, sha256, False)
            self.show()

        self.show()
        said = trn("“{name}” is not attached any more.", "{count} files are not attached any more.", len(items))
        self.removed.emit(said.format(name=file_name(items[0].name), count=len(items)), undo)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Show what is attached to the message that is being written."""
        self._show_items(self._files.items(self._key) if self._key else ())

    def take_event(self, event: object) -> None:
        """The chat session told of something."""
        from desktop.chat.chat_events import AttachmentsChanged, EngineChanged

        if isinstance(event, AttachmentsChanged):
            if event.key == self._key:
                self._show_items(event.items)
            else:
                self._page.queue.take_files(event.conversation_id)
        elif isinstance(event, EngineChanged):
            self.show()

    def _show_items(self, items: "Sequence[DraftAttachment]") -> None:
        if self._closed:
            return
        items = (*self._kept(), *items)
        known = {chip.item.id: chip.item.state for chip in self._strip.chips}
        left = {str(item.error) for item in items if item.state == "failed"}
        solved = {str(row.item.error) for row in self._strip.failed} - left
        if (told := self._page.error_area) is not None and told.accessibleDescription() in solved:
            self._page.show_error(None)  # it said why the message was not sent
        self._strip.show_items(items, blind=self._sees_pictures() is False)
        for item in items:
            fresh = known.get(item.id) != "ready" and not item.id.startswith(_KEPT)
            if item.kind == "image" and item.state == "ready" and fresh:
                self._preview(item)
            elif item.state == "failed" and known.get(item.id) == "reading":
                self._say(str(item.error or item.name))
        if not any(item.state == "reading" for item in items):
            self._strip.show_sending(False)
        given = sum(item.tokens or 0 for item in items if item.whole)
        self._page.composer.set_attached(given, question_of(items))

    def _sent(self) -> None:
        if any(item.state == "reading" for item in self._strip.items):
            self._strip.show_sending(True)

    def _kept(self) -> "list[DraftAttachment]":
        """The files of the earlier turn that is being edited: they stay with it unless they are taken away."""
        from desktop.chat.draft_attachment import DraftAttachment

        edited = self._page.edited
        if edited is None or edited.role != "user":
            return []
        gone, kept = self._page.branches.left_out(edited.id), []
        for part in edited.parts:
            if isinstance(part, AttachedFilePart | ImagePart) and part.sha256 not in gone:
                kind: AttachmentKind = "image" if isinstance(part, ImagePart) else "document"
                item = DraftAttachment(f"{_KEPT}{part.sha256}", part.name, kind, "ready", sha256=part.sha256)
                if isinstance(part, AttachedFilePart):
                    item = replace(item, size=part.size, pages=part.pages, whole=part.whole)
                kept.append(item)
        return kept

    def _preview(self, item: "DraftAttachment") -> None:
        chip = self._strip.chip_of(item.id)
        if chip is None:
            return
        most, key = chip.picture_size, item.id

        def look(data: bytes) -> tuple[QImage, QSize]:
            from desktop.ui.chat.image_decoding import decode_image, image_size

            return decode_image(data, most), image_size(data)

        def show(seen: tuple[QImage, QSize]) -> None:
            image, size = seen
            pixels = pixels_text(size.width(), size.height(), self._pictures()) if size.isValid() else ""
            self._strip.show_picture(key, image, pixels)

        def give(data: bytes) -> None:
            self._background.pool(lambda: look(data), show, lambda _: None)

        self._files.read_bytes(self._key, item.id, give, lambda _: None)

    def _open(self, item_id: str) -> None:
        """Show what was read of a file."""
        item = next((each for each in self._strip.items if each.id == item_id), None)
        if item is None or item.state != "ready":
            return
        if item.id.startswith(_KEPT):
            self._open_kept(item.sha256)
            return
        failed: Callable[[UserError], object] = self._navigator.show_error
        if item.kind == "image":
            self._files.read_bytes(self._key, item_id, lambda data: self._show_picture(item.name, data), failed)
        else:
            self._files.read_content(self._key, item_id, self._show_document, failed)

    def _open_kept(self, sha256: str) -> None:
        for part in self._page.edited.parts if self._page.edited is not None else ():
            if isinstance(part, AttachedFilePart) and part.sha256 == sha256:
                self._page.documents.show_file(part)
            elif isinstance(part, ImagePart) and part.sha256 == sha256:
                self._page.images.view_asked.emit(part)

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        self.drops.close()

    @property
    def _files(self) -> "MessageAttachments":
        return self._chat().attachments

    @property
    def _key(self) -> str:
        return self._page.files_key

    def _say(self, text: str) -> None:
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._page, text))


def _patterns(endings: str) -> str:
    return " ".join(f"*.{ending}" for ending in endings.split())


def _png(image: QImage) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODeviceBase.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(data.data())
