"""What a search found, drawn as a list: the chat and the day over two lines of text, with the words sought marked."""

from datetime import date, datetime

from PySide6.QtCore import QAbstractListModel, QDate, QLocale, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem, QWidget

from desktop.storage.message_search import MessageHit, TitleHit
from desktop.translation import tr
from desktop.ui.parts.data_table import Index, ItemDelegate
from desktop.ui.parts.marked_text import paint_marked_text
from desktop.ui.parts.paint import paint_line
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.parts.untrusted_text import plain
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

_LINES = 2
_NEAR_END = 10
_HIT = Qt.ItemDataRole.UserRole + 1

Hit = MessageHit | TitleHit


def day_of(seconds: float) -> str:
    """A day as the person writes it, or the time of day where it was today."""
    try:
        moment = datetime.fromtimestamp(seconds)  # noqa: DTZ006 - the person's own days
    except (OverflowError, OSError, ValueError):
        return ""  # a clock far off wrote it
    if moment.date() == date.today():  # noqa: DTZ011
        return moment.strftime("%H:%M")
    return QLocale().toString(QDate(moment.year, moment.month, moment.day), QLocale.FormatType.ShortFormat)


def speaker_of(hit: Hit) -> str:
    """Who said it, "" for a title."""
    if isinstance(hit, TitleHit):
        return ""
    return tr("You") if hit.role == "user" else tr("System prompt") if hit.role == "system" else tr("Assistant")


class SearchResultItemModel(QAbstractListModel):
    """Rows of hits, titles before messages."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.hits: list[Hit] = []

    def show(self, hits: list[Hit]) -> None:
        """Show these in place of what was found before."""
        self.beginResetModel()
        self.hits = hits
        self.endResetModel()

    def add(self, hits: list[MessageHit]) -> None:
        """Show further ones at the end."""
        if hits:
            self.beginInsertRows(self.index(-1).parent(), len(self.hits), len(self.hits) + len(hits) - 1)
            self.hits += hits
            self.endInsertRows()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.hits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        hit = self.hits[index.row()]
        if role == _HIT:
            return hit
        if role == Qt.ItemDataRole.DisplayRole:
            return hit.title or tr("New chat")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            archived = tr("archived") if hit.archived else ""
            when = day_of(hit.updated_at if isinstance(hit, TitleHit) else hit.created_at)
            said = hit.snippet if isinstance(hit, MessageHit) else ""
            return ", ".join(
                part for part in (hit.title or tr("New chat"), archived, when, speaker_of(hit), said) if part
            )
        return None


class SearchResultDelegate(ItemDelegate):
    """Draws one hit."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, self._row_height())

    def _row_height(self) -> int:
        normal, small = (QFontMetrics(self._theme.font(size)) for size in ("normal", "small"))
        return normal.height() + XS + _LINES * small.lineSpacing() + 2 * S + 2

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        hit: Hit = index.data(_HIT)
        theme = self._theme
        self._paint_ground(painter, rect.adjusted(0, 1, 0, -1), state, RADIUS - 1, RADIUS - 1)
        inner = rect.adjusted(M, S + 1, -M, -S)
        when = day_of(hit.updated_at if isinstance(hit, TitleHit) else hit.created_at)
        aside = "  ·  ".join(part for part in (tr("Archived") if hit.archived else "", speaker_of(hit), when) if part)
        painter.setFont(theme.font("small"))
        width = painter.fontMetrics().horizontalAdvance(aside)
        line = QFontMetrics(theme.font("normal")).height()
        painter.setPen(theme.color("faint"))
        painter.drawText(QPointF(inner.right() - width, inner.y() + QFontMetrics(theme.font("normal")).ascent()), aside)
        painter.setFont(theme.font("normal", bold=True))
        painter.setPen(theme.color("text"))
        heading = QRectF(inner.x(), inner.y(), inner.width() - width - M, line)
        if isinstance(hit, TitleHit) and hit.marks:
            paint_marked_text(painter, theme, heading, plain(hit.title), hit.marks, color="text", bold=True)
        else:
            paint_line(painter, heading, plain(hit.title).replace("\n", " ") or tr("New chat"))
        below = QRectF(inner.x(), inner.y() + line + XS, inner.width(), inner.height() - line - XS)
        if isinstance(hit, TitleHit):
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color("muted"))
            small = painter.fontMetrics()
            painter.drawText(QPointF(below.x(), below.y() + small.ascent()), tr("In the title of this chat"))
        else:
            paint_marked_text(painter, theme, below, hit.snippet, hit.marks, color="muted", lines=_LINES)


class SearchResultList(QListView):
    """`chosen` carries the row that is to be opened, `reached_end` when the last rows come into view."""

    chosen = Signal(int)
    reached_end = Signal()

    def __init__(self, theme: Theme, rows: SearchResultItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(tr("Search results"))
        self.setModel(rows)
        self.setItemDelegate(SearchResultDelegate(theme, self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        use_slim_scroll_bars(self, theme)
        self.clicked.connect(lambda index: self.chosen.emit(index.row()))
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        theme.changed.connect(self._restyle)

    def step(self, step: int) -> None:
        """Make the row `step` places further the current one."""
        rows = self.model().rowCount()
        if rows:
            row = min(max(self.currentIndex().row() + step, 0), rows - 1)
            self.setCurrentIndex(self.model().index(row, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.chosen.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._scrolled(self.verticalScrollBar().value())

    def _scrolled(self, value: int) -> None:
        row = max(self.sizeHintForRow(0), 1)
        if self.model().rowCount() and value > self.verticalScrollBar().maximum() - _NEAR_END * row:
            self.reached_end.emit()

    def _restyle(self) -> None:
        self.doItemsLayout()
        self.viewport().update()
