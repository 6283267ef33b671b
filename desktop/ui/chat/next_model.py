"""Where only the built-in model is here: one line that proposes a real model which suits this machine."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.models.words import size_text
from desktop.ui.parts.button import Button
from desktop.ui.parts.foreign_text import isolated
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.terms import license_label
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import L

if TYPE_CHECKING:
    from desktop.library.suggestion import Suggestion


class NextModel(QWidget):
    """`asked` carries the id of the model whose page is to be shown."""

    asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model_id = ""
        self._lines: tuple[str, ...] = ("",)
        self._text = Label(theme, "", size="small", color="muted", wrap=True)
        self.button = Button(theme, tr("See it…"), size="small")
        self.button.clicked.connect(lambda: self.asked.emit(self._model_id))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(L)
        row.addWidget(self._text)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_suggestion(self, suggestion: "Suggestion") -> None:
        """Propose `suggestion`: its name, its size, its terms, and that it fits."""
        self._model_id = suggestion.model_id
        first = tr("For everything else: {model} fits this computer.").format(model=isolated(suggestion.name))
        second = tr("{size} to fetch · {license}, which restricts nothing").format(
            size=size_text(suggestion.size), license=license_label(suggestion.license)
        )
        text = f"{first} {second}"
        self._lines = (first, second)
        self._text.setText(breakable(f"{first}\n{second}"))
        self.button.setAccessibleName(tr("See {model} on the Models page").format(model=suggestion.name))
        self.button.setAccessibleDescription(text)

    def fit(self, room: int) -> int:
        """Take at most `room` pixels of width, and the height that goes with it, which is returned."""
        beside = self.button.sizeHint().width() + L
        widest = max(self._text.fontMetrics().horizontalAdvance(line) for line in self._lines)
        width = min(max(room - beside, 40), widest + 4)
        height = self._text.heightForWidth(width)
        self._text.setFixedSize(width, height)
        height = max(height, self.button.sizeHint().height())
        self.setFixedSize(width + beside, height)
        return height
