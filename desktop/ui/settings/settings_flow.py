"""The flow of the settings page: its access tokens, its prompt cache, the models of documents, and opening pages."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.paths import Paths

if TYPE_CHECKING:
    from desktop.engine.engine_protocol import Engine
    from desktop.engine.prompt_cache_folder import PromptCacheFolder, PromptCacheUse
    from desktop.library.library_services import LibraryServices
    from desktop.ui.navigator import Navigator
    from desktop.ui.settings.access_token_settings import AccessTokenFlow
    from desktop.ui.settings.search_model_flow import SearchModelFlow
    from desktop.ui.settings.settings_page import SettingsPage
    from desktop.ui.settings.update_flow import UpdateFlow


class SettingsFlow(QObject):
    """Between the page of settings, the access tokens and the prompt cache. `token_asked` carries the host for which
    one is to be given."""

    token_asked = Signal(str)

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        services: "LibraryServices",
        engine: "Engine",
        prompt_cache: "PromptCacheFolder",
        paths: Paths,
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._services = navigator, background, services
        self._engine, self._prompt_cache, self._paths = engine, prompt_cache, paths
        self._held, self._closed = "", False
        self._tokens: AccessTokenFlow | None = None
        self._search_models: SearchModelFlow | None = None
        self._updates: UpdateFlow | None = None
        navigator.when_built("settings", self._connect)

    def _connect(self, page: "SettingsPage") -> None:
        """Listen to the page, which was just built."""
        from desktop.ui.settings.access_token_settings import AccessTokenFlow
        from desktop.ui.settings.search_model_flow import SearchModelFlow
        from desktop.ui.settings.update_flow import UpdateFlow

        section, services = page.network, self._services
        self._tokens = AccessTokenFlow(
            section.tokens, services.network, self._background, services.lookup.token_changed
        )
        section.token_asked.connect(self.token_asked)
        section.appeared.connect(self._tokens.refresh)
        section.log_asked.connect(lambda: self._navigator.show_page("network"))
        section.show_offline_reason(self._held)
        page.prompts_asked.connect(lambda: self._navigator.show_page("prompts"))
        page.import_asked.connect(lambda: self._navigator.show_page("chat-import"))
        page.prompt_cache.appeared.connect(self._show_cache_use)
        page.prompt_cache.clear_asked.connect(self._clear_cache)
        page.prompt_cache.changed.connect(self._show_cache_use)
        self._show_cache_use()
        self._search_models = SearchModelFlow(
            page.documents, self._background, services.library, lambda: self._navigator.settings
        )
        self._updates = UpdateFlow(page.about, self._background, self._paths, lambda: services.network.client)
        page.about.page_asked.connect(self._navigator.confirm_open)

    def refresh(self) -> None:
        """Settings were changed."""
        if self._search_models is not None:
            self._search_models.refresh()

    def _show_cache_use(self) -> None:
        self._background.pool(self._prompt_cache.use, self._tell_cache_use)

    def _clear_cache(self) -> None:
        def clear() -> "PromptCacheUse":
            self._prompt_cache.clear()
            return self._prompt_cache.use()

        self._background.pool(clear, self._tell_cache_use)

    def _tell_cache_use(self, use: "PromptCacheUse") -> None:
        if not self._closed:
            self._page.prompt_cache.show_use(use, self._engine.prompt_cache_bytes)

    @property
    def _page(self) -> "SettingsPage":
        return self._navigator.page("settings")

    def show_held(self, held: str) -> None:
        """Why Latchkey is offline whatever its switch says; "" where nothing keeps it so."""
        self._held = held
        if self._navigator.is_built("settings"):
            self._page.network.show_offline_reason(held)

    def open_network(self) -> None:
        """Show the settings of the network."""
        self._navigator.show_page("settings")
        self._page.show_network()

    def open_documents(self) -> None:
        """Show the settings of documents."""
        self._navigator.show_page("settings")
        self._page.show_documents()

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        if self._search_models is not None:
            self._search_models.close()
        if self._updates is not None:
            self._updates.close()
        if self._tokens is not None:
            self._tokens.close()
