"""Installs a QAccessible factory with interfaces for message views, where Qt's own do not suffice.

The function installed here is asked only once such a technology runs; nothing of this costs anything before.
"""

from PySide6.QtCore import QLoggingCategory, QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget


def install() -> None:
    """Answer for the widgets of this program from now on. Installing it twice is the same as once."""
    # Qt warns of every question of a screen reader that it does not know. Nobody can act on that.
    QLoggingCategory.setFilterRules("qt.accessibility.*.warning=false")
    QAccessible.installFactory(_interface)


class _ViewInterface(QAccessibleWidget):
    """A text view, whose child gives its text: that one has the name, and is where the focus is to go."""

    def state(self) -> QAccessible.State:
        state = super().state()
        state.focusable = False
        return state

    def text(self, kind: QAccessible.Text) -> str:
        return "" if kind == QAccessible.Text.Name else super().text(kind)


def _interface(class_name: str, asked: QObject) -> QAccessibleInterface | None:
    """The interface of `asked`; None for what Qt itself would give. Asked for its class and then for each base."""
    if class_name != type(asked).__name__:
        return None
    from desktop.ui.chat.accessibility import accessible_child
    from desktop.ui.chat.message_view import MessageView
    from desktop.ui.chat.text_view import TextView
    from desktop.ui.chat.transcript import Transcript

    if isinstance(asked, TextView):
        accessible_child(asked)  # before Qt asks for the children
        return _ViewInterface(asked, QAccessible.Role.Client)
    if isinstance(asked, MessageView | Transcript):
        return QAccessibleWidget(asked, QAccessible.Role.Grouping)
    return None
