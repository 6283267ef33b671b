"""The files of a question that was sent, above its text: what each is and how much of it the model was given."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.byte_size import size_text
from desktop.conversation import AttachedFilePart, Message
from desktop.translation import tr, trn
from desktop.ui.chat.cited_sources import file_name
from desktop.ui.chat.message_documents import MessageDocuments
from desktop.ui.chat.source_list import file_text_sign
from desktop.ui.parts.button import Button
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.parts.untrusted_text import plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import XS, M
from desktop.ui.theme.theme import Theme

_MOST = 6
_ACROSS = M - 2
_LEAST_NAME = 10  # characters


def attached_files(message: Message) -> list[AttachedFilePart]:
    """The files attached to a message."""
    return [part for part in message.parts if isinstance(part, AttachedFilePart)]


def given_text(part: AttachedFilePart, passages: int | None) -> str:
    """How much of a file the model was given: `passages` found for the answer, None where that is not known."""
    parts = []
    if part.pages:
        parts.append(trn("1 page", "{count} pages", part.pages).format(count=f"{part.pages:,}"))
    if part.whole:
        parts.append(tr("given whole"))
    elif passages is not None:
        parts.append(trn("1 passage used", "{count} passages used", passages).format(count=passages))
    return " · ".join(parts)


class AttachedFileChip(Button):
    """One file; pressed, it shows what was read of it. Its name is cut in the middle where it is long."""

    def __init__(self, theme: Theme, part: AttachedFilePart, parent: QWidget) -> None:
        super().__init__(theme, kind="quiet", size="small", parent=parent)
        self._theme, self.part = theme, part
        self._name = plain_line(part.name)
        self._given = ""
        self._most = 0
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.show_passages(None)

    def show_passages(self, passages: int | None) -> bool:
        """Say how many passages the answer was given; whether that is another text than before."""
        before, self._given = self._given, given_text(self.part, passages)
        said = ", ".join(filter(None, (file_name(self.part.name), self._given)))
        self.setAccessibleName(tr("Attached file: {what}").format(what=said))
        self.setAccessibleDescription(file_text_sign())
        figures = " · ".join(filter(None, (size_text(self.part.size), self._given)))
        set_tool_tip(self, "\n".join((self.part.name, figures, file_text_sign())))
        self.update()
        return before != self._given

    def set_most_width(self, width: int) -> None:
        """It may be so wide."""
        self._most = width

    @property
    def _figures(self) -> str:
        return f" · {self._given}" if self._given else ""

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance(self._name + self._figures) + 2 * _ACROSS + 1
        least = metrics.horizontalAdvance(self._figures) + metrics.averageCharWidth() * _LEAST_NAME + 2 * _ACROSS
        return QSize(min(width, max(self._most, least)) if self._most else width, metrics.height() + 7)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme, rect = QPainter(self), self._theme, QRectF(self.rect())
        active = self.underMouse() or self.isDown()
        fill = theme.color("hover") if active else None
        paint_box(painter, rect, fill, theme.color("line_strong"), rect.height() / 2)
        painter.setFont(self.font())
        painter.setPen(theme.color("text" if active else "muted"))
        metrics = painter.fontMetrics()
        figures = metrics.horizontalAdvance(self._figures)
        room = self.width() - 2 * _ACROSS - figures + 1
        name = metrics.elidedText(self._name, Qt.TextElideMode.ElideMiddle, room)
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(_ACROSS, baseline), name)
        painter.drawText(QPointF(_ACROSS + metrics.horizontalAdvance(name), baseline), self._figures)
        if self.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), rect.height() / 2 - 1)


class AttachedFileList(QWidget):
    """The files in lines that begin at the right. `place` lays them out; the first six are shown until all are asked
    for, which `asked_for_all` is called with."""

    def __init__(
        self, theme: Theme, parts: Sequence[AttachedFilePart], documents: MessageDocuments | None, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._parts = tuple(parts)
        self.chips = [AttachedFileChip(theme, part, self) for part in parts]
        for chip in self.chips:
            if documents is not None:
                chip.clicked.connect(lambda _=False, part=chip.part: documents.show_file(part))
        left = len(parts) - _MOST
        more = trn("1 more file", "{count} more files", left).format(count=left)
        self.more = Button(theme, more, kind="quiet", size="small", parent=self)
        self._is_whole = left <= 0
        self._show()

    @property
    def is_unfolded(self) -> bool:
        """Whether a person asked for all of them."""
        return self._is_whole and len(self._parts) > _MOST

    @property
    def buttons(self) -> list[Button]:
        shown: list[Button] = [chip for chip in self.chips if not chip.isHidden()]
        return [*shown, self.more] if not self._is_whole else shown

    def show_passages(self, counts: Mapping[str, int] | None) -> bool:
        """How many passages of each file the answer was given, by the file's sha256; None: it is not known. Whether
        that is another text than before."""
        changed = False
        for chip in self.chips:
            count = counts.get(chip.part.file_sha256, 0) if counts is not None else None
            changed |= chip.show_passages(count)
        return changed

    def show_all(self) -> None:
        """Show every file."""
        self._is_whole = True
        self._show()

    def _show(self) -> None:
        for place, chip in enumerate(self.chips):
            chip.setVisible(self._is_whole or place < _MOST)
        self.more.setVisible(not self._is_whole)

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken, in pixels."""
        lines: list[list[Button]] = [[]]
        used = 0
        for button in self.buttons:
            if isinstance(button, AttachedFileChip):
                button.set_most_width(width)
            wide = min(button.sizeHint().width(), width)
            if lines[-1] and used + XS + wide > width:
                lines.append([])
                used = 0
            used += wide + (XS if lines[-1] else 0)
            lines[-1].append(button)
        y = 0
        for line in lines:
            x, high = width, max((each.sizeHint().height() for each in line), default=0)
            for button in reversed(line):
                wide = min(button.sizeHint().width(), width)
                x -= wide
                button.setGeometry(x, y, wide, button.sizeHint().height())
                x -= XS
            y += high + XS
        height = max(y - XS, 0)
        self.resize(width, height)
        return height
