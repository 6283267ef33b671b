"""Modules that are imported while the window is in use: off the main thread, and what needs them on it."""

import importlib
import threading

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.ui.system.process_events import ImportThread


def test_it_imports_elsewhere_and_tells_the_main_thread(qapp: QApplication, qtbot: QtBot, monkeypatch) -> None:
    imported: list[tuple[str, bool]] = []
    main = threading.main_thread()

    def note(module: str) -> None:
        imported.append((module, threading.current_thread() is main))

    monkeypatch.setattr(importlib, "import_module", note)
    late, told = ImportThread(("a", "b")), []
    late.imported.connect(lambda: told.append(threading.current_thread() is main))
    assert imported == []
    late.start()
    qtbot.waitUntil(lambda: bool(told))
    assert imported == [("a", False), ("b", False)]
    assert told == [True]
