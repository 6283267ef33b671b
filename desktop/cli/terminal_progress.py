"""Progress at a terminal: how far a file has been read, and a download in one line that Ctrl+C pauses."""

import queue
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from desktop.byte_size import duration_text, part_text, percent_text, size_text
from desktop.cli.command_context import CommandContext
from desktop.cli.interrupts import POLL_INTERVAL_S, stop_on_interrupt
from desktop.cli.output import CommandOutput, shortened
from desktop.hub.transfer.transfer_types import TransferProgress
from desktop.library.file_hashes import HashProgress
from desktop.translation import tr, trn

if TYPE_CHECKING:
    from desktop.library.download_item import DownloadItem
    from desktop.library.downloads import Downloads

FINISHED_STATES = ("done", "failed", "paused", "cancelled")


def hashing_progress(name: str, tools: CommandContext) -> HashProgress:
    """Shows how far a file has been read, where a person looks on."""
    words = tr("Reading {file}…").format(file=name)
    tools.output.progress(words)
    return lambda done, total: tools.output.progress(f"{words}  {percent_text(done, total)}  {part_text(done, total)}")


def show_download(downloads: "Downloads", begin: Callable[[], str], output: CommandOutput) -> "DownloadItem":
    """Begin a download and show how it goes, until it is over. The first Ctrl+C pauses it, the second one ends the
    command. Raises what `begin` does, and KeyboardInterrupt."""
    updates: queue.SimpleQueue[DownloadItem] = queue.SimpleQueue()
    pressed: list[bool] = []
    noted: set[str] = set()
    pausing = False
    downloads.listeners.append(updates.put)
    try:
        with stop_on_interrupt(lambda: pressed.append(True)):
            wanted = begin()
            while True:
                item = _next(updates, downloads, wanted)
                if item is not None and item.progress.state in FINISHED_STATES:
                    return item
                if pressed and not pausing:
                    pausing = True
                    downloads.pause(wanted)
                if item is not None:
                    _show(item, output, noted)
    finally:
        downloads.listeners.remove(updates.put)
        output.clear_progress()


def _next(updates: "queue.SimpleQueue[DownloadItem]", downloads: "Downloads", wanted: str) -> "DownloadItem | None":
    """The last update of the download; without one, its present state. None while it is not listed yet."""
    item: DownloadItem | None = None
    try:
        item = updates.get(timeout=POLL_INTERVAL_S)
        while True:
            item = updates.get_nowait()
            if item.id == wanted and item.progress.state in FINISHED_STATES:
                return item
    except queue.Empty:
        pass
    if item is None or item.id != wanted:
        item = next((each for each in downloads.all() if each.id == wanted), None)
    return item


def _show(item: "DownloadItem", output: CommandOutput, noted: set[str]) -> None:
    """On a terminal, one line that is overwritten; in a pipe, each of the download's notes once. `noted`: those
    written."""
    if output.notes_on_terminal:
        width = shutil.get_terminal_size().columns - 1
        output.progress(shortened(download_line(item.file, item.progress), max(20, width)))
    elif item.progress.note and item.progress.note not in noted:
        noted.add(item.progress.note)
        output.note(item.progress.note)


def download_line(file: str, progress: TransferProgress) -> str:
    """How far a download is: "tiny.gguf  37 %  1.2 of 3.4 GB  85.0 MB/s  26 s left  4 connections"."""
    name = file.rpartition("/")[2]
    if progress.state not in ("fetching", "retrying"):
        words = {
            "queued": tr("waits for its turn"),
            "waiting": tr("another program fetches it already"),
            "locating": tr("asking where it is"),
            "checking": tr("reading what is here"),
            "verifying": tr("checking"),
        }
        parts = [name, words.get(progress.state, progress.state), progress.note]
        if progress.state == "checking" and progress.total:
            parts.insert(2, percent_text(progress.done, progress.total))
        return "  ".join(part_text for part_text in parts if part_text)
    parts = [name, percent_text(progress.done, progress.total), part_text(progress.done, progress.total)]
    if progress.rate > 0:
        parts.append(tr("{size}/s").format(size=size_text(progress.rate)))
    elif progress.is_stalled:
        parts.append(tr("waiting for data"))
    if progress.seconds_left is not None:
        parts.append(tr("{time} left").format(time=duration_text(progress.seconds_left)))
    if progress.connections > 1:
        parts.append(
            trn("{count} connection", "{count} connections", progress.connections).format(count=progress.connections)
        )
    return "  ".join(each for each in (*parts, progress.note) if each)
