"""The field that finds words in the text beside it: Enter for the next, Shift+Enter for the one before."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.licenses.text_pane import TextPane
from desktop.ui.parts.button import Button
from desktop.ui.parts.field import Field
from desktop.ui.parts.label import Label
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS


class FindInText(QWidget):
    """Looks through the pane that `pane` gives."""

    def __init__(self, theme: Theme, pane: Callable[[], TextPane], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pane = pane
        self.field = Field(theme, tr("Find in text"), escape_clears=True)
        self.field.setMinimumWidth(200)
        self.count = Label(theme, "", size="small", color="muted")
        self._before = Button(theme, icon="chevron-left", kind="quiet", name=tr("Previous match"))
        self._after = Button(theme, icon="chevron-right", kind="quiet", name=tr("Next match"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(XS)
        for widget in (self.count, self._before, self._after, self.field):
            row.addWidget(widget)
        self.field.textChanged.connect(lambda text: self._pane().seek(text))
        self._before.clicked.connect(lambda: self._pane().step(-1))
        self._after.clicked.connect(lambda: self._pane().step(1))
        self.show_count(0, 0)

    def open(self) -> None:
        """Write here."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def clear(self) -> None:
        """Look for nothing."""
        self.field.clear()

    def again(self) -> None:
        """Look through another text for the same."""
        self._pane().seek(self.field.text())

    def show_count(self, place: int, count: int) -> None:
        """Say which of `count` matches is shown; `place` counts from 1."""
        words = self.field.text().strip()
        text = tr("{place} of {count}").format(place=place, count=count) if count else tr("Not found")
        self.count.setText(text if words else "")
        self.count.setAccessibleName(self.count.text())
        self.field.setAccessibleDescription(self.count.text())
        for button in (self._before, self._after):
            button.setVisible(bool(words) and count > 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._pane().step(-1 if back else 1)
            return
        super().keyPressEvent(event)
