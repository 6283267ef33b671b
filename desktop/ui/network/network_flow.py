"""What stands between the network and the window: the offline switch, the log's page, the settings of the network.

A switch that is turned elsewhere, by the command or by a policy, is seen here within moments, and nothing is asked
again and again for it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFileDialog

from desktop.background import Background
from desktop.errors import UserError
from desktop.paths import Paths
from desktop.settings import Settings, SettingsFile
from desktop.translation import tr, trn
from desktop.ui.network.network_page_values import NetworkStatus, network_status
from desktop.ui.parts.link import open_folder
from desktop.ui.system.file_watcher import FileWatcher

if TYPE_CHECKING:
    from desktop.library.library_services import LibraryServices
    from desktop.ui.network.request_log_feed import RequestLogFeed
    from desktop.ui.settings.access_token_settings import AccessTokenFlow
    from desktop.ui.window.main_window import MainWindow

_Seen = tuple[Settings, NetworkStatus]


class NetworkFlow(QObject):
    """Between `window` and what reaches out in `assembly`. `settings_changed` where another process changed them,
    `token_asked` where a token is to be given for a host."""

    settings_changed = Signal(object)
    token_asked = Signal(str)

    def __init__(
        self,
        window: "MainWindow",
        background: Background,
        assembly: "LibraryServices",
        paths: Paths,
        settings: SettingsFile,
        change: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self._window, self._pages, self._background = window, window.pages, background
        self._assembly, self._online = assembly, assembly.online
        self._settings, self._change = settings, change
        self._feed: RequestLogFeed | None = None
        self._tokens: AccessTokenFlow | None = None
        self._here: NetworkStatus | None = None
        self._shown: Settings = settings.current
        self._closed = False
        self._watch = FileWatcher(paths.settings_file, self._look_around, background, self)
        self._watch.changed.connect(self._refresh)
        window.activated.connect(self.look)
        self._pages.page_built.connect(self._connect)
        for name in self._pages.built_pages:
            self._connect(name)

    def start(self) -> None:
        """Look now, and watch from then on."""
        self._watch.start()
        self._refresh()

    def look(self) -> None:
        """Look soon whether the switch, the settings or the policy changed."""
        self._watch.look()

    def refresh(self) -> None:
        """The settings were changed here: look at once."""
        self._shown = self._settings.current
        self._refresh()

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        self._watch.close()
        for part in (self._feed, self._tokens):
            if part is not None:
                part.close()

    # --- looking -------------------------------------------------------------------------------------------------

    def _look_around(self) -> _Seen:
        settings = self._settings.latest()
        return settings, network_status(self._online, self._assembly.policy, settings, ways=self._feed is not None)

    def _refresh(self) -> None:
        if not self._closed:
            self._background.pool(self._look_around, self._show)

    def _show(self, seen: _Seen) -> None:
        if self._closed:
            return
        settings, here = seen
        if settings != self._settings.current:
            return  # it was changed once more meanwhile, and is looked at again
        before, self._here = self._here, here
        if settings != self._shown:
            self._shown = settings
            self.settings_changed.emit(self._settings.current)
        self._window.sidebar.offline.show_held(here.held)
        if "network" in self._pages.built_pages:
            self._pages.network.show_status(here)
        if "settings" in self._pages.built_pages:
            self._pages.settings.network.show_held(here.held)
        if before is not None and before.offline != here.offline:
            self._turned(here)
        elif before is None and here.offline:
            self._hang_up()

    def _turned(self, here: NetworkStatus) -> None:
        if here.offline:
            self._hang_up()
        said = tr("Offline: nothing leaves this computer.") if here.offline else tr("Online.")
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._window, said))

    def _hang_up(self) -> None:
        """Close what is open, and let what is being fetched wait: its files stay, and it goes on when told to."""

        def work() -> None:
            if (downloads := self._assembly.once.made) is not None:
                downloads.pause_all()
            self._online.close_connections()

        self._background.pool(work)

    # --- pages ---------------------------------------------------------------------------------------------------

    def _connect(self, name: str) -> None:
        """Listen to a page that was just built."""
        if name == "network":
            from desktop.ui.network.request_log_feed import RequestLogFeed

            page = self._pages.network
            self._feed = RequestLogFeed(self._online.requests, page.log, self._background)
            page.appeared.connect(self._feed.open)
            page.vanished.connect(self._feed.close)
            page.switch_asked.connect(lambda offline: self._change({"offline": offline}))
            page.settings_asked.connect(self._open_settings)
            page.export_asked.connect(self._ask_export)
            if self._here is not None:
                page.show_status(self._here)
            self._refresh()  # with the ways to the Hub
        elif name == "settings":
            from desktop.ui.settings.access_token_settings import AccessTokenFlow

            section = self._pages.settings.network
            self._tokens = AccessTokenFlow(section, self._online, self._background, self._assembly.lookup.token_changed)
            section.token_asked.connect(self.token_asked)
            section.appeared.connect(self._tokens.refresh)
            section.log_asked.connect(lambda: self._window.show_page("network"))
            section.show_held(self._here.held if self._here is not None else "")

    def _open_settings(self) -> None:
        self._window.show_page("settings")
        self._pages.settings.show_network()

    # --- exporting -----------------------------------------------------------------------------------------------

    def _ask_export(self) -> None:
        dialog = QFileDialog(self._window, tr("Export the requests"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([tr("Table (*.csv)")])
        dialog.setDefaultSuffix("csv")
        dialog.selectFile("latchkey-requests")
        dialog.fileSelected.connect(lambda path: self.export(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export(self, path: Path) -> None:
        """Write every request that is kept to `path`."""
        from desktop.ui.network.request_log_feed import write_csv

        notices = self._pages.network.notices
        notices.show_working(tr("Exporting the requests…"))

        def done(count: int) -> None:
            folder = (tr("Show in folder"), lambda: open_folder(path.parent))
            text = trn("{count} request was exported to {file}.", "{count} requests were exported to {file}.", count)
            if not self._closed:
                notices.show_done(text.format(count=f"{count:,}", file=path), folder)

        def failed(error: UserError) -> None:
            if not self._closed:
                notices.show_error(error)

        self._background.pool(lambda: write_csv(self._online.requests, path), done, failed)
