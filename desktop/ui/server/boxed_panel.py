"""A box with a quiet ground, and a line of fixed width in it."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from desktop.ui.parts.label import Label
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import RADIUS, XS, L, M
from desktop.ui.theme.theme import Theme


class BoxedPanel(QWidget):
    """`column` takes what stands in it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(L, M, L, M)
        self.column.setSpacing(XS)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self.theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line"), RADIUS + 1)


class MonoLabel(Label):
    """Text of fixed width, such as an address or a command, that can be selected."""

    def __init__(self, theme: Theme, text: str = "", *, wrap: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(theme, text, wrap=wrap, selectable=True, parent=parent)

    def _restyle(self) -> None:
        super()._restyle()
        self.setFont(self._theme.mono("small"))
