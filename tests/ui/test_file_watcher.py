"""A file that other processes write is watched without the main thread ever asking the disk."""

import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.background import Background
from desktop.ui.system.file_watcher import FileWatcher
from desktop.ui.system.process_events import MainThreadCalls


def test_changes_are_told_and_the_disk_is_asked_elsewhere(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, asked = tmp_path / "later" / "file", set[threading.Thread]()
    stat = Path.stat

    def noting(path: Path, *, follow_symlinks: bool = True) -> object:
        if path.is_relative_to(tmp_path):
            asked.add(threading.current_thread())
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", noting)
    calls = MainThreadCalls()
    background = Background(calls.call_on_main_thread)
    changes, stamps = list[str](), list[str]()

    def stamp() -> str:
        stamps.append(file.read_text() if file.exists() else "")
        return stamps[-1]

    watcher = FileWatcher(file, stamp, background)
    watcher.changed.connect(lambda: changes.append("changed"))
    watcher.start()
    qtbot.waitUntil(lambda: len(stamps) >= 2, timeout=30_000)  # what is newly watched is looked at once more
    file.parent.mkdir()
    file.write_text("one")
    qtbot.waitUntil(lambda: len(changes) >= 1, timeout=30_000)
    file.write_text("two")
    qtbot.waitUntil(lambda: len(changes) >= 2, timeout=30_000)
    watcher.close()
    calls.close()
    background.close()
    assert threading.main_thread() not in asked
