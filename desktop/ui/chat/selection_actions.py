"""What a person can do with what is selected: by keys, and in a menu."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QTextCursor
from PySide6.QtWidgets import QMenu, QWidget

from desktop.translation import tr
from desktop.ui.chat.selection import Selection

_Keys, _Move = QKeySequence.StandardKey, QTextCursor.MoveOperation
_EXTENDS = {
    _Keys.SelectNextChar: _Move.Right,
    _Keys.SelectPreviousChar: _Move.Left,
    _Keys.SelectNextWord: _Move.WordRight,
    _Keys.SelectPreviousWord: _Move.WordLeft,
    _Keys.SelectNextLine: _Move.Down,
    _Keys.SelectPreviousLine: _Move.Up,
    _Keys.SelectStartOfLine: _Move.StartOfLine,
    _Keys.SelectEndOfLine: _Move.EndOfLine,
    _Keys.SelectStartOfBlock: _Move.StartOfBlock,
    _Keys.SelectEndOfBlock: _Move.EndOfBlock,
    _Keys.SelectStartOfDocument: _Move.Start,
    _Keys.SelectEndOfDocument: _Move.End,
}


def act_on_selection(selection: Selection, event: QKeyEvent) -> bool:
    """Copy, select all or change how far is selected, as the key says; whether it said so."""
    if event.matches(_Keys.Copy) and not selection.is_empty:
        selection.copy()
        return True
    if event.matches(_Keys.SelectAll):
        selection.select_all()
        return True
    for keys, operation in _EXTENDS.items():
        if event.matches(keys):
            selection.move(operation)
            return True
    return False


def selection_menu(selection: Selection, parent: QWidget, link: str = "") -> QMenu:
    """What can be done with what is selected, and with `link`; the menu is gone when it is closed."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addAction(tr("Copy"), selection.copy).setEnabled(not selection.is_empty)
    if selection.has_markdown:
        menu.addAction(tr("Copy as Markdown"), selection.copy_markdown).setEnabled(not selection.is_empty)
    menu.addAction(tr("Select all"), selection.select_all)
    if link:
        menu.addAction(tr("Copy link"), lambda: QGuiApplication.clipboard().setText(link))
    return menu
