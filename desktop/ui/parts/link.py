"""Addresses that lead out of the program: one as a word that can be pressed, and the question that shows its target.

A link may come from a model, a Hub or a catalog: other programs get web addresses and mail addresses only.
"""

from pathlib import Path

from PySide6.QtCore import QPointF, QSize, Qt, QUrl, QUrlQuery
from PySide6.QtGui import QDesktopServices, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.paint import paint_focus, repaint_on_hover
from desktop.ui.parts.untrusted_text import message_box, set_button_text, set_tool_tip
from desktop.ui.theme.design_tokens import XS
from desktop.ui.theme.theme import Size, Theme

_WEB = ("http", "https")
_OF_A_MAIL = {"to", "cc", "bcc", "subject", "body"}  # mail programs know others, which attach files
LINK_INSET = 2
"""Between a link's edge and its text, where the ring that shows focus stands."""


class Link(QAbstractButton):
    """`text` in the color of links, cut where it has no room, underlined under the pointer and the keyboard."""

    def __init__(
        self, theme: Theme, text: str, *, name: str = "", size: Size = "normal", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._size = theme, size
        repaint_on_hover(self)
        self.setText(text)
        self.setAccessibleName(name or text)
        set_tool_tip(self, text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font(size))
        theme.changed.connect(self._restyle)

    def setText(self, text: str) -> None:
        set_button_text(self, text)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 2 * LINK_INSET + 1, metrics.height() + 2)

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        return QSize(min(self.fontMetrics().averageCharWidth() * 6, hint.width()), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = self.font()
        font.setUnderline(self.underMouse() or self.hasFocus())
        painter.setFont(font)
        painter.setPen(self._theme.color("link"))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - 2 * LINK_INSET)
        painter.drawText(QPointF(LINK_INSET, (self.height() + metrics.ascent() - metrics.descent()) / 2), text)
        if self.hasFocus():
            paint_focus(painter, self.rect().toRectF(), self._theme.color("accent"), XS)

    def _restyle(self) -> None:
        self.setFont(self._theme.font(self._size))
        self.updateGeometry()
        self.update()


def resolved_target(address: str) -> str:
    """`address` as a browser would ask for it: look-alike letters in host names and the like written out."""
    encoded = bytes(QUrl(address).toEncoded().data())
    encoded = encoded or bytes(QUrl.toPercentEncoding(address, b"/:?#[]@!$&'()*+,;=%").data())  # shown, address or not
    return encoded.decode("ascii", "replace")


def may_open(url: QUrl) -> bool:
    """Whether another program may be given `url`."""
    if url.scheme() == "mailto":
        return url.isValid() and {key.lower() for key, _ in QUrlQuery(url).queryItems()} <= _OF_A_MAIL
    return url.isValid() and url.scheme() in _WEB and bool(url.host())


def confirm_open(parent: QWidget, address: str) -> QMessageBox:
    """Ask whether to open `address`; returns the question, which is already shown."""
    url = QUrl(address)
    opens = may_open(url)
    asked = tr("Open this link in the browser?") if opens else tr("Latchkey does not open links of this kind.")
    box = message_box(parent, tr("Open link"), asked, _broken_up(resolved_target(address)))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if opens:
        go = box.addButton(tr("Open"), QMessageBox.ButtonRole.AcceptRole)
        go.clicked.connect(lambda: QDesktopServices.openUrl(url))
    copy = box.addButton(tr("Copy address"), QMessageBox.ButtonRole.ActionRole)
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(resolved_target(address)))
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


def open_folder(folder: Path) -> None:
    """Show a folder of this machine in the file manager. Where that does not work, its path is on the clipboard."""
    if not folder.is_dir() or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
        QGuiApplication.clipboard().setText(str(folder))
