"""A download's row: what it says in each state, what it offers, and that it is told rarely."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import replace as changed
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.byte_size import duration_text
from desktop.errors import NetworkError
from desktop.hub.transfer.transfer_types import TransferProgress, TransferState
from desktop.library.download_item import DownloadItem
from desktop.ui.downloads.download_text import milestone, percent_of, progress_text
from desktop.ui.downloads.downloads_strip import DownloadRow, DownloadsStrip
from desktop.ui.theme.theme import Theme
from tests.ui.hub_walk import text_of

TOP = Path(__file__).resolve().parents[2]
GB = 10**9


@pytest.fixture
def theme(qtbot: QtBot) -> Iterator[Theme]:
    font = QApplication.font()
    yield Theme(TOP / "resources", "light")
    QApplication.setFont(font)


def item(
    state: TransferState = "fetching", done: int = 3 * GB, name: str = "Tiny Chat", key: str = "d", **more: object
) -> DownloadItem:
    progress = TransferProgress(state=state, done=done, total=8 * GB, rate=25e6, seconds_left=200.0, connections=4)
    error = NetworkError("The line is cut.", "Nobody answers.", "Try again.") if state == "failed" else None
    installed = "acme/tiny" if state == "done" else ""
    return DownloadItem(
        key, "acme/tiny", name, "acme/tiny", "0" * 40, "tiny-Q4_K_M.gguf", "Q4_K_M", progress, error, installed
    )


def shown(row: DownloadRow) -> list[str]:
    return [act for act, button in row.buttons.items() if not button.isHidden()]


@pytest.fixture
def row(qtbot: QtBot, theme: Theme) -> DownloadRow:
    row = DownloadRow(theme, item())
    qtbot.addWidget(row)
    row.resize(540, row.heightForWidth(540))
    row.show()
    qtbot.waitExposed(row)
    return row


def test_it_says_how_far_how_fast_and_how_long(row: DownloadRow) -> None:
    assert "37 % · 3.0 GB of 8.0 GB · 25 MB/s · 3 min left · 4 connections" in text_of(row)
    assert "Tiny Chat Q4_K_M" in text_of(row)
    assert progress_text(TransferProgress(state="fetching", done=5)) == "5 B"
    stalled = TransferProgress(state="fetching", done=5, connections=2)
    assert progress_text(stalled) == "5 B · waiting for data · 2 connections"
    assert percent_of(TransferProgress(state="fetching", done=999, total=1000)) == "99 %"
    left = [duration_text(each, longest=90) for each in (0.1, 45, 600, 12_000)]
    assert left == [
        "1 s",
        "45 s",
        "10 min",
        "3 h 20 min",
    ]


@pytest.mark.parametrize(
    ("state", "acts"),
    [("queued", ["pause", "cancel"]), ("fetching", ["pause", "cancel"]), ("retrying", ["pause", "cancel"]),
     ("verifying", ["cancel"]), ("paused", ["resume", "cancel"]), ("failed", ["again", "cancel"]),
     ("done", ["use", "dismiss"]), ("cancelled", ["dismiss"])],
)  # fmt: skip
def test_each_state_offers_what_can_be_done(row: DownloadRow, state: TransferState, acts: list[str]) -> None:
    row.show_item(item(state))
    assert shown(row) == acts
    assert all("Tiny Chat" in row.buttons[act].accessibleName() for act in acts)


def test_every_state_there_is_can_be_drawn(row: DownloadRow) -> None:
    for state in get_args(TransferState):
        row.show_item(item(state))
        assert shown(row)
        assert row.accessibleName().startswith("Download of Tiny Chat Q4_K_M: ")


def test_a_failure_is_told_in_three_sentences_and_tried_again(row: DownloadRow, qtbot: QtBot) -> None:
    row.show_item(item("failed"))
    QApplication.processEvents()
    for sentence in ("The line is cut.", "Nobody answers.", "Try again."):
        assert sentence in text_of(row)
    with qtbot.waitSignal(row.action_requested) as asked:
        QTest.keyClick(row.buttons["again"], Qt.Key.Key_Space)
    assert asked.args == ["resume", "d"]
    row.show_item(item())
    QApplication.processEvents()
    assert "The line is cut." not in text_of(row)


def test_a_note_is_shown_while_something_is_unusual(row: DownloadRow) -> None:
    noted = item("retrying")
    noted = DownloadItem(**{**vars(noted), "progress": changed(noted.progress, note="The server asks for patience.")})
    row.show_item(noted)
    assert "The server asks for patience." in text_of(row)
    row.show_item(item())
    assert "patience" not in text_of(row)


def test_what_has_the_focus_keeps_it_while_the_figures_change(row: DownloadRow) -> None:
    row.buttons["cancel"].setFocus()
    for done in range(3 * GB, 4 * GB, GB // 10):
        row.show_item(item(done=done))
        assert row.buttons["cancel"].hasFocus()
    row.buttons["pause"].setFocus()
    row.show_item(item("paused"))
    assert row.buttons["resume"].hasFocus()


def test_it_is_told_at_quarters_and_when_its_state_changes() -> None:
    said = [milestone(item(done=8 * GB * percent // 100)) for percent in range(101)]
    assert len(set(said)) == 5
    assert milestone(item("paused")) == "Download of Tiny Chat Q4_K_M: Paused"


def test_nothing_is_asked_where_nothing_would_be_lost(row: DownloadRow, qtbot: QtBot) -> None:
    row.show_item(item("queued", done=0))
    with qtbot.waitSignal(row.action_requested) as asked:
        QTest.keyClick(row.buttons["cancel"], Qt.Key.Key_Space)
    assert asked.args == ["cancel", "d"]


def test_several_stand_one_under_the_other_and_many_scroll(qtbot: QtBot, theme: Theme) -> None:
    strip = DownloadsStrip(theme)
    qtbot.addWidget(strip)
    strip.resize(540, 100)
    strip.show_items([item(key="a"), item("failed", key="b", name="N" * 200)])
    strip.show()
    qtbot.waitExposed(strip)
    first = strip.rows["a"]
    QApplication.processEvents()
    assert first.geometry().bottom() < strip.rows["b"].geometry().top()
    assert all(each.height() >= each.heightForWidth(each.width()) for each in strip.rows.values())
    strip.show_items([item(done=4 * GB, key="a")])
    assert strip.rows["a"] is first, "a row is changed in place"
    assert list(strip.rows) == ["a"]
    strip.show_items([])
    assert strip.isHidden()


TELLING = """
from PySide6.QtCore import QCoreApplication
application = QCoreApplication([])
from desktop.ui.downloads.download_flow import message_of, session_bus
bus = session_bus()
assert bus is not None
assert bus.send(message_of(43))
"""


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("dbus-run-session") is None, reason="needs a session bus")
def test_docks_on_linux_are_told_over_the_session_bus(tmp_path: Path) -> None:
    script = tmp_path / "tell.py"
    script.write_text(TELLING)
    heard = tmp_path / "heard"
    line = (
        f'dbus-monitor --session "interface=com.canonical.Unity.LauncherEntry" > "{heard}" & monitor=$!; '
        f'until grep -q NameAcquired "{heard}" 2>/dev/null; do sleep 0.1; done; '
        f'PYTHONPATH="{TOP}" "{sys.executable}" "{script}"; '
        f'for try in $(seq 100); do grep -q progress-visible "{heard}" && break; sleep 0.1; done; kill $monitor'
    )
    subprocess.run(["dbus-run-session", "--", "bash", "-c", line], timeout=60, check=False, capture_output=True)
    said = heard.read_text()
    assert "application://latchkey.desktop" in said
    assert "double 0.43" in said
    assert "boolean true" in said
