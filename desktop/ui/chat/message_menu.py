"""The menu of a message: what can be done with it beyond what its buttons do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QWidget

from desktop.conversation import Message
from desktop.ui.parts.menu import make_menu
from desktop.ui.theme.theme import Theme


def _nothing(*_: Any) -> None:
    pass


@dataclass(frozen=True)
class BranchActions:
    """What a turn can ask for about its branch: go to a sibling so many places away, go on with an answer, begin a new
    chat with what led here, delete it with all under it, bring back what was deleted last, make an answer again."""

    show_sibling: Callable[[str, int], None] = _nothing
    continue_answer: Callable[[Message], None] = _nothing
    fork: Callable[[Message], None] = _nothing
    delete: Callable[[Message], None] = _nothing
    undo_delete: Callable[[], None] = _nothing
    run_again: Callable[[Message], None] = _nothing


NO_BRANCH_ACTIONS = BranchActions()


@dataclass(frozen=True)
class MessageMenuEntry:
    """`text` may end with a tab and the key that does the same; `apart` sets a line before it."""

    text: str
    act: Callable[[], None]
    apart: bool = False


def open_message_menu(theme: Theme, entries: Sequence[MessageMenuEntry], under: QWidget) -> None:
    """Offer `entries` in a menu under a widget, within the window's right edge."""
    menu = make_menu(theme, under)
    for entry in entries:
        if entry.apart:
            menu.addSeparator()
        line = entry.text
        menu.addAction(line, entry.act)
    corner = under.mapToGlobal(under.rect().bottomRight())
    corner.setX(corner.x() - menu.sizeHint().width())
    menu.popup(corner)
