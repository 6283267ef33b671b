"""“Go to anything”: what is typed finds places and actions; where nothing is called so it says where else to look."""

from pathlib import Path

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.theme.theme import Theme
from desktop.ui.window.command_palette import CommandPalette, PaletteEntry
from desktop.ui.window.window_actions import action_specs

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


def test_what_is_typed_finds_actions_and_nothing_is_said_where_there_is_none(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(900, 700)
    window.show()
    palette = CommandPalette(Theme(RESOURCES, "light"), window)
    palette.open_over([PaletteEntry(spec.text, "", lambda: None) for spec in action_specs()])
    assert palette.list.isVisible()
    palette.field.setText("theme dark")
    assert palette.list.model().rowCount() == 1
    palette.field.setText("zebra")
    assert palette.nothing.isVisible()
    assert not palette.list.isVisible()
    palette.field.setText("")
    assert palette.list.isVisible()
    assert palette.rect().contains(palette.list.geometry())
