"""An error box in a column that scrolls: exactly as high as its text needs at the width it is given."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui.parts.error_box import ErrorBox


class Placed(QWidget):
    """Holds `box`. A layout would reserve the height that its text takes at its narrowest."""

    def __init__(self, box: ErrorBox, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = box
        box.setParent(self)
        box.resized.connect(self._fit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self.width() > 0:
            self.setFixedHeight(self.box.place(self.width()))
