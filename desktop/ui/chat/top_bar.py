"""Above the conversation: which model answers, under which terms, how far it is loaded; the conversation's menu."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Badge, Label, Tone
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.page_bar import PageBar
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import COLUMN

if TYPE_CHECKING:
    from desktop.library.models import LibraryModel


def restriction_name(restriction: str) -> str:
    """A restriction as people read it."""
    names = {
        "research-only": tr("Research only"),
        "non-commercial": tr("Non-commercial"),
        "attribution": tr("Attribution"),
        "no-derivatives": tr("No derivatives"),
        "share-alike": tr("Share alike"),
        "acceptable-use": tr("acceptable use"),
        "user-cap": tr("User cap"),
        "region": tr("Region"),
        "no-output-training": tr("No training on outputs"),
    }
    return names.get(restriction, restriction)


def restrictions_badge(restrictions: tuple[str, ...]) -> tuple[str, Tone]:
    """The text and tone of the badge that sums up restrictions; the text is "" where there are none."""
    text = " · ".join(restriction_name(restriction) for restriction in restrictions)
    severe = {"research-only", "non-commercial"} & set(restrictions)
    return (text[:1].upper() + text[1:], "bad" if severe else "warn")


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
        self._restrictions = Badge(theme, "", "warn")
        self._restrictions.hide()
        self._license = Badge(theme, "")
        self._license.hide()
        self._state = Label(theme, "", color="faint")
        self.menu_button = Button(theme, icon="more", name=tr("Conversation menu"))
        self.menu_button.clicked.connect(self._open_menu)
        for widget in (self.model_button, self._restrictions, self._license, self._state):
            self.row.addWidget(widget)
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
        text, tone = restrictions_badge(model.restrictions if model is not None else ())
        self._restrictions.set(text, tone)
        self._restrictions.setVisible(bool(text))
        license_name = model.license if model is not None else ""
        self._license.set(license_name, "quiet")
        self._license.setVisible(bool(license_name))

    def show_loading(self, fraction: float | None, text: str = "") -> None:
        """Show how far the model is loaded; None where nothing is loading. `text` is said beside it."""
        self.progress = fraction
        self._state.setText(self._state.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, 6 * COLUMN // 10))
        self._state.setToolTip(text)
        self.update()

    def _open_models(self) -> None:
        menu = make_menu(self.theme, self)
        for model in self._models:
            action = menu.addAction(f"{model.name}   {model.quantization}")
            action.setCheckable(True)
            action.setChecked(self._model is not None and model.id == self._model.id)
            action.triggered.connect(lambda _=False, chosen=model.id: self.model_chosen.emit(chosen))
        menu.addSeparator()
        menu.addAction(tr("Models…"), self.models_asked.emit)
        menu.popup(self.model_button.mapToGlobal(self.model_button.rect().bottomLeft()))

    def _open_menu(self) -> None:
        menu = make_menu(self.theme, self)
        self._fill_menu(menu)
        corner = self.menu_button.mapToGlobal(self.menu_button.rect().bottomRight())
        corner.setX(corner.x() - menu.sizeHint().width())
        menu.popup(corner)
