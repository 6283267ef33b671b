"""What is in the middle of the window, and at times a panel at its right, whose width a person can drag."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from desktop.ui.parts.page import Splitter
from desktop.ui.theme.theme import Theme

_SETTLES_MS = 500
_LEAST, _USUAL, _MOST = 36, 44, 76  # in characters, so that larger text has room


class SideSplitter(Splitter):
    """`middle` takes all the width that the panel leaves. `width_changed` once the person dragged the line between."""

    width_changed = Signal(int)

    def __init__(self, theme: Theme, middle: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(theme, Qt.Orientation.Horizontal, parent)
        self.side: QWidget | None = None
        self.addWidget(middle)
        self.setStretchFactor(0, 1)
        self.setCollapsible(0, False)
        self._settles = QTimer(self)
        self._settles.setSingleShot(True)
        self._settles.setInterval(_SETTLES_MS)
        self._settles.timeout.connect(lambda: self.width_changed.emit(self.sizes()[1]))
        self.splitterMoved.connect(lambda *_: self._settles.start())

    def set_side(self, panel: QWidget) -> None:
        """Have `panel` at the right; it is not shown before `show_side`."""
        panel.hide()
        self.side = panel
        self.addWidget(panel)
        self.setStretchFactor(1, 0)
        self.setCollapsible(1, False)

    def show_side(self, shown: bool, width: int = 0) -> None:
        """Show it as wide as that, in pixels (0: as usual), or hide it."""
        if self.side is None:
            return
        self.side.setVisible(shown)
        if shown:
            unit = self.fontMetrics().averageCharWidth()
            self.side.setMinimumWidth(_LEAST * unit)
            self.side.setMaximumWidth(_MOST * unit)
            wide = min(max(width or _USUAL * unit, _LEAST * unit), _MOST * unit)
            self.setSizes([max(self.width() - wide, 1), wide])
