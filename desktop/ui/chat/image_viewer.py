"""One image of a message, as large as the window has room for."""

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QSizePolicy, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.untrusted_text import plain_line, set_window_title
from desktop.ui.theme.design_tokens import M

_PART_OF_WINDOW = 0.9


class _Picture(QWidget):
    """The image, as large as there is room for and no larger than it is; a press closes the dialog."""

    pressed = Signal()

    def __init__(self, name: str, image: QImage) -> None:
        super().__init__()
        self._image = image
        self.setAccessibleName(name)
        self.setMinimumSize(120, 80)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, ratio = QPainter(self), self.devicePixelRatioF()
        size = self._image.size() / ratio
        if size.width() > self.width() or size.height() > self.height():
            size = size.scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(0, 0, size.width(), size.height())
        place.moveCenter(self.rect().center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self._image)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()


class _Caption(QWidget):
    """One line below the image."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = plain_line(text)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(200, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        text = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())
        QPainter(self).drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)


class ImageViewer(QDialog):
    """Shows `image`; Escape or a press closes it, Ctrl+C copies. `copied` and `save_asked` are what its buttons ask."""

    copied = Signal()
    save_asked = Signal()

    def __init__(self, window: QWidget, title: str, image: QImage, says: str = "", *, stored: bool = True) -> None:
        """`says` stands below it. One that is not `stored` is the person's own file: it is not offered to be saved."""
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        set_window_title(self, title)
        picture = _Picture(title, image)
        picture.pressed.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(M, M, M, M)
        column.addWidget(picture, 1)
        if says:
            picture.setAccessibleDescription(says)
            column.addWidget(_Caption(says))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(tr("Copy image"), QDialogButtonBox.ButtonRole.ActionRole)
        save = buttons.addButton(tr("Save image…"), QDialogButtonBox.ButtonRole.ActionRole)
        save.setVisible(stored)
        for button in buttons.buttons():
            button.setAccessibleName(button.text().replace("&", ""))
        copy.clicked.connect(self.copied)
        save.clicked.connect(self.save_asked)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        room = window.size() * _PART_OF_WINDOW
        wanted = image.size() / self.devicePixelRatioF()
        self.resize(wanted.boundedTo(room).width() + 2 * M, min(wanted.height() + 4 * M + 40, room.height()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copied.emit()
        else:
            super().keyPressEvent(event)
