"""The strip at the top of every page."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.foreign_text import set_tool_tip
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS, L, S


class PageBar(QWidget):
    """A strip over a line, and on that line how far something is (`progress`, 0 to 1). `row` takes widgets."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.progress: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.sidebar_button = Button(theme, icon="sidebar", name=tr("Show sidebar"))
        set_tool_tip(self.sidebar_button, tr("Show the sidebar"))
        self.sidebar_button.hide()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(L + XS, S + 1, L + XS, S + 2)
        self.row.setSpacing(S + 2)
        self.row.addWidget(self.sidebar_button)
        # Every page's strip is as high as a button makes it, whether it holds one or not.
        self.row.addStrut(self.sidebar_button.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(QRectF(0, self.height() - 1, self.width(), 1), self.theme.color("line"))
        if self.progress is not None:
            painter.fillRect(QRectF(0, self.height() - 2, self.width() * self.progress, 2), self.theme.color("accent"))
