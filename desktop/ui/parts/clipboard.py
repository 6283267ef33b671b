"""What is copied or dragged, on its way out of the program."""

from PySide6.QtCore import QByteArray, QMimeData, QStringListModel
from PySide6.QtGui import QClipboard, QGuiApplication

MARKDOWN = "text/markdown"


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
