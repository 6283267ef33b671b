"""A row of words of which one is chosen: which part of something is shown."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from desktop.ui.parts.button import Button
from desktop.ui.theme.design_tokens import XS
from desktop.ui.theme.theme import Theme


class SectionTabs(QWidget):
    """`parts` are keys with their words. `chosen` carries the key of the one that was pressed. Left and right lead from
    one to the next."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parts: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, Button] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(XS)
        for key, words in parts:
            button = Button(theme, words, kind="row")
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, wanted=key: self._press(wanted))
            self.buttons[key] = button
            row.addWidget(button)

    @property
    def current(self) -> str:
        """The key of the one that is chosen."""
        return next((key for key, button in self.buttons.items() if button.isChecked()), "")

    def show_chosen(self, key: str) -> None:
        """Mark one as chosen."""
        for each, button in self.buttons.items():
            button.setChecked(each == key)

    def _press(self, key: str) -> None:
        self.show_chosen(key)  # also where it was pressed once more, which would turn it off
        self.chosen.emit(key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
        shown = list(self.buttons)
        if event.key() not in steps or self.current not in shown:
            super().keyPressEvent(event)
            return
        key = shown[(shown.index(self.current) + steps[Qt.Key(event.key())]) % len(shown)]
        self.buttons[key].setFocus(Qt.FocusReason.OtherFocusReason)
        self._press(key)
