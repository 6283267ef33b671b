"""The command palette ("Go to anything"): one field over every action and every conversation, opened by Ctrl+K."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QListView,
    QStyle,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from desktop.translation import tr
from desktop.ui.parts.data_table import Index, ItemDelegate
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.paint import paint_box, paint_line
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.theme.design_tokens import RADIUS, RADIUS_SOFT, M, S
from desktop.ui.theme.theme import Theme

_WIDTH = 560
_ROWS = 9
_KEY = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True)
class PaletteEntry:
    """A place to go to or a thing to do: its name, its key or kind, and what it does."""

    text: str
    hint: str
    go: Callable[[], None]


class _PaletteItemModel(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[PaletteEntry] = []

    def show(self, destinations: list[PaletteEntry]) -> None:
        self.beginResetModel()
        self.shown = destinations
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(row.text)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.text}, {row.hint}" if row.hint else row.text
        return row.hint if role == _KEY else None


class _PaletteDelegate(ItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, self._view.fontMetrics().height() + 2 * S)

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        if state & QStyle.StateFlag.State_Selected:
            paint_box(painter, rect, self._theme.color("selected"), None, RADIUS - 1)
        painter.setFont(self._theme.font("normal"))
        metrics = painter.fontMetrics()
        baseline = rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2
        hint = str(index.data(_KEY))
        width = metrics.horizontalAdvance(hint)
        painter.setPen(self._theme.color("faint"))
        painter.drawText(QPointF(rect.right() - S - width, baseline), hint)
        painter.setPen(self._theme.color("text"))
        room = round(rect.width()) - 3 * S - width
        paint_line(painter, QRectF(rect.x() + S, rect.y(), room, rect.height()), str(index.data()))


class CommandPalette(QWidget):
    """Lies over the window while it is open. `closed` when it went and what had the focus before is gone too."""

    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._all: list[PaletteEntry] = []
        self._before: QWidget | None = None
        self.field = Field(theme, tr("Go to anything"))
        self._model = _PaletteItemModel()
        self.list = QListView()
        self.list.setAccessibleName(tr("Places and actions"))
        self.list.setModel(self._model)
        self.list.setItemDelegate(_PaletteDelegate(theme, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.viewport().setAutoFillBackground(False)
        use_slim_scroll_bars(self.list, theme)
        self.nothing = Label(
            theme, tr("Nothing is called so. Ctrl+Shift+F searches what was said."), color="muted", wrap=True
        )
        self.nothing.setContentsMargins(S, 0, S, 0)
        self.nothing.hide()
        self.list.clicked.connect(self._go)
        column = QVBoxLayout(self)
        column.setContentsMargins(M, M, M, M)
        column.setSpacing(S)
        column.addWidget(self.field)
        column.addWidget(self.nothing)
        column.addWidget(self.list)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.hide()

    def open_over(self, destinations: list[PaletteEntry]) -> None:
        """Offer `destinations`. Closed by Escape, it gives the focus back to where it was."""
        if self.isHidden():
            self._before = QApplication.focusWidget()
        self._all = destinations
        self.field.clear()
        self._filter("")
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def fit_to_window(self) -> None:
        """Stand in the upper middle of the window."""
        window = self.parentWidget()
        assert window is not None
        row = self.list.fontMetrics().height() + 2 * S
        self.list.setFixedHeight(row * _ROWS)
        width = min(_WIDTH, window.width() - 2 * M)
        self.setGeometry((window.width() - width) // 2, window.height() // 8, width, self.sizeHint().height())

    def close_over(self) -> None:
        """Go away."""
        if not self.isHidden():
            self.hide()
            if self._before is not None and isValid(self._before) and self._before.isVisible():
                self._before.setFocus(Qt.FocusReason.OtherFocusReason)
            else:
                self.closed.emit()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                event.accept()
            return False
        if event.type() == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            if event.reason() != Qt.FocusReason.ActiveWindowFocusReason:
                self.hide()
            return False
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: _ROWS, Qt.Key.Key_PageUp: -_ROWS}
        if event.key() == Qt.Key.Key_Escape:
            self.close_over()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.field.composition.text:
                return False  # it ends the word being composed
            self._go(self.list.currentIndex())
        elif event.key() in steps:
            row = self.list.currentIndex().row() + steps[Qt.Key(event.key())]
            self.list.setCurrentIndex(self._model.index(max(0, min(row, self._model.rowCount() - 1))))
        else:
            return False
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_box(
            painter, QRectF(self.rect()), self._theme.color("page"), self._theme.color("line_strong"), RADIUS_SOFT
        )

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        self._model.show([row for row in self._all if all(word in row.text.casefold() for word in words)])
        self.nothing.setVisible(not self._model.rowCount())
        self.list.setVisible(bool(self._model.rowCount()))
        self.fit_to_window()
        if self._model.rowCount():
            self.list.setCurrentIndex(self._model.index(0))

    def _go(self, index: Index) -> None:
        if index.isValid():
            destination = self._model.shown[index.row()]
            self.close_over()
            destination.go()
