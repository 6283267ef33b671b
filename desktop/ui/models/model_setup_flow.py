"""The flow from a model's name to a loaded model: looks up and searches the Hub, and carries out the steps' buttons."""

import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.credentials.token_store import TokenStoreLockedError
from desktop.errors import LicenseError, UserError
from desktop.library.status import ModelStatus
from desktop.ui.models.endpoint_flow import EndpointFlow
from desktop.ui.models.search_hits import hub_hits

if TYPE_CHECKING:
    from desktop.credentials.token_store import TokenPlace
    from desktop.library.disk_use import DiskUse
    from desktop.library.hub_offer import HubOffer
    from desktop.library.library_services import LibraryServices
    from desktop.ui.access.access_flow import AccessFlow
    from desktop.ui.downloads.download_flow import DownloadFlow
    from desktop.ui.models.import_flow import ImportFlow
    from desktop.ui.models.models_page import ModelsPage
    from desktop.ui.models.search_hits import HitSection
    from desktop.ui.navigator import Navigator


class ModelSetupFlow(QObject):
    """Between the page of models and `assembly`. `list_outdated` where the list of models has to be read again,
    `license_asked` carries the model whose license comes next, `use_asked` the one to chat with."""

    list_outdated = Signal()
    license_asked = Signal(str)
    use_asked = Signal(str)

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        assembly: "LibraryServices",
        access: "AccessFlow",
        downloads: "DownloadFlow",
        taking: "ImportFlow",
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._assembly = navigator, background, assembly
        self._getting = assembly.lookup
        self._access, self._downloads, self._taking = access, downloads, taking
        self._endpoints = EndpointFlow(navigator, background, assembly.endpoints)
        self._closed = False
        self._ways = 0
        self._stop: threading.Event | None = None
        self._wanted = ""
        access.changed.connect(self._changed)
        downloads.changed.connect(self._changed)
        downloads.finished.connect(self._finished)
        downloads.failed.connect(self._failed)
        taking.changed.connect(self.list_outdated)
        taking.added.connect(self._added)
        navigator.page_shown.connect(self._page_shown)
        navigator.when_built("models", self._connect)

    def _connect(self, page: "ModelsPage") -> None:
        page.use_asked.connect(lambda _: self._navigator.show_page(""))
        page.status_requested.connect(self.load_status)
        page.list.current_changed.connect(self._forget_wanted)
        page.detail.step_asked.connect(self._act)
        page.detail.download_asked.connect(self._act_on_download)
        page.downloads.action_requested.connect(self._act_on_download)
        page.hub.look_up_requested.connect(self.look_up)
        page.hub.search_asked.connect(self.search)
        page.hub.stop_asked.connect(self._stop_asking)

    def close(self) -> None:
        """End: no request is made and nothing shown any more."""
        self._closed = True
        self._endpoints.close()
        self._stop_asking()

    @property
    def _page(self) -> "ModelsPage":
        return self._navigator.page("models")

    # --- a model's status --------------------------------------------------------------------------------------

    def load_status(self, model_id: str, file: str = "") -> None:
        """Gather the `ModelStatus` of a model, or of one of its files, and show it."""
        self._ways += 1
        mine = self._ways

        def show(status: ModelStatus) -> None:
            if mine == self._ways and not self._closed:
                self._page.show_status(model_id, status)

        self._background.pool(lambda: self._model_status(model_id, file), show, lambda _: None)

    def _model_status(self, model_id: str, file: str) -> ModelStatus:
        """Off the main thread."""
        from desktop.hub.transfer.disk import free_space
        from desktop.library.disk_use import bytes_freed, owned_files

        library = self._assembly.library
        listed = library.find_listed(model_id)
        offer = self._getting.hub_record(model_id)
        chosen = (
            offer.file(file or (listed.hub_record.chosen if listed.hub_record is not None else "")) if offer else None
        )
        host, token = self._token_place()
        kept = None
        if listed.model is not None and not listed.model.built_in:
            kept = next((each for each in library.installed_models.all() if each.id == listed.model.file_id), None)
        folder = self._downloads.folder
        return ModelStatus(
            step=self._getting.next_step(model_id, file),
            offer=offer,
            file=chosen.name if chosen is not None else "",
            file_chosen_by_person=listed.model is None or bool(file),
            free_bytes=free_space(folder),
            token=token,
            host=host,
            removable=kept is not None,
            freed_bytes=bytes_freed(owned_files(kept, folder)) if kept is not None else 0,
        )

    def _token_place(self) -> "tuple[str, TokenPlace | None]":
        """The Hub's host, and where a token for it is kept: "" and None where no Hub can be asked, or nobody knows."""
        online, host = self._assembly.network, ""
        try:
            host = online.host
            return host, online.tokens.place(host)
        except UserError:
            return host, None

    def _changed(self, model_id: str) -> None:
        """Something about a model's access or download is another."""
        if self._closed or self._navigator.shown not in ("models", ""):
            return
        self.list_outdated.emit()

    def _page_shown(self, page: str) -> None:
        if page == "models":
            self._count()

    def _count(self) -> None:
        """What the models take of the disk, at the page's foot."""
        from desktop.library.disk_use import disk_use

        def counted(use: "DiskUse") -> None:
            if not self._closed:
                self._page.foot.show_use(use)

        self._background.pool(
            lambda: disk_use(self._assembly.library.installed_models.all(), self._downloads.folder),
            counted,
            lambda _: None,
        )
        self._background.pool(lambda: self._assembly.network.hub.endpoint, self._told_hub, self._told_hub)

    def _told_hub(self, endpoint: str | UserError) -> None:
        """The Hub that is asked, or why none can be: what needs no Hub goes on without."""
        if not self._closed:
            problem = endpoint if isinstance(endpoint, UserError) else None
            self._page.show_hub("" if problem is not None else str(endpoint), problem)

    # --- steps ---------------------------------------------------------------------------------------------------

    def _act(self, act: str, of: str) -> None:
        """A step's button was pressed."""
        self._page.show_problem(None)
        match act:
            case "look":
                self.look_up(of)
            case "token":
                self._access.open_token(of)
            case "gate":
                self._access.open_gate(of)
            case "download":
                self._downloads.begin(of, self._page.chosen_file(of))
            case "verify":
                self._taking.verify(of)
            case "remove":
                self._taking.remove(of)
            case "import" | "copy":
                self._taking.import_hit(of, copy=act == "copy")

    def _act_on_download(self, act: str, download_id: str) -> None:
        self._page.show_problem(None)
        item = next((each for each in self._downloads.items if each.id == download_id), None)
        if act == "use" and item is not None:
            self._go_on(item.installed or item.model_id)
        elif act == "see" and item is not None:
            self._wanted = item.model_id
            self.list_outdated.emit()
        else:
            self._downloads.run_action(act, download_id)

    def _go_on(self, model_id: str) -> None:
        """A model is here: chat with it, or read the license that still waits."""
        from desktop.library.status import AcceptLicenseStep

        def show(step: object) -> None:
            if self._closed:
                return
            if isinstance(step, AcceptLicenseStep):
                self.license_asked.emit(model_id)
            else:
                self.use_asked.emit(model_id)

        self._background.pool(lambda: self._getting.next_step(model_id), show, self._fail)

    def _added(self, model_id: str) -> None:
        """A model was imported: its license comes next, else it is shown."""
        from desktop.library.status import AcceptLicenseStep

        def show(step: object) -> None:
            if self._closed:
                return
            self._wanted = model_id
            if isinstance(step, AcceptLicenseStep):
                self.license_asked.emit(model_id)
            else:
                self.list_outdated.emit()

        self._background.pool(lambda: self._getting.next_step(model_id), show, self._fail)

    def _finished(self, model_id: str) -> None:
        self.list_outdated.emit()
        if self._navigator.shown == "models":
            self._count()

    def _failed(self, model_id: str, error: UserError) -> None:
        """A download cannot be begun, or not be gone on with: where a page settles that, it is shown."""
        if isinstance(error, TokenStoreLockedError) and error.place == "vault":
            begin = lambda: self._downloads.begin(model_id, self._page.chosen_file(model_id))  # noqa: E731
            self._access.open_token(model_id, unlock=True, then=begin)
        elif isinstance(error, LicenseError):
            self.license_asked.emit(model_id)
        else:
            self._fail(error)
            self._changed(model_id)

    def show_model(self, model_id: str) -> None:
        """Show the page of models with this one chosen."""
        self._wanted = model_id
        self._navigator.show_page("models")

    def select_pending(self) -> None:
        """The models were listed again: choose the one that is waited for, as soon as it is among them.

        What is listed may have been read before the model became known; it is then in a later list.
        """
        if self._wanted and self._page.choose(self._wanted):
            self._wanted = ""

    def _forget_wanted(self) -> None:
        """The person chose for themselves."""
        self._wanted = ""

    # --- the Hub -------------------------------------------------------------------------------------------------

    def look_up(self, text: str) -> None:
        """Ask the Hub about a catalog's model, a repository or a pasted address, and show it."""
        stop = self._begin_asking()

        def looked(offer: "HubOffer") -> None:
            if self._end_asking(stop):
                self._page.show_hits("hub", None)
                self._page.field.clear()
                self._wanted = offer.model_id
                self.list_outdated.emit()

        def failed(error: UserError) -> None:
            if not self._end_asking(stop):
                return
            if isinstance(error, TokenStoreLockedError) and error.place == "vault":
                self._access.open_token("", unlock=True, then=lambda: self.look_up(text))
            else:
                self._page.show_hub_error(error)

        self._background.pool(lambda: self._getting.look_up(text, stop), looked, failed)

    def search(self, words: str) -> None:
        """Ask the Hub for models whose names hold `words`."""
        stop = self._begin_asking()

        def work() -> "HitSection":
            found = self._getting.search(words, stop=stop)
            return hub_hits(words, found, self._assembly.library.catalog, self._assembly.network.endpoint)

        def found(section: "HitSection") -> None:
            if self._end_asking(stop) and self._page.hub.search_words == words:
                self._page.show_hits("hub", section)

        def failed(error: UserError) -> None:
            if self._end_asking(stop):
                self._page.show_hub_error(error)

        self._background.pool(work, found, failed)

    def _begin_asking(self) -> threading.Event:
        self._stop_asking()
        self._stop = threading.Event()
        self._page.show_hub_error(None)
        self._page.hub.set_busy(True)
        return self._stop

    def _end_asking(self, stop: threading.Event) -> bool:
        """Whether this question is the one that is waited for."""
        if stop is not self._stop or self._closed:
            return False
        self._stop = None
        self._page.hub.set_busy(False)
        return not stop.is_set()

    def _stop_asking(self) -> None:
        if self._stop is not None:
            self._stop.set()
            self._stop = None
            if not self._closed:
                self._page.hub.set_busy(False)

    def _fail(self, error: UserError) -> None:
        if not self._closed:
            self._page.show_problem(error)
            if self._navigator.shown != "models":
                self._navigator.show_page("models")
