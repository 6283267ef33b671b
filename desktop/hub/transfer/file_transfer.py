"""One file of a transfer: from whatever is on the disk to all of its bytes, verified, under its unfinished name."""

import contextlib
import hashlib
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from desktop.atomic_file import open_regular
from desktop.errors import IntegrityError, ResourceError, StoppedError
from desktop.hub.repository_files import target_path
from desktop.hub.transfer.byte_ranges import ByteRanges, RangePlan
from desktop.hub.transfer.disk import PartFile, check_space, delete_files, disk_error, publish_file, target_exists_error
from desktop.hub.transfer.parallel_fetch import (
    TICK_S,
    FetchCounts,
    FetchTarget,
    FileSource,
    ParallelFetch,
    check_located,
    remote_identity,
)
from desktop.hub.transfer.part_file import FileLock
from desktop.hub.transfer.prefix_hash import PrefixHash
from desktop.hub.transfer.range_response import RemoteFileChangedError
from desktop.hub.transfer.sidecar import RemoteIdentity, ServedVersion, Sidecar, SidecarSync, read_sidecar, sidecar_path
from desktop.hub.transfer.transfer_progress import ProgressReporter
from desktop.hub.transfer.transfer_types import (
    FetchedFile,
    FileLocation,
    FileRequest,
    LocateFile,
    RetryPolicy,
    StopRequest,
)
from desktop.network.http_client import HttpClient
from desktop.translation import tr

_READ = 1 << 20
_LINGER_S = 0.4
_DISCARDING_S = 5.0


@dataclass(frozen=True)
class TransferContext:
    """What every file of a transfer is fetched with."""

    client: HttpClient
    locate: LocateFile
    connections: int
    retry_policy: RetryPolicy


class FileTransfer:
    """One file. Used by the thread that runs the transfer."""

    def __init__(
        self,
        means: TransferContext,
        wanted: FileRequest,
        folder: Path,
        halting: StopRequest,
        reporter: ProgressReporter,
    ) -> None:
        """Raises ForbiddenError where the file's name is unfit."""
        self.wanted = wanted
        self.target = target_path(folder, wanted.file)
        self.part = self.target.with_name(self.target.name + ".part")
        self._means = means
        self._halting = halting
        self._reporter = reporter
        self._lock = FileLock(self.part.with_name(self.part.name + ".lock"))
        self._counts = FetchCounts()
        self._found = False
        self._restarted = False

    @property
    def missing(self) -> int:
        """About how many bytes it still takes on the disk, without asking anybody; 0 where the size is not known."""
        if self.wanted.size is None or os.path.lexists(self.target):
            return 0
        try:
            status = self.part.stat()
        except OSError:
            return self.wanted.size
        blocks = getattr(status, "st_blocks", None)
        return max(0, self.wanted.size - (status.st_size if blocks is None else blocks * 512))

    def fetch(self, later: int) -> FetchedFile:
        """Have all of it in the unfinished file, or find it under its own name already. `later`: bytes that the files
        after it take. Raises UserErrors and TransferStoppedError."""
        self._take_lock()
        located: FileLocation | None = None
        if os.path.lexists(self.target):
            return self._check_target()
        located = self._locate()
        for again in (False, True):
            try:
                return self._attempt(located, later, anew=again)
            except RemoteFileChangedError as change:
                if again:
                    delete_files(self.part, sidecar_path(self.part))
                    raise _wrong_file_error(self.wanted, change.how) from None
                self._restarted, self._counts.again = True, self._counts.received
                note = tr("{what} What had come of it was dropped, and it is fetched again from the start.")
                self._reporter.set_note(note.format(what=change.how))
                located = self._locate()
        raise AssertionError("the second attempt returns or raises")

    def publish(self) -> None:
        """Give it its own name. Raises ResourceError."""
        if not self._found:
            publish_file(self.part, self.target)
        self._clear()

    def discard(self) -> None:
        """Delete what is unfinished of it, unless another process is fetching it."""
        deadline = time.monotonic() + _DISCARDING_S
        with contextlib.suppress(ResourceError):
            # A pause that ended just now may still be writing out what there is.
            while not (ours := self._lock.acquire()) and time.monotonic() < deadline:
                time.sleep(TICK_S / 4)
            if ours:
                self._clear()

    def release_lock(self) -> None:
        """Let other processes have it."""
        self._lock.release()

    def _clear(self) -> None:
        state = sidecar_path(self.part)
        delete_files(self.part, state, state.with_name(state.name + ".new"))

    def _take_lock(self) -> None:
        stop = self._halting.new_event()
        try:
            while not self._lock.acquire():
                self._reporter.set_state("waiting")
                stop.wait(TICK_S)
                self._halting.check()
        finally:
            self._halting.forget_event(stop)

    def _locate(self) -> FileLocation:
        self._halting.check()
        self._reporter.set_state("locating")
        stop = self._halting.new_event()
        try:
            located = self._means.locate(self.wanted, stop)
        except StoppedError:
            self._halting.check()
            raise
        finally:
            self._halting.forget_event(stop)
        check_located(self.wanted, located)
        return located

    def _attempt(self, located: FileLocation, later: int, *, anew: bool) -> FetchedFile:
        """Fetch what is missing and verify all. Raises RemoteFileChangedError where it cannot be the right file."""
        identity = remote_identity(self.wanted, located)
        self._reporter.set_size(located.size)
        sidecar = Sidecar(sidecar_path(self.part), identity)
        done, served = self._what_is_there(identity, anew=anew)
        check_space(self.part.parent, located.size - done.total + later)
        part = PartFile(self.part, anew=not done.total)
        hashing = PrefixHash(part)
        plan = RangePlan(located.size, done)
        sync: SidecarSync | None = None
        try:
            sidecar.begin(plan.spans, served)
            sync = SidecarSync(part, sidecar, plan)
            hashing.extend(plan.prefix)
            source = FileSource(self._means.locate, self.wanted, located, served)
            self._fetch(source, plan, FetchTarget(part, sidecar, hashing), sync)
            digest = self._hash(hashing, located.size)
            part.truncate_and_sync(located.size)
        finally:
            hashing.stop()
            self._close_all(sync, part, sidecar)
        if located.sha256 and digest != located.sha256.lower():
            raise RemoteFileChangedError(tr("The bytes that came are not those of the file: their hash differs."))
        return self._fetched(digest, located.size, verified=bool(located.sha256))

    def _what_is_there(self, identity: RemoteIdentity, *, anew: bool) -> tuple[ByteRanges, ServedVersion]:
        try:
            size = self.part.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            return ByteRanges(), ServedVersion()
        except OSError as error:
            raise disk_error(self.part.parent, error) from error
        found = None if anew else read_sidecar(sidecar_path(self.part), identity, size)
        if found is not None:
            return ByteRanges(found.spans), found.served
        if not anew:
            self._reporter.set_note(
                tr("An unfinished file of this name was of no use for this version, so it is fetched from the start.")
            )
        return ByteRanges(), ServedVersion()

    def _fetch(self, source: FileSource, plan: RangePlan, target: FetchTarget, sync: SidecarSync) -> None:
        fetching = ParallelFetch(
            self._means.client,
            source,
            plan,
            target,
            counts=self._counts,
            connections=self._means.connections,
            retry_policy=self._means.retry_policy,
            halting=self._halting,
        )

        def report() -> None:
            sync.check()
            trouble = fetching.trouble
            self._reporter.fetching(plan.done, self._counts.received, fetching.connections, trouble, fetching.note)

        try:
            fetching.run(report)
            report()
        finally:
            self._reporter.count(plan.done)

    def _hash(self, hashing: PrefixHash, size: int) -> str:
        hashing.extend(size)
        while not hashing.wait(size, TICK_S):
            self._reporter.set_state("verifying")
            self._halting.check()
        self._reporter.set_state("verifying")
        return hashing.hexdigest()

    def _close_all(self, sync: SidecarSync | None, part: PartFile, sidecar: Sidecar) -> None:
        """Close everything. Whoever pauses is not kept waiting for a slow disk: the lock is left when it is done."""

        def close() -> None:
            part.close()
            sidecar.close()

        if sync is None:
            close()
        elif self._halting.reason != "paused":
            sync.end(close)
        else:
            lock, self._lock = self._lock, FileLock(self.part.with_name(self.part.name + ".lock"))

            def close_and_leave() -> None:
                close()
                lock.release()

            sync.end(close_and_leave, _LINGER_S)

    def _check_target(self) -> FetchedFile:
        """A file of its name is there. It is the right one, or it is left as it is."""
        wanted = self.wanted
        if not wanted.sha256 or wanted.size is None:
            located = self._locate()
            wanted = FileRequest(
                repository=wanted.repository,
                commit=wanted.commit,
                file=wanted.file,
                size=located.size,
                sha256=located.sha256,
            )
        assert wanted.size is not None
        self._reporter.set_size(wanted.size)
        self._reporter.set_state("checking")
        try:
            status = self.target.stat()
            if not stat.S_ISREG(status.st_mode) or status.st_size != wanted.size:
                raise target_exists_error(self.target)
            digest = self._digest()
        except OSError as error:
            raise disk_error(self.target.parent, error) from error
        if wanted.sha256 and digest != wanted.sha256.lower():
            raise target_exists_error(self.target)
        self._found = True
        return self._fetched(digest, wanted.size, verified=bool(wanted.sha256))

    def _digest(self) -> str:
        found, piece, done = hashlib.sha256(), bytearray(_READ), 0
        view = memoryview(piece)
        with os.fdopen(open_regular(self.target, follow_link=True), "rb", buffering=0) as file:
            while size := file.readinto(piece):
                found.update(view[:size])
                done += size
                self._halting.check()
                self._reporter.checked(done)
        return found.hexdigest()

    def _fetched(self, digest: str, size: int, *, verified: bool) -> FetchedFile:
        return FetchedFile(
            path=self.target,
            size=size,
            sha256=digest,
            verified=verified,
            received=self._counts.received,
            refetched_bytes=self._counts.again,
            restarted=self._restarted,
            connections=self._counts.connections,
        )


def _wrong_file_error(wanted: FileRequest, how: str) -> IntegrityError:
    return IntegrityError(
        tr("{file} could not be fetched as it should be.").format(file=wanted.file),
        how + " " + tr("It was fetched twice, and nothing of it was kept."),
        tr("Try again later or from another network, and tell the authors of the repository if it stays so."),
    )
