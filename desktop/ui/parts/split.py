"""Two panes with a thin line between them that can be dragged."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSplitter, QSplitterHandle, QWidget

from desktop.ui.theme.theme import Theme


class _Handle(QSplitterHandle):
    def __init__(self, theme: Theme, parent: "Split") -> None:
        super().__init__(parent.orientation(), parent)
        self._theme = theme

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.contentsRect(), self._theme.color("line"))


class Split(QSplitter):
    """A splitter whose handle is a line of one pixel (Qt lets it be gripped some pixels to either side)."""

    def __init__(self, theme: Theme, orientation: Qt.Orientation, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self._theme = theme
        self.setHandleWidth(1)

    def createHandle(self) -> QSplitterHandle:
        return _Handle(self._theme, self)
