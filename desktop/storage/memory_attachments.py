"""Attachments of conversations that are kept in the memory of this process: nothing of them reaches the disk."""

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

from desktop.errors import NotFoundError
from desktop.storage.attachment_store import AttachmentStore
from desktop.translation import tr


class MemoryAttachments(AttachmentStore):
    """For any number of threads of this process. `remove` forgets all of them."""

    def __init__(self) -> None:
        super().__init__(Path(":memory:"))
        self._kept: dict[str, bytes] = {}

    def add(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self._kept[sha256] = data
        return sha256

    def adopt(self, other: AttachmentStore, sha256: str) -> bool:
        if not other.contains(sha256):
            return False
        self.add(other.read(sha256))
        return True

    def read(self, sha256: str) -> bytes:
        try:
            return self._kept[sha256]
        except KeyError:
            raise NotFoundError(
                tr("This attachment is not here."), tr("None is kept under {id}.").format(id=sha256)
            ) from None

    def contains(self, sha256: str) -> bool:
        return sha256 in self._kept

    def ids(self) -> Iterator[str]:
        yield from sorted(self._kept)

    def remove_unused(self, used: Collection[str]) -> tuple[str, ...]:
        gone = tuple(sha256 for sha256 in self._kept if sha256 not in used)
        for sha256 in gone:
            del self._kept[sha256]
        return gone

    def remove(self) -> None:
        self._kept.clear()

    def remove_abandoned(self, before: float) -> None:
        """Nothing: there are no stagings."""
