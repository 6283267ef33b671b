"""Draws the rows of the list of conversations, and makes the field that renames one."""

from typing import Protocol

from PySide6.QtCore import QAbstractItemModel, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem, QWidget

from desktop.translation import tr
from desktop.ui.parts.data_table import Index, ItemDelegate
from desktop.ui.parts.line_edit import LineEdit
from desktop.ui.parts.paint import paint_box, paint_line
from desktop.ui.sidebar.conversation_item_model import ConversationRole
from desktop.ui.theme.design_tokens import RADIUS, XS, S
from desktop.ui.theme.theme import Theme

_HEADING_DROP = 3.5
_LONGEST_TITLE = 200
_DETAIL_SHARE = 0.42  # of a row's width: the title has the rest


class RowStates(Protocol):
    """What the list knows of its rows beyond the model."""

    @property
    def choosing(self) -> bool:
        """Whether several rows are selected, to do something with them together."""

    @property
    def drop_rows(self) -> range:
        """The rows of the section that what is dragged would be dropped into."""

    @property
    def drop_line(self) -> tuple[int, bool] | None:
        """The row above which (True) or below which a dragged folder would come to stand."""


class ConversationDelegate(ItemDelegate):
    """Draws one row, and the field that renames it."""

    def __init__(self, theme: Theme, view: QAbstractItemView, states: RowStates) -> None:
        super().__init__(theme, view)
        self._states = states

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, QFontMetrics(self._theme.font("normal")).height() + 2 * S + 1)

    def _draw(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        if index.row() in self._states.drop_rows:
            first = index.row() == self._states.drop_rows.start
            paint_box(painter, rect, self._theme.color("selected" if first else "hover"), None, RADIUS - 1)
        if (line := self._states.drop_line) is not None and line[0] == index.row():
            y = rect.top() if line[1] else rect.bottom() - 2
            painter.fillRect(QRectF(rect.x() + S, y, rect.width() - 2 * S, 2), self._theme.color("accent"))
        if index.data(ConversationRole.FOLDED) is not None:
            self._draw_folder(painter, rect, state, index)
        elif index.data(ConversationRole.HEADING):
            painter.setFont(self._theme.font("small"))
            painter.setPen(self._theme.color("faint"))
            rect.translate(0, _HEADING_DROP)
            paint_line(painter, rect.adjusted(S, 0, -S, 0), str(index.data()))
        else:
            self._draw_conversation(painter, rect, state, index)

    def _draw_folder(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        theme = self._theme
        self._paint_ground(painter, rect, state, RADIUS - 1, RADIUS - 1)
        painter.setFont(theme.font("small"))
        metrics = painter.fontMetrics()
        side = max(9, round(metrics.height() * 0.7))
        chevron = "chevron-right" if index.data(ConversationRole.FOLDED) else "chevron-down"
        pixmap = theme.pixmap(chevron, "faint", side, self._view.devicePixelRatioF())
        painter.drawPixmap(QPointF(round(rect.x() + S - 2), round(rect.center().y() - side / 2)), pixmap)
        count = str(index.data(ConversationRole.DETAIL))
        width = metrics.horizontalAdvance(count)
        painter.setPen(theme.color("faint"))
        paint_line(painter, QRectF(rect.right() - S - width, rect.y(), width + 1, rect.height()), count)
        painter.setPen(theme.color("muted"))
        paint_line(painter, rect.adjusted(S + side + XS, 0, -2 * S - width, 0), str(index.data()))

    def _draw_conversation(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        theme = self._theme
        several = self._states.choosing or not index.flags() & Qt.ItemFlag.ItemIsEditable  # as in the bin
        chosen = several and bool(state & QStyle.StateFlag.State_Selected)
        ground = state & ~QStyle.StateFlag.State_Selected
        if chosen or index.data(ConversationRole.OPEN):
            ground |= QStyle.StateFlag.State_Selected
        self._paint_ground(painter, rect, ground, RADIUS - 1, RADIUS - 1)
        end = float(S)
        painter.setFont(theme.font("small"))
        if chosen:
            side = max(10, round(painter.fontMetrics().height() * 0.85))
            at = QPointF(round(rect.right() - S - side), round(rect.center().y() - side / 2))
            painter.drawPixmap(at, theme.pixmap("check", "link", side, self._view.devicePixelRatioF()))
            end += side + XS
        elif detail := str(index.data(ConversationRole.DETAIL) or ""):
            end += self._draw_detail(painter, rect, str(index.data()), detail)
        painter.setFont(theme.font("normal"))
        painter.setPen(theme.color("text"))
        paint_line(painter, rect.adjusted(S, 0, -end, 0), str(index.data()))

    def _draw_detail(self, painter: QPainter, rect: QRectF, title: str, detail: str) -> float:
        """Draw quieter text at the row's end, as far as the title leaves room; the width it took."""
        metrics = painter.fontMetrics()
        free = rect.width() - 3 * S - QFontMetrics(self._theme.font("normal")).horizontalAdvance(title)
        room = max(free, rect.width() * _DETAIL_SHARE)
        shown = metrics.elidedText(detail, Qt.TextElideMode.ElideRight, round(room))
        width = metrics.horizontalAdvance(shown)
        painter.setPen(self._theme.color("faint"))
        paint_line(painter, QRectF(rect.right() - S - width, rect.y(), width + 1, rect.height()), shown)
        return width + float(S)

    def paint_drag_label(self, painter: QPainter, rect: QRectF, text: str) -> None:
        """What hangs on the pointer while `text` is dragged."""
        theme = self._theme
        paint_box(painter, rect, theme.color("field"), theme.color("line_strong"), RADIUS)
        painter.setFont(theme.font("normal"))
        painter.setPen(theme.color("text"))
        paint_line(painter, rect.adjusted(S, 0, -S, 0), text)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = LineEdit(parent)
        folder = index.data(ConversationRole.FOLDED) is not None
        editor.setAccessibleName(tr("Rename folder") if folder else tr("Rename conversation"))
        editor.setFont(self._theme.font("normal"))
        editor.setMaxLength(max(_LONGEST_TITLE, 2 * len(str(index.data(Qt.ItemDataRole.EditRole)))))
        return editor

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, LineEdit) and editor.text() != index.data(Qt.ItemDataRole.EditRole):
            model.setData(index, editor.text())
