"""What is in the middle of the window, and at times at its right a panel whose width a person can drag, or in that
panel's place a text to read."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop.ui.parts.page import Splitter
from desktop.ui.theme.theme import Theme

_SETTLES_MS = 500
_LEAST, _USUAL, _MOST = 36, 44, 76  # in characters, so that larger text has room
_LEAST_READ, _READ, _LEAST_MIDDLE = 44, 0.48, 52
"""Of a text beside the middle: how wide it is at least, in characters, and in parts of the whole; and how many
characters the middle needs beside it."""


class SideSplitter(Splitter):
    """`middle` takes all the width that the panel leaves. `width_changed` once the person dragged the line between.

    A reader takes the panel's place, and where there is no room for both that of the middle too; `reader_left` where
    the panel took its place again."""

    width_changed = Signal(int)
    reader_left = Signal()

    def __init__(self, theme: Theme, middle: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(theme, Qt.Orientation.Horizontal, parent)
        self.side: QWidget | None = None
        self.reader: QWidget | None = None
        self._middle, self._had_side = middle, False
        self.addWidget(middle)
        self.setStretchFactor(0, 1)
        self.setCollapsible(0, False)
        self._settles = QTimer(self)
        self._settles.setSingleShot(True)
        self._settles.setInterval(_SETTLES_MS)
        self._settles.timeout.connect(self._tell_width)
        self.splitterMoved.connect(lambda *_: self._settles.start())

    @property
    def panes(self) -> list[QWidget]:
        """Where F6 goes, beside the middle."""
        return [each for each in (self.side, self.reader) if each is not None]

    def set_side(self, panel: QWidget) -> None:
        """Have `panel` at the right; it is not shown before `show_side`."""
        panel.hide()
        self.side = panel
        self._add(panel)

    def set_reader(self, reader: QWidget) -> None:
        """Have `reader` at the right; it is not shown before `show_reader`."""
        reader.hide()
        self.reader = reader
        self._add(reader)

    def show_side(self, shown: bool, width: int = 0) -> None:
        """Show it as wide as that, in pixels (0: as usual), or hide it."""
        if self.side is None:
            return
        if shown and self.is_reading:
            self._had_side = False
            self.show_reader(False)
            self.reader_left.emit()
        self.side.setVisible(shown)
        if shown:
            unit = self.fontMetrics().averageCharWidth()
            self.side.setMinimumWidth(_LEAST * unit)
            self.side.setMaximumWidth(_MOST * unit)
            wide = min(max(width or _USUAL * unit, _LEAST * unit), _MOST * unit)
            self._set_width(self.side, wide)

    @property
    def is_reading(self) -> bool:
        """Whether the reader is shown."""
        return self.reader is not None and not self.reader.isHidden()

    def show_reader(self, shown: bool) -> None:
        """Show the reader, in place of the panel; or hide it, and show the panel again where it was shown before."""
        if self.reader is None or shown == self.is_reading:
            return
        if shown and self.side is not None:
            self._had_side = not self.side.isHidden()
            self.side.hide()
        self.reader.setVisible(shown)
        if shown:
            self._fit_reader()
            unit = self.fontMetrics().averageCharWidth()
            self._set_width(self.reader, max(round(self.width() * _READ), _LEAST_READ * unit))
        else:
            self._middle.show()
            if self._had_side and self.side is not None:
                self.side.show()
            self._had_side = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.is_reading:
            self._fit_reader()

    def _fit_reader(self) -> None:
        """Where there is no room for both, the reader alone is shown."""
        unit = self.fontMetrics().averageCharWidth()
        if self.reader is not None:
            self._middle.setVisible(self.width() >= (_LEAST_READ + _LEAST_MIDDLE) * unit)
            self.reader.setMinimumWidth(min(_LEAST_READ * unit, self.width()))

    def _add(self, widget: QWidget) -> None:
        self.addWidget(widget)
        self.setStretchFactor(self.indexOf(widget), 0)
        self.setCollapsible(self.indexOf(widget), False)

    def _set_width(self, widget: QWidget, wide: int) -> None:
        sizes = [0] * self.count()
        sizes[0], sizes[self.indexOf(widget)] = max(self.width() - wide, 1), wide
        self.setSizes(sizes)

    def _tell_width(self) -> None:
        if self.side is not None and not self.side.isHidden():
            self.width_changed.emit(self.sizes()[self.indexOf(self.side)])
