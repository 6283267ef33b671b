"""Sideways scrolling of what is wider than its column: code and tables, each with a bar of its own below it."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from desktop.ui.parts.scroll_bar import SlimScrollBar
from desktop.ui.theme.theme import Theme

_STEP = 24


class HorizontalScrollArea(QWidget):
    """Shows a part of `content`, as wide as the area is. Lay it out with `lay_out`.

    It is scrolled by its bar, by a wheel's sideways turn (or any turn with Shift), by Left, Right, Home and End that
    the content does not take itself, and by dragging a selection past its edges.
    """

    scrolled = Signal()

    def __init__(self, theme: Theme, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self.content = theme, content
        self._clip = QWidget(self)
        for each in (self, self._clip):
            each.setAttribute(Qt.WidgetAttribute.WA_StaticContents)  # nothing of what grows is painted again for that
        self._bar: SlimScrollBar | None = None
        content.setParent(self._clip)
        content.installEventFilter(self)

    @property
    def bar(self) -> SlimScrollBar | None:
        """The bar; None as long as none was needed."""
        return self._bar

    def lay_out(self, width: int, content_width: int, content_height: int, *, from_right: bool = False) -> int:
        """Lay out for `width`, all in pixels; the height taken, with the bar where one is needed.

        `from_right`: what is wider begins at its right end.
        """
        shown = max(content_width, width)
        self._clip.setGeometry(0, 0, width, content_height)
        self.content.resize(shown, content_height)
        if content_width <= width:
            if self._bar is not None:
                self._bar.setRange(0, 0)
                self._bar.hide()
            self.content.move(0, 0)
            self.resize(width, content_height)
            return content_height
        bar = self._bar or self._make_bar()
        at_end = from_right and bar.value() == bar.maximum()
        bar.setRange(0, content_width - width)
        bar.setPageStep(width)
        if at_end:
            bar.setValue(bar.maximum())
        bar_height = bar.sizeHint().height()
        bar.setGeometry(-2, content_height + 1, width + 4, bar_height)
        bar.show()
        self._show_part()
        self.resize(width, content_height + bar_height + 1)
        return content_height + bar_height + 1

    def show_range(self, left: int, right: int) -> None:
        """Scroll, if need be, to where the content's `left` to `right` can be seen."""
        if self._bar is None or not self._bar.maximum():
            return
        value, width = self._bar.value(), self._clip.width()
        if left < value or right > value + width:
            self._bar.setValue(left - (width - (right - left)) // 2)

    def scroll_by(self, pixels: int) -> None:
        """Scroll to the right, or for less than 0 to the left."""
        if self._bar is not None:
            self._bar.setValue(self._bar.value() + pixels)

    def _make_bar(self) -> SlimScrollBar:
        bar = self._bar = SlimScrollBar(self._theme, Qt.Orientation.Horizontal, self)
        bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        bar.setRange(0, 0)
        bar.setSingleStep(_STEP)
        bar.valueChanged.connect(self._show_part)
        return bar

    def _show_part(self) -> None:
        self.content.move(-self._bar.value() if self._bar is not None else 0, 0)
        self.scrolled.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn, pixels = event.angleDelta(), event.pixelDelta()
        sideways = pixels.x() or turn.x()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            sideways = sideways or turn.y()
        upright = abs(turn.y()) > abs(turn.x()) and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if self._bar is not None and self._bar.maximum() and sideways and not upright:
            self._bar.setValue(self._bar.value() - sideways)
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self._bar
        if bar is None or not bar.maximum() or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            event.ignore()
            return
        steps = {
            Qt.Key.Key_Left: bar.value() - 2 * _STEP,
            Qt.Key.Key_Right: bar.value() + 2 * _STEP,
            Qt.Key.Key_Home: bar.minimum(),
            Qt.Key.Key_End: bar.maximum(),
        }
        target = steps.get(Qt.Key(event.key()))
        if target is None:
            event.ignore()
        else:
            bar.setValue(target)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
            self._follow_drag(event)
        return super().eventFilter(watched, event)

    def _follow_drag(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._bar is not None and self._bar.maximum():
            x = self.content.mapTo(self._clip, event.position().toPoint()).x()
            past = min(x, 0) or max(x - self._clip.width(), 0)
            if past:
                self._bar.setValue(self._bar.value() + max(-_STEP, min(past, _STEP)))

    def visible_part(self) -> QRect:
        """The part of the content that can be seen."""
        return QRect(QPoint(-self.content.x(), 0), self._clip.size())
