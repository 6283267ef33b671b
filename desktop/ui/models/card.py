"""One card of the list as it is painted: name, maker and state in a line, why it was chosen, badges in as many lines as
they need."""

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop.ui.models.rows import Index, Role
from desktop.ui.models.words import Face
from desktop.ui.parts.foreign_text import plain_line
from desktop.ui.parts.label import Tone, badge_size, paint_badge, parts_that_fit
from desktop.ui.parts.paint import paint_box, paint_focus
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import RADIUS, XS, L, M, S

_BETWEEN = 4
"""Between one card's ground and the next one's."""

_LEAST_ORIGIN = 60
_ABOVE_REASON = 3

Placed = tuple[QRectF, str, Tone]
"""A badge: where it stands below the first line, its text and its tone."""


class CardDelegate(QStyledItemDelegate):
    """Draws cards and the sections' headings. Where badges stand is worked out once for each width."""

    def __init__(self, theme: Theme, parent: QListView) -> None:
        super().__init__(parent)
        self._theme, self._view = theme, parent
        self._places: dict[tuple[str, int], tuple[list[Placed], int]] = {}
        self._reasons: dict[tuple[str, int], tuple[QTextLayout, int]] = {}
        self._measure()
        theme.changed.connect(self._measure)

    def _measure(self) -> None:
        theme = self._theme
        self.forget()
        self._sizes: dict[str, QSize] = {}
        self._name = QFontMetrics(theme.font("reading"))
        self._small = QFontMetrics(theme.font("small"))

    def forget(self) -> None:
        """Other words may stand on the cards now."""
        self._places.clear()
        self._reasons.clear()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        face = index.data(Role.FACE)
        if not isinstance(face, Face):
            return QSize(0, self._small.height() + (L if index.row() else S) + S)
        width = self._inner_width()
        above = self._first_line() + (self._reason(face, width)[1] if face.tasks else 0)
        _, height = self._badges(face, width)
        return QSize(0, above + (XS + height if height else 0) + 2 * M + _BETWEEN)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        face = index.data(Role.FACE)
        rect = QRectF(option.rect)
        if isinstance(face, Face):
            self._paint_card(painter, rect, option.state, face)
        else:
            painter.setFont(self._theme.font("small"))
            painter.setPen(self._theme.color("faint"))
            metrics = painter.fontMetrics()
            text = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, round(rect.width()) - 2 * S)
            painter.drawText(QPointF(rect.x() + S, rect.bottom() - S + 1 - metrics.descent()), text)
        painter.restore()

    def _paint_card(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag, face: Face) -> None:
        theme = self._theme
        ground = rect.adjusted(0, 0, 0, -_BETWEEN)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            paint_box(painter, ground, theme.color("selected"), None, RADIUS + 1)
        elif state & QStyle.StateFlag.State_MouseOver:
            paint_box(painter, ground, theme.color("hover"), None, RADIUS + 1)
        if state & QStyle.StateFlag.State_HasFocus and self._view.hasFocus():
            paint_focus(painter, ground, theme.color("accent"), RADIUS)
        line = self._first_line()
        right = self._paint_state(painter, ground, face, line, selected=selected)
        self._paint_names(painter, ground.x() + M, ground.y() + M, right, line, face)
        below = ground.topLeft() + QPoint(M, M + line)
        if face.tasks:
            layout, height = self._reason(face, self._inner_width())
            painter.setPen(theme.color("muted"))
            layout.draw(painter, below)
            below += QPoint(0, height)
        painter.setFont(theme.font("small"))
        places, _ = self._badges(face, self._inner_width())
        corner = below + QPoint(0, XS)
        for place, text, tone in places:
            paint_badge(painter, theme, place.translated(corner), text, tone, on_selection=selected)

    def _paint_state(self, painter: QPainter, ground: QRectF, face: Face, line: int, *, selected: bool) -> float:
        """Draw the state at the right; where it begins."""
        theme, state = self._theme, face.state
        right = ground.right() - M
        most = ground.width() / 2
        if state.tone is None:
            painter.setFont(theme.font("small"))
            painter.setPen(theme.color("muted"))
            text = self._small.elidedText(state.text, Qt.TextElideMode.ElideRight, round(most))
            left = right - self._small.horizontalAdvance(text)
            middle = ground.y() + M + line / 2
            painter.drawText(QPointF(left, middle + (self._small.ascent() - self._small.descent()) / 2), text)
            return left
        painter.setFont(theme.font("small"))
        size = self._size(state.text)
        width = min(float(size.width()), most)
        place = QRectF(right - width, ground.y() + M + (line - size.height()) / 2, width, size.height())
        paint_badge(painter, theme, place, state.text, state.tone, on_selection=selected)
        return right - width

    def _paint_names(self, painter: QPainter, x: float, top: float, right: float, line: int, face: Face) -> None:
        """The name, cut where it has no room, and its origin in what is left."""
        theme, metrics = self._theme, self._name
        room = right - M - x
        baseline = top + (line + metrics.ascent() - metrics.descent()) / 2
        painter.setFont(theme.font("reading"))
        painter.setPen(theme.color("text"))
        name = metrics.elidedText(plain_line(face.name), Qt.TextElideMode.ElideRight, round(room))
        painter.drawText(QPointF(x, baseline), name)
        taken = metrics.horizontalAdvance(name) + S
        if room - taken < _LEAST_ORIGIN:
            return
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("muted"))
        origin = self._small.elidedText(plain_line(face.origin), Qt.TextElideMode.ElideRight, round(room - taken))
        painter.drawText(QPointF(x + taken, baseline), origin)

    # --- measuring -----------------------------------------------------------------------------------------------

    def _first_line(self) -> int:
        return max(self._name.height(), self._small.height() + 7)

    def _inner_width(self) -> int:
        return max(self._view.viewport().width() - 2 * M, 40)

    def _size(self, text: str) -> QSize:
        size = self._sizes.get(text)
        if size is None:
            size = self._sizes[text] = badge_size(self._small, text)
        return size

    def _reason(self, face: Face, width: int) -> tuple[QTextLayout, int]:
        """What the model was chosen for and, below it, why, set in lines of this width; and the height of all."""
        found = self._reasons.get((face.id, width))
        if found is None:
            found = self._reasons[face.id, width] = self._set(face, width)
        return found

    def _set(self, face: Face, width: int) -> tuple[QTextLayout, int]:
        tasks = plain_line(face.tasks)
        layout = QTextLayout(f"{tasks}\u2028{plain_line(face.reason)}", self._theme.font("small"))
        layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
        dark = QTextCharFormat()
        dark.setForeground(self._theme.color("text"))
        run = QTextLayout.FormatRange()
        run.start, run.length, run.format = 0, len(tasks), dark
        layout.setFormats([run])
        layout.beginLayout()
        y = float(_ABOVE_REASON)
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, y))
            y += line.height() + 1
        layout.endLayout()
        return layout, round(y)

    def _badges(self, face: Face, width: int) -> tuple[list[Placed], int]:
        """Where each badge stands below the first line, and the height of them all."""
        found = self._places.get((face.id, width))
        if found is None:
            found = self._places[face.id, width] = self._place(face, width)
        return found

    def _place(self, face: Face, width: int) -> tuple[list[Placed], int]:
        places: list[Placed] = []
        x = y = 0
        height = 0
        badges = [(part, tone) for text, tone in face.badges for part in parts_that_fit(self._small, text, width)]
        for text, tone in badges:
            size = self._size(text)
            height = size.height()
            across = min(size.width(), width)
            if x and x + across > width:
                x, y = 0, y + height + XS + 1
            places.append((QRectF(x, y, across, height), text, tone))
            x += across + XS + 2
        return places, y + height
