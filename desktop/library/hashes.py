"""The sha256 of model files, kept so that a file of many gigabytes is read once and not at every answer.

A hash is kept for a path together with the file's size, modification time (ns) and inode. A file changed in any way
that the file system notices is hashed again. What cannot be kept is computed each time: nothing fails because of it.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.translation import tr

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, of how many."""

_PIECE_BYTES = 1 << 20
_PART = re.compile(r"(?P<stem>.+)-00001-of-(?P<count>\d{5})\.gguf$")


class StoppedError(ResourceError):
    """A person gave up waiting: nothing went wrong, and nothing was changed."""


class FileHashes:
    """Hashes of files, remembered in `hashes.json` under the cache folder. May be used from any thread."""

    def __init__(self, cache_folder: Path) -> None:
        self._file = cache_folder / "hashes.json"
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def sha256(self, path: Path, told: Callable[[int], None] | None = None, stop: threading.Event | None = None) -> str:
        """The file's sha256 in hexadecimal. Raises NotFoundError or ResourceError where it cannot be read.

        While it is read, `told` gets the bytes done so far, and `stop` ends it with StoppedError. A file that grows
        meanwhile, perhaps for ever, is given up with IntegrityError.
        """
        key = str(path.absolute())
        try:
            stamp = _stamp(path)
            known = self._known(key, stamp)
            if known is not None:
                return known
            digest = self._digest(path, stamp[0], told, stop)
            unchanged = _stamp(path) == stamp
        except FileNotFoundError as error:
            raise NotFoundError(tr("There is no file {file}.").format(file=path)) from error
        except OSError as error:
            raise ResourceError(
                tr("{file} could not be read: {reason}.").format(file=path, reason=error.strerror or error)
            ) from error
        if unchanged:
            self._keep(key, stamp, digest)
        return digest

    def model(self, files: Sequence[Path]) -> str:
        """The hash of a model, as `hash_of_parts` makes it."""
        return hash_of_parts(self.each(files))

    def each(
        self, files: Sequence[Path], progress: Progress | None = None, stop: threading.Event | None = None
    ) -> tuple[str, ...]:
        """The hash of each file; `progress` is told of all of them together. Raises as `sha256` does."""
        sizes = [size_of(file) for file in files]
        whole, before, found = sum(sizes), 0, []
        for file, size in zip(files, sizes, strict=True):
            begun = before
            told = (lambda done, begun=begun: progress(min(begun + done, whole), whole)) if progress else None
            found.append(self.sha256(file, told, stop))
            before += size
            if progress is not None:
                progress(before, whole)
        return tuple(found)

    def remember(self, path: Path, sha256: str) -> None:
        """Keep what somebody found who read or wrote all of the file just now."""
        try:
            self._keep(str(path.absolute()), _stamp(path), sha256)
        except OSError:
            return

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

    def _digest(self, path: Path, most: int, told: Callable[[int], None] | None, stop: threading.Event | None) -> str:
        digest, piece, done = hashlib.sha256(), bytearray(_PIECE_BYTES), 0
        view = memoryview(piece)
        with path.open("rb", buffering=0) as file:
            while size := file.readinto(piece):
                if self._stopped.is_set():
                    raise ResourceError(tr("{file} was not read to its end.").format(file=path))
                if stop is not None and stop.is_set():
                    raise StoppedError(tr("{file} was not read to its end.").format(file=path))
                digest.update(view[:size])
                done += size
                if done > most:
                    raise changing(path)
                if told is not None:
                    told(done)
        return digest.hexdigest()

    def cached(self, path: Path) -> str | None:
        """The hash where it is known already; None where the file would have to be read."""
        try:
            return self._known(str(path.absolute()), _stamp(path))
        except OSError:
            return None

    def _known(self, key: str, stamp: list[int]) -> str | None:
        entry = self._read().get(key)
        if isinstance(entry, dict) and entry.get("stamp") == stamp and isinstance(entry.get("sha256"), str):
            return str(entry["sha256"])
        return None

    def _keep(self, key: str, stamp: list[int], digest: str) -> None:
        with self._lock:
            entries = self._read()
            entries[key] = {"stamp": stamp, "sha256": digest}
            self._write(entries)

    def _write(self, entries: dict[str, Any]) -> None:
        part = self._file.with_name(f".hashes.{os.getpid()}.{threading.get_ident()}.part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(entries, indent=1), encoding="utf-8")
            part.replace(self._file)
        except OSError:
            return

    def _read(self) -> dict[str, Any]:
        try:
            entries = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return entries if isinstance(entries, dict) else {}


def hash_of_parts(hashes: Sequence[str]) -> str:
    """The hash of a model: of its file; of a model in several files, the hash of their hashes, a line for each."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(f"{each}\n" for each in hashes).encode()).hexdigest()


def changing(path: Path) -> IntegrityError:
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


def parts_of(path: Path) -> list[Path]:
    """All files of the model whose first one is `path`, by the numbers in its name; `path` alone where it has none."""
    match = _PART.match(path.name)
    if match is None:
        return [path]
    count = int(match["count"])
    return [path.with_name(f"{match['stem']}-{part:05d}-of-{count:05d}.gguf") for part in range(1, count + 1)]


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]
