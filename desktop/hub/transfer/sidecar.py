"""What is known of an unfinished file, kept beside it: which file it is, and which of its bytes are there.

One small file holds two records. The first is written rarely, together with everything the file's bytes need to be on
the disk itself: it holds after a power cut. The second, at a fixed place, is overwritten in place every few megabytes
without waiting for the disk. The system keeps that through the end of this process, however sudden, but not through its
own; so it counts only as long as the machine was not started anew.
"""

import contextlib
import os
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from desktop.atomic_file import open_regular
from desktop.errors import UserError
from desktop.hub.transfer.byte_ranges import ByteRanges, ByteSpan, RangePlan
from desktop.hub.transfer.disk import PartFile, delete_files, disk_error

FORMAT = 1
_RECENT_AT = 1 << 16
_MOST_BYTES = 1 << 20
_MOST_SPANS = 1000  # both records stay far below their room; what is left out would be fetched again
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_EVERY_S = 2.0


class RemoteIdentity(msgspec.Struct, frozen=True):
    """Which file it is. Where any of it differs, what is on the disk belongs to another file. `etag` is the Hub's."""

    repository: str
    commit: str
    file: str
    size: int
    sha256: str
    etag: str


class ServedVersion(msgspec.Struct, frozen=True):
    """What the host that gives the bytes out calls this version of them; comparable only at the same host."""

    origin: str = ""
    etag: str = ""


class _SidecarRecord(msgspec.Struct, frozen=True):
    format: int
    identity: RemoteIdentity
    served: ServedVersion
    spans: tuple[ByteSpan, ...]


class _RecentSpans(msgspec.Struct, frozen=True):
    boot: str
    spans: tuple[ByteSpan, ...]


@dataclass(frozen=True)
class SidecarContents:
    """What a sidecar records: the spans of bytes that are there, and their server's ETag."""

    spans: tuple[ByteSpan, ...]
    served: ServedVersion


def sidecar_path(part: Path) -> Path:
    """Where the sidecar of an unfinished file lies."""
    return part.with_name(part.name + ".state")


def read_sidecar(path: Path, identity: RemoteIdentity, size_on_disk: int) -> SidecarContents | None:
    """The contents of the sidecar at `path` for the file of this identity; None where there is none, where it belongs
    to another file, is damaged, was written by a later version, or claims bytes that are not there."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            data = file.read(_MOST_BYTES)
        record = msgspec.json.decode(data[:_RECENT_AT].partition(b"\n")[0], type=_SidecarRecord)
        if record.format != FORMAT or record.identity != identity:
            return None
        ranges = ByteRanges(record.spans)
    except (OSError, ValueError, RecursionError):
        return None
    for start, end in _recent(data[_RECENT_AT:]):
        ranges.add(start, end)
    spans = ranges.spans
    if spans and spans[-1][1] > min(identity.size, size_on_disk):
        return None
    return SidecarContents(spans, record.served)


class Sidecar:
    """Writes the sidecar at `path`. For any number of threads. Raises ResourceError where the disk does not do it."""

    def __init__(self, path: Path, identity: RemoteIdentity) -> None:
        self._path = path
        self._identity = identity
        self._served = ServedVersion()
        self._boot = _boot()
        self._lock = threading.Lock()
        self._file = -1

    def begin(self, spans: tuple[ByteSpan, ...], served: ServedVersion) -> None:
        """Write it anew. What `spans` names was written in an earlier run."""
        self._served = served
        self.sync(lambda: spans, _nothing)

    def set_version(self, served: ServedVersion) -> None:
        """From the next time it is written, this is what the bytes' server calls them."""
        self._served = served

    def note(self, spans: tuple[ByteSpan, ...]) -> None:
        """Remember that these bytes were written. They outlive this process, not yet the machine."""
        with self._lock:
            if self._file >= 0:
                try:
                    self._write_recent(self._file, spans)
                except OSError as error:
                    raise disk_error(self._path.parent, error) from error

    def sync(self, spans: Callable[[], tuple[ByteSpan, ...]], flush: Callable[[], None]) -> None:
        """Remember for good what is written by now: `flush` has it reach the disk."""
        written = spans()
        new = self._path.with_name(self._path.name + ".new")
        file = -1
        try:
            flush()
            record = _SidecarRecord(FORMAT, self._identity, self._served, written[:_MOST_SPANS])
            new.unlink(missing_ok=True)  # whatever lies there, nothing is written through it
            file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
            _write(file, 0, msgspec.json.encode(record) + b"\n")
            os.fsync(file)
            with self._lock:
                # What came since then is noted before the file takes its place, so that it is never missing.
                self._write_recent(file, spans())
                self._close()
                if os.name == "nt":  # where no open file can be renamed
                    os.close(file)
                    file = -1
                new.replace(self._path)
                self._file, file = file if file >= 0 else os.open(self._path, os.O_RDWR | _BINARY), -1
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink()
            raise disk_error(self._path.parent, error) from error
        finally:
            if file >= 0:
                os.close(file)

    def close(self) -> None:
        """Write nothing more. Closing twice does no harm."""
        with self._lock:
            self._close()

    def remove(self) -> None:
        """Delete it."""
        self.close()
        delete_files(self._path, self._path.with_name(self._path.name + ".new"))

    def _write_recent(self, file: int, spans: tuple[ByteSpan, ...]) -> None:
        body = msgspec.json.encode(_RecentSpans(self._boot, spans[:_MOST_SPANS]))
        _write(file, _RECENT_AT, b"%08x %s\n" % (zlib.crc32(body), body))

    def _close(self) -> None:
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = -1


def _write(file: int, at: int, data: bytes) -> None:
    os.lseek(file, at, os.SEEK_SET)
    while data:
        data = data[os.write(file, data) :]


def _recent(data: bytes) -> tuple[ByteSpan, ...]:
    """The second record's spans; none where it is damaged, or older than the running system."""
    check, _, body = data.partition(b"\n")[0].partition(b" ")
    try:
        if int(check, 16) != zlib.crc32(body):
            return ()
        recent = msgspec.json.decode(body, type=_RecentSpans)
        ByteRanges(recent.spans)
    except (ValueError, RecursionError):
        return ()
    return recent.spans if _same_boot(recent.boot, _boot()) else ()


def _boot() -> str:
    """An id of the running system, which differs after each start of the machine."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return f"at {psutil.boot_time():.0f}"


def _same_boot(one: str, other: str) -> bool:
    if one.startswith("at ") and other.startswith("at "):
        # Computed from the clock and the uptime: two calls may differ by a little.
        with contextlib.suppress(ValueError):
            return abs(float(one[3:]) - float(other[3:])) < 10
    return bool(one) and one == other


def _nothing() -> None:
    """It reached the disk already, or is read again and hashed before it counts."""


class SidecarSync:
    """Syncs the file and its sidecar every two seconds, so that a download resumes correctly also after a power cut."""

    def __init__(self, part: PartFile, sidecar: Sidecar, plan: RangePlan) -> None:
        self._part, self._sidecar, self._plan = part, sidecar, plan
        self._kept = plan.done
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ended = False
        self._error: UserError | None = None
        self._then: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._run, name="transfer keeper", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise ResourceError where the disk did not do it."""
        if self._error is not None:
            raise self._error

    def end(self, then: Callable[[], None], seconds: float | None = None) -> None:
        """Keep what there is, end, and call `then`. Where that takes longer than `seconds`, it goes on by itself."""
        self._over.set()
        self._thread.join(seconds)
        with self._lock:
            if not self._ended:
                self._then = then
                return
        then()

    def _run(self) -> None:
        try:
            while not self._over.wait(_EVERY_S):
                self._keep()
            self._keep()
        except UserError as error:
            self._error = error
        finally:
            with self._lock:
                self._ended = True
            if self._then is not None:
                self._then()

    def _keep(self) -> None:
        done = self._plan.done
        if done != self._kept:
            self._sidecar.sync(lambda: self._plan.spans, self._part.flush)
            self._kept = done
