"""Widgets side by side: broken where they must be, and in the middle of their line where others are higher."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.parts.flow_box import FlowBox


class Sized(QWidget):
    def __init__(self, width: int, height: int) -> None:
        super().__init__()
        self._wanted = QSize(width, height)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt asks by this name
        return self._wanted


def test_lines_are_broken_and_what_is_lower_stands_in_the_middle(qtbot: QtBot) -> None:
    flow = FlowBox(gap=10, line_gap=5)
    qtbot.addWidget(flow)
    badge, button, last = Sized(60, 20), Sized(80, 34), Sized(200, 10)
    for each in (badge, button, last):
        flow.add(each)
    assert flow.heightForWidth(160) == 34 + 5 + 10
    flow.resize(160, 60)
    flow.show()
    assert [each.geometry().getRect() for each in (badge, button, last)] == [
        (0, 7, 60, 20),
        (70, 0, 80, 34),
        (0, 39, 160, 10),
    ]
