"""The settings of documents: which models search in them, what they do now, and what happens without them."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.settings import Settings
from desktop.translation import tr
from desktop.ui.parts.label import Label
from desktop.ui.parts.setting_controls import ChoiceButton, set_hint, setting_row
from desktop.ui.theme.design_tokens import M
from desktop.ui.theme.theme import Theme

Choice = tuple[str, str]
"""The id of a model and its name."""


@dataclass(frozen=True)
class SearchModelChoices:
    """The embedding models and the rerankers that are here, and what is to be said of those in use, or why there are
    none."""

    embedding: tuple[Choice, ...] = ()
    rerankers: tuple[Choice, ...] = ()
    embedding_says: str = ""
    reranker_says: str = ""


class DocumentsSection(QWidget):
    """Emits `changed` with settings by name, and `appeared` when it is shown: what there is is then to be told by
    `show_choices`."""

    changed = Signal(dict)
    appeared = Signal()

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings, self._choices = settings, SearchModelChoices()
        self.embedding = ChoiceButton(theme, tr("Model for search by meaning"), (), None)
        self.reranker = ChoiceButton(theme, tr("Model for the order of passages"), (), None)
        self.embedding.chosen.connect(lambda value: self.changed.emit({"embedding_model": value}))
        self.reranker.chosen.connect(lambda value: self.changed.emit({"reranker_model": value}))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(M)
        told = tr(
            "Passages of collections are found by their words. An embedding model finds those as well that say the "
            "same in other words; a reranker puts the best first. Both compute on this computer, and are GGUF files "
            "that you add on the Models page, under their licenses like any model."
        )
        column.addWidget(Label(theme, told, size="small", color="muted", wrap=True))
        row, self._embedding_says = setting_row(theme, tr("Search by meaning"), " ", self.embedding)
        column.addLayout(row)
        row, self._reranker_says = setting_row(theme, tr("Order of passages"), " ", self.reranker)
        column.addLayout(row)
        self.show_settings(settings)

    def show_settings(self, settings: Settings) -> None:
        """Show what is in force."""
        self._settings = settings
        self._show()

    def show_choices(self, choices: SearchModelChoices) -> None:
        """Show what there is to choose from."""
        self._choices = choices
        self._show()

    def _show(self) -> None:
        choices, settings = self._choices, self._settings
        self.embedding.set_options(_options(choices.embedding, settings.embedding_model), settings.embedding_model)
        self.reranker.set_options(_options(choices.rerankers, settings.reranker_model), settings.reranker_model)
        set_hint(self._embedding_says, choices.embedding_says)
        set_hint(self._reranker_says, choices.reranker_says)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.appeared.emit()


def _options(here: Sequence[Choice], chosen: str | None) -> list[tuple[object, str]]:
    """What can be chosen: what is there by itself, nothing, each that is here, and the chosen one if it is not."""
    options: list[tuple[object, str]] = [(None, tr("Automatic")), ("", tr("None")), *here]
    if chosen and chosen not in dict(here):
        options.append((chosen, tr("{model} (not here)").format(model=chosen)))
    return options
