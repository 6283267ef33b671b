"""The sha256 of model files, kept so that a file of many gigabytes is read once and not at every answer.

A hash is kept for a path together with the file's stamp (see `desktop.file_stamp`), and counts for that stamp alone.
Hash and stamp are of one opened file, so that no other can be put in its place between them. What cannot be kept is
computed each time: nothing fails because of it.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.atomic_file import open_regular, read_json, write_atomically
from desktop.engine.engine_protocol import StopSignal
from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.file_stamp import FileStamp, ModelFile, stamp_at, stamp_from_stat
from desktop.split_files import parts_of
from desktop.translation import tr

HashProgress = Callable[[int, int], None]
"""Is told how many bytes are done, of how many."""

_PIECE_BYTES = 1 << 20
_MOST_KEPT = 4096
_LARGEST_KEPT = 8 << 20
# How long a change can leave the time of the last change as it is: clocks of file systems advance in ticks.
_TICK_S, _COARSE_TICK_S = 0.025, 2.1
_NS = 1_000_000_000


class HashingStoppedError(ResourceError):
    """A person gave up waiting: nothing went wrong, and nothing was changed."""


@dataclass(frozen=True)
class HashedModel:
    """A model that was read to its end: its hash (see `hash_of_parts`), and its files with their stamps."""

    sha256: str
    files: tuple[ModelFile, ...]

    def is_unchanged(self) -> bool:
        """Whether each path still leads to the very file that was hashed, and nothing touched it since."""
        return all(stamp_at(Path(file.path)) == file.stamp for file in self.files)


class FileHashes:
    """Hashes of files, remembered in `hashes.json` in `folder`, where no worker may write. May be used from any
    thread."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "hashes.json"
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._entries: dict[str, Any] = {}
        self._entries_stamp: FileStamp | None = None

    def sha256(self, path: Path, told: Callable[[int], None] | None = None, stop: StopSignal | None = None) -> str:
        """The file's sha256 in hexadecimal. Raises NotFoundError, or ResourceError where it cannot be read or is no
        regular file.

        While it is read, `told` gets the bytes done so far, and `stop` ends it with HashingStoppedError. A file that
        changes meanwhile, or grows for ever, is given up with IntegrityError.
        """
        return self.hash_with_stamp(path, told, stop)[0]

    def hash_with_stamp(
        self,
        path: Path,
        told: Callable[[int], None] | None = None,
        stop: StopSignal | None = None,
        *,
        anew: bool = False,
    ) -> tuple[str, FileStamp]:
        """As `sha256`, with the stamp of the file that has this hash. `anew` reads it whatever is kept of it."""
        try:
            descriptor = open_regular(path, follow_link=True)
            try:
                return self._of_open(descriptor, path, told, stop, anew=anew)
            finally:
                os.close(descriptor)
        except FileNotFoundError as error:
            remedy = tr("Put it back where it was, or choose another model.")
            raise NotFoundError(tr("There is no file {file}.").format(file=path), "", remedy) from error
        except OSError as error:
            raise ResourceError(
                tr("{file} could not be read: {reason}.").format(file=path, reason=error.strerror or error)
            ) from error

    def hashed_model(self, path: Path, *, anew: bool = False, stop: StopSignal | None = None) -> HashedModel:
        """The model whose first file is `path`. Raises as `sha256` does."""
        found = [(file, *self.hash_with_stamp(file, None, stop, anew=anew)) for file in parts_of(path)]
        files = tuple(ModelFile(str(file.absolute()), stamp, sha256) for file, sha256, stamp in found)
        return HashedModel(hash_of_parts([sha256 for _, sha256, _ in found]), files)

    def model(self, files: Sequence[Path]) -> str:
        """The hash of a model, as `hash_of_parts` makes it."""
        return hash_of_parts(self.hash_all(files))

    def hash_all(
        self, files: Sequence[Path], progress: HashProgress | None = None, stop: StopSignal | None = None
    ) -> tuple[str, ...]:
        """The hash of each file; `progress` is told of all of them together. Raises as `sha256` does."""
        return tuple(sha256 for sha256, _ in self.hash_all_with_stamps(files, progress, stop))

    def hash_all_with_stamps(
        self, files: Sequence[Path], progress: HashProgress | None = None, stop: StopSignal | None = None
    ) -> tuple[tuple[str, FileStamp], ...]:
        """As `hash_all`, with the stamp that each file has with its hash."""
        sizes = [size_of(file) for file in files]
        whole, before, found = sum(sizes), 0, []
        for file, size in zip(files, sizes, strict=True):
            begun = before
            report = (lambda done, begun=begun: progress(min(begun + done, whole), whole)) if progress else None
            found.append(self.hash_with_stamp(file, report, stop))
            before += size
            if progress is not None:
                progress(before, whole)
        return tuple(found)

    def remember(self, path: Path, sha256: str, stamp: FileStamp) -> None:
        """Keep the hash that was read of a file with this stamp, which lies at `path` now: where it still has it."""
        if stamp_at(path) == stamp:
            self._keep(str(path.absolute()), stamp, sha256)

    def forget(self, files: Sequence[Path]) -> None:
        """Remember nothing of these files, so that they are read to their end when next asked for."""
        with self._lock:
            entries = self._read()
            gone = [entries.pop(str(file.absolute()), None) for file in files]
            if any(gone):
                self._write(entries)

    def stop(self) -> None:
        """Give up hashing, in every thread and from now on: `sha256` then raises ResourceError at the next piece."""
        self._stopped.set()

    def cached(self, path: Path) -> str | None:
        """The hash where it is known already; None where the file would have to be read."""
        stamp = stamp_at(path)
        return self._known(str(path.absolute()), stamp) if stamp is not None else None

    def cached_model(self, path: Path) -> str | None:
        """The hash of the model whose first file is `path`, where each of its files' is known already."""
        found = [self.cached(file) for file in parts_of(path)]
        known = [sha256 for sha256 in found if sha256 is not None]
        return hash_of_parts(known) if len(known) == len(found) else None

    # --- reading a file ------------------------------------------------------------------------------------------

    def _of_open(
        self, descriptor: int, path: Path, told: Callable[[int], None] | None, stop: StopSignal | None, *, anew: bool
    ) -> tuple[str, FileStamp]:
        key, stamp = str(path.absolute()), stamp_from_stat(os.fstat(descriptor))
        known = None if anew else self._known(key, stamp)
        if known is not None:
            return known, stamp
        stamp = self._at_rest(descriptor, path, stamp, stop)
        self._write_out(descriptor, path, stop)
        digest = self._digest(descriptor, path, stamp.size, told, stop)
        if stamp_from_stat(os.fstat(descriptor)) != stamp:
            raise file_changing_error(path)
        self._keep(key, stamp, digest)
        return digest, stamp

    def _at_rest(self, descriptor: int, path: Path, stamp: FileStamp, stop: StopSignal | None) -> FileStamp:
        """The stamp, once its last change is so long ago that any later one has another time."""
        tick = _TICK_S if stamp.changed_ns % _NS else _COARSE_TICK_S
        age = time.time() - stamp.changed_ns / _NS
        if age > tick:
            return stamp
        until = time.monotonic() + tick
        while (left := until - time.monotonic()) > 0:
            self._check(path, stop)
            time.sleep(min(left, 0.1))
        return stamp_from_stat(os.fstat(descriptor))

    def _write_out(self, descriptor: int, path: Path, stop: StopSignal | None) -> None:
        """Have what other programs wrote reach the disk. What a program writes through memory that it shares with the
        file leaves a time only at the first write after this. A slow disk is waited for beside, so that it can be given
        up."""

        def write_out(copy: int) -> None:
            with suppress(OSError):  # where only a file that is open for writing can be
                os.fsync(copy)
            os.close(copy)

        thread = threading.Thread(target=write_out, args=(os.dup(descriptor),), name="fsync", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            self._check(path, stop)

    def _digest(
        self, descriptor: int, path: Path, most: int, told: Callable[[int], None] | None, stop: StopSignal | None
    ) -> str:
        digest, piece, done = hashlib.sha256(), bytearray(_PIECE_BYTES), 0
        view = memoryview(piece)
        with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
            while size := file.readinto(piece):
                self._check(path, stop)
                digest.update(view[:size])
                done += size
                if done > most:
                    raise file_changing_error(path)
                if told is not None:
                    told(done)
        return digest.hexdigest()

    def _check(self, path: Path, stop: StopSignal | None) -> None:
        """Raise where somebody gave up."""
        if self._stopped.is_set():
            raise ResourceError(tr("{file} was not read to its end.").format(file=path))
        if stop is not None and stop.is_set():
            raise HashingStoppedError(tr("{file} was not read to its end.").format(file=path))

    # --- what is kept --------------------------------------------------------------------------------------------

    def _known(self, key: str, stamp: FileStamp) -> str | None:
        with self._lock:
            entry = self._read().get(key)
        if isinstance(entry, dict) and entry.get("stamp") == _listed(stamp) and isinstance(entry.get("sha256"), str):
            return str(entry["sha256"])
        return None

    def _keep(self, key: str, stamp: FileStamp, digest: str) -> None:
        with self._lock:
            entries = self._read()
            entry = {"stamp": _listed(stamp), "sha256": digest}
            if entries.pop(key, None) != entry:
                entries[key] = entry
                self._write(dict(list(entries.items())[-_MOST_KEPT:]))

    def _write(self, entries: dict[str, Any]) -> None:
        with suppress(OSError):
            write_atomically(self._file, json.dumps(entries, indent=1).encode("ascii"))

    def _read(self) -> dict[str, Any]:
        """What is kept, to be changed by the caller; read again where another process wrote it."""
        stamp = stamp_at(self._file)
        if stamp is None or stamp != self._entries_stamp:
            try:
                entries = read_json(self._file, largest=_LARGEST_KEPT)
            except OSError:
                entries = {}
            self._entries, self._entries_stamp = entries if isinstance(entries, dict) else {}, stamp
        return dict(self._entries)


def hash_of_parts(hashes: Sequence[str]) -> str:
    """The hash of a model: of its file; of a model in several files, the hash of their hashes, a line for each."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(f"{each}\n" for each in hashes).encode()).hexdigest()


def file_changing_error(path: Path) -> IntegrityError:
    """The file at `path` is not one to be read now: what was read of it may never have been in it together."""
    return IntegrityError(
        tr("{file} changed while it was read.").format(file=path.name),
        tr("Another program seems to be writing it."),
        tr("Wait until it is whole, then try again."),
    )


def size_of(path: Path) -> int:
    """The file's size in bytes, 0 where there is none to be seen."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _listed(stamp: FileStamp) -> list[int]:
    return [stamp.size, stamp.modified_ns, stamp.changed_ns, stamp.inode, stamp.device]
