"""Garbage is collected at rest."""

from __future__ import annotations

import gc

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from desktop.ui.system.idle_collection import IdleCollection


def test_a_full_collection_waits_for_the_end_of_an_answer(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[bool] = []
    busy = [True]
    before = gc.get_threshold()
    holder = QObject()
    monkeypatch.setattr(gc, "collect", lambda: collected.append(busy[0]))
    collection = IdleCollection(lambda: busy[0], holder)
    timer = collection.findChild(QTimer)
    assert timer is not None
    timer.setInterval(0)
    assert gc.get_threshold()[2] > before[2]
    collection.postpone()
    with qtbot.waitSignal(timer.timeout):
        pass
    assert not collected
    busy[0] = False
    qtbot.waitUntil(lambda: bool(collected))
    assert collected == [False]
    collection.close()
    assert gc.get_threshold() == before
