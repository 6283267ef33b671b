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

if TYPE_CHECKING:
    from desktop.ui.models.models_page import ModelsPage
    from desktop.ui.navigator import Navigator


class LoadSettingsFlow(QObject):
    """Between the page of models and the settings. `change_model` writes what is set for one, and has it used."""

    def __init__(
        self, navigator: "Navigator", background: Background, change_model: Callable[[str, dict[str, Any]], None]
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._change_model = navigator, background, change_model
        self._closed = False
        navigator.when_built("models", self._connect)

    def _connect(self, page: "ModelsPage") -> None:
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
