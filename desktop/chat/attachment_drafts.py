"""What was read of files that are attached to messages not sent yet, kept aside so that it survives a restart."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import msgspec

from desktop.atomic_file import read_bounded, write_atomically, write_error
from desktop.chat.draft_attachment import DraftRecord
from desktop.errors import NotFoundError
from desktop.storage.attachment_store import AttachmentStore
from desktop.translation import tr

_LIST_FILE = "attached.json"
_LARGEST_LIST = 16 << 20
_KEPT_S = 30 * 86_400.0


class AttachmentDrafts:
    """Bytes by their sha256 and a list of what is attached to which message, in `folder`, or in this process alone
    where that is None. Methods may be called from any thread but the main one."""

    def __init__(self, folder: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._store = AttachmentStore(folder) if folder is not None else None
        self._list = folder / _LIST_FILE if folder is not None else None
        self._memory: dict[str, bytes] = {}
        self._clock = clock
        self._lock = threading.Lock()
        self._fresh: set[str] = set()

    def add(self, data: bytes) -> str:
        """Keep `data` until a list is saved that does not name it; its sha256. ResourceError where it cannot be."""
        with self._lock:
            if self._store is not None:
                sha256 = self._store.add(data)
            else:
                sha256 = hashlib.sha256(data).hexdigest()
                self._memory[sha256] = data
            self._fresh.add(sha256)
            return sha256

    def read(self, sha256: str) -> bytes:
        """The bytes kept under `sha256`. NotFoundError where there are none."""
        if self._store is not None:
            return self._store.read(sha256)
        try:
            return self._memory[sha256]
        except KeyError:
            raise NotFoundError(tr("This file is not here any more."), "", tr("Attach it again.")) from None

    def save(self, records: Mapping[str, tuple[DraftRecord, ...]], spared: Collection[str] = ()) -> None:
        """Write down what is attached to which message; what it does not name goes, but for the `spared` sha256.
        ResourceError where the list cannot be written."""
        now = self._clock()
        stamped = {
            key: tuple(msgspec.structs.replace(each, added_at=each.added_at or now) for each in found)
            for key, found in records.items()
        }
        with self._lock:
            named = {each.sha256 for found in stamped.values() for each in found}
            self._fresh -= named
            named |= set(spared)
            if self._store is None:
                self._memory = {sha256: data for sha256, data in self._memory.items() if sha256 in named | self._fresh}
                return
            self._write(stamped)
            self._store.remove_unused(named | self._fresh)

    def load(self) -> dict[str, tuple[DraftRecord, ...]]:
        """What was attached in an earlier run, but for what is a month old. Nothing where the list cannot be used."""
        if self._list is None or self._store is None:
            return {}
        try:
            raw = json.loads(read_bounded(self._list, _LARGEST_LIST))
            listed = msgspec.convert(raw, dict[str, tuple[DraftRecord, ...]])
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
            return {}
        oldest, store = self._clock() - _KEPT_S, self._store
        kept = {
            key: tuple(each for each in found if each.added_at > oldest and store.contains(each.sha256))
            for key, found in listed.items()
        }
        return {key: found for key, found in kept.items() if found}

    def _write(self, records: Mapping[str, tuple[DraftRecord, ...]]) -> None:
        assert self._list is not None
        if not records and not self._list.exists():
            return
        try:
            self._list.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._list, msgspec.json.encode(records))
        except OSError as error:
            raise write_error(
                tr("What is attached could not be saved."),
                self._list,
                error,
                tr("It is attached until Latchkey ends. Free some space."),
            ) from error
