"""A conversation that has not begun: what this model is good for, and a few questions to begin with."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XL, M, S

if TYPE_CHECKING:
    from desktop.library.models import LibraryModel


class EmptyState(QWidget):
    """`asked` carries the question whose button was pressed."""

    asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = Label(theme, "", size="title", bold=True)
        self._text = Label(theme, "", size="reading", color="muted", wrap=True)
        self._questions = QWidget()
        column = QVBoxLayout(self)
        column.setContentsMargins(XL, XL, XL, XL)
        column.setSpacing(S)
        column.addStretch(3)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setMaximumWidth(560)
            label.setMinimumWidth(200)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(M)
        column.addWidget(self._questions, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(4)
        grid = QGridLayout(self._questions)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(S)
        self.buttons: list[Button] = []
        for place, question in enumerate(self._examples()):
            button = Button(theme, question)
            policy = button.sizePolicy()
            policy.setHorizontalPolicy(policy.Policy.Expanding)
            button.setSizePolicy(policy)
            button.clicked.connect(lambda _=False, text=question: self.asked.emit(text))
            grid.addWidget(button, place // 2, place % 2)
            self.buttons.append(button)
        self._model: LibraryModel | None = None
        self.show_model(None)
        theme.changed.connect(lambda: self.show_model(self._model))

    def show_model(self, model: "LibraryModel | None") -> None:
        """Speak of `model`; the example questions are the guide's."""
        self._model = model
        guide = model is None or model.built_in
        if guide:
            self._title.setText(tr("Ask about Latchkey"))
            text = tr(
                "This small model came with Latchkey. It answers questions about Latchkey, on this computer, "
                "and knows nothing else."
            )
        else:
            assert model is not None
            self._title.setText(tr("Chat with {model}").format(model=model.name))
            text = tr("Everything you write stays on this computer.")
        self._text.setText(text)
        width = min(560, self._text.fontMetrics().horizontalAdvance(text) + 2)
        self._text.setFixedSize(width, self._text.heightForWidth(width))
        self._questions.setVisible(guide)

    def _examples(self) -> tuple[str, ...]:
        return (
            tr("How do I add a model?"),
            tr("Does anything leave my computer?"),
            tr("What does “gated” mean?"),
            tr("Which quantization should I choose?"),
        )
