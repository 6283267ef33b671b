"""The flows around models, put together: access, downloads, taking in, getting; and what each tells the others."""

from typing import TYPE_CHECKING

from desktop.background import Background
from desktop.paths import Paths
from desktop.ui.access.flow import AccessFlow
from desktop.ui.downloads.flow import DownloadsFlow
from desktop.ui.drop import DropTarget
from desktop.ui.models.getting_flow import GettingFlow
from desktop.ui.models.suggestion_flow import SuggestionFlow
from desktop.ui.models.taking_flow import TakingFlow
from desktop.ui.parts.news import NewsBar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from desktop.library.assembly import Assembly
    from desktop.library.models import Card
    from desktop.ui.licenses.choice import ModelChoice
    from desktop.ui.licenses.flow import LicenseFlow
    from desktop.ui.window import MainWindow


class ModelFlows:
    """Everything that leads to a model that answers, but its licenses: those are `licenses`'."""

    def __init__(
        self,
        window: "MainWindow",
        background: Background,
        assembly: "Assembly",
        licenses: "LicenseFlow",
        choice: "ModelChoice",
        paths: Paths,
    ) -> None:
        self._window, self._choice, self._licenses = window, choice, licenses
        self.news = NewsBar(window.theme, window)
        self.access = AccessFlow(window, background, assembly, self.news)
        self.downloads = DownloadsFlow(window, background, assembly, self.news, paths)
        self.taking = TakingFlow(window, background, assembly, self._loaded)
        self.getting = GettingFlow(window, background, assembly, self.access, self.downloads, self.taking)
        self.suggestion = SuggestionFlow(window, background, assembly, choice)
        window.chat_page.empty.model_asked.connect(self.getting.show_model)
        self.drop = DropTarget(window.theme, window, window.chat_page.composer.edit.viewport())
        self.drop.dropped.connect(self.taking.offer)
        self.getting.listed_anew.connect(licenses.refresh)
        self.getting.license_asked.connect(licenses.open_step_from_models)
        self.getting.use_asked.connect(self._use)
        licenses.listed.connect(self._listed)
        window.pages.page_shown.connect(lambda page: self.news.clear() if page == "models" else None)

    def start(self) -> None:
        """List the downloads of former runs."""
        self.downloads.start()

    def close(self) -> None:
        """Ask and show nothing any more."""
        for flow in (self.access, self.downloads, self.taking, self.getting, self.suggestion):
            flow.close()

    def _listed(self, cards: "Sequence[Card]") -> None:
        self.access.look_at(cards)
        self.getting.show_wanted()

    def _use(self, model_id: str) -> None:
        self._choice.choose(model_id)
        self._window.show_page("")

    def _loaded(self) -> "list[Path]":
        """The file that answers now: it is not taken away from under the engine."""
        model = self._choice.model
        return [model.path] if model is not None and self._choice.refusal is None else []
