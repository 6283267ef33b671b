"""The sha256 of model files, kept so that a file of many gigabytes is read once and not at every answer.

A hash is kept for a path together with the file's size, modification time (ns) and inode. A file changed in any way
that the file system notices is hashed again. What cannot be kept is computed each time: nothing fails because of it.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from desktop.errors import NotFoundError, ResourceError
from desktop.translation import tr

_PIECE_BYTES = 1 << 20
_PART = re.compile(r"(?P<stem>.+)-00001-of-(?P<count>\d{5})\.gguf$")


class FileHashes:
    """Hashes of files, remembered in `hashes.json` under the cache folder. May be used from any thread."""

    def __init__(self, cache_folder: Path) -> None:
        self._file = cache_folder / "hashes.json"
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def sha256(self, path: Path) -> str:
        """The file's sha256 in hexadecimal. Raises NotFoundError or ResourceError where it cannot be read."""
        key = str(path.absolute())
        try:
            stamp = _stamp(path)
            known = self._known(key, stamp)
            if known is not None:
                return known
            digest = self._digest(path)
            unchanged = _stamp(path) == stamp
        except FileNotFoundError as error:
            raise NotFoundError(tr("There is no file {file}.").format(file=path)) from error
        except OSError as error:
            raise ResourceError(
                tr("{file} could not be read: {reason}.").format(file=path, reason=error.strerror)
            ) from error
        if unchanged:
            self._keep(key, stamp, digest)
        return digest

    def model(self, files: Sequence[Path]) -> str:
        """The hash of a model: of its file; of a model in several files, the hash of their hashes, a line for each."""
        if len(files) == 1:
            return self.sha256(files[0])
        lines = "".join(f"{self.sha256(file)}\n" for file in files)
        return hashlib.sha256(lines.encode()).hexdigest()

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

    def _digest(self, path: Path) -> str:
        digest, piece = hashlib.sha256(), bytearray(_PIECE_BYTES)
        view = memoryview(piece)
        with path.open("rb", buffering=0) as file:
            while size := file.readinto(piece):
                if self._stopped.is_set():
                    raise ResourceError(tr("{file} was not read to its end.").format(file=path))
                digest.update(view[:size])
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
