"""The flow of the list: fills the page of models with cards, and opens license steps from it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.errors import UserError
from desktop.ui.licenses.refusal_text import refusal_with_action
from desktop.ui.models.fit_text import fit_labels
from desktop.ui.models.model_text import StatusLabel

if TYPE_CHECKING:
    from desktop.library.download_item import DownloadItem
    from desktop.library.library_model import LibraryCard
    from desktop.library.library_services import LibraryServices
    from desktop.library.recommendations import TaskRecommendation
    from desktop.ui.licenses.license_flow import LicenseFlow
    from desktop.ui.models.model_selection import ModelSelection
    from desktop.ui.models.models_page import ModelsPage
    from desktop.ui.navigator import Navigator

    ListResult = tuple[list[LibraryCard], Mapping[str, StatusLabel], Mapping[str, TaskRecommendation]]


class ModelListFlow(QObject):
    """Between the page of models, the library and the licenses. `listed` carries the cards that the page shows now."""

    listed = Signal(object)

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        services: "LibraryServices",
        selection: "ModelSelection",
        licenses: "LicenseFlow",
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._services = navigator, background, services
        self._selection, self._licenses = selection, licenses
        self._listings = 0
        self._closed = False
        selection.checked.connect(self._checked)
        licenses.failed_in_models.connect(self._show_failed)
        navigator.page_shown.connect(self._page_shown)
        navigator.when_built("models", self._connect)

    def _connect(self, page: "ModelsPage") -> None:
        licenses = self._licenses
        page.license_asked.connect(lambda model, license_: licenses.open_step(model, license_, back="models"))
        page.detail.accept_asked.connect(
            lambda model, needed, shown: licenses.one_click.accept(model, needed, shown, back="models")
        )
        page.difference_asked.connect(lambda model, license_: licenses.open_changes(model, license_, "models"))
        page.revoke_asked.connect(licenses.revoke)
        page.link_asked.connect(self._navigator.confirm_open)
        page.licenses_asked.connect(lambda: self._navigator.show_page("licenses"))

    @property
    def _page(self) -> "ModelsPage":
        return self._navigator.page("models")

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def show_downloads(self, items: "Sequence[DownloadItem]") -> None:
        """Show how the downloads stand, where there is a page for it."""
        if self._navigator.is_built("models"):
            self._page.show_downloads(items)

    def show_listed(self, model_id: str) -> None:
        """Show the page with a model chosen that it lists already."""
        self._navigator.show_page("models")
        self._page.choose(model_id)

    def show_problem(self, error: UserError) -> None:
        """Show the page, and on it why something could not be done."""
        self._page.show_problem(error)
        self._navigator.show_page("models")

    def _show_failed(self, error: UserError) -> None:
        self._page.show_problem(error)

    def _checked(self) -> None:
        if self._navigator.shown == "models":
            self._list()

    def _page_shown(self, page: str) -> None:
        if page == "models":
            self._list()

    def _list(self) -> None:
        """Read the cards anew, and show them."""
        self._listings += 1
        mine = self._listings

        def work() -> "ListResult":
            cards, lookup = self._services.library.cards(), self._services.lookup
            return cards, fit_labels(cards, lookup.machine), lookup.task_recommendations(cards)

        def listed(result: "ListResult") -> None:
            if mine == self._listings and not self._closed:
                cards, notes, choices = result
                model = self._selection.model
                in_use = model.id if model is not None else None
                self._page.detail.set_acceptance_settings(self._navigator.settings.acceptance)
                self._page.show_cards(cards, in_use, self._services.library.problems, notes, choices)
                self.listed.emit(cards)

        self._background.pool(work, listed, self._failed)

    def _failed(self, error: UserError) -> None:
        if self._closed:
            return
        told = None
        if isinstance(error, LedgerKeyLockedError):
            told = refusal_with_action(error, None, self._licenses.open_step, self._open_licenses)
        self._page.show_error(*(told or (error,)))

    def _open_licenses(self) -> None:
        self._navigator.show_page("licenses")
