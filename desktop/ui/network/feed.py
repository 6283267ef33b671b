"""Feeds the log's page: newest requests as they come (at most once a second, and only while it is seen), older ones as
they are scrolled to, and those that hold certain words."""

import threading
from collections.abc import Callable
from datetime import date

from PySide6.QtCore import QObject, QTimer

from desktop.background import Background
from desktop.errors import UserError
from desktop.network.exchange import UNFINISHED, Exchange
from desktop.storage.requests import RequestStore
from desktop.ui.file_watch import FileWatch
from desktop.ui.network.log_view import LogView
from desktop.ui.network.reading import Read, joined, merged, read

PAGE = 300
_LIVE_MS = 1000
_MOST_AGAIN = 5000


class LogFeed(QObject):
    """Between `store` and `view`. Reads nothing before `open`, and nothing after `close`."""

    def __init__(self, store: RequestStore, view: LogView, background: Background) -> None:
        super().__init__()
        self._store, self._view, self._background = store, view, background
        self._watch: FileWatch | None = None
        self._held: list[Exchange] = []
        self._whole = False
        self._asking_older = self._wanted = False
        self._stop = threading.Event()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_LIVE_MS)
        self._timer.timeout.connect(self._pause_over)
        view.filtered.connect(self._filter)
        view.older_asked.connect(self._older)

    def open(self) -> None:
        """The page is seen: show what there is, and follow."""
        if self._watch is None:
            path = self._store.path
            self._watch = FileWatch(path, self._stamp, self._background, self)
            self._watch.changed.connect(self._changed)
            self._watch.start()
            self._refresh()

    def close(self) -> None:
        """The page is seen no more."""
        self._timer.stop()
        self._wanted = False
        if self._watch is not None:
            self._watch.close()
            self._watch.deleteLater()
            self._watch = None

    def _stamp(self) -> tuple[object, ...]:
        """Another value whenever the log was written to."""
        path = self._store.path
        found: list[object] = []
        for each in (path, path.with_name(path.name + "-wal")):
            try:
                status = each.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_size, status.st_mtime_ns))
        return tuple(found)

    def _changed(self) -> None:
        if self._timer.isActive():
            self._wanted = True
        else:
            self._refresh()

    def _pause_over(self) -> None:
        if self._wanted:
            self._refresh()

    def _filter(self) -> None:
        self._held, self._whole = [], False
        self._refresh(anew=True)

    def _refresh(self, *, anew: bool = False) -> None:
        """Read the newest ones again, as far back as one of them is unfinished."""
        self._wanted = False
        self._timer.start()
        words, stop = self._begin(anew)
        limit = max(PAGE, self._last_unfinished() + 1)

        def show(found: Read) -> None:
            if not stop.is_set():
                had_all = self._whole
                self._held = merged(self._held, found.found, whole=found.whole)
                self._whole = found.whole or (had_all and len(self._held) > len(found.found))
                self._show(found.total)

        self._background.pool(lambda: read(self._store, limit, words, stop=stop), show, self._failed(stop))

    def _older(self) -> None:
        if self._whole or self._asking_older or not self._held:
            return
        self._asking_older = True
        words, stop, before = self._view.words, self._stop, self._held[-1].time

        def show(found: Read) -> None:
            self._asking_older = False
            if not stop.is_set():
                self._held = joined(self._held, found.found)
                self._whole = found.whole
                self._show(found.total)

        def failed(error: UserError) -> None:
            self._asking_older = False
            self._failed(stop)(error)

        self._background.pool(lambda: read(self._store, 2 * PAGE, words, before, stop), show, failed)

    def _begin(self, anew: bool) -> tuple[str, threading.Event]:
        """What is looked for; what is set as soon as something else is looked for."""
        if anew:
            self._stop.set()
            self._stop = threading.Event()
        return self._view.words, self._stop

    def _show(self, total: int) -> None:
        self._view.show_unkept(self._store.problem)
        self._view.show_requests(self._held, whole=self._whole, total=total, today=date.today())  # noqa: DTZ011

    def _failed(self, stop: threading.Event) -> Callable[[UserError], None]:
        def failed(error: UserError) -> None:
            if not stop.is_set():
                self._view.show_problem(error)

        return failed

    def _last_unfinished(self) -> int:
        """Where the oldest request stands that may yet end. One of a process that died never does."""
        last = 0
        for at, exchange in enumerate(self._held[:_MOST_AGAIN]):
            if exchange.error == UNFINISHED:
                last = at
        return last
