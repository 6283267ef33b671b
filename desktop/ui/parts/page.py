"""What full pages share: a strip with a title above a column that scrolls."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from desktop.ui.parts.label import Label
from desktop.ui.parts.scroll import use_slim_scroll_bars
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XL, L, M


class Column(QScrollArea):
    """A column of widgets in the middle of the page, at most `width` wide, that scrolls when it must."""

    def __init__(self, theme: Theme, name: str, width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._most = width
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.inside = QWidget()
        self.setWidget(self.inside)
        self.rows = QVBoxLayout(self.inside)
        self.rows.setContentsMargins(XL, M, XL, XL)
        self.rows.setSpacing(M)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        side = max((self.width() - self._most) // 2, L + 4)
        self.rows.setContentsMargins(side, M, side, XL)


class Page(QWidget):
    """A page: paints its ground."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self.theme.color("page"))


class StepPage(Page):
    """A page that a person leaves for the one they came from: `left`, by Escape as well."""

    left = Signal()

    def event(self, event: QEvent) -> bool:
        # Escape leads back from here, whatever else it does in the window.
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


def title(theme: Theme, text: str) -> Label:
    """A page's title."""
    return Label(theme, text, size="title", bold=True)


def heading(theme: Theme, text: str) -> Label:
    """The heading of a section."""
    return Label(theme, text, size="reading", bold=True)


class Line(QWidget):
    """A line across."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._theme.color("line"))
