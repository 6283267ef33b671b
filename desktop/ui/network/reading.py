"""Reads the log of requests for its page, a stretch at a time, and writes it as a table. Nothing here is for the main
thread."""

import csv
import math
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from desktop.errors import ResourceError
from desktop.network.exchange import Exchange
from desktop.plain_text import spreadsheet_cell
from desktop.storage.requests import RequestStore
from desktop.translation import tr
from desktop.ui.network.words import haystack

_STRETCH = 1000
_COLUMNS = ("time", "purpose", "method", "host", "path", "status", "sent", "received", "seconds", "error")


@dataclass(frozen=True)
class Read:
    """Requests, the newest first. `whole` says that there are no older ones; `total` is how many the log holds."""

    found: tuple[Exchange, ...]
    whole: bool
    total: int


def read(
    store: RequestStore, limit: int, words: str = "", before: float | None = None, stop: threading.Event | None = None
) -> Read:
    """At most `limit` requests that hold every one of `words`, begun before `before` or just then. Raises what the
    store raises."""
    if not store.path.exists():  # nothing was ever sent: looking leaves no file behind
        return Read((), True, 0)
    found: list[Exchange] = []
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
    return Read(tuple(found), whole, store.count())


def merged(held: Sequence[Exchange], fresh: Sequence[Exchange], *, whole: bool) -> list[Exchange]:
    """`held`, brought up to date with the newest ones. Where something may lie between, only those are left."""
    if whole or not held or not fresh:
        return list(fresh)
    keys = {each.key for each in fresh}
    if all(each.key not in keys for each in held[: len(fresh)]):
        return list(fresh)
    end = fresh[-1].time
    return [*fresh, *(each for each in held if each.time <= end and each.key not in keys)]


def joined(held: Sequence[Exchange], older: Iterable[Exchange]) -> list[Exchange]:
    """`held` and behind it the older ones."""
    keys = {each.key for each in held}
    return [*held, *(each for each in older if each.key not in keys)]


def write_csv(store: RequestStore, path: Path) -> int:
    """Write the whole log to `path` as a table for a spreadsheet (RFC 4180, UTF-8, times in UTC); how many requests.

    A file that is there is replaced once the new one is complete. Raises ResourceError, and what the store raises.
    """
    target = path.resolve()
    part: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=".latchkey-", suffix=".part", dir=target.parent)
        part = Path(name)
        count = 0
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(_COLUMNS)
            for exchange in _all(store, _STRETCH, None) if store.path.exists() else ():
                writer.writerow(_cells(exchange))
                count += 1
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        part = None
    except OSError as error:
        raise ResourceError(
            tr("The log of requests could not be exported."),
            tr("Writing {file} failed: {reason}.").format(file=path, reason=error.strerror),
            tr("Free some space, or choose a folder that you may write to."),
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return count


def _all(store: RequestStore, stretch: int, before: float | None) -> Iterator[Exchange]:
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


def _holds(exchange: Exchange, words: Sequence[str]) -> bool:
    text = haystack(exchange)
    return all(word in text for word in words)


def _cells(exchange: Exchange) -> list[object]:
    """A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    moment = datetime.fromtimestamp(exchange.time, UTC).isoformat(timespec="milliseconds")
    values: list[object] = [moment.replace("+00:00", "Z"), *(getattr(exchange, name) for name in _COLUMNS[1:])]
    return [spreadsheet_cell(each) if isinstance(each, str) else each for each in values]
