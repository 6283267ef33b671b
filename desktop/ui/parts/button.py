"""Buttons: boxed, filled with the accent, or quiet text that shows itself under the pointer."""

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop.ui.parts.input_composition import finish_composition
from desktop.ui.parts.paint import paint_box, paint_focus, repaint_on_hover
from desktop.ui.parts.untrusted_text import plain_line, set_button_text
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Size, Theme

Kind = Literal["boxed", "accent", "quiet", "row"]

_PADDING = {"boxed": (13, 8), "accent": (13, 8), "quiet": (5, 3), "row": (8, 8)}


class Button(QAbstractButton):
    """Text, an icon before it, or both; `detail` is quieter text after it, `menu_arrow` a mark at the end.

    `other_text` is one it also shows at times: its width stays the same. Kind "row" is a line in a list of places to
    go: text at the left, shown as selected while checked.
    """

    def __init__(
        self,
        theme: Theme,
        text: str = "",
        *,
        kind: Kind = "boxed",
        icon: str = "",
        size: Size = "normal",
        name: str = "",
        menu_arrow: bool = False,
        other_text: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._kind, self._icon, self._size = theme, kind, icon, size
        self._menu_arrow, self._other_text = menu_arrow, other_text
        self._detail = ""
        repaint_on_hover(self)
        self.setText(text)
        self.setAccessibleName(name or text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        horizontal = QSizePolicy.Policy.Expanding if kind == "row" else QSizePolicy.Policy.Fixed
        self.setSizePolicy(horizontal, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font(size))
        if kind != "boxed" or icon:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        # A screen reader presses it with neither pointer nor focus.
        self.pressed.connect(finish_composition)
        theme.changed.connect(self._restyle)

    def setText(self, text: str) -> None:
        is_name = bool(self.text()) and self.accessibleName() == self.text()
        set_button_text(self, text)
        if is_name:
            self.setAccessibleName(self.text())  # what is heard is what is seen

    @property
    def detail(self) -> str:
        return self._detail

    def set_detail(self, detail: str) -> None:
        """Show quieter text after the button's own."""
        self._detail = plain_line(detail)
        self.updateGeometry()
        self.update()

    def set_icon(self, icon: str) -> None:
        """Show another icon."""
        self._icon = icon
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        across, down = _PADDING[self._kind]
        metrics = self.fontMetrics()
        width = 2 * across
        if self._icon:
            width += self._side()
        if self.text():
            text = max(metrics.horizontalAdvance(words) for words in (self.text(), self._other_text))
            width += text + 1 + (XS + 2 if self._icon else 0)
        if self._detail:
            width += metrics.horizontalAdvance(self._detail) + S - 1
        if self._menu_arrow:
            width += self._side() - 1
        height = max(metrics.height(), self._side() if self._icon else 0) + 2 * down
        if self._kind in ("boxed", "accent"):
            height += 2
        if self._icon and not self.text():
            width = height if self._kind != "quiet" else self._side() + 2 * across - 2
        return QSize(width, height)

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        if self._kind == "boxed" and self._menu_arrow:
            return QSize(min(hint.width(), 6 * self.fontMetrics().averageCharWidth()), hint.height())
        return hint

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        rect = QRectF(self.rect())
        color = self._paint_ground(painter, rect)
        self._paint_content(painter, color)
        if self.hasFocus():
            ring = self._theme.color("accent")
            if self._kind == "accent":
                painter.setPen(Qt.PenStyle.NoPen)
                paint_focus(painter, rect.adjusted(2, 2, -2, -2), self._theme.color("on_accent"), RADIUS - 2)
            else:
                paint_focus(painter, rect, ring, RADIUS - 1)

    def _paint_ground(self, painter: QPainter, rect: QRectF) -> QColor:
        """Draw what lies under the text; the text's color."""
        theme, active = self._theme, self.underMouse() and self.isEnabled()
        if self._kind == "accent":
            paint_box(painter, rect, theme.color("accent_hover" if active or self.isDown() else "accent"), None, RADIUS)
            return theme.color("on_accent")
        if self._kind == "boxed":
            fill = "pressed" if self.isDown() else "hover" if active else "field"
            paint_box(painter, rect, theme.color(fill), theme.color("line"), RADIUS)
            return theme.color("text")
        if self._kind == "row" and self.isChecked():
            paint_box(painter, rect, theme.color("selected"), None, RADIUS - 1)
            return theme.color("text")
        if active or self.isDown():
            paint_box(painter, rect, theme.color("pressed" if self.isDown() else "hover"), None, RADIUS - 1)
            return theme.color("text")
        return theme.color("muted" if self._kind == "row" else "faint")

    def _paint_content(self, painter: QPainter, color: QColor) -> None:
        across, _ = _PADDING[self._kind]
        metrics = self.fontMetrics()
        side = self._side()
        x = float(across)
        if self._icon:
            if not self.text():
                x = (self.width() - side) / 2
            token = {"boxed": "text", "accent": "on_accent"}.get(self._kind, "text" if self.underMouse() else "muted")
            pixmap = self._theme.pixmap(self._icon, token, side, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(round(x), round((self.height() - side) / 2)), pixmap)
            x += side + XS + 2
        if self._other_text:
            x = (self.width() - metrics.horizontalAdvance(self.text())) / 2
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        room = self.width() - x - across - (side - 1 if self._menu_arrow else 0)
        painter.setFont(self.font())
        if self.text():
            painter.setPen(color)
            detail = metrics.horizontalAdvance(self._detail) + S - 1 if self._detail else 0
            text = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, round(max(room - detail, 0)) + 1)
            painter.drawText(QPointF(x, baseline), text)
            x += metrics.horizontalAdvance(text) + S - 1
            room -= metrics.horizontalAdvance(text) + S - 1
        if self._detail and room > metrics.averageCharWidth() * 3:
            painter.setPen(self._theme.color("muted"))
            painter.drawText(QPointF(x, baseline), self._detail)
        if self._menu_arrow:
            pixmap = self._theme.pixmap("chevron-down", "muted", side, self.devicePixelRatioF())
            at = QPointF(self.width() - across - side + 3, round((self.height() - side) / 2))
            painter.drawPixmap(at, pixmap)

    def _side(self) -> int:
        return max(10, round(self.fontMetrics().height() * 0.95))

    def _restyle(self) -> None:
        self.setFont(self._theme.font(self._size))
        self.updateGeometry()
        self.update()
