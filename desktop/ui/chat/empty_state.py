"""What an empty conversation shows: the model, example questions, the license it needs, and a model to suggest."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.byte_size import size_text
from desktop.settings import AcceptanceSettings
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.terms_text import license_label
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.theme.design_tokens import XL, L, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryCard, LibraryModel
    from desktop.library.recommendations import FirstModelSuggestion
    from desktop.ui.chat.blocked_model_card import BlockedModelCard

_WIDEST = 560
_NOTHING = AcceptanceSettings()
EXAMPLES = (
    "How do I add a model?",
    "Are my chats private?",
    "What is a gated model?",
    "Which quantization should I choose?",
)
"""Questions that the guide is offered with: a test asks it each of them."""


class ModelSuggestionLine(QWidget):
    """`asked` carries the id of the model whose page is to be shown."""

    model_requested = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model_id = ""
        self._lines: tuple[str, ...] = ("",)
        self._text = Label(theme, "", size="small", color="muted", wrap=True)
        self.button = Button(theme, tr("See it…"), size="small")
        self.button.clicked.connect(lambda: self.model_requested.emit(self._model_id))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(L)
        row.addWidget(self._text)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_suggestion(self, suggestion: "FirstModelSuggestion") -> None:
        """Propose `suggestion`: its name, its size, its terms, and that it fits."""
        self._model_id = suggestion.model_id
        first = tr("For everything else: {model} fits this computer.").format(model=isolated(suggestion.name))
        second = tr("{size} to fetch · {license}, which restricts nothing").format(
            size=size_text(suggestion.size, "two"), license=license_label(suggestion.license)
        )
        text = f"{first} {second}"
        self._lines = (first, second)
        self._text.setText(breakable(f"{first}\n{second}"))
        self.button.setAccessibleName(tr("See {model} on the Models page").format(model=suggestion.name))
        self.button.setAccessibleDescription(text)

    def height_for_width(self, room: int) -> int:
        """Take at most `room` pixels of width, and the height that goes with it, which is returned."""
        beside = self.button.sizeHint().width() + L
        widest = max(self._text.fontMetrics().horizontalAdvance(line) for line in self._lines)
        width = min(max(room - beside, 40), widest + 4)
        self._text.setMinimumHeight(0)  # or it is not less than before
        height = self._text.heightForWidth(width)
        self._text.setFixedSize(width, height)
        height = max(height, self.button.sizeHint().height())
        self.setFixedSize(width + beside, height)
        return height


class EmptyState(QWidget):
    """`asked` carries the question whose button was pressed, `license_asked` a model's id and its license's,
    `accept_asked` a model's id, the licenses of it that one click accepts and the AcceptanceSettings shown beside it,
    `model_asked` the id of a model that is to be shown."""

    question_chosen = Signal(str)
    license_asked = Signal(str, str)
    accept_asked = Signal(str, object, object)
    model_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._guide = True
        self._waiting: BlockedModelCard | None = None
        self._card: LibraryCard | None = None
        self._next: ModelSuggestionLine | None = None
        self._suggestion: FirstModelSuggestion | None = None
        self._title = Label(theme, "", size="title", bold=True, wrap=True)
        self._text = Label(theme, "", size="reading", color="muted", wrap=True)
        self._questions = QWidget()
        column = QVBoxLayout(self)
        column.setContentsMargins(XL, XL, XL, XL)
        column.setSpacing(S)
        column.addStretch(3)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(M)
        column.addWidget(self._questions, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(4)
        self._column = column
        self._grid = QGridLayout(self._questions)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(S)
        self.buttons: list[Button] = []
        for question in self._examples():
            button = Button(theme, question)
            policy = button.sizePolicy()
            policy.setHorizontalPolicy(policy.Policy.Expanding)
            button.setSizePolicy(policy)
            button.setMinimumWidth(1)  # in a narrow window its text is cut
            button.clicked.connect(lambda _=False, text=question: self.question_chosen.emit(text))
            self.buttons.append(button)
        self._model: LibraryModel | None = None
        self.show_model(None)
        theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        self.show_model(self._model)

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
        self._guide = guide
        self._fit()

    def show_license_verdict(self, card: "LibraryCard | None", remembered: AcceptanceSettings = _NOTHING) -> None:
        """Where `card` may not be used yet, say what it waits for in place of the questions; else they are back.
        `remembered` is what the person accepted as before."""
        self._card = card
        waits = card is not None and not card.verdict.allowed
        if waits and self._waiting is None:
            from desktop.ui.chat.blocked_model_card import BlockedModelCard

            self._waiting = BlockedModelCard(self._theme, self)
            self._waiting.license_asked.connect(self.license_asked)
            self._waiting.accept_asked.connect(self.accept_asked)
            self._column.insertWidget(1, self._waiting, 0, Qt.AlignmentFlag.AlignHCenter)
        if self._waiting is not None:
            if card is not None and waits:
                self._waiting.show_card(card, remembered)
            self._waiting.setVisible(waits)
        self._title.setVisible(not waits)
        self._text.setVisible(not waits)
        self._fit()

    def show_acceptance_settings(self, remembered: AcceptanceSettings) -> None:
        """What the person is remembered by changed: say it where the model waits."""
        if self._waiting is not None and self._waits and self._card is not None:
            self._waiting.show_card(self._card, remembered)
            self._fit()

    def show_suggestion(self, suggestion: "FirstModelSuggestion | None") -> None:
        """Propose a real model beside the guide; None for nothing to propose."""
        if suggestion == self._suggestion:
            return
        self._suggestion = suggestion
        if suggestion is not None:
            if self._next is None:
                from desktop.ui.chat.empty_state import ModelSuggestionLine

                self._next = ModelSuggestionLine(self._theme, self)
                self._next.model_requested.connect(self.model_asked)
                self._column.insertSpacing(self._column.count() - 1, M)
                self._column.insertWidget(self._column.count() - 1, self._next, 0, Qt.AlignmentFlag.AlignHCenter)
            self._next.show_suggestion(suggestion)
        self._fit()

    @property
    def _waits(self) -> bool:
        return self._waiting is not None and not self._waiting.isHidden()

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 60)  # large text must not make the window larger than the screen

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Break lines where the page is narrow, and leave out the questions where they have no room."""
        room = max(self.width() - 2 * XL, 100)
        if self._waiting is not None and self._waits:
            self._waiting.fit_width(min(_WIDEST, room))
            self._questions.hide()
            self._fit_next(self.height() - self._waiting.height() - 4 * S - 2 * M - 2 * XL, room)
            return
        for label, most in ((self._title, room), (self._text, min(_WIDEST, room))):
            width = min(most, label.fontMetrics().horizontalAdvance(label.text()) + 2)
            # Metrics are whole pixels and lines are not: where they are broken, one more may be needed.
            spare = label.fontMetrics().lineSpacing() if width == most and most < _WIDEST else 0
            label.setMinimumHeight(0)  # or it is not less than before, and grows at each look
            label.setFixedSize(width, label.heightForWidth(width) + spare)
        hints = [button.sizeHint() for button in self.buttons]
        columns = 2 if 2 * max(hint.width() for hint in hints) + S <= room else 1
        for place, button in enumerate(self.buttons):
            self._grid.addWidget(button, place // columns, place % columns)
        self._questions.setMaximumWidth(room)
        rows = len(self.buttons) // columns
        questions = rows * hints[0].height() + (rows - 1) * S
        texts = self._title.height() + self._text.height() + 4 * S + M + 2 * XL
        shown = self._guide and texts + questions <= self.height()
        self._questions.setVisible(shown)
        self._fit_next(self.height() - texts - (questions if shown else 0), room)

    def _fit_next(self, height: int, room: int) -> None:
        """Show what is proposed beside the guide, where there is so much `height` and `room` for it."""
        if self._next is not None:
            needed = self._next.height_for_width(min(_WIDEST, room)) + M + S
            self._next.setVisible(self._guide and self._suggestion is not None and needed <= height)

    def _examples(self) -> tuple[str, ...]:
        return tuple(tr(question) for question in EXAMPLES)
