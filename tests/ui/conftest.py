"""The real window for each test, and everything it started gone at its end."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.engine.engine_protocol import MultiModelEngine
from tests.accepting import accept_everything
from tests.ui.driving import Driver


@pytest.fixture(autouse=True)
def _widgets_gone(qapp: QApplication) -> Iterator[None]:
    """What qtbot closed is deleted now, not when some later test happens to enter an event loop."""
    yield
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def _heap_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stood before the window stays frozen: the collection at a test's end need not walk through all of pytest.

    The program freezes what it made, and unfreezes everything when its window is closed: test_closed_window.py is about
    that, and has a fixture of this name of its own.
    """
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "unfreeze", lambda: None)


@pytest.fixture
def open_window(qtbot: QtBot, home: Path, _heap_set_aside: None) -> Iterator[Callable[..., Driver]]:
    """Opens the application's window; with an engine in place of the real one where one is given.

    The licenses of all models in the home were accepted before, through the desk. Not with `accepted=False`: nothing
    was then.
    """
    drivers: list[Driver] = []
    font = QApplication.font()  # the next theme begins with what this one leaves

    def opened(
        engine: MultiModelEngine | None = None, *, wait: bool = True, accepted: bool = True, **settings: Any
    ) -> Driver:
        # Where there is no data folder, there is no model that needs an acceptance: the built-in one does not.
        if accepted and (home / "data").exists() and not (home / "data" / "ledger.db").exists():
            accept_everything(home)
        driver = Driver(qtbot, engine, settings)
        drivers.append(driver)
        if wait:
            driver.wait_ready()
        return driver

    yield opened
    for driver in drivers:
        driver.close()
    QApplication.setFont(font)
    drivers.clear()
    gc.collect()  # here, in the main thread: the parts of a window refer to each other
