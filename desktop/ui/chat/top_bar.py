"""Above the conversation: which model answers, under which terms, how far it is loaded; the conversation's menu."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.chat.terms_badges import TermsBadges
from desktop.ui.parts.button import Button
from desktop.ui.parts.foreign_text import add_entry, set_tool_tip
from desktop.ui.parts.label import Label
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.page_bar import PageBar
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import COLUMN

if TYPE_CHECKING:
    from desktop.library.models import LibraryModel


class TopBar(PageBar):
    """The conversation page's strip. `model_chosen` carries a model's id."""

    model_chosen = Signal(str)
    models_asked = Signal()

    def __init__(self, theme: Theme, fill_menu: Callable[[QMenu], None], parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._models: list[LibraryModel] = []
        self._model: LibraryModel | None = None
        self._fill_menu = fill_menu
        self.model_button = Button(theme, tr("Choose a model"), menu_arrow=True, name=tr("Model"))
        self.model_button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.model_button.clicked.connect(self._open_models)
        self._waiting: Mapping[str, str] = {}
        self._terms = TermsBadges(theme)
        self._state = Label(theme, "", color="faint")
        self.menu_button = Button(theme, icon="more", name=tr("Conversation menu"))
        self.menu_button.clicked.connect(self._open_menu)
        self.row.addWidget(self.model_button)
        self.row.addWidget(self._terms)
        self.row.addWidget(self._state)
        self.row.addStretch(1)
        self.row.addWidget(self.menu_button)

    @property
    def model(self) -> "LibraryModel | None":
        return self._model

    def show_models(self, models: "list[LibraryModel]") -> None:
        """What the picker offers."""
        self._models = models

    def show_model(self, model: "LibraryModel | None", name: str = "") -> None:
        """Show which model answers."""
        self._model = model
        self.model_button.setText(model.name if model is not None else name or tr("Choose a model"))
        self.model_button.set_detail(model.quantization if model is not None else "")
        self.model_button.setAccessibleDescription(self.model_button.text())
        if model is not None:
            self._terms.show_terms(model.license, model.restrictions, part=model.built_in)
        else:
            self._terms.show_terms("", ())
        self._fit()

    def show_purpose(self, purpose: str) -> None:
        """Show for what the model's use was declared ("Research"); "" where nothing was declared."""
        self._terms.show_purpose(purpose)
        self._fit()

    def show_waiting(self, waiting: Mapping[str, str]) -> None:
        """Mark models in the picker: what stands in the way of each, by its id."""
        self._waiting = waiting

    def show_loading(self, fraction: float | None, text: str = "") -> None:
        """Show how far the model is loaded; None where nothing is loading. `text` is said beside it."""
        self.progress = fraction
        self._state.setText(self._state.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, 6 * COLUMN // 10))
        set_tool_tip(self._state, text)
        self._fit()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The badges give way before the model's name does."""
        margins, gaps = self.row.contentsMargins(), self.row.spacing() * (self.row.count() - 1)
        others = [self._state, self.menu_button] + [each for each in (self.sidebar_button,) if not each.isHidden()]
        room = self.width() - margins.left() - margins.right() - gaps - sum(each.sizeHint().width() for each in others)
        name = min(self.model_button.sizeHint().width(), room * 3 // 5)
        self._terms.setMaximumWidth(max(room - name, self._terms.minimumSizeHint().width()))

    def _open_models(self) -> None:
        menu = make_menu(self.theme, self)
        for model in self._models:
            action = add_entry(menu, self._entry(model))
            action.setCheckable(True)
            action.setChecked(self._model is not None and model.id == self._model.id)
            action.triggered.connect(lambda _=False, chosen=model.id: self.model_chosen.emit(chosen))
        menu.addSeparator()
        menu.addAction(tr("Models…"), self.models_asked.emit)
        menu.popup(self.model_button.mapToGlobal(self.model_button.rect().bottomLeft()))

    def _entry(self, model: "LibraryModel") -> str:
        """A model in the picker. Names come from files: a long one is cut."""
        metrics = self.fontMetrics()
        name = metrics.elidedText(model.name, Qt.TextElideMode.ElideRight, COLUMN // 2)
        waits = self._waiting.get(model.id, "")
        parts = [name, model.quantization, f"({waits})" if waits else ""]
        return "   ".join(part for part in parts if part)

    def _open_menu(self) -> None:
        menu = make_menu(self.theme, self)
        self._fill_menu(menu)
        corner = self.menu_button.mapToGlobal(self.menu_button.rect().bottomRight())
        corner.setX(corner.x() - menu.sizeHint().width())
        menu.popup(corner)
