"""The log of requests: kept for ninety days, written beside the requests themselves so that none of them waits for it.

A thread writes what comes, many at once. What it cannot write (a full disk) it keeps and tries again, up to a limit:
the requests go on, and `problem` says what is wrong.
"""

import contextlib
import logging
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from desktop.errors import UserError
from desktop.network.request_log import RequestLogEntry
from desktop.storage.database import NETWORK_SCHEMA, Database

RETENTION_DAYS = 90
_DAY_S = 86400.0
_MAX_BACKLOG = 10_000
_MAX_BATCH = 500
_RETRY_AFTER_S = 5.0
_BATCH_WAIT_S = 10.0

_COLUMNS = ("time", "purpose", "method", "host", "path", "status", "sent", "received", "seconds", "error", "key")
_PUT = (
    f"INSERT INTO requests ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    "ON CONFLICT (key) DO UPDATE SET status = excluded.status, sent = excluded.sent, received = excluded.received, "
    "seconds = excluded.seconds, error = excluded.error"
)
_log = logging.getLogger(__name__)


class RequestStore:
    """The log at `path`, for any number of threads and processes. Building it touches nothing.

    Reading raises what `Database` raises. Adding never does; see `problem`.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self.problem: UserError | None = None
        self._now = now
        self._database = Database(path, NETWORK_SCHEMA)
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[RequestLogEntry | threading.Event | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._purged_at = 0.0

    def begin(self, exchange: RequestLogEntry) -> None:
        """Note a request before it is sent: should the machine stop in the middle, it is in the log all the same."""
        self.append(exchange)

    def append(self, exchange: RequestLogEntry) -> None:
        """Note a request; returns at once. One with the key of an earlier note takes its place."""
        with self._lock:
            if self._writer is None or not self._writer.is_alive():
                self._writer = threading.Thread(target=self._write, name="request log", daemon=True)
                self._writer.start()
            self._waiting.put(exchange)

    def flush(self) -> bool:
        """Wait until what was noted is in the file; False where it could not be written."""
        if self._writer is None or not self._writer.is_alive():
            return True
        written = threading.Event()
        self._waiting.put(written)
        return written.wait(_BATCH_WAIT_S) and self.problem is None

    def newest(self, limit: int = 1000, *, before: float | None = None, words: str = "") -> list[RequestLogEntry]:
        """At most `limit` requests, the newest first: those begun before `before`, with all of `words` in purpose,
        method, host, path or error."""
        self.flush()
        conditions, values = ["time < ?"], [float("inf") if before is None else before]
        for word in words.split():
            conditions.append("instr(lower(purpose || ' ' || method || ' ' || host || ' ' || path || ' ' || error), ?)")
            values.append(word.lower())  # type: ignore[arg-type]  # of two kinds, as SQLite takes them
        query = f"SELECT {', '.join(_COLUMNS)} FROM requests WHERE {' AND '.join(conditions)} "
        with self._database.read() as connection:
            rows = connection.execute(f"{query} ORDER BY time DESC, id DESC LIMIT ?", (*values, limit)).fetchall()
        return [RequestLogEntry(*row) for row in rows]

    def count(self) -> int:
        """How many requests are kept."""
        self.flush()
        with self._database.read() as connection:
            return int(connection.execute("SELECT count(*) FROM requests").fetchone()[0])

    def purge(self) -> int:
        """Remove what is older than ninety days; how many. Adding does it too, once a day."""
        with self._database.write(durable=False) as connection:
            oldest = self._now() - RETENTION_DAYS * _DAY_S
            return connection.execute("DELETE FROM requests WHERE time < ?", (oldest,)).rowcount

    def close(self) -> None:
        """Write what is left and close the file. What uses it afterwards leaves it closed again."""
        with self._lock:
            writer, self._writer = self._writer, None
            if writer is not None:
                self._waiting.put(None)
        if writer is not None:
            writer.join(_BATCH_WAIT_S)
        self._database.close()

    def _write(self) -> None:
        """Runs in the writing thread. `backlog` holds what could not be written yet."""
        backlog: deque[RequestLogEntry] = deque(maxlen=_MAX_BACKLOG)
        while True:
            taken = self._next_batch(_RETRY_AFTER_S if backlog else None)
            backlog.extend(each for each in taken if isinstance(each, RequestLogEntry))
            self._store(backlog)
            for each in taken:
                if isinstance(each, threading.Event):
                    each.set()
            if None in taken:
                return

    def _next_batch(self, timeout_s: float | None) -> list[RequestLogEntry | threading.Event | None]:
        """What is queued, up to a limit; waits at most `timeout_s` seconds for the first item, else gives nothing."""
        taken: list[RequestLogEntry | threading.Event | None] = []
        with contextlib.suppress(queue.Empty):
            taken.append(self._waiting.get(timeout=timeout_s))
            while len(taken) < _MAX_BATCH and taken[-1] is not None:
                taken.append(self._waiting.get_nowait())
        return taken

    def _store(self, backlog: deque[RequestLogEntry]) -> None:
        if not backlog:
            return
        try:
            with self._database.write(durable=False) as connection:
                connection.executemany(_PUT, [_row(each) for each in backlog])
            backlog.clear()
            self.problem = None
            if abs(self._now() - self._purged_at) > _DAY_S:
                self._purged_at = self._now()
                self.purge()
        except UserError as error:
            if self.problem is None:
                _log.warning("requests are not logged: %s", error)
            self.problem = error


def _row(exchange: RequestLogEntry) -> tuple[object, ...]:
    values = msgspec.structs.astuple(exchange)
    # Half a character, which a hostile host name may hold, is no text for SQLite.
    sound = (
        each.encode("utf-8", "backslashreplace").decode() if isinstance(each, str) else each for each in values[:-1]
    )
    return (*sound, exchange.key or uuid.uuid4().hex)
