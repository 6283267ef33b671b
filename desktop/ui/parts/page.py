"""What full pages share: a strip with a title above a column that scrolls, headings, separators and a splitter."""

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QSplitterHandle,
    QVBoxLayout,
    QWidget,
)

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import XL, XS, L, M, S
from desktop.ui.theme.theme import Theme

_CRUMB_CHARACTERS = 32


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
        return overrides_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class PageBar(QWidget):
    """A strip over a line, and on that line how far something is (`progress`, 0 to 1). `row` takes widgets."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.progress: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.sidebar_button = Button(theme, icon="sidebar", name=tr("Show sidebar"))
        set_tool_tip(self.sidebar_button, tr("Show the sidebar"))
        self.sidebar_button.hide()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(L + XS, S + 1, L + XS, S + 2)
        self.row.setSpacing(S + 2)
        self.row.addWidget(self.sidebar_button)
        # Every page's strip is as high as a button makes it, whether it holds one or not.
        self.row.addStrut(self.sidebar_button.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(QRectF(0, self.height() - 1, self.width(), 1), self.theme.color("line"))
        if self.progress is not None:
            painter.fillRect(QRectF(0, self.height() - 2, self.width() * self.progress, 2), self.theme.color("accent"))


class ScrollColumn(QScrollArea):
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


def page_title(theme: Theme, text: str) -> Label:
    """A page's title."""
    return Label(theme, text, size="title", bold=True)


def section_heading(theme: Theme, text: str) -> Label:
    """The heading of a section."""
    return Label(theme, text, size="reading", bold=True)


class Separator(QWidget):
    """A line across."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._theme.color("line"))


def breadcrumb(button: Button, home: str, model: str) -> str:
    """The way back as text, the model's name cut where it is long."""
    most = _CRUMB_CHARACTERS * button.fontMetrics().averageCharWidth()
    name = button.fontMetrics().elidedText(model, Qt.TextElideMode.ElideRight, most)
    return f"{home} / {name} /"


class Splitter(QSplitter):
    """A splitter whose handle is a line of one pixel (Qt lets it be gripped some pixels to either side)."""

    def __init__(self, theme: Theme, orientation: Qt.Orientation, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self._theme = theme
        self.setHandleWidth(1)

    def addWidget(self, widget: QWidget) -> None:
        super().addWidget(widget)
        widget.stackUnder(self.handle(0))  # or screen readers would go from the last one to the first

    def createHandle(self) -> QSplitterHandle:
        return _SplitterHandle(self._theme, self)


class _SplitterHandle(QSplitterHandle):
    def __init__(self, theme: Theme, parent: "Splitter") -> None:
        super().__init__(parent.orientation(), parent)
        self._theme = theme

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.contentsRect(), self._theme.color("line"))


def take_all(layout: QLayout) -> None:
    """Take everything out of `layout`, for good."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            take_all(inner)
