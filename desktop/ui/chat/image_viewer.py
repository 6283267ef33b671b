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
        self.image = image
        self.setAccessibleName(name)
        self.setMinimumSize(120, 80)

    def show_image(self, image: QImage) -> None:
        self.image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, ratio = QPainter(self), self.devicePixelRatioF()
        size = self.image.size() / ratio
        if size.width() > self.width() or size.height() > self.height():
            size = size.scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(0, 0, size.width(), size.height())
        place.moveCenter(self.rect().center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self.image)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()


class _Caption(QWidget):
    """One line below the image."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.set_text(text)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_text(self, text: str) -> None:
        self._text = plain_line(text)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        text = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())
        QPainter(self).drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)


class ImageViewer(QDialog):
    """Shows `image`; Escape or a press closes it, Ctrl+C copies. `copied`, `save_asked` and `seen_asked` (what a
    model is given of it) are what its buttons ask; `show_seen` answers the last."""

    copied = Signal()
    save_asked = Signal()
    seen_asked = Signal()

    def __init__(self, window: QWidget, title: str, image: QImage, says: str = "", *, stored: bool = True) -> None:
        """`says` stands below it. One that is not `stored` is the person's own file: it is not offered to be saved."""
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        set_window_title(self, title)
        self._says = says
        self._caption = _Caption(says)
        self._seen: tuple[QImage, str] | None = None
        picture = self._picture = _Picture(title, image)
        picture.pressed.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(M, M, M, M)
        column.addWidget(picture, 1)
        picture.setAccessibleDescription(says)
        column.addWidget(self._caption)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton(tr("Copy image"), QDialogButtonBox.ButtonRole.ActionRole)
        save = buttons.addButton(tr("Save image…"), QDialogButtonBox.ButtonRole.ActionRole)
        save.setVisible(stored)
        self._seen_button = buttons.addButton(tr("What the model is given"), QDialogButtonBox.ButtonRole.ActionRole)
        self._seen_button.setVisible(stored)
        self._seen_button.clicked.connect(self._turn_seen)
        for button in buttons.buttons():
            button.setAccessibleName(button.text().replace("&", ""))
        copy.clicked.connect(self.copied)
        save.clicked.connect(self.save_asked)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        room = window.size() * _PART_OF_WINDOW
        wanted = image.size() / self.devicePixelRatioF()
        self.resize(wanted.boundedTo(room).width() + 2 * M, min(wanted.height() + 4 * M + 40, room.height()))

    def show_seen(self, image: QImage, says: str) -> None:
        """Show what a model is given of it, and `says` below it, until the button is pressed again."""
        self._seen = self._picture.image, self._says
        self._show(image, says, tr("The image itself"))

    def _turn_seen(self) -> None:
        if self._seen is None:
            self.seen_asked.emit()
        else:
            self._show(*self._seen, tr("What the model is given"))
            self._seen = None

    def _show(self, image: QImage, says: str, button: str) -> None:
        self._picture.show_image(image)
        self._picture.setAccessibleDescription(says)
        self._caption.set_text(says)
        self._seen_button.setText(button)
        self._seen_button.setAccessibleName(button)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copied.emit()
        else:
            super().keyPressEvent(event)
