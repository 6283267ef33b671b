"""The list of prompts that "/" opens above the composer, and that filters while one types on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QListView, QStyle, QStyleOptionViewItem, QVBoxLayout, QWidget

from desktop.chat.prompt_library import Prompt
from desktop.translation import tr
from desktop.ui.parts.data_table import Index, ItemDelegate
from desktop.ui.parts.paint import paint_box, paint_line
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.theme.design_tokens import RADIUS, RADIUS_SOFT, XS, M, S
from desktop.ui.theme.theme import Theme

_ROWS = 7
_WIDTH = 520
_ABOUT, _NAME = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True)
class PromptEntry:
    """A row: the prompt's name and what it is for; name "" is the way to the page of prompts."""

    name: str
    about: str


def matching_entries(prompts: Mapping[str, Prompt], typed: str) -> list[PromptEntry]:
    """What is offered for what was typed after "/": names that begin with it first, then others that hold it, then
    those that hold it in what they are for. The way to the page comes last; nothing where nothing matches."""
    wanted = typed.casefold()
    ranked: list[tuple[int, PromptEntry]] = []
    for name, prompt in prompts.items():
        about = prompt.description or " ".join(prompt.text[:200].split())
        folded = name.casefold()
        rank = 0 if folded.startswith(wanted) else 1 if wanted in folded else 2 if wanted in about.casefold() else 3
        if rank < 3:
            ranked.append((rank, PromptEntry(name, about)))
    found = [entry for _, entry in sorted(ranked, key=lambda each: each[0])]
    return [*found, PromptEntry("", "")] if found or not typed else []


class _PromptItemModel(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[PromptEntry] = []

    def show(self, entries: Sequence[PromptEntry]) -> None:
        self.beginResetModel()
        self.shown = list(entries)
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(f"/{entry.name}" if entry.name else tr("Manage prompts…"))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return spoken_entry(entry)
        if role == _NAME:
            return entry.name
        return plain_line(entry.about) if role == _ABOUT else None


def spoken_entry(entry: PromptEntry) -> str:
    """What a screen reader says of a row."""
    if not entry.name:
        return tr("Manage prompts…")
    return f"{entry.name}, {entry.about}" if entry.about else entry.name


class _PromptDelegate(ItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, self._view.fontMetrics().height() + 2 * S)

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        if state & QStyle.StateFlag.State_Selected:
            paint_box(painter, rect, self._theme.color("selected"), None, RADIUS - 1)
        manages = not index.data(_NAME)
        painter.setFont(self._theme.font("normal", bold=not manages))
        metrics = painter.fontMetrics()
        name = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, round(rect.width() * 0.6))
        baseline = rect.y() + (rect.height() + metrics.ascent() - metrics.descent()) / 2
        painter.setPen(self._theme.color("muted" if manages else "text"))
        painter.drawText(QPointF(rect.x() + S, baseline), name)
        left = rect.x() + S + metrics.horizontalAdvance(name) + M
        painter.setFont(self._theme.font("normal"))
        painter.setPen(self._theme.color("muted"))
        room = QRectF(left, rect.y(), rect.right() - S - left, rect.height())
        if room.width() > 0:
            paint_line(painter, room, str(index.data(_ABOUT)))


class PromptPopup(QWidget):
    """Takes no focus: the keyboard stays in the composer. `picked` carries the name of a prompt, "" for the page."""

    picked = Signal(str)

    def __init__(self, theme: Theme, page: QWidget) -> None:
        super().__init__(page)
        self._theme = theme
        self.setAccessibleName(tr("Prompts"))
        self._model = _PromptItemModel()
        self.list = QListView()
        self.list.setAccessibleName(tr("Prompts"))
        self.list.setModel(self._model)
        self.list.setItemDelegate(_PromptDelegate(theme, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.viewport().setAutoFillBackground(False)
        use_slim_scroll_bars(self.list, theme)
        self.list.clicked.connect(lambda index: self.picked.emit(self._model.shown[index.row()].name))
        column = QVBoxLayout(self)
        column.setContentsMargins(XS, XS, XS, XS)
        column.addWidget(self.list)
        self.hide()

    @property
    def entries(self) -> list[PromptEntry]:
        """What is offered now."""
        return list(self._model.shown)

    @property
    def current(self) -> PromptEntry | None:
        """The row that Enter takes; None where nothing is offered."""
        index = self.list.currentIndex()
        return self._model.shown[index.row()] if index.isValid() and not self.isHidden() else None

    def offer(self, entries: Sequence[PromptEntry], above: QWidget) -> None:
        """Show `entries` above a widget, the first of them chosen; nothing where there are none."""
        if not entries:
            self.hide()
            return
        if list(entries) != self._model.shown or self.isHidden():
            self._model.show(entries)
            self._choose(0)
        row = self.list.fontMetrics().height() + 2 * S
        height = row * min(len(entries), _ROWS) + 2 * XS + 2
        parent = self.parentWidget()
        assert parent is not None
        corner = above.mapTo(parent, above.rect().topLeft())
        top = max(corner.y() - height - XS, 0)
        self.setGeometry(corner.x(), top, min(_WIDTH, above.width()), corner.y() - XS - top)
        self.show()
        self.raise_()

    def move_choice(self, step: int) -> None:
        """Go `step` rows down, round the end."""
        count = self._model.rowCount()
        if count:
            self._choose((self.list.currentIndex().row() + step) % count)

    def _choose(self, row: int) -> None:
        index = self._model.index(row)
        self.list.setCurrentIndex(index)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, spoken_entry(self._model.shown[row])))

    def paintEvent(self, event: QPaintEvent) -> None:
        rect, theme = QRectF(self.rect()), self._theme
        paint_box(QPainter(self), rect, theme.color("page"), theme.color("line_strong"), RADIUS_SOFT)
