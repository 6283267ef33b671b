"""What a download's row says: its state, how far it is, how fast, how long it will take."""

from typing import TYPE_CHECKING

from desktop.byte_size import duration_text, part_text, percent_text, size_text
from desktop.translation import tr, trn

if TYPE_CHECKING:
    from desktop.hub.transfer.transfer_types import TransferProgress
    from desktop.library.download_item import DownloadItem

ACTIVE_STATES = frozenset({"queued", "waiting", "locating", "checking", "fetching", "retrying", "verifying"})
"""States in which something goes on, or is about to."""


def fraction_of(progress: "TransferProgress") -> float | None:
    """How much of it is here, 0 to 1; None where nobody knows how large it is."""
    return min(1.0, progress.done / progress.total) if progress.total > 0 else None


def percent_of(progress: "TransferProgress") -> str:
    """The same in percent, "" where it is not known. A hundred only when all of it is here."""
    return percent_text(min(progress.done, progress.total), progress.total) if progress.total > 0 else ""


def state_text(item: "DownloadItem") -> str:
    """The state in a few words."""
    texts = {
        "queued": tr("Waits for its turn"),
        "waiting": tr("Another Latchkey is fetching it"),
        "locating": tr("Asking the Hub where it is"),
        "checking": tr("Reading what is here already"),
        "fetching": tr("Downloading"),
        "retrying": tr("Trying again"),
        "verifying": tr("Verifying"),
        "paused": tr("Paused"),
        "done": tr("Downloaded and verified"),
        "failed": tr("Stopped"),
        "cancelled": tr("Thrown away"),
    }
    return texts[item.progress.state]


def progress_text(progress: "TransferProgress") -> str:
    """ "43 % · 3.2 of 7.4 GB · 24 MB/s · 3 min left · 4 connections", as far as each is known."""
    amount = part_text(progress.done, progress.total, "two") if progress.total else size_text(progress.done, "two")
    parts = [percent_of(progress), amount]
    if progress.state not in ACTIVE_STATES:
        return " · ".join(part for part in parts if part)
    if progress.rate > 0:
        parts.append(tr("{size}/s").format(size=size_text(round(progress.rate), "two")))
    elif progress.is_stalled:
        parts.append(tr("waiting for data"))
    if progress.seconds_left is not None:
        parts.append(tr("{time} left").format(time=duration_text(progress.seconds_left, longest=90)))
    if progress.connections > 1:
        parts.append(
            trn("{count} connection", "{count} connections", progress.connections).format(count=progress.connections)
        )
    return " · ".join(part for part in parts if part)


def status_line(item: "DownloadItem") -> str:
    """All that is said under the bar."""
    progress = item.progress
    if progress.state == "done":
        return f"{state_text(item)} · {size_text(progress.total or progress.done, 'two')}"
    if progress.state == "cancelled":
        return state_text(item)
    said = progress_text(progress)
    return said if progress.state == "fetching" else f"{state_text(item)} · {said}"


def title_of(item: "DownloadItem") -> str:
    """What is downloaded, for a screen reader."""
    return tr("Download of {model}").format(model=f"{item.name} {item.quantization}".strip())


def milestone(item: "DownloadItem") -> str:
    """What is announced when it changes: the state, and each quarter that is reached. Never each percent."""
    fraction = fraction_of(item.progress)
    if item.progress.state != "fetching" or fraction is None:
        return f"{title_of(item)}: {state_text(item)}"
    quarter = int(fraction * 4) * 25
    return f"{title_of(item)}: {tr('{percent} %').format(percent=quarter)}" if quarter else f"{title_of(item)}"
