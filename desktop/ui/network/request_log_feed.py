"""Feeds the log's page: newest requests as they come (at most once a second, and only while it is seen), older ones as
they are scrolled to, and those that hold certain words. Also writes the log as a table.

What reads the log is not for the main thread.
"""

import codecs
import csv
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from desktop.atomic_file import open_atomically, write_error
from desktop.background import Background
from desktop.errors import UserError
from desktop.network.request_log import UNFINISHED, RequestLogEntry
from desktop.safe_text import spreadsheet_cell
from desktop.storage.request_store import RequestStore
from desktop.translation import tr
from desktop.ui.network.request_log_view import RequestLogView
from desktop.ui.network.request_text import request_search_text
from desktop.ui.system.file_watcher import FileWatcher

_STRETCH = 1000
_COLUMNS = ("time", "purpose", "method", "host", "path", "status", "sent", "received", "seconds", "error")
PAGE_ROWS = 300
_LIVE_MS = 1000
_MOST_AGAIN = 5000


class RequestLogFeed(QObject):
    """Between `store` and `view`. Reads nothing before `open`, and nothing after `close`."""

    def __init__(self, store: RequestStore, view: RequestLogView, background: Background) -> None:
        super().__init__()
        self._store, self._view, self._background = store, view, background
        self._watch: FileWatcher | None = None
        self._held: list[RequestLogEntry] = []
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
            self._watch = FileWatcher(path, self._stamp, self._background, self)
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
        limit = max(PAGE_ROWS, self._last_unfinished() + 1)

        def show(found: RequestLogPart) -> None:
            if not stop.is_set():
                had_all = self._whole
                self._held = merge_newest(self._held, found.found, whole=found.whole)
                self._whole = found.whole or (had_all and len(self._held) > len(found.found))
                self._show(found.total)

        self._background.pool(lambda: read_requests(self._store, limit, words, stop=stop), show, self._failed(stop))

    def _older(self) -> None:
        if self._whole or self._asking_older or not self._held:
            return
        self._asking_older = True
        words, stop, before = self._view.words, self._stop, self._held[-1].time

        def show(found: RequestLogPart) -> None:
            self._asking_older = False
            if not stop.is_set():
                self._held = append_older(self._held, found.found)
                self._whole = found.whole
                self._show(found.total)

        def failed(error: UserError) -> None:
            self._asking_older = False
            self._failed(stop)(error)

        self._background.pool(lambda: read_requests(self._store, 2 * PAGE_ROWS, words, before, stop), show, failed)

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


@dataclass(frozen=True)
class RequestLogPart:
    """Requests, the newest first. `whole` says that there are no older ones; `total` is how many the log holds."""

    found: tuple[RequestLogEntry, ...]
    whole: bool
    total: int


def read_requests(
    store: RequestStore, limit: int, words: str = "", before: float | None = None, stop: threading.Event | None = None
) -> RequestLogPart:
    """At most `limit` requests that hold every one of `words`, begun before `before` or just then. Raises what the
    store raises."""
    if not store.path.exists():  # nothing was ever sent: looking leaves no file behind
        return RequestLogPart((), True, 0)
    found: list[RequestLogEntry] = []
    wanted = words.casefold().split()
    whole = True
    for exchange in _all(store, limit + 1 if not wanted else _STRETCH, before):
        if stop is not None and stop.is_set():
            break
        if wanted and not _holds(exchange, wanted):
            continue
        if len(found) == limit:
            whole = False
            break
        found.append(exchange)
    return RequestLogPart(tuple(found), whole, store.count())


def merge_newest(
    held: Sequence[RequestLogEntry], fresh: Sequence[RequestLogEntry], *, whole: bool
) -> list[RequestLogEntry]:
    """`held`, brought up to date with the newest ones. Where something may lie between, only those are left."""
    if whole or not held or not fresh:
        return list(fresh)
    keys = {each.key for each in fresh}
    if all(each.key not in keys for each in held[: len(fresh)]):
        return list(fresh)
    end = fresh[-1].time
    return [*fresh, *(each for each in held if each.time <= end and each.key not in keys)]


def append_older(held: Sequence[RequestLogEntry], older: Iterable[RequestLogEntry]) -> list[RequestLogEntry]:
    """`held` and behind it the older ones."""
    keys = {each.key for each in held}
    return [*held, *(each for each in older if each.key not in keys)]


def write_csv(store: RequestStore, path: Path) -> int:
    """Write the whole log to `path` as a table for a spreadsheet (RFC 4180, UTF-8, times in UTC); how many requests.

    A file that is there is replaced once the new one is complete. Raises ResourceError, and what the store raises.
    """
    target = path.resolve()
    count = 0
    try:
        with open_atomically(target) as file:
            writer = csv.writer(codecs.getwriter("utf-8")(file, "replace"), lineterminator="\r\n")
            writer.writerow(_COLUMNS)
            for exchange in _all(store, _STRETCH, None) if store.path.exists() else ():
                writer.writerow(_cells(exchange))
                count += 1
    except OSError as error:
        raise write_error(
            tr("The log of requests could not be exported."),
            path,
            error,
            tr("Free some space, or choose a folder that you may write to."),
        ) from error
    return count


def _all(store: RequestStore, stretch: int, before: float | None) -> Iterator[RequestLogEntry]:
    """Every request, the newest first."""
    # Several may begin at the same moment: that moment is asked for again, and what is known of it left out.
    at_end: set[str] = set()
    while True:
        limit = stretch + len(at_end)
        asked = store.newest(limit, before=None if before is None else math.nextafter(before, math.inf))
        fresh = [each for each in asked if each.key not in at_end]
        yield from fresh
        if len(asked) < limit:
            return
        if fresh:
            at_end = {each.key for each in asked if each.time == fresh[-1].time}
            before = fresh[-1].time
        stretch = max(stretch, _STRETCH)


def _holds(exchange: RequestLogEntry, words: Sequence[str]) -> bool:
    text = request_search_text(exchange)
    return all(word in text for word in words)


def _cells(exchange: RequestLogEntry) -> list[object]:
    """A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    moment = datetime.fromtimestamp(exchange.time, UTC).isoformat(timespec="milliseconds")
    values: list[object] = [moment.replace("+00:00", "Z"), *(getattr(exchange, name) for name in _COLUMNS[1:])]
    return [spreadsheet_cell(each) if isinstance(each, str) else each for each in values]
