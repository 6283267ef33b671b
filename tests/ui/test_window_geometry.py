"""A new window fits the screen with its title bar, so that nothing at its lower edge is out of sight."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from desktop.settings import Settings
from desktop.ui.parts.page import Splitter
from desktop.ui.theme.theme import Theme
from desktop.ui.window.window_geometry import restore_geometry, stand_beside

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
TITLE_BAR = 37  # GNOME's, the highest that is usual


def test_a_first_window_and_one_beside_it_leave_room_for_a_title_bar(qtbot: QtBot) -> None:
    first, beside, split = QMainWindow(), QWidget(), Splitter(Theme(RESOURCES, "light"), Qt.Orientation.Horizontal)
    for each in (first, beside, split):
        qtbot.addWidget(each)
    room = first.screen().availableSize() - QSize(0, TITLE_BAR)
    restore_geometry(first, split, Settings())
    assert first.size() == first.size().boundedTo(room)
    first.resize(room + QSize(0, TITLE_BAR))
    stand_beside(beside, first)
    assert beside.size() == beside.size().boundedTo(room)
