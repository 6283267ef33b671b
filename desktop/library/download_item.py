"""A download as window and command show it: what is fetched, how far it is, and how it ended."""

from dataclasses import dataclass

import msgspec

from desktop.errors import UserError
from desktop.hub.transfer.transfer_types import TransferProgress, TransferState
from desktop.library.download_records import DownloadRecord

OVER = ("done", "failed", "cancelled", "paused")
"""States in which nothing is fetched any more."""


@dataclass(frozen=True)
class DownloadItem:
    """One download. `progress` says how far it is, `error` why it failed; `installed` is the model's id once it is
    here."""

    id: str
    model_id: str
    name: str
    repository: str
    commit: str
    file: str
    quantization: str
    progress: TransferProgress
    error: UserError | None = None
    installed: str = ""

    @property
    def is_inactive(self) -> bool:
        """Whether it has ended or is paused: nothing happens until it is resumed."""
        return self.progress.state in OVER


def item_of(record: DownloadRecord, progress: TransferProgress) -> DownloadItem:
    """The download that `record` keeps, so far."""
    return DownloadItem(
        record.id,
        record.model_id,
        record.name,
        record.repository,
        record.commit,
        record.file,
        record.quantization,
        progress,
    )


def in_state(progress: TransferProgress, state: TransferState) -> TransferProgress:
    """`progress` in `state`, in which no bytes come."""
    return msgspec.structs.replace(progress, state=state, rate=0.0, seconds_left=None, connections=0)
