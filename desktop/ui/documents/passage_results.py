"""Passages that a search found, drawn as a list: file, page and collection over two lines with the words marked."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem, QWidget

from desktop.translation import tr
from desktop.ui.parts.data_table import Index, ItemDelegate
from desktop.ui.parts.marked_text import paint_marked_text
from desktop.ui.parts.paint import paint_line
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.untrusted_text import plain, plain_line
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from desktop.documents.passage_search import FoundPassage

_LINES = 3
_BEFORE = 60
_SHOWN = 600
_FOUND = Qt.ItemDataRole.UserRole + 1


def page_words(found: "FoundPassage") -> str:
    """Where in its file a passage stands: "page 4", or the name of its sheet."""
    if found.label and found.label != str(found.page):
        return found.label
    return tr("page {number}").format(number=found.page) if found.page else ""


def excerpt(text: str, marks: "Sequence[tuple[int, int]]") -> tuple[str, tuple[tuple[int, int], ...]]:
    """The piece of a passage that is shown, on one line, beginning shortly before the first word that is marked; and
    the marks in it."""
    first = min((start for start, _ in marks), default=0)
    start = 0
    if first > 2 * _BEFORE:
        blank = text.find(" ", first - _BEFORE, first)
        start = blank + 1 if blank >= 0 else first - _BEFORE
    piece = text[start : start + _SHOWN]
    line = "".join(" " if sign.isspace() else sign for sign in piece)
    if plain(line) != line:  # an escape is longer than what it stands for: places would not fit
        line = "".join(sign if plain(sign) == sign else "\ufffd" for sign in line)
    head = "… " if start else ""
    moved = ((max(low - start, 0) + len(head), high - start + len(head)) for low, high in marks)
    inside = tuple((low, min(high, len(head) + len(line))) for low, high in moved if low < len(head) + len(line))
    return head + line, tuple(span for span in inside if span[0] < span[1])


class FoundPassageItemModel(QAbstractListModel):
    """Rows of `found`, the best first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.found: tuple[FoundPassage, ...] = ()

    def show(self, found: "Sequence[FoundPassage]") -> None:
        """Show these in place of what was found before."""
        self.beginResetModel()
        self.found = tuple(found)
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.found)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.found):
            return None
        found = self.found[index.row()]
        if role == _FOUND:
            return found
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(found.file_name)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said = (found.file_name, page_words(found), found.collection, excerpt(found.text, found.marks)[0])
            return ", ".join(plain_line(part) for part in said if part)
        return None


class _FoundPassageDelegate(ItemDelegate):
    """Draws one passage."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        normal, small = (QFontMetrics(self._theme.font(size)) for size in ("normal", "small"))
        return QSize(0, normal.height() + XS + _LINES * small.lineSpacing() + 2 * S + 2)

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        found: FoundPassage = index.data(_FOUND)
        theme = self._theme
        self._paint_ground(painter, rect.adjusted(0, 1, 0, -1), state, RADIUS - 1, RADIUS - 1)
        inner = rect.adjusted(M, S + 1, -M, -S)
        aside = plain_line("  ·  ".join(part for part in (page_words(found), found.collection) if part))
        painter.setFont(theme.font("small"))
        metrics = painter.fontMetrics()
        aside = metrics.elidedText(aside, Qt.TextElideMode.ElideRight, round(inner.width() / 2))
        width = metrics.horizontalAdvance(aside)
        heading = QFontMetrics(theme.font("normal"))
        painter.setPen(theme.color("faint"))
        painter.drawText(QPointF(inner.right() - width, inner.y() + heading.ascent()), aside)
        painter.setFont(theme.font("normal", bold=True))
        painter.setPen(theme.color("text"))
        paint_line(
            painter,
            QRectF(inner.x(), inner.y(), inner.width() - width - M, heading.height()),
            plain_line(found.file_name),
        )
        below = QRectF(inner.x(), inner.y() + heading.height() + XS, inner.width(), inner.height())
        below.setBottom(inner.bottom())
        text, marks = excerpt(found.text, found.marks)
        paint_marked_text(painter, theme, below, text, marks, color="muted", lines=_LINES)


class FoundPassageList(QListView):
    """`opened` carries the row of the passage that is to be shown in its page."""

    opened = Signal(int)

    def __init__(self, theme: Theme, rows: FoundPassageItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Passages found"))
        self.setModel(rows)
        self.setItemDelegate(_FoundPassageDelegate(theme, self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        use_slim_scroll_bars(self, theme)
        self.clicked.connect(lambda index: self.opened.emit(index.row()))
        theme.changed.connect(self.doItemsLayout)

    def step(self, step: int) -> None:
        """Make the row `step` places further the current one."""
        rows = self.model().rowCount()
        if rows:
            self.setCurrentIndex(self.model().index(min(max(self.currentIndex().row() + step, 0), rows - 1), 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)
