"""What assistive technologies read of messages: texts line by line, and announcements."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from desktop.ui.chat.accessible_table import AccessibleTable
from desktop.ui.chat.accessible_text import AccessibleText
from desktop.ui.chat.message_view import MessageView
from desktop.ui.chat.text_view import TextView
from desktop.ui.chat.thinking_view import ThinkingView
from desktop.ui.chat.tool_call_group import ToolCallGroup
from desktop.ui.parts.utf16 import utf16_length, utf16_slice

_LONGEST_SAID = 4_000
"""Characters of an announcement. Whoever wants to hear more of a long answer goes on line by line."""


def accessible_child(view: TextView) -> AccessibleText | AccessibleTable:
    """What assistive technologies read in place of `view`, made where there is none yet."""
    for child in view.children():
        if isinstance(child, (AccessibleText, AccessibleTable)):
            return child
    made = AccessibleTable(view) if view.holds_table else AccessibleText(view)
    made.left.connect(lambda step: _go_from(view, step))
    return made


def message_texts(message: QWidget) -> list[TextView]:
    """The texts of a message that are shown and not empty, from top to bottom."""
    shown = [
        view for view in message.findChildren(TextView) if view.isVisibleTo(message) and not view.document.isEmpty()
    ]
    return sorted(shown, key=lambda view: view.mapTo(message, QPoint(0, 0)).y())


def read_aloud(message: QWidget) -> None:
    """Put the caret before the first line of `message`; a screen reader says that line, and is given the rest to say.

    Where there is no text yet, the message itself takes the focus.
    """
    texts = [view for view in message_texts(message) if not _is_aside(view, message)]
    if not texts:
        message.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return
    first = accessible_child(texts[0])
    first.go_to(end=False)
    if QAccessible.isActive() and (rest := _after_first_line(first, texts)):
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(first, rest))


def _is_aside(view: TextView, message: QWidget) -> bool:
    """Whether `view` shows thinking, or what tools were given and gave: not what `message` says itself."""
    holder = view.parentWidget()
    while holder is not None and holder is not message:
        if isinstance(holder, ThinkingView | ToolCallGroup):
            return True
        holder = holder.parentWidget()
    return False


def _after_first_line(first: AccessibleText | AccessibleTable, texts: list[TextView]) -> str:
    said = ""
    for view in texts:
        said += accessible_child(view).text() + "\n"
        if len(said) > _LONGEST_SAID:
            break
    if isinstance(first, AccessibleText):
        said = utf16_slice(said, first.first_line_length(), utf16_length(said))
    return said.strip()[:_LONGEST_SAID]


def _go_from(view: TextView, step: int) -> None:
    message = view.parentWidget()
    while message is not None and not isinstance(message, MessageView):
        message = message.parentWidget()
    if message is None:
        return
    texts = message_texts(message)
    place = texts.index(view) + step if view in texts else -1
    if 0 <= place < len(texts):
        accessible_child(texts[place]).go_to(end=step < 0)
