"""One attached file above the text of a message: its name, how it is given to the model, what can be done with it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from desktop.translation import tr
from desktop.ui.chat.attachment_text import attachment_state_text, attachment_tip, blind_text
from desktop.ui.chat.source_list import file_text_sign
from desktop.ui.parts.button import Button
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.paint import paint_box, paint_focus, repaint_on_hover
from desktop.ui.parts.untrusted_text import add_entry, plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.draft_attachment import DraftAttachment

_LEAST, _WIDEST = 16, 34  # characters of the name
_BAR = 2


class AttachmentChip(QWidget):
    """Shows one file. `opened` where a person wants to see what was read of it, `removed` where it is to go; the keys:
    Enter opens, Delete removes, the arrows go to the others (`walked`)."""

    opened = Signal()
    removed = Signal()
    walked = Signal(int)

    def __init__(self, theme: Theme, item: "DraftAttachment", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self.item = theme, item
        self._picture: QImage | None = None
        self._blind = False
        self._pixels = ""
        self._state = self._name = ""
        repaint_on_hover(self)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._remove = Button(theme, kind="quiet", icon="close", size="small", name=tr("Remove the file"), parent=self)
        self._remove.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the chip itself answers to Delete
        self._remove.clicked.connect(self.removed)
        self.set_current(False)
        self._restyle()
        self.show_item(item)
        theme.changed.connect(self._restyle)

    def show_item(self, item: "DraftAttachment", *, blind: bool = False) -> None:
        """Show `item` as it is now. `blind`: the model in use sees no pictures."""
        self.item, self._blind = item, blind and item.kind == "image" and item.state == "ready"
        self._name = plain_line(item.name)
        self._state = attachment_state_text(item, blind=self._blind, pixels=self._pixels)
        self.setAccessibleName(tr("Attached: {name}, {state}").format(name=self._name, state=self._state))
        keys = tr("Enter shows what was read. Delete removes it.")
        hint = blind_text() if self._blind else file_text_sign() if item.state == "ready" else ""
        self.setAccessibleDescription(" ".join(filter(None, (hint, keys))))
        set_tool_tip(self, attachment_tip(item, blind=self._blind))
        remove = tr("Stop reading the file") if item.state == "reading" else tr("Remove the file")
        self._remove.setAccessibleName(remove)
        set_tool_tip(self._remove, remove)
        self.updateGeometry()
        self.update()

    def show_picture(self, picture: QImage, pixels: str) -> None:
        """Show a small preview in place of the icon; `pixels` says how large the picture is."""
        picture.setDevicePixelRatio(self.devicePixelRatioF())
        self._picture, self._pixels = picture, pixels
        self.show_item(self.item, blind=self._blind)

    @property
    def picture_size(self) -> QSize:
        """How large a preview is, in pixels of the screen."""
        side = round((self._side() + XS) * self.devicePixelRatioF())
        return QSize(side, side)

    @property
    def state_text(self) -> str:
        """What it says below the name."""
        return self._state

    def set_current(self, current: bool) -> None:
        """Whether Tab reaches it: one chip at a time."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if current else Qt.FocusPolicy.ClickFocus)

    def _restyle(self) -> None:
        self.setFont(self._theme.font("small"))
        self.updateGeometry()
        self.update()

    # --- size ----------------------------------------------------------------------------------------------------

    def _side(self) -> int:
        return round(self.fontMetrics().height() * 1.6)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        unit = metrics.averageCharWidth()
        text = max(metrics.horizontalAdvance(self._name), metrics.horizontalAdvance(self._state))
        text = min(max(text + 2, unit * _LEAST), unit * _WIDEST)
        width = S + self._side() + S + text + XS + self._remove.sizeHint().width() + XS
        return QSize(width, 2 * metrics.height() + 2 * S)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        size = self._remove.sizeHint()
        x = self.width() - size.width() - XS
        self._remove.setGeometry(x, (self.height() - size.height()) // 2, size.width(), size.height())

    # --- drawing -------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme, rect = QPainter(self), self._theme, QRectF(self.rect())
        warns = self._blind or self.item.state == "failed"
        line = theme.color("warn_line" if warns else "line")
        fill = theme.color("warn_fill" if warns else "hover" if self.underMouse() else "page")
        paint_box(painter, rect, fill, line, RADIUS)
        painter.setFont(theme.font("small"))
        metrics = painter.fontMetrics()
        side = self._side()
        left = S
        self._paint_icon(painter, QRect(left, (self.height() - side) // 2, side, side), warns)
        left += side + S
        room = self._remove.x() - left - XS
        top = (self.height() - 2 * metrics.height()) / 2
        painter.setPen(theme.color("text"))
        name = metrics.elidedText(self._name, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(QPointF(left, top + metrics.ascent()), name)
        painter.setPen(theme.color("warn_text" if warns else "muted"))
        state = metrics.elidedText(self._state, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(left, top + metrics.height() + metrics.ascent()), state)
        if self.item.state == "reading":
            self._paint_progress(painter)
        if self.hasFocus():
            paint_focus(painter, rect, theme.color("accent"), RADIUS - 1)

    def _paint_icon(self, painter: QPainter, box: QRect, warns: bool) -> None:
        ratio = self.devicePixelRatioF()
        if self._picture is not None and not warns:
            size = self._picture.deviceIndependentSize().toSize()
            place = QRect(QPoint(0, 0), size.scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio))
            place.moveCenter(box.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._picture)
            return
        icon = "warning" if warns else "image" if self.item.kind == "image" else "document"
        small = round(box.width() * 0.72)
        at = QPointF(box.x() + (box.width() - small) / 2, box.y() + (box.height() - small) / 2)
        painter.drawPixmap(at, self._theme.pixmap(icon, "warn_text" if warns else "muted", small, ratio))

    def _paint_progress(self, painter: QPainter) -> None:
        track = QRectF(S, self.height() - _BAR - 2, self.width() - 2 * S, _BAR)
        paint_box(painter, track, self._theme.color("line"), None, 1)
        if self.item.fraction:
            track.setWidth(track.width() * min(self.item.fraction, 1.0))
            paint_box(painter, track, self._theme.color("accent"), None, 1)

    # --- what the person does ------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and not event.isAutoRepeat():
            self.opened.emit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not event.isAutoRepeat():
            self.removed.emit()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Down):
            self.walked.emit(-1 if key in (Qt.Key.Key_Left, Qt.Key.Key_Up) else 1)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = make_menu(self._theme, self)
        if self.item.state == "ready":
            text = tr("Show the picture") if self.item.kind == "image" else tr("Show what was read")
            add_entry(menu, text).triggered.connect(self.opened)
        add_entry(menu, self._remove.accessibleName()).triggered.connect(self.removed)
        menu.popup(event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
