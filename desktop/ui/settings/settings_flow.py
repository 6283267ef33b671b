"""The flow of the settings page: its access tokens, and opening the Network page."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.background import Background

if TYPE_CHECKING:
    from desktop.library.library_services import LibraryServices
    from desktop.ui.navigator import Navigator
    from desktop.ui.settings.access_token_settings import AccessTokenFlow
    from desktop.ui.settings.settings_page import SettingsPage


class SettingsFlow(QObject):
    """Between the page of settings and the access tokens. `token_asked` carries the host for which one is to be
    given."""

    token_asked = Signal(str)

    def __init__(self, navigator: "Navigator", background: Background, services: "LibraryServices") -> None:
        super().__init__()
        self._navigator, self._background, self._services = navigator, background, services
        self._held = ""
        self._tokens: AccessTokenFlow | None = None
        navigator.when_built("settings", self._connect)

    def _connect(self, page: "SettingsPage") -> None:
        """Listen to the page, which was just built."""
        from desktop.ui.settings.access_token_settings import AccessTokenFlow

        section, services = page.network, self._services
        self._tokens = AccessTokenFlow(
            section.tokens, services.network, self._background, services.lookup.token_changed
        )
        section.token_asked.connect(self.token_asked)
        section.appeared.connect(self._tokens.refresh)
        section.log_asked.connect(lambda: self._navigator.show_page("network"))
        section.show_offline_reason(self._held)

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

    def close(self) -> None:
        """Show nothing any more."""
        if self._tokens is not None:
            self._tokens.close()
