"""A file attached to a message that is not sent yet, with where it is read from; and what was taken away again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from desktop.chat.draft_attachment import DraftAttachment, DraftRecord


@dataclass(eq=False)
class UnsentFile:
    """A file, as far as it is read. `source` is its path, or its bytes where it came without one."""

    item: DraftAttachment
    source: Path | bytes | None = None
    password: str = ""
    record: DraftRecord | None = None
    cancelled: bool = False

    @classmethod
    def of(cls, record: DraftRecord) -> "UnsentFile":
        """One that was read."""
        return cls(DraftAttachment.of(record), record=record)

    def again(self) -> "UnsentFile":
        """The same, where this one was cancelled."""
        return UnsentFile(self.item, self.source, self.password, self.record)


@dataclass(eq=False)
class UnsentFiles:
    """The files of one message, and what waits for them to be read."""

    entries: list[UnsentFile] = field(default_factory=list)
    when_read: list[Callable[[], object]] = field(default_factory=list)


@dataclass(eq=False)
class RemovedFiles:
    """Files that were taken away from the message `key`, each with its place."""

    key: str
    entries: list[tuple[int, UnsentFile]]
