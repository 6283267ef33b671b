"""What can be pressed shows that the pointer is over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.parts.button import Button
from desktop.ui.parts.link import Link
from desktop.ui.parts.pill import Pill
from desktop.ui.parts.scroll_bar import SlimScrollBar
from desktop.ui.parts.toggle import Toggle
from desktop.ui.sidebar.offline_status import OfflinePill
from desktop.ui.theme.theme import Theme


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(Path(__file__).resolve().parents[2] / "resources", "light")


class _PaintCounter(QObject):
    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt calls it by this name
        self.count += event.type() == QEvent.Type.Paint
        return False


def _scroll_bar(theme: Theme) -> SlimScrollBar:
    bar = SlimScrollBar(theme, Qt.Orientation.Vertical)
    bar.setRange(0, 100)
    bar.setFixedHeight(100)
    return bar


@pytest.mark.parametrize(
    "make",
    [
        lambda theme: Button(theme, "Press"),
        lambda theme: Link(theme, "example.org"),
        lambda theme: Pill(theme, "Here"),
        lambda theme: Toggle(theme, "On"),
        OfflinePill,
        _scroll_bar,
    ],
    ids=["button", "link", "pill", "toggle", "offline", "scroll bar"],
)
def test_it_is_painted_otherwise_under_the_pointer(
    qtbot: QtBot, theme: Theme, make: Callable[[Theme], QWidget]
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    widget = make(theme)
    widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a focused link is underlined anyway
    column = QVBoxLayout(window)
    column.addWidget(widget)
    column.addSpacing(50)
    window.resize(300, 250)
    window.show()
    qtbot.waitExposed(window)
    QTest.mouseMove(window, QPoint(1, 1))
    qtbot.waitUntil(lambda: not widget.underMouse())
    apart = widget.grab().toImage()
    qtbot.wait(50)
    painted = _PaintCounter(widget)
    QTest.mouseMove(widget, widget.rect().center())
    qtbot.waitUntil(lambda: painted.count > 0)
    assert widget.underMouse()
    assert widget.grab().toImage() != apart
    qtbot.wait(50)
    painted.count = 0
    QTest.mouseMove(window, QPoint(1, 1))
    qtbot.waitUntil(lambda: painted.count > 0)
    assert widget.grab().toImage() == apart
