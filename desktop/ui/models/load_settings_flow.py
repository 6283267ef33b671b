"""The flow of how a model is loaded: what is set on its page is checked, kept, and used at the next load."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from desktop.background import Background
from desktop.chat.conversation_options import changed_options
from desktop.errors import UserError
from desktop.library.load_settings_check import check_model_settings, read_template
from desktop.settings import ModelSettings
from desktop.translation import tr
from desktop.ui.models.fitting_adapters import fitting_adapters

if TYPE_CHECKING:
    from desktop.library.library import Library
    from desktop.ui.models.adapter_section import AdapterItem
    from desktop.ui.models.models_page import ModelsPage
    from desktop.ui.navigator import Navigator


class LoadSettingsFlow(QObject):
    """Between the page of models and the settings. `change_model` writes what is set for one, and has it used."""

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        change_model: Callable[[str, dict[str, Any]], None],
        library: "Library",
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._change_model = navigator, background, change_model
        self._library = library
        self._closed = False
        self._asked_for = 0
        navigator.page_shown.connect(self._page_shown)
        navigator.when_built("models", self._connect)

    def _connect(self, page: "ModelsPage") -> None:
        page.detail.adapters_asked.connect(self._list_adapters)
        page.detail.show_settings(self._navigator.settings)
        page.detail.loading_changed.connect(self._change)
        page.detail.template_asked.connect(self._choose_template)

    @property
    def _page(self) -> "ModelsPage":
        return self._navigator.page("models")

    def refresh(self) -> None:
        """Settings were changed, here or elsewhere."""
        if self._navigator.is_built("models") and not self._closed:
            self._page.detail.show_settings(self._navigator.settings)

    def _page_shown(self, page: str) -> None:
        if page == "models":
            self.refresh()  # a license of an adapter may have been accepted

    def _list_adapters(self, model_id: str) -> None:
        """Look for the adapters that fit the model, and show them."""
        self._asked_for += 1
        mine = self._asked_for

        def listed(items: "tuple[AdapterItem, ...]") -> None:
            if not self._closed and mine == self._asked_for and self._page.detail.loading is not None:
                self._page.detail.loading.show_adapters(items)

        self._background.pool(lambda: fitting_adapters(self._library, model_id), listed, lambda _: listed(()))

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def _change(self, model_id: str, changes: dict[str, Any]) -> None:
        own = self._navigator.settings.model_settings.get(model_id, ModelSettings())
        try:
            check_model_settings(changed_options(own, changes))
        except UserError as error:
            self._page.show_problem(error)
            return
        self._page.show_problem(None)
        self._change_model(model_id, changes)

    def _choose_template(self, model_id: str) -> None:
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Chat template from a file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([tr("Jinja templates (*.jinja *.jinja2 *.j2 *.txt)"), tr("All files (*)")])
        dialog.filesSelected.connect(lambda paths: self.take_template(model_id, Path(paths[0])))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def take_template(self, model_id: str, path: Path) -> None:
        """Keep the template in a file with the model; where it is none, say so on the page."""

        def read(text: str) -> None:
            if not self._closed:
                self._change(model_id, {"chat_template": text})

        def failed(error: UserError) -> None:
            if not self._closed:
                self._page.show_problem(error)

        self._background.pool(lambda: read_template(path), read, failed)
