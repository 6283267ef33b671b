"""Where the images of messages come from, and what is done with them: one object for all turns of a window."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QImage

from desktop.conversation import ImagePart
from desktop.errors import UserError

ImageRead = Callable[[QImage], None]
ImageFailed = Callable[[UserError], None]


class MessageImages(QObject):
    """`wanted` carries an image, how large it may be in pixels, and what is to be called with it, or with why there is
    none; `view_asked`, `copy_asked` and `save_asked` carry one that a person wants to see, to copy, or to save."""

    wanted = Signal(object, QSize, object, object)
    view_asked = Signal(object)
    copy_asked = Signal(object)
    save_asked = Signal(object)

    def request(self, part: ImagePart, most: QSize, read: ImageRead, failed: ImageFailed) -> None:
        """Have `read` called with the image of `part`, no larger than `most`, or `failed` with why not."""
        self.wanted.emit(part, most, read, failed)
