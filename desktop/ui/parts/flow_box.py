"""Small widgets side by side, in as many lines as the width asks for."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui.theme.design_tokens import XS


class FlowBox(QWidget):
    """Places its widgets one after another, each as large as it likes to be and in the middle of its line, and breaks
    the line where it must."""

    def __init__(self, *, gap: int = XS + 2, line_gap: int = XS + 1, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gap, self._line_gap = gap, line_gap
        self._widgets: list[QWidget] = []
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def add(self, widget: QWidget) -> None:
        """Put `widget` after the others."""
        widget.setParent(self)
        widget.show()
        self._widgets.append(widget)
        self.updateGeometry()

    def set_widgets(self, widgets: Sequence[QWidget]) -> None:
        """Hold `widgets`, in this order; those that it held and that are not among them are taken out."""
        for widget in [each for each in self._widgets if each not in widgets]:
            widget.hide()
            widget.deleteLater()
        self._widgets = list(widgets)
        for widget in self._widgets:
            if widget.parentWidget() is not self:
                widget.setParent(self)
            widget.show()
        self._arrange(self.width(), move=True)
        self.updateGeometry()

    def empty(self) -> None:
        """Take all widgets out."""
        for widget in self._widgets:
            widget.hide()
            widget.deleteLater()
        self._widgets = []
        self.updateGeometry()

    @property
    def widgets(self) -> list[QWidget]:
        return list(self._widgets)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(width, move=False)

    def sizeHint(self) -> QSize:
        hints = [widget.sizeHint() for widget in self._shown()]
        width = sum(hint.width() for hint in hints) + self._gap * max(len(hints) - 1, 0)
        return QSize(width, max((hint.height() for hint in hints), default=0))

    def minimumSizeHint(self) -> QSize:
        hints = [widget.minimumSizeHint() for widget in self._shown()]
        return QSize(
            max((hint.width() for hint in hints), default=0), max((hint.height() for hint in hints), default=0)
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self.width(), move=True)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # one of the widgets would be of another size
            self._arrange(self.width(), move=True)
            self.updateGeometry()
        return super().event(event)

    def _shown(self) -> list[QWidget]:
        return [widget for widget in self._widgets if not widget.isHidden()]

    def _arrange(self, width: int, *, move: bool) -> int:
        x = y = tallest = 0
        line: list[tuple[QWidget, int, QSize]] = []
        for widget in self._shown():
            hint = widget.sizeHint()
            size = QSize(min(hint.width(), max(width, 1)), hint.height())
            if x and x + size.width() > width:
                if move:
                    _place(line, y, tallest)
                x, y, tallest, line = 0, y + tallest + self._line_gap, 0, []
            line.append((widget, x, size))
            x += size.width() + self._gap
            tallest = max(tallest, size.height())
        if move:
            _place(line, y, tallest)
        return y + tallest


def _place(line: Sequence[tuple[QWidget, int, QSize]], y: int, height: int) -> None:
    """Put widgets, each with its x and its size, in the middle of a line that begins at `y`."""
    for widget, x, size in line:
        widget.setGeometry(x, y + (height - size.height()) // 2, size.width(), size.height())
