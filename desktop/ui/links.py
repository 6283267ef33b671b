"""A link in an answer was clicked: a model wrote it, so the person sees its true target before anything is opened."""

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.translation import tr

_OPENED = ("http", "https", "mailto")


def true_target(address: str) -> str:
    """`address` as a browser would ask for it: look-alike letters in host names and the like written out."""
    encoded = bytes(QUrl(address).toEncoded().data())
    encoded = encoded or bytes(QUrl.toPercentEncoding(address, b"/:?#[]@!$&'()*+,;=%").data())  # shown, address or not
    return encoded.decode("ascii", "replace")


def ask_to_open(parent: QWidget, address: str) -> QMessageBox:
    """Ask whether to open `address`; returns the question, which is already shown."""
    url = QUrl(address)
    opens = url.isValid() and url.scheme() in _OPENED
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(tr("Open link"))
    box.setText(tr("Open this link in the browser?") if opens else tr("Latchkey does not open links of this kind."))
    box.setInformativeText(_broken_up(true_target(address)))
    if opens:
        go = box.addButton(tr("Open"), QMessageBox.ButtonRole.AcceptRole)
        go.clicked.connect(lambda: QDesktopServices.openUrl(url))
    copy = box.addButton(tr("Copy address"), QMessageBox.ButtonRole.ActionRole)
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(true_target(address)))
    cancel = box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    for button in box.buttons():
        button.setAccessibleName(button.text())
    box.open()
    return box


def _broken_up(text: str, width: int = 64, most: int = 12) -> str:
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    return "\n".join([*lines[:most], "…"] if len(lines) > most else lines)
