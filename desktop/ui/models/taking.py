"""Before a file is taken in: is it used where it is, or copied? Asked in the page, above the list."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow import Flow
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import RADIUS, XS, M, S


class Taking(QWidget):
    """Hidden until `ask`; Escape takes nothing."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._then: Callable[[bool], None] | None = None
        self._title = Label(theme, "", bold=True, wrap=True)
        self._says = Label(theme, "", size="small", color="muted", wrap=True)
        self.in_place = Button(theme, tr("Use it where it is"), kind="accent", size="small")
        self.copy_button = Button(theme, tr("Copy"), size="small", name=tr("Copy it to Latchkey's models"))
        self.leave_button = Button(theme, tr("Cancel"), size="small", name=tr("Do not add it"))
        flow = Flow(gap=S, line_gap=XS)
        for button in (self.in_place, self.copy_button, self.leave_button):
            flow.add(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(M, S + 2, M, S + 2)
        column.setSpacing(XS)
        column.addWidget(self._title)
        column.addWidget(self._says)
        column.addWidget(flow)
        self.in_place.clicked.connect(lambda: self._answer(False))
        self.copy_button.clicked.connect(lambda: self._answer(True))
        self.leave_button.clicked.connect(lambda: self._answer(None))
        self.setContentsMargins(0, 0, M, 0)  # as wide as what else is told above the list
        self.hide()

    def ask(self, names: str, then: Callable[[bool], None], *, pieces: bool = False) -> None:
        """Ask about `names`; `then` gets whether they are copied. `pieces` are joined in a copy, or not used at all."""
        self._then = then
        in_place = tr("Used where it is, it takes no more space, and must stay there. A copy is Latchkey's own.")
        joined = tr("It was cut into pieces. Latchkey joins them in a copy of its own; the pieces stay as they are.")
        self._says.setText(joined if pieces else in_place)
        self.in_place.setVisible(not pieces)
        self._title.setText(breakable(tr("Add {names}?").format(names=names)))
        self.setAccessibleName(self._title.text().replace("\u200b", ""))
        self.show()
        (self.copy_button if pieces else self.in_place).setFocus(Qt.FocusReason.OtherFocusReason)

    def _answer(self, copy: bool | None) -> None:
        then, self._then = self._then, None
        self.hide()
        if then is not None and copy is not None:
            then(copy)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._answer(None)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.contentsRect()), theme.color("field"), theme.color("accent"), RADIUS)
