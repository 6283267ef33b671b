"""The text of Qt's documents and of the clipboard, character by character.

`toPlainText` is made for showing: it gives no-break spaces as spaces and line separators as line feeds. And a `str`
made of Qt's text lacks half a surrogate pair, as a broken clipboard can leave one. Here is the one place that reads
text that a person typed or copies.
"""

from PySide6.QtCore import QByteArray, QMimeData, QStringListModel
from PySide6.QtGui import QClipboard, QGuiApplication, QTextCursor, QTextDocument

from desktop.safe_text import repair_surrogates
from desktop.ui.parts.utf16 import utf16_length

MARKDOWN = "text/markdown"
_ENDS = "\u2029\ufdd0\ufdd1"


def text_of(document: QTextDocument) -> str:
    """The whole text, with a line feed between paragraphs and U+FFFD for half a surrogate pair."""
    text = document.toRawText()
    if utf16_length(text) != document.characterCount() - 1:
        text = _repaired(document, 0, document.characterCount() - 1)
    return _with_line_feeds(text)


def selected_text(cursor: QTextCursor) -> str:
    """What `cursor` selects, in the same way."""
    text = cursor.selectedText()
    if utf16_length(text) != cursor.selectionEnd() - cursor.selectionStart():
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
    return repair_surrogates("".join(document.characterAt(place) for place in range(start, end)))


def copy_text(text: str, markdown: str | None = None) -> None:
    """Put `text` on the clipboard; with `markdown`, what it was written as beside it, for what takes that."""
    clipboard = QGuiApplication.clipboard()
    if markdown is None:
        clipboard.setText(text)
        return
    data = text_data(text)
    data.setData(MARKDOWN, QByteArray(markdown.encode("utf-8", "replace")))
    clipboard.setMimeData(data)


def offer_selection(text: str) -> None:
    """Let `text` be pasted with the middle button of the mouse, where that is usual."""
    clipboard = QGuiApplication.clipboard()
    if text and clipboard.supportsSelection():
        clipboard.setText(text, QClipboard.Mode.Selection)


def text_data(text: str) -> QMimeData:
    """`text` alone, for the clipboard or to be dragged, in data that Qt made.

    With data that Python made still on the clipboard the program ends by a crash: it is deleted after the interpreter
    (seen with PySide 6.11).
    """
    model = QStringListModel([""])
    data = model.mimeData([model.index(0)])
    for kind in data.formats():
        data.removeFormat(kind)
    data.setText(text)
    return data
