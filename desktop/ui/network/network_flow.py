"""The flow of the offline switch and of the page of requests.

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
    from desktop.ui.navigator import Navigator
    from desktop.ui.network.network_page import NetworkPage
    from desktop.ui.network.request_log_feed import RequestLogFeed

_Seen = tuple[Settings, NetworkStatus]


class NetworkFlow(QObject):
    """Between the window and the network services in `assembly`.

    `settings_changed` where another process changed them, `held_changed` with the reason why Latchkey is offline
    whatever the switch says ("" where nothing does), `settings_asked` where those of the network are to be shown.
    """

    settings_changed = Signal(object)
    offline_reason_changed = Signal(str)
    settings_asked = Signal()

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        assembly: "LibraryServices",
        paths: Paths,
        settings: SettingsFile,
        change: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self._navigator, self._background = navigator, background
        self._assembly, self._online = assembly, assembly.network
        self._settings, self._change = settings, change
        self._feed: RequestLogFeed | None = None
        self._here: NetworkStatus | None = None
        self._shown: Settings = settings.current
        self._closed = False
        self._watch = FileWatcher(paths.settings_file, self._look_around, background, self)
        self._watch.changed.connect(self._refresh)
        navigator.activated.connect(self.check_switch)
        navigator.when_built("network", self._connect)

    def start(self) -> None:
        """Look now, and watch from then on."""
        self._watch.start()
        self._refresh()

    def check_switch(self) -> None:
        """Look soon whether the switch, the settings or the policy changed."""
        self._watch.check()

    def refresh(self) -> None:
        """The settings were changed here: look at once."""
        self._shown = self._settings.current
        self._refresh()

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        self._watch.close()
        if self._feed is not None:
            self._feed.close()

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
        self.offline_reason_changed.emit(here.offline_reason)
        if self._navigator.is_built("network"):
            self._page.show_status(here)
        if before is not None and before.offline != here.offline:
            self._turned(here)
        elif before is None and here.offline:
            self._hang_up()

    def _turned(self, here: NetworkStatus) -> None:
        if here.offline:
            self._hang_up()
        said = tr("Offline: nothing leaves this computer.") if here.offline else tr("Online.")
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._navigator.dialog_parent, said))

    def _hang_up(self) -> None:
        """Close open connections and pause downloads: their files stay, and `resume` continues them."""

        def work() -> None:
            if (downloads := self._assembly.once.made) is not None:
                downloads.pause_all()
            self._online.close_connections()

        self._background.pool(work)

    # --- pages ---------------------------------------------------------------------------------------------------

    @property
    def _page(self) -> "NetworkPage":
        return self._navigator.page("network")

    def _connect(self, page: "NetworkPage") -> None:
        """Listen to the page, which was just built."""
        from desktop.ui.network.request_log_feed import RequestLogFeed

        self._feed = RequestLogFeed(self._online.requests, page.log, self._background)
        page.appeared.connect(self._feed.open)
        page.vanished.connect(self._feed.close)
        page.switch_asked.connect(lambda offline: self._change({"offline": offline}))
        page.settings_asked.connect(self.settings_asked)
        page.export_asked.connect(self._ask_export)
        if self._here is not None:
            page.show_status(self._here)
        self._refresh()  # with the ways to the Hub

    # --- exporting -----------------------------------------------------------------------------------------------

    def _ask_export(self) -> None:
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Export the requests"))
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

        notices = self._page.notices
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
