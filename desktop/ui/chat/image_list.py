"""The images of a turn: small pictures, each a button that shows it large. Where one is not here, its box says so."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from desktop.conversation import ImagePart, Message
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.chat.message_images import MessageImages
from desktop.ui.parts.button import Button
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.untrusted_text import add_entry, plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

MOST_WIDTH, MOST_HEIGHT = 320, 240
_LONGEST_NAME = 200
_MOST = 20


def image_title(part: ImagePart) -> str:
    """What an image is called: the name of its file, else its kind."""
    name = plain_line(part.name[:_LONGEST_NAME]).strip()
    return tr("Image: {name}").format(name=name or plain_line(part.media_type[:_LONGEST_NAME]) or part.sha256[:12])


def image_list(theme: Theme, message: Message, images: MessageImages | None, parent: QWidget) -> "ImageList | None":
    """The images of `message`; None where it has none."""
    parts = [part for part in message.parts if isinstance(part, ImagePart)]
    return ImageList(theme, parts, images, parent) if parts else None


class ImageThumbnail(Button):
    """One image, at most 320 × 240 pixels large; a box with its name until it is there, and where it is not.
    `resized`: it has another size than before."""

    resized = Signal()

    def __init__(self, theme: Theme, part: ImagePart, images: MessageImages | None, parent: QWidget) -> None:
        super().__init__(theme, kind="quiet", size="small", name=image_title(part), parent=parent)
        self._theme, self._part, self._images = theme, part, images
        self._image: QImage | None = None
        self._problem = ""
        set_tool_tip(self, image_title(part))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        if images is None:
            self._fail(UserError(tr("The image is not on this machine.")))
            return
        self.clicked.connect(self._view)
        ratio = self.devicePixelRatioF()
        most = QSize(round(MOST_WIDTH * ratio), round(MOST_HEIGHT * ratio))
        images.request(part, most, self._show_image, self._fail)

    def _view(self) -> None:
        if self._images is not None and self._image is not None:
            self._images.view_asked.emit(self._part)

    def _show_image(self, image: QImage) -> None:
        if isValid(self):
            image.setDevicePixelRatio(self.devicePixelRatioF())
            self._image = image
            self.resized.emit()

    def _fail(self, error: UserError) -> None:
        if isValid(self):
            self._problem = error.title
            self.setAccessibleDescription(error.title)
            set_tool_tip(self, f"{image_title(self._part)}\n{error}")
            self.resized.emit()

    def text_shown(self) -> str:
        """What its box says; "" where the image itself is shown."""
        if self._image is not None:
            return ""
        title = image_title(self._part)
        return f"{title} – {self._problem}" if self._problem else title

    def sizeHint(self) -> QSize:
        if self._image is not None:
            size = self._image.deviceIndependentSize().toSize()
            return QSize(max(size.width(), 2 * M), max(size.height(), 2 * M))
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text_shown()) + 2 * M + 2, metrics.height() + 2 * S)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        rect = QRectF(self.rect())
        if self._image is not None:
            place = QRect(QPoint(0, 0), self._image.deviceIndependentSize().toSize())
            place.moveCenter(self.rect().center())
            painter.drawImage(place, self._image)
        else:
            paint_box(painter, rect, None, self._theme.color("line_strong"), RADIUS)
            painter.setFont(self.font())
            painter.setPen(self._theme.color("muted"))
            room = self.width() - 2 * M
            text = painter.fontMetrics().elidedText(self.text_shown(), Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
        if self.hasFocus():
            paint_focus(painter, rect, self._theme.color("accent"), RADIUS)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        images = self._images
        if images is None:
            return
        menu = make_menu(self._theme, self)
        if self._image is not None:
            add_entry(menu, tr("Show image")).triggered.connect(lambda: images.view_asked.emit(self._part))
            add_entry(menu, tr("Copy image")).triggered.connect(lambda: images.copy_asked.emit(self._part))
        add_entry(menu, tr("Save image…")).triggered.connect(lambda: images.save_asked.emit(self._part))
        menu.popup(event.globalPos())


class ImageList(QWidget):
    """The images one below the other. `place` lays them out; with `at_right` they stand at the right end of the width.
    `resized`: it has another height than `place` gave."""

    resized = Signal()

    def __init__(self, theme: Theme, parts: Sequence[ImagePart], images: MessageImages | None, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.thumbnails = [ImageThumbnail(theme, part, images, self) for part in parts[:_MOST]]
        for each in self.thumbnails:
            each.resized.connect(self.resized)
        left_out = len(parts) - _MOST
        self._rest = tr("{count} more images").format(count=left_out) if left_out > 0 else ""
        self.setAccessibleName("; ".join([*map(image_title, parts[:_MOST]), *([self._rest] if self._rest else [])]))

    def place(self, width: int, *, at_right: bool = False) -> int:
        """Lay out for `width`; the height taken, in pixels."""
        y = 0
        for each in self.thumbnails:
            size = each.sizeHint()
            wide = min(size.width(), width)
            high = size.height() * wide // size.width() if not each.text_shown() else size.height()
            each.setGeometry(width - wide if at_right else 0, y, wide, high)
            y += high + XS
        if self._rest:
            y += self.fontMetrics().height() + XS
        self.resize(width, max(y - XS, 0))
        return max(y - XS, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._rest:
            painter = QPainter(self)
            painter.setFont(self._theme.font("small"))
            painter.setPen(self._theme.color("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignBottom, self._rest)
