"""Text of others (from a file, a Hub, a model, a license, an error, a settings file) on its way into a widget of Qt.

Qt decides by content whether a tooltip is markup (`Qt::mightBeRichText`), and markup loads files: an image of a device
that never ends would end the window. In buttons and menus `&` makes a shortcut and a tab a second column, in a window's
title `[*]` is a mark. Here is the one place that takes such meanings away; everything else in `ui/` comes through it.
"""

import re
from unicodedata import bidirectional

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QTextDocument
from PySide6.QtGui import Qt as QtText
from PySide6.QtWidgets import QAbstractButton, QLabel, QMenu, QMessageBox, QWidget

from desktop.safe_text import CONTROLS, escape_controls

_BREAK = re.compile("[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_CONTROL = re.compile(f"[{CONTROLS}]")
_OPENING, _CLOSING = "\u2066\u2067\u2068", "\u2069"
_UNSEEN = "\u2060"  # a word joiner: no letter of a tag's name, and nothing on the screen
_LONGEST_TIP = 2_000
_LONGEST_LINE = 200


def plain(text: str) -> str:
    """`text` for a label: characters that steer are shown as escapes. Isolates stay where each one is closed."""
    if _CONTROL.search(text) is None:
        return text
    kept = "\u2028\u2029" + (_OPENING + _CLOSING if _closed(text) else "")
    return _CONTROL.sub(lambda found: found[0] if found[0] in kept else escape_controls(found[0]), text)


def plain_line(text: str) -> str:
    """The same in one line, for buttons, rows and badges."""
    return plain(_BREAK.sub(" ", text))


def isolated(name: str) -> str:
    """A name within a sentence: one that is written from right to left must not turn the sentence around."""
    name = escape_controls(name)
    return f"\u2068{name}\u2069" if any(bidirectional(each) in ("R", "AL") for each in name) else name


def tool_tip(text: str) -> str:
    """`text` as a tooltip that Qt takes for plain text: for `setToolTip`, and for `ToolTipRole`."""
    text = _cut(plain(text), _LONGEST_TIP)
    if QtText.mightBeRichText(text):
        text = text.replace("<", f"<{_UNSEEN}").replace("&lt;", f"&{_UNSEEN}lt;")
    return text


def set_tool_tip(widget: QWidget, text: str) -> None:
    """Show `text` under the pointer; "" shows nothing."""
    widget.setToolTip(tool_tip(text))


def set_button_text(button: QAbstractButton, text: str) -> None:
    """Give a button that paints its own text another one, of which no letter becomes a shortcut."""
    QAbstractButton.setText(button, plain_line(text))
    button.setShortcut(QKeySequence())


def add_entry(menu: QMenu, text: str) -> QAction:
    """A further entry of `menu`: in one line, cut where it is very long, and its ampersands are ampersands."""
    line = _cut(plain_line(text), _LONGEST_LINE)
    action = menu.addAction(line.replace("&", "&&"))
    action.setToolTip(tool_tip(line))  # Qt would take the text for it
    return action


def set_window_title(window: QWidget, text: str) -> None:
    """Name a window `text`, as it is spelled; cut where it is very long."""
    window.setWindowTitle(_cut(plain_line(text), _LONGEST_LINE).replace("[*]", "[*][*]"))


def message_box(parent: QWidget | None, title: str, text: str, detail: str) -> QMessageBox:
    """A box, not shown yet, that says `text` and below it `detail`, both as they are spelled."""
    box = QMessageBox(parent)
    set_window_title(box, title)
    box.setText(plain(text))
    box.setInformativeText(plain(detail))
    for label in box.findChildren(QLabel):  # the box tells its format to one of its labels only
        label.setTextFormat(Qt.TextFormat.PlainText)
    return box


class InertTextDocument(QTextDocument):
    """A document that never loads anything: whatever its text names stays a name."""

    def loadResource(self, kind: int, name: object) -> object:
        return None


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _closed(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign in _OPENING) - (sign == _CLOSING)
        if depth < 0:
            return False
    return depth == 0
