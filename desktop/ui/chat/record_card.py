"""The card "How this answer was made": its record line by line, to be copied, and the way to make the answer again."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop.chat.answer_record_text import record_lines, record_text, rerun_needs
from desktop.conversation import Message
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.document_text import copy_text
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.height_for_width import resize_to_width
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import RADIUS, XS, L, M, S
from desktop.ui.theme.theme import Theme

_LONGEST = 600  # characters of a line: a system prompt can be a page


class RecordCard(QWidget):
    """Under the answer `message`. `closed` where the person is done with it."""

    closed = Signal()

    def __init__(
        self, theme: Theme, message: Message, run_again: Callable[[Message], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._message = theme, message
        title = tr("How this answer was made")
        self.setAccessibleName(title)
        column = QVBoxLayout(self)
        column.setContentsMargins(L, M, L, M + 2)
        column.setSpacing(S)
        column.addWidget(Label(theme, title, bold=True))
        column.addLayout(self._grid())
        column.addWidget(Label(theme, rerun_needs(message), size="small", color="muted", wrap=True, selectable=True))
        self._copy = Button(theme, tr("Copy record"))
        self._again = Button(theme, tr("Run again"))
        self._close = Button(theme, tr("Close"), name=tr("Close the record"))
        self._copy.clicked.connect(self._copy_record)
        self._again.clicked.connect(lambda: run_again(message))
        self._close.clicked.connect(self.closed)
        flow = FlowBox(gap=S, line_gap=S)
        for button in self.buttons:
            flow.add(button)
        column.addSpacing(XS)
        column.addWidget(flow)

    @property
    def buttons(self) -> list[Button]:
        return [self._again, self._copy, self._close]

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        return resize_to_width(self, width)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line"), RADIUS + 1)

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(L)
        grid.setVerticalSpacing(XS)
        grid.setColumnStretch(1, 1)
        for row, (name, said) in enumerate(record_lines(self._message)):
            cut = said if len(said) <= _LONGEST else said[:_LONGEST] + "…"
            value = Label(self._theme, breakable(cut), size="small", wrap=True, selectable=True)
            value.setAccessibleName(f"{name}: {cut}")
            grid.addWidget(Label(self._theme, name, size="small", color="muted"), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1)
        return grid

    def _copy_record(self) -> None:
        copy_text(record_text(self._message), None)
