"""What the window opens in other programs: links, whose true target the person sees first, and folders of this machine.

A link may come from a model, a Hub or a catalog: other programs get web addresses and mail addresses only.
"""

from pathlib import Path

from PySide6.QtCore import Qt, QUrl, QUrlQuery
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.translation import tr
from desktop.ui.parts.foreign_text import message_box

_WEB = ("http", "https")
_OF_A_MAIL = {"to", "cc", "bcc", "subject", "body"}  # mail programs know others, which attach files


def true_target(address: str) -> str:
    """`address` as a browser would ask for it: look-alike letters in host names and the like written out."""
    encoded = bytes(QUrl(address).toEncoded().data())
    encoded = encoded or bytes(QUrl.toPercentEncoding(address, b"/:?#[]@!$&'()*+,;=%").data())  # shown, address or not
    return encoded.decode("ascii", "replace")


def may_open(url: QUrl) -> bool:
    """Whether another program may be given `url`."""
    if url.scheme() == "mailto":
        return url.isValid() and {key.lower() for key, _ in QUrlQuery(url).queryItems()} <= _OF_A_MAIL
    return url.isValid() and url.scheme() in _WEB and bool(url.host())


def open_folder(folder: Path) -> None:
    """Show a folder of this machine in the file manager. Where that does not work, its path is on the clipboard."""
    if not folder.is_dir() or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
        QGuiApplication.clipboard().setText(str(folder))


def ask_to_open(parent: QWidget, address: str) -> QMessageBox:
    """Ask whether to open `address`; returns the question, which is already shown."""
    url = QUrl(address)
    opens = may_open(url)
    asked = tr("Open this link in the browser?") if opens else tr("Latchkey does not open links of this kind.")
    box = message_box(parent, tr("Open link"), asked, _broken_up(true_target(address)))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
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
