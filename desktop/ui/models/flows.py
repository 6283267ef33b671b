"""The flows around models, put together: access, downloads, taking in, getting; and what each tells the others."""

from typing import TYPE_CHECKING

from desktop.background import Background
from desktop.paths import Paths
from desktop.ui.access.access_flow import AccessFlow
from desktop.ui.downloads.download_flow import DownloadFlow
from desktop.ui.models.import_flow import ImportFlow
from desktop.ui.models.model_selection import ModelSuggestionFlow
from desktop.ui.models.model_setup_flow import ModelSetupFlow
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.window.file_drop import FileDropTarget

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from desktop.library.library_model import LibraryCard
    from desktop.library.library_services import LibraryServices
    from desktop.ui.licenses.license_flow import LicenseFlow
    from desktop.ui.models.model_selection import ModelSelection
    from desktop.ui.window.main_window import MainWindow


class ModelFlows:
    """Everything that leads to a model that answers, but its licenses: those are `licenses`'."""

    def __init__(
        self,
        window: "MainWindow",
        background: Background,
        assembly: "LibraryServices",
        licenses: "LicenseFlow",
        choice: "ModelSelection",
        paths: Paths,
    ) -> None:
        self._window, self._choice, self._licenses = window, choice, licenses
        self.news = NotificationBar(window.theme, window)
        self.access = AccessFlow(window, background, assembly, self.news)
        self.downloads = DownloadFlow(window, background, assembly, self.news, paths)
        self.taking = ImportFlow(window, background, assembly, self._loaded)
        self.lookup = ModelSetupFlow(window, background, assembly, self.access, self.downloads, self.taking)
        self.suggestion = ModelSuggestionFlow(window, background, assembly, choice)
        window.chat_page.empty.model_asked.connect(self.lookup.show_model)
        self.drop = FileDropTarget(window.theme, window, window.chat_page.composer.edit.viewport())
        self.drop.dropped.connect(self.taking.offer)
        self.lookup.list_outdated.connect(licenses.refresh)
        self.lookup.license_asked.connect(licenses.open_step_from_models)
        self.lookup.use_asked.connect(self._use)
        licenses.listed.connect(self._listed)
        window.pages.page_shown.connect(lambda page: self.news.clear() if page == "models" else None)

    def start(self) -> None:
        """List the downloads of former runs."""
        self.downloads.start()

    def close(self) -> None:
        """Ask and show nothing any more."""
        for flow in (self.access, self.downloads, self.taking, self.lookup, self.suggestion):
            flow.close()

    def _listed(self, cards: "Sequence[LibraryCard]") -> None:
        self.access.poll_pending(cards)
        self.lookup.select_pending()

    def _use(self, model_id: str) -> None:
        self._choice.choose(model_id)
        self._window.show_page("")

    def _loaded(self) -> "list[Path]":
        """The file that answers now: it is not taken away from under the engine."""
        model = self._choice.model
        return [model.path] if model is not None and self._choice.refusal is None else []
