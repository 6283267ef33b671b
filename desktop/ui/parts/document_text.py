"""The text of Qt's documents, character by character.

`toPlainText` is made for showing: it gives no-break spaces as spaces and line separators as line feeds. And a `str`
made of Qt's text lacks half a surrogate pair, as a broken clipboard can leave one. Here is the one place that reads
text that a person typed or copies.
"""

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QTextCursor, QTextDocument

from desktop.ui.parts.clipboard import text_data
from desktop.ui.parts.utf16 import units

_ENDS = "\u2029\ufdd0\ufdd1"


def text_of(document: QTextDocument) -> str:
    """The whole text, with a line feed between paragraphs and U+FFFD for half a surrogate pair."""
    text = document.toRawText()
    if units(text) != document.characterCount() - 1:
        text = _repaired(document, 0, document.characterCount() - 1)
    return _with_line_feeds(text)


def selected_text(cursor: QTextCursor) -> str:
    """What `cursor` selects, in the same way."""
    text = cursor.selectedText()
    if units(text) != cursor.selectionEnd() - cursor.selectionStart():
        text = _repaired(cursor.document(), cursor.selectionStart(), cursor.selectionEnd())
    return _with_line_feeds(text)


def selection_data(cursor: QTextCursor) -> QMimeData:
    """What `cursor` selects, for the clipboard or to be dragged: plain text alone."""
    return text_data(selected_text(cursor))


def _with_line_feeds(text: str) -> str:
    """`text` with the ends of paragraphs, cells and tables as line feeds."""
    for end in _ENDS:
        text = text.replace(end, "\n")
    return text


def _repaired(document: QTextDocument, start: int, end: int) -> str:
    halves = "".join(document.characterAt(place) for place in range(start, end))
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
