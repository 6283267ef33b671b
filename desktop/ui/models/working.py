"""Something long that was asked for on the page of models: what it is, how far it is, and a button that ends it."""

import threading

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.downloads.bar import ProgressBar
from desktop.ui.models.words import size_text
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import RADIUS, XS, M, S


class Working(QWidget):
    """Hidden while nothing is under way. `stop_asked` when its button is pressed."""

    stop_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = Label(theme, "", wrap=True)
        self._figures = Label(theme, "", size="small", color="muted")
        self._bar = ProgressBar(theme, tr("Progress"))
        self.stop_button = Button(theme, tr("Cancel"), size="small")
        column = QVBoxLayout(self)
        column.setContentsMargins(M, S, M, S)
        column.setSpacing(XS)
        column.addWidget(self._text)
        column.addWidget(self._bar)
        row = QHBoxLayout()
        row.addWidget(self._figures, 1)
        row.addWidget(self.stop_button)
        column.addLayout(row)
        self.stop_button.clicked.connect(self.stop_asked)
        self.hide()

    def say(self, text: str) -> None:
        """Say what is under way; "" when it is over."""
        self._text.setText(breakable(text))
        self.setAccessibleName(text)
        self.stop_button.setAccessibleName(tr("Cancel: {what}").format(what=text))
        self.stop_button.setEnabled(True)
        self.show_progress(0, 0)
        self.setVisible(bool(text))

    def show_progress(self, done: int, total: int) -> None:
        """How many bytes of how many are done."""
        self._bar.show_fraction(min(done / total, 1.0) if total else 0.0)
        said = tr("{done} of {total}").format(done=size_text(done), total=size_text(total)) if total else ""
        self._figures.setText(said)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line"), RADIUS)


class Told:
    """Progress that is told on another thread, looked at on the main one whenever it likes."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.done = self.total = 0

    def __call__(self, done: int, total: int) -> None:
        self.done, self.total = done, total
