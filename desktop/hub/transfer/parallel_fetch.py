"""All missing bytes of one file, over as many connections as pay: their address, the connections that fetch them,
errors and retries.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from desktop.errors import IntegrityError, StoppedError
from desktop.hub.transfer.byte_ranges import MIN_RANGE_BYTES, RangeJob, RangePlan
from desktop.hub.transfer.connection_count import ConnectionCount
from desktop.hub.transfer.disk import PartFile
from desktop.hub.transfer.prefix_hash import PrefixHash
from desktop.hub.transfer.range_connection import RangeConnection
from desktop.hub.transfer.range_response import RangeFailedError, RemoteFileChangedError
from desktop.hub.transfer.sidecar import RemoteIdentity, ServedVersion, Sidecar
from desktop.hub.transfer.transfer_types import FileLocation, FileRequest, LocateFile, RetryPolicy, StopRequest
from desktop.network.access_token import origin_of
from desktop.network.http_client import HttpClient
from desktop.translation import tr

TICK_S = 0.2
_TRYING_TICK_S = 0.05
_NOTED = 2 << 20
_LONGEST_WAIT_S = 600.0
_LASTING_TRIES = 2


class FileSource:
    """One file's address, asked for again where it does not hold any more. For any number of threads."""

    def __init__(self, locate: LocateFile, wanted: FileRequest, located: FileLocation, served: ServedVersion) -> None:
        self._locate = locate
        self.wanted = wanted
        self._located = located
        self._served = served
        self._generation = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """The file's, in bytes."""
        return self._located.size

    def current(self) -> tuple[FileLocation, int]:
        """Where it is, and the number of that address."""
        with self._lock:
            return self._located, self._generation

    def refresh(self, generation: int, stop: threading.Event) -> None:
        """The address of this number does not hold: ask for another, unless somebody did already. Raises what
        `LocateFile` does, and RemoteFileChangedError where it is another file now."""
        with self._lock:
            if generation != self._generation:
                return
            found = self._locate(self.wanted, stop)
            if remote_identity(self.wanted, found) != remote_identity(self.wanted, self._located):
                self._located = found
                raise RemoteFileChangedError(tr("The Hub has another file under this name now."))
            self._located = found
            self._generation += 1

    def etag_at(self, url: str) -> str:
        """What the host of `url` calls this version; "" where that is not known."""
        with self._lock:
            return self._served.etag if self._served.origin == origin_of(url) else ""

    def remember_etag(self, url: str, etag: str) -> ServedVersion | None:
        """Note the ETag that the host of `url` gives this version; what to store of it, None where it was known."""
        with self._lock:
            served = ServedVersion(origin_of(url), etag)
            if not etag or served == self._served:
                return None
            self._served = served
            return served


def remote_identity(wanted: FileRequest, located: FileLocation) -> RemoteIdentity:
    """Which file it is that is to be fetched."""
    return RemoteIdentity(
        wanted.repository, wanted.commit, wanted.file, located.size, located.sha256.lower(), located.etag
    )


def check_located(wanted: FileRequest, located: FileLocation) -> None:
    """Raise IntegrityError where the Hub names another file than the one that was looked at before."""
    other_hash = bool(wanted.sha256 and located.sha256) and wanted.sha256.lower() != located.sha256.lower()
    if other_hash or (wanted.size is not None and wanted.size != located.size):
        raise IntegrityError(
            tr("The Hub names another file now than it did before: {file}.").format(file=wanted.file),
            tr("Its size or hash is not what it was for the same commit, so it was not fetched."),
            tr("Look at the repository again, and ask its authors if it stays so."),
        )


@dataclass
class FetchCounts:
    """Of one file in this run, in bytes: what came, and what of it had come before. `connections`: most at once."""

    received: int = 0
    again: int = 0
    connections: int = 0


@dataclass(frozen=True)
class FetchTarget:
    """Where the bytes go: the file, its sidecar (which bytes are there), and its hash."""

    part: PartFile
    sidecar: Sidecar
    hashing: PrefixHash


class ParallelFetch:
    """One attempt at a file. `run` uses it from one thread, its connections from theirs."""

    def __init__(
        self,
        client: HttpClient,
        source: FileSource,
        plan: RangePlan,
        kept: FetchTarget,
        *,
        counts: FetchCounts,
        connections: int,
        retry_policy: RetryPolicy,
        halting: StopRequest,
    ) -> None:
        self.client, self.source, self.plan = client, source, plan
        self.parts_work = False
        self.stop = halting.new_event()
        self._halting = halting
        self._kept = kept
        self._counts = counts
        self._retry_policy = retry_policy
        self._growth = ConnectionCount(connections)
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._connections: list[RangeConnection] = []
        self._alone: RangeConnection | None = None
        self._wholes = self._failures = self._unnoted = 0
        self._error: BaseException | None = None
        self.trouble = ""
        """What stands in the way at the moment, as a sentence; "" while bytes come."""
        self.note = ""
        """What is unusual about the server."""

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._connections)

    def run(self, report: Callable[[], None]) -> None:
        """Until all is there. No connection is left afterwards.

        Raises UserErrors, RemoteFileChangedError and TransferStoppedError.
        """
        try:
            while self._error is None and self.plan.done < self.plan.size and not self.stop.is_set():
                self._grow()
                report()
                with self._changed:
                    if self._connections and self._error is None:
                        self._changed.wait(_TRYING_TICK_S if self._growth.trying else TICK_S)
        finally:
            self.stop.set()
            for each in list(self._connections):
                each.join()
            self._halting.forget_event(self.stop)
        self._kept.sidecar.note(self.plan.spans)
        if self._error is not None and not isinstance(self._error, StoppedError):
            raise self._error
        if self.plan.done < self.plan.size:
            self._halting.check()

    def _grow(self) -> None:
        now = time.monotonic()
        flowing = sum(each.flowing for each in self._connections)
        missing = self.plan.size - self.plan.done
        with self._changed:
            wanted = self._growth.update(now, self._counts.received, flowing, missing)
            if self._alone is not None and self._alone in self._connections:
                return
            while len(self._connections) < wanted and (not self._connections or missing > 2 * MIN_RANGE_BYTES):
                connection = RangeConnection(self)
                self._connections.append(connection)
                self._counts.connections = max(self._counts.connections, len(self._connections))
                connection.start()

    # What follows is for the connections.

    def should_continue(self, connection: RangeConnection) -> bool:
        """Whether this connection should go on."""
        with self._changed:
            if self.stop.is_set():
                return False
            if self._alone is not None:
                return self._alone is connection
            return connection in self._connections[: self._growth.wanted]

    def connection_ended(self, connection: RangeConnection) -> None:
        """It has ended."""
        with self._changed:
            self._connections.remove(connection)
            if self._alone is connection:
                self._alone = None
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Nothing more can be done."""
        with self._changed:
            self._error = self._error or error
            self.stop.set()
            self._changed.notify_all()

    def write(self, at: int, data: memoryview, job: RangeJob | None, *, received: int) -> None:
        """These bytes came for byte `at` of the file."""
        kept = self._kept
        kept.part.write(at, data)
        self.plan.mark_written(at, at + len(data), job)
        kept.hashing.offer(at, data)
        kept.hashing.extend(self.plan.prefix)
        with self._writing:
            self._counts.received += received
            self._counts.again += received - len(data)
            self._failures, self.trouble = 0, ""
            self._unnoted += len(data)
            if self._unnoted < _NOTED:
                return
            self._unnoted = 0
            kept.sidecar.note(self.plan.spans)

    def skip(self, count: int) -> None:
        """So many bytes came that were there already."""
        with self._writing:
            self._counts.received += count
            self._counts.again += count

    def remember_etag(self, url: str, etag: str) -> None:
        """The host of `url` calls this version of the file so."""
        served = self.source.remember_etag(url, etag)
        if served is not None:
            self._kept.sidecar.set_version(served)

    def count_whole(self) -> int:
        """How often a server that gives out parts has sent the whole file in the place of one."""
        with self._changed:
            self._wholes += 1
            return self._wholes

    def use_one_connection(self, connection: RangeConnection) -> None:
        """From here on this connection fetches all of it."""
        with self._changed:
            self._alone, self.parts_work = connection, False
            self.note = tr("This server gives out the file only as a whole, so it comes over one connection.")
        self.plan.take_all()

    def should_retry(self, connection: RangeConnection, failure: RangeFailedError, *, brought: bool) -> bool:
        """Whether a connection whose request failed tries again, after the wait that is due. Raises the failure's
        error where it was tried often enough, and StoppedError."""
        with self._changed:
            others = [each for each in self._connections if each is not connection]
            if failure.retry_by == "locate" and connection.may_locate:
                seconds = 0.0
            elif others and not brought:
                if flowing := sum(each.flowing for each in others):
                    self._growth.limit(flowing, time.monotonic())  # so many are let in, and no more
                return False
            elif others:
                seconds = self._retry_policy.first_delay
            else:
                seconds = self._count(failure)
                self._changed.notify_all()
        if self.stop.wait(seconds):
            raise StoppedError
        return True

    def _count(self, failure: RangeFailedError) -> float:
        """Count a failure of the only connection that there is; how long to wait."""
        self._failures += 1
        tries = min(self._retry_policy.tries, _LASTING_TRIES) if failure.lasting else self._retry_policy.tries
        seconds = max(self._retry_policy.delay(self._failures), failure.wait or 0.0)
        if self._failures > tries or seconds > _LONGEST_WAIT_S:
            raise failure.error
        self._growth.reset()
        self.trouble = tr("{what} It is tried again.").format(what=failure.error.title)
        return seconds
