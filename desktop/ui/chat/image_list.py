"""The images of a turn, by name. Their bytes are kept nowhere yet, so each is a box that says which image it is."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.conversation import ImagePart, Message
from desktop.translation import tr
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.untrusted_text import plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

_LONGEST_NAME = 200
_MOST = 20


def image_title(part: ImagePart) -> str:
    """What an image is called: the name of its file, else its kind."""
    name = plain_line(part.name[:_LONGEST_NAME]).strip()
    return tr("Image: {name}").format(name=name or plain_line(part.media_type[:_LONGEST_NAME]) or part.sha256[:12])


def image_list(theme: Theme, message: Message, parent: QWidget) -> "ImageList | None":
    """The images of `message`; None where it has none."""
    parts = [part for part in message.parts if isinstance(part, ImagePart)]
    return ImageList(theme, parts, parent) if parts else None


class ImageList(QWidget):
    """One row for each image. `place` lays them out; with `at_right` they stand at the right end of the width."""

    def __init__(self, theme: Theme, parts: Sequence[ImagePart], parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._titles = [image_title(part) for part in parts[:_MOST]]
        if len(parts) > _MOST:
            self._titles.append(tr("{count} more images").format(count=len(parts) - _MOST))
        self._at_right = False
        self.setAccessibleName("; ".join(self._titles))
        set_tool_tip(self, tr("The image itself is not kept on this machine."))

    def place(self, width: int, *, at_right: bool = False) -> int:
        """Lay out for `width`; the height taken, in pixels."""
        self._at_right = at_right
        height = len(self._titles) * self._row() - XS
        self.resize(width, height)
        return height

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._theme.font("small"))
        metrics = painter.fontMetrics()
        for number, title in enumerate(self._titles):
            text = metrics.elidedText(title, Qt.TextElideMode.ElideMiddle, self.width() - 2 * M)
            wide = metrics.horizontalAdvance(text) + 2 * M
            left = self.width() - wide if self._at_right else 0
            box = QRectF(left, number * self._row(), wide, self._row() - XS)
            paint_box(painter, box, None, self._theme.color("line_strong"), RADIUS)
            painter.setPen(self._theme.color("muted"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _row(self) -> int:
        return self.fontMetrics().height() + 2 * S + XS
