"""The lineage, drawn: boxes from the oldest ancestor down to the model, lines between them, restrictions beside."""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui.models.lineage_layout import LineageLayout, LineageLayoutRow, lineage_layout
from desktop.ui.parts.label import Tone, badge_size, breakable, paint_badge, parts_that_fit
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.terms_text import SEVERE, restriction_phrase
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.theme.design_tokens import RADIUS, XS
from desktop.ui.theme.theme import Theme

_STEP = 24
_LEAST_STEP = 5
_RAIL = 9
_INSET = 9
_BETWEEN = 5


@dataclass
class _RowItem:
    """Something in a row, and where it stands in it."""

    kind: Literal["box", "badge", "text"]
    text: str
    tone: Tone = "quiet"
    place: QRectF | None = None
    lines: QTextLayout | None = None


class LineageRow(QWidget):
    """One row of the tree. It paints itself; what it says as a whole is its accessible name."""

    def __init__(self, theme: Theme, row: LineageLayoutRow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self.row = theme, row
        self.setAccessibleName(row.accessible_text)
        self._pieces: list[_RowItem] = []

    @property
    def _hang(self) -> int:
        """Where further lines begin: the model's own at the left, all others beside the line that goes down."""
        return 0 if self.row.is_model else 2 * _RAIL

    @property
    def middle(self) -> int:
        """Where lines meet its first box, from its top."""
        return self._box_height() // 2

    def height_at(self, width: int) -> int:
        """The height taken at `width`."""
        return self._lay(width)[1]

    def place(self, width: int) -> int:
        """Lay out for `width`; the height taken."""
        self._pieces, height = self._lay(width)
        self.resize(width, height)
        self.update()
        return height

    def _lay(self, width: int) -> tuple[list[_RowItem], int]:
        small = QFontMetrics(self._theme.font("small"))
        pieces = self._make_pieces(small, width - self._hang)
        x, y = 0.0, 0.0
        line = self._box_height()
        for piece in pieces:
            if piece.kind == "text" and small.horizontalAdvance(piece.text) > width - x:
                y += line if x > self._hang or not y else 0
                y += self._wrap(piece, y, width)
                x, line = float(self._hang), 0
                continue
            size = self._size(piece, small)
            across = min(float(size.width()), float(width))
            if x > self._hang and x + across > width:
                x, y = float(self._hang), y + line + 2
                across = min(across, float(width) - x)
            line = self._box_height()
            piece.place = QRectF(x, y + (line - size.height()) / 2, across, size.height())
            x += across + XS + 2
        return pieces, round(y + line)

    def _make_pieces(self, small: QFontMetrics, width: int) -> list[_RowItem]:
        row = self.row
        pieces = [_RowItem("box", name) for name in row.names]
        severe = [each for each in row.restrictions if each in SEVERE]
        others = [each for each in row.restrictions if each not in SEVERE]
        pieces += [_RowItem("badge", restriction_phrase(each), "bad") for each in severe]
        if others:
            text = " · ".join(restriction_phrase(each) for each in others)
            pieces += [_RowItem("badge", part, "warn") for part in parts_that_fit(small, text, width)]
        if row.note:
            pieces.append(_RowItem("badge", row.note, "quiet" if row.known and row.quiet else "warn"))
        text = " · ".join(part for part in (row.detail, row.relation) if part)
        return [*pieces, _RowItem("text", text)] if text else pieces

    def _wrap(self, piece: _RowItem, top: float, width: int) -> float:
        """Lay a text out in lines of `width` below `top`; the height taken."""
        layout = QTextLayout(breakable(piece.text), self._theme.font("small"))
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        y = 1.0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(width - self._hang, 20))
            line.setPosition(QPointF(self._hang + 1, top + y))
            y += line.height() + 1
        layout.endLayout()
        piece.lines = layout
        return y + 2

    def _size(self, piece: _RowItem, small: QFontMetrics) -> QSize:
        if piece.kind == "badge":
            return badge_size(small, piece.text)
        if piece.kind == "text":
            return QSize(small.horizontalAdvance(piece.text) + 2, small.height())
        metrics = QFontMetrics(self._box_font())
        return QSize(metrics.horizontalAdvance(piece.text) + 2 * _INSET + 1, metrics.height() + 2 * XS + 1)

    def _box_font(self) -> QFont:
        return self._theme.font("small" if self.row.quiet else "normal")

    def _box_height(self) -> int:
        return QFontMetrics(self._box_font()).height() + 2 * XS + 2

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self._theme
        for piece in self._pieces:
            if piece.lines is not None:
                painter.setPen(theme.color("muted"))
                piece.lines.draw(painter, QPointF(0, 0))
            elif piece.place is not None and piece.kind == "box":
                self._paint_node(painter, piece.place, piece.text)
            elif piece.place is not None:
                painter.setFont(theme.font("small"))
                if piece.kind == "badge":
                    paint_badge(painter, theme, piece.place, piece.text, piece.tone)
                else:
                    painter.setPen(theme.color("muted"))
                    metrics = painter.fontMetrics()
                    painter.drawText(
                        QPointF(piece.place.x() + 1, piece.place.y() + metrics.ascent()), plain_line(piece.text)
                    )

    def _paint_node(self, painter: QPainter, place: QRectF, name: str) -> None:
        theme, row = self._theme, self.row
        painter.setFont(self._box_font())
        if row.is_model:
            paint_box(painter, place, theme.color("field"), theme.color("accent"), RADIUS - 1)
        elif row.quiet:
            paint_box(painter, place, theme.color("page"), None, RADIUS - 1)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            pen = QPen(theme.color("line_strong"), 1)
            if not row.known or row.node:
                pen.setDashPattern([3, 3])
            painter.setPen(pen)
            painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS - 1, RADIUS - 1)
        else:
            paint_box(painter, place, theme.color("field"), theme.color("line"), RADIUS - 1)
        painter.setPen(theme.color("muted" if row.quiet else "text"))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(plain_line(name), Qt.TextElideMode.ElideRight, round(place.width()) - 2 * _INSET + 1)
        baseline = place.y() + (place.height() + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(place.x() + _INSET, baseline), text)


class LineageView(QWidget):
    """The tree of a lineage, as high as its width asks for."""

    def __init__(self, theme: Theme, lineage: object, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tree: LineageLayout = lineage_layout(lineage)  # type: ignore[arg-type]
        self.rows = [LineageRow(theme, row, self) for row in self._tree.rows]
        self.setAccessibleName("")
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self._restyle)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(width, move=False)

    def sizeHint(self) -> QSize:
        return QSize(320, self._arrange(max(self.width(), 160), move=False))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 10)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self.width(), move=True)

    def _step(self, width: int) -> int:
        """How far in each generation stands: less where there are many."""
        deepest = max((row.indent for row in self._tree.rows), default=0)
        return max(min(_STEP, width * 2 // 5 // max(deepest, 1)), _LEAST_STEP)

    def _arrange(self, width: int, *, move: bool) -> int:
        step = self._step(width)
        y = 0
        for row in self.rows:
            x = row.row.indent * step
            room = max(width - x, 60)
            if move:
                row.move(x, y)
            y += (row.place(room) if move else row.height_at(room)) + _BETWEEN
        return max(y - _BETWEEN, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QPen(self._theme.color("line_strong"), 1))
        step = self._step(self.width())
        rail = min(_RAIL, max(step // 2, 2))
        path = QPainterPath()
        for line in self._tree.rails:
            first, last = self.rows[line.first], self.rows[line.last]
            x = line.indent * step + rail + 0.5
            path.moveTo(x, first.y() + first.middle)
            path.lineTo(x, last.y() + last.middle + 0.5)
        for row in self.rows:
            if row.row.joins is not None:
                y = row.y() + row.middle + 0.5
                path.moveTo(row.row.joins * step + rail + 0.5, y)
                path.lineTo(row.x(), y)
        painter.drawPath(path)

    def _restyle(self) -> None:
        self.updateGeometry()
        self._arrange(self.width(), move=True)
        self.update()
