"""Shows the downloads' updates, which come on any thread, in rows, sidebar and taskbar, and notifies at their end.

On Linux, docks that know the interface com.canonical.Unity.LauncherEntry (KDE's task manager, Ubuntu's dock, Plank)
listen for a signal on the session's bus. Qt 6 reaches neither the taskbar of Windows nor the dock of macOS with a
fraction; there the badge that Qt offers shows the percentage (macOS; on Windows nothing is shown).
"""

import logging
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from desktop.background import Background
from desktop.errors import UserError
from desktop.paths import Paths
from desktop.translation import tr, trn
from desktop.ui.downloads.download_text import ACTIVE_STATES
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.system.session_bus import session_bus

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusMessage

    from desktop.library.download_item import DownloadItem
    from desktop.library.library_services import LibraryServices
    from desktop.ui.navigator import Navigator

_log = logging.getLogger(__name__)
_INTERFACE = "com.canonical.Unity.LauncherEntry"
_PATH = "/com/canonical/unity/launcherentry/latchkey"
_APPLICATION = "application://latchkey.desktop"
_TOGETHER_MS = 150


class DownloadFlow(QObject):
    """Lists, begins and ends downloads. `finished` carries the id of a model that is here now, `changed` that of one
    whose download began or ended, `failed` why something could not be done (with the model's id).

    `items_changed` carries all downloads where they are to be drawn, `progress_changed` how far they are in short, and
    for a screen reader ("" where none is under way); `model_asked` the id of a model that is to be shown.
    """

    finished = Signal(str)
    changed = Signal(str)
    failed = Signal(str, object)
    items_changed = Signal(object)
    progress_changed = Signal(str, str)
    model_asked = Signal(str)

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        assembly: "LibraryServices",
        news: NotificationBar,
        paths: Paths,
    ) -> None:
        super().__init__()
        self._records, self.folder = paths.downloads, paths.models
        self._navigator, self._background, self._assembly = navigator, background, assembly
        self._news = news
        self._items: dict[str, DownloadItem] = {}
        self._lock = threading.Lock()
        self._received: dict[str, DownloadItem] = {}
        self._posted = self._listening = self._closed = False
        self._taskbar = TaskbarProgress()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_TOGETHER_MS)
        self._timer.timeout.connect(self._show)
        navigator.page_shown.connect(self._page_shown)

    def start(self) -> None:
        """List what was begun in former runs. Nothing of the network is loaded where nothing was."""
        self._background.pool(self._listen_if_any, lambda _: None)

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        if (downloads := self._assembly.once.made) is not None and self._receive in downloads.listeners:
            downloads.listeners.remove(self._receive)
        self._taskbar.clear()

    @property
    def items(self) -> "list[DownloadItem]":
        """How they stand, oldest first."""
        return list(self._items.values())

    def of_model(self, model_id: str) -> "DownloadItem | None":
        """The newest download of a model."""
        return next((each for each in reversed(self.items) if each.model_id == model_id), None)

    # --- hearing -------------------------------------------------------------------------------------------------

    def _listen_if_any(self) -> None:
        from desktop.library.download_records import DownloadRecords

        if self._assembly.once.made is not None or DownloadRecords(self._records).all():
            self._listen()

    def _listen(self) -> None:
        """Subscribe to the downloads' updates. Off the main thread."""
        downloads = self._assembly.downloads
        with self._lock:
            listening, self._listening = self._listening, True
        if not listening:
            downloads.listeners.append(self._receive)
        for item in downloads.all():
            self._receive(item)

    def _receive(self, item: "DownloadItem") -> None:
        with self._lock:
            self._received[item.id] = item
            posted, self._posted = self._posted, True
        if not posted:
            self._background.call_on_main_thread(self._take)

    def _take(self) -> None:
        with self._lock:
            received, self._received, self._posted = self._received, {}, False
        if self._closed:
            return
        for item in received.values():
            before = self._items.get(item.id)
            self._items[item.id] = item
            state, was = item.progress.state, before.progress.state if before is not None else ""
            if state == "cancelled":
                del self._items[item.id]
            if state == was:
                continue
            if state == "done":
                self._tell_done(item)
                self.finished.emit(item.installed or item.model_id)
            elif state == "failed" and was:
                self._tell_failed(item)
            if state in ("cancelled", "done", "failed", "paused") or was in ("", "paused", "failed"):
                self.changed.emit(item.model_id)
        if not self._timer.isActive():
            self._timer.start()

    def _page_shown(self, page: str) -> None:
        if page == "models":
            self.items_changed.emit(self.items)

    def _show(self) -> None:
        """Draw how they stand, everywhere: at most some times a second."""
        if self._closed:
            return
        self.items_changed.emit(self.items)
        moving = [item for item in self._items.values() if item.progress.state in ACTIVE_STATES]
        total = sum(item.progress.total for item in moving)
        done = sum(item.progress.done for item in moving)
        fraction = min(done / total, 1.0) if total else 0.0
        percent = tr("{percent} %").format(percent=int(fraction * 100))
        text = (percent if len(moving) == 1 else f"{len(moving)} · {percent}") if moving else ""
        said = trn("{count} download: {percent}", "{count} downloads: {percent}", len(moving))
        self.progress_changed.emit(text, said.format(count=len(moving), percent=percent) if moving else "")
        self._taskbar.show(fraction if moving else None)

    def _tell_done(self, item: "DownloadItem") -> None:
        if self._navigator.shown != "models":
            text = tr("{model} is downloaded and verified.").format(model=item.name)
            self._news.notify(text, (tr("Show"), lambda: self.model_asked.emit(item.installed or item.model_id)))

    def _tell_failed(self, item: "DownloadItem") -> None:
        if self._navigator.shown != "models" and item.error is not None:
            text = tr("The download of {model} stopped: {reason}").format(model=item.name, reason=item.error.title)
            self._news.notify(text, (tr("Show"), lambda: self.model_asked.emit(item.model_id)))

    # --- doing ---------------------------------------------------------------------------------------------------

    def begin(self, model_id: str, file: str) -> None:
        """Fetch a file of a model; `failed` is emitted where that is not possible."""

        def work() -> None:
            self._listen()
            self._assembly.downloads.start(model_id, file)

        self._do(work, model_id)

    def run_action(self, act: str, download_id: str) -> None:
        """What a row's button asks for."""
        item = self._items.get(download_id)
        if item is None:
            return
        if act == "dismiss":
            self._items.pop(download_id, None)
            self._show()
        downloads = self._assembly.downloads
        works: dict[str, Callable[[], None]] = {
            "pause": lambda: downloads.pause(download_id),
            "resume": lambda: downloads.resume(download_id),
            "cancel": lambda: downloads.cancel(download_id),
            "dismiss": lambda: downloads.dismiss(download_id),
        }
        if act in works:
            self._do(works[act], item.model_id)

    def _do(self, work: Callable[[], None], model_id: str) -> None:
        def failed(error: UserError) -> None:
            if not self._closed:
                self.failed.emit(model_id, error)

        self._background.pool(work, lambda _: self.changed.emit(model_id) if not self._closed else None, failed)


def message_of(percent: int | None) -> "QDBusMessage":
    """The signal that says so."""
    from PySide6.QtDBus import QDBusMessage

    message = QDBusMessage.createSignal(_PATH, _INTERFACE, "Update")
    shown = {"progress": (percent or 0) / 100.0, "progress-visible": percent is not None}
    message.setArguments([_APPLICATION, shown])
    return message


class TaskbarProgress:
    """`show` a fraction from 0 to 1; None for nothing. Says each percent once."""

    def __init__(self) -> None:
        self._shown: int | None = None

    def show(self, fraction: float | None) -> None:
        """Show how far it is."""
        percent = None if fraction is None else round(fraction * 100)
        if percent == self._shown:
            return
        self._shown = percent
        if sys.platform.startswith("linux"):
            _send(percent)
        elif sys.platform == "darwin":
            application = QGuiApplication.instance()
            if isinstance(application, QGuiApplication):
                application.setBadgeNumber(percent or 0)

    def clear(self) -> None:
        """Show nothing."""
        self.show(None)


def _send(percent: int | None) -> None:
    bus = session_bus()
    if bus is not None and not bus.send(message_of(percent)):
        _log.info("the taskbar could not be told")
