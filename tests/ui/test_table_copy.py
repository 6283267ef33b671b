"""Copying a table: by its button, by its menu, by keyboard; all of it, also what is not drawn yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.chat.markdown.answer_segments import TableSegment, segments
from desktop.ui.chat.markdown_table import MarkdownTableView
from desktop.ui.chat.message_selection import selection_menu
from desktop.ui.chat.table_copy import TableCopyButton
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
LONG = "| a | b |\n|---|---|\n" + "".join(f"| {n} | =x{n} |\n" for n in range(2_000))


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


def view_of(qtbot: QtBot, theme: Theme, text: str) -> MarkdownTableView:
    (table,) = segments(text)
    assert isinstance(table, TableSegment)
    view = MarkdownTableView(theme)
    qtbot.addWidget(view)
    view.set_table(table)
    view.place(600)
    view.show()
    return view


def test_its_button_copies_it_for_documents_and_spreadsheets(qtbot: QtBot, theme: Theme) -> None:
    view = view_of(qtbot, theme, LONG)
    (button,) = view.buttons
    assert button.accessibleName() == "Copy table"
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Return)
    data = QGuiApplication.clipboard().mimeData()
    assert data.text().split("\n")[-1] == "1999\t=x1999"
    assert len(data.text().split("\n")) == 2_001
    assert "<td>1999</td>" in data.html()


@pytest.mark.parametrize("by_button", [True, False])
def test_its_menu_copies_it_as_csv(qtbot: QtBot, theme: Theme, by_button: bool) -> None:
    view = view_of(qtbot, theme, LONG)
    button = view.buttons[0]
    assert isinstance(button, TableCopyButton)
    text = view.view
    menu = button.make_menu() if by_button else selection_menu(text.selection, text, more=text.entries)
    entry = next(action for action in menu.actions() if action.text() == "Copy table as CSV")
    entry.trigger()
    menu.close()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert lines[1].rstrip("\r") == "0,'=x0"
    assert lines[2000].rstrip("\r") == "1999,'=x1999"


def test_the_button_is_drawn_only_under_the_pointer_or_with_the_focus(qtbot: QtBot, theme: Theme) -> None:
    view = view_of(qtbot, theme, "| a | b |\n|---|---|\n| 1 | 2 |\n")
    (button,) = view.buttons
    plain = view.grab(button.geometry()).toImage()
    assert isinstance(button, TableCopyButton)
    button.reveal(True)
    assert view.grab(button.geometry()).toImage() != plain
    button.reveal(False)
    assert view.grab(button.geometry()).toImage() == plain
