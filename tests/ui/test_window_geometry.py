"""A new window stands on the screen with all of its frame, so that nothing at its lower edge is out of sight."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from desktop.paths import find_paths
from desktop.settings import Settings
from desktop.ui.parts.page import Splitter
from desktop.ui.theme.theme import Theme
from desktop.ui.window.window_geometry import restore_geometry, stand_beside


@pytest.fixture
def theme(qtbot: QtBot) -> Iterator[Theme]:
    font = QApplication.font()
    yield Theme(find_paths().resources, "light")
    QApplication.setFont(font)


@pytest.mark.parametrize(
    ("screen", "window"), [((800, 600), (792, 560)), ((1280, 820), (1272, 780)), ((1920, 1080), (1280, 800))]
)
def test_a_new_window_leaves_room_for_its_frame(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch, screen: tuple[int, int], window: tuple[int, int]
) -> None:
    made, split = QMainWindow(), Splitter(theme, Qt.Orientation.Horizontal)
    qtbot.addWidget(made)
    made.setCentralWidget(split)
    split.addWidget(QWidget())
    split.addWidget(QWidget())
    monkeypatch.setattr(made, "screen", lambda: SimpleNamespace(availableSize=lambda: QSize(*screen)))
    restore_geometry(made, split, Settings())
    assert (made.width(), made.height()) == window


def test_one_beside_another_leaves_room_for_its_frame_too(qtbot: QtBot) -> None:
    other, beside = QMainWindow(), QWidget()
    qtbot.addWidget(other)
    qtbot.addWidget(beside)
    screen = other.screen().availableSize()
    other.resize(screen)
    stand_beside(beside, other)
    assert beside.height() <= screen.height() - 37, "GNOME's title bar is the highest that is usual"
