"""The flow of the page of the server: between the page and the server that all windows share."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication

from desktop.background import Background
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.navigator import Navigator
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.server.shared_server import SharedServer

if TYPE_CHECKING:
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.library.library import Library
    from desktop.ui.server.server_page import ServerPage
    from desktop.ui.server.server_page_values import ServerOverview

_LOOK_MS = 1_500
"""While the page is shown it is read so often: speeds, and how long ago something was."""


class ServerFlow(QObject):
    """`change_settings` takes settings by name. `news` says what was done."""

    def __init__(
        self,
        navigator: Navigator,
        background: Background,
        shared: SharedServer,
        library: "Library",
        engine: "MultiModelEngine",
        news: NotificationBar,
        change_settings: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._shared = navigator, background, shared
        self._library, self._engine, self._news = library, engine, news
        self._change_settings = change_settings
        self._page: ServerPage | None = None
        self._overview: ServerOverview | None = None
        self._reading = self._outdated = self._closed = False
        self._look = QTimer(self, interval=_LOOK_MS)
        self._look.timeout.connect(self._read)
        shared.changed.connect(self.refresh)
        navigator.when_built("server", self._connect)
        navigator.page_shown.connect(self._page_shown)

    def close(self) -> None:
        """Show nothing any more. The server goes on, for other windows."""
        self._closed = True
        self._look.stop()
        self._shared.changed.disconnect(self.refresh)

    def _connect(self, page: "ServerPage") -> None:
        self._page = page
        page.turn_asked.connect(lambda on: self._shared.turn_on() if on else self._shared.turn_off())
        page.error_read.connect(self._shared.clear_error)
        access = page.view.access
        access.copy_asked.connect(self._copy)
        access.key_asked.connect(self._make_key)
        access.changed.connect(self._change)
        page.view.example_asked.connect(self._copy_example)

    # --- what is shown -------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Something changed: show it, where the page is."""
        if not self._closed and self._navigator.shown == "server":
            self._read()

    def _page_shown(self, name: str) -> None:
        if name == "server":
            self._look.start()
            self._read()
        else:
            self._look.stop()

    def _read(self) -> None:
        """Read what the page shows. One reading at a time: what changes meanwhile is read after it."""
        if self._page is None or self._closed:
            return
        if self._reading:
            self._outdated = True
            return
        self._reading, self._outdated = True, False
        settings = self._navigator.settings.server

        def read() -> "ServerOverview":
            from desktop.ui.server.server_page_reading import read_server

            return read_server(self._shared, self._library, self._engine, settings)

        self._background.pool(read, self._show, self._fail)

    def _show(self, overview: "ServerOverview") -> None:
        self._reading = False
        if self._closed or self._page is None:
            return
        shared = self._shared
        self._overview = replace(overview, phase=shared.phase, error=shared.error)
        self._page.show_server(self._overview)
        if self._outdated:
            self._read()

    def _fail(self, error: UserError) -> None:
        self._reading = False
        self._show_error(error)

    def _show_error(self, error: UserError) -> None:
        page = self._page
        if not self._closed and page is not None:
            page.view.show_error(error, (tr("Close"), lambda: page.view.show_error(None)))

    # --- what is asked for ---------------------------------------------------------------------------------------

    def _change(self, changes: dict[str, Any]) -> None:
        settings = msgspec.structs.replace(self._navigator.settings.server, **changes)
        self._change_settings({"server": settings})

    def _copy(self, what: str) -> None:
        if what == "key":
            self._background.pool(self._shared.key, self._copied_key, self._show_error)
        elif self._overview is not None:
            QGuiApplication.clipboard().setText(self._overview.url)
            self._news.notify(tr("The address is on the clipboard."))

    def _copied_key(self, key: str) -> None:
        if not self._closed:
            QGuiApplication.clipboard().setText(key)
            self._news.notify(tr("The key is on the clipboard. Whoever has it can ask this server."))
            self._read()

    def _copy_example(self) -> None:
        from desktop.ui.server.serving_words import curl_example

        if self._overview is not None:
            QGuiApplication.clipboard().setText(curl_example(self._overview))
            self._news.notify(tr("The example is on the clipboard. Put the key in the place of $API_KEY."))

    def _make_key(self) -> None:
        self._background.pool(self._shared.make_key, self._made_key, self._show_error)

    def _made_key(self, _: object) -> None:
        if not self._closed:
            self._news.notify(tr("The new key counts now, and the old one no longer."))
            self._read()
