"""A download at a terminal: one line that says how far it is, Ctrl+C that pauses it, and an end that is told."""

import io
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from desktop.cli.output import CommandOutput
from desktop.cli.terminal_progress import download_line, show_download
from desktop.errors import ForbiddenError
from desktop.hub.transfer.transfer_types import TransferProgress, TransferState
from desktop.library.download_item import DownloadItem

BEGUN = DownloadItem("d1", "m", "M", "x/y", "c" * 40, "sub/tiny.gguf", "Q8_0", TransferProgress(state="queued"))
OTHER = replace(BEGUN, id="d2")


def at(state: TransferState, done: int = 0, total: int = 0, note: str = "", item: DownloadItem = BEGUN) -> DownloadItem:
    return replace(item, progress=TransferProgress(state=state, done=done, total=total, note=note))


class Scripted:
    """Downloads that tell what they are given, from a thread of their own; the last once it may."""

    def __init__(self, *items: DownloadItem, wait: bool = False) -> None:
        self.listeners: list[Callable[[DownloadItem], None]] = []
        self.paused: list[str] = []
        self._items, self._now = items, BEGUN
        self._may_end = threading.Event()
        if not wait:
            self._may_end.set()

    def begin(self) -> str:
        threading.Thread(target=self._run, daemon=True).start()
        return BEGUN.id

    def all(self) -> tuple[DownloadItem, ...]:
        return (self._now, OTHER)

    def pause(self, download_id: str) -> None:
        self.paused.append(download_id)
        self._may_end.set()

    def _run(self) -> None:
        for item in self._items:
            if item.is_inactive:
                self._may_end.wait(20)
            self._now = item if item.id == BEGUN.id else self._now
            for listener in self.listeners:
                listener(item)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(downloads: Scripted, err: io.StringIO) -> DownloadItem:
    return show_download(downloads, downloads.begin, CommandOutput(io.StringIO(), err))  # type: ignore[arg-type]


def test_it_ends_when_the_download_does_and_not_with_another_one() -> None:
    downloads = Scripted(at("fetching", 1, 10), at("done", 10, 10, item=OTHER), at("done", 10, 10))
    assert run(downloads, io.StringIO()).id == "d1"
    assert downloads.listeners == []


def test_on_a_terminal_the_line_is_cleared_in_the_end() -> None:
    screen = Screen()
    run(Scripted(at("fetching", 5, 10), at("done", 10, 10)), screen)
    assert screen.getvalue().endswith("\r") or screen.getvalue() == ""


def test_in_a_pipe_only_what_is_unusual_is_told_and_once() -> None:
    err = io.StringIO()
    again = "The file was damaged on the way and is fetched anew."
    run(Scripted(at("fetching", 1, 10), at("fetching", 2, 10, again), at("fetching", 3, 10, again), at("done")), err)
    assert err.getvalue() in ("", again + "\n")  # heard in time or not, never twice


def test_ctrl_c_pauses_it_and_waits_until_it_has_stopped() -> None:
    downloads = Scripted(at("fetching", 3, 10), at("paused", 3, 10), wait=True)
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    ended = run(downloads, io.StringIO())
    timer.join()
    assert downloads.paused == ["d1"]
    assert ended.progress.state == "paused"


def test_what_stands_in_the_way_of_the_beginning_is_raised() -> None:
    downloads = Scripted()

    def forbidden() -> str:
        raise ForbiddenError("Latchkey is offline.")

    with pytest.raises(ForbiddenError):
        show_download(downloads, forbidden, CommandOutput(io.StringIO(), io.StringIO()))  # type: ignore[arg-type]
    assert downloads.listeners == []


def test_the_line_says_how_far_how_fast_how_long_and_over_how_many_connections() -> None:
    progress = TransferProgress(
        state="fetching", done=1_200_000_000, total=3_400_000_000, rate=85e6, seconds_left=26, connections=4
    )
    assert (
        download_line("sub/tiny.gguf", progress)
        == "tiny.gguf  35 %  1.2 of 3.4 GB  85.0 MB/s  26 s left  4 connections"
    )
    silent = TransferProgress(state="fetching", done=1, total=4, connections=1)
    assert download_line("tiny.gguf", silent).endswith("waiting for data")
    noted = download_line(
        "tiny.gguf", TransferProgress(state="retrying", done=1, total=4, note="The connection broke.")
    )
    assert noted == "tiny.gguf  25 %  1 of 4 B  The connection broke."
    assert (
        download_line("tiny.gguf", TransferProgress(state="checking", done=1, total=4))
        == "tiny.gguf  reading what is here  25 %"
    )
    assert "another program" in download_line("tiny.gguf", TransferProgress(state="waiting"))
