"""Between the images in messages and the files that hold them: read and decoded off the main thread, shown large,
copied, saved."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog
from shiboken6 import isValid

from desktop.atomic_file import write_atomically, write_error
from desktop.background import Background
from desktop.conversation import ImagePart
from desktop.image_format import image_format
from desktop.safe_text import one_line
from desktop.translation import tr
from desktop.ui.chat.attachment_text import given_text, seen_text
from desktop.ui.chat.image_decoding import decode_image, image_size
from desktop.ui.chat.image_list import image_title
from desktop.ui.chat.image_viewer import ImageViewer
from desktop.ui.chat.message_images import ImageFailed, ImageRead, MessageImages

if TYPE_CHECKING:
    from desktop.chat.message_pictures import ShownPicture
    from desktop.engine.request_images import PictureCost
    from desktop.ui.navigator import Navigator

_LARGEST = QSize(16_384, 16_384)
_LONGEST_NAME = 100
_NO_NAME = re.compile(r"[^\w. ()-]")


class ImageFlow(QObject):
    """Gives `images` what `read` gives by its sha256, and says in the window why something was not done. `pictures` is
    what they cost of the model in use, and `sees_pictures` whether it does; None where that is not known. `given` gives
    a picture as a model is given it; it is called off the main thread."""

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        read: Callable[[str], bytes],
        images: MessageImages,
        pictures: "Callable[[], PictureCost | None]",
        sees_pictures: Callable[[], bool | None],
        given: "Callable[[ImagePart], ShownPicture]",
    ) -> None:
        super().__init__()
        self._pictures, self._sees_pictures, self._given = pictures, sees_pictures, given
        self._navigator, self._background, self._read_bytes = navigator, background, read
        self.viewer: ImageViewer | None = None
        images.wanted.connect(self._read)
        images.view_asked.connect(self.view)
        images.copy_asked.connect(self.copy)
        images.save_asked.connect(self.choose_file)

    def _read(self, part: ImagePart, most: QSize, read: ImageRead, failed: ImageFailed) -> None:
        self._background.pool(lambda: decode_image(self._read_bytes(part.sha256), most), read, failed)

    def view(self, part: ImagePart) -> None:
        """Show an image as large as there is room for."""

        def show(image: QImage, size: QSize) -> None:
            viewer = self._open(image_title(part), image, size, stored=True)
            viewer.copied.connect(lambda: self.copy(part))
            viewer.save_asked.connect(lambda: self.choose_file(part))
            viewer.seen_asked.connect(lambda: self._show_given(part, viewer))

        self._look(lambda: self._read_bytes(part.sha256), show)

    def _show_given(self, part: ImagePart, viewer: ImageViewer) -> None:
        """Show in `viewer` what a model is given of an image."""

        def read() -> tuple[QImage, str]:
            shown = self._given(part)
            seen = shown.image
            image = QImage(seen.rgb, seen.width, seen.height, 3 * seen.width, QImage.Format.Format_RGB888).copy()
            return image, given_text(seen.width, seen.height, shown.tokens)

        def show(given: tuple[QImage, str]) -> None:
            if isValid(viewer):
                viewer.show_seen(*given)

        self._background.pool(read, show, self._navigator.show_error)

    def show_bytes(self, name: str, data: bytes) -> None:
        """Show an image that is not of a message yet, of this name."""

        def show(image: QImage, size: QSize) -> None:
            viewer = self._open(image_title(ImagePart("", "", name)), image, size, stored=False)
            viewer.copied.connect(lambda: QGuiApplication.clipboard().setImage(image))

        self._look(lambda: data, show)

    def _look(self, read: Callable[[], bytes], show: Callable[[QImage, QSize], None]) -> None:
        """Have `show` called with the image in what `read` gives, and how large that is itself."""
        window = self._navigator.dialog_parent
        most = window.screen().size() * window.devicePixelRatioF()

        def look() -> tuple[QImage, QSize]:
            data = read()
            image, size = decode_image(data, most), image_size(data)
            return image, size if size.isValid() else image.size()

        self._background.pool(look, lambda seen: show(*seen), self._navigator.show_error)

    def _open(self, title: str, image: QImage, size: QSize, *, stored: bool) -> ImageViewer:
        blind = self._sees_pictures() is False
        says = seen_text(size.width(), size.height(), self._pictures(), blind=blind)
        viewer = self.viewer = ImageViewer(self._navigator.dialog_parent, title, image, says, stored=stored)
        viewer.open()
        return viewer

    def copy(self, part: ImagePart) -> None:
        """Put an image on the clipboard."""
        self._read(part, _LARGEST, QGuiApplication.clipboard().setImage, self._navigator.show_error)

    def choose_file(self, part: ImagePart) -> None:
        """Let the person say where the file of an image goes."""

        def choose(data: bytes) -> None:
            dialog = QFileDialog(self._navigator.dialog_parent, tr("Save image"))
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.selectFile(proposed_name(part, data))
            dialog.fileSelected.connect(lambda path: self.write(Path(path), data))
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

        self._background.pool(lambda: self._read_bytes(part.sha256), choose, self._navigator.show_error)

    def write(self, path: Path, data: bytes) -> None:
        """Write `data` to `path`. Where that fails, the window says why."""

        def write() -> None:
            try:
                write_atomically(path, data, keep_link=True)
            except OSError as error:
                remedy = tr("Save it in another folder, or make room.")
                raise write_error(tr("The image was not saved."), path, error, remedy) from error

        self._background.pool(write, None, self._navigator.show_error)


def proposed_name(part: ImagePart, data: bytes) -> str:
    """A name for the file of an image: its own without what steers or leads elsewhere, with the end of its format."""
    found = image_format(data)
    name = _NO_NAME.sub("_", one_line(part.name))[-_LONGEST_NAME:].strip(". ") or "image"
    if found is None or Path(name).suffix.lower().lstrip(".") in (found.suffix, found.name):
        return name
    return f"{name}.{found.suffix}"
