"""Formulas on pages: outlines that are painted where their object characters stand, in the color of the text."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)

from desktop.chat.markdown.formula_latex import MAX_LENGTH, UndrawableError
from desktop.chat.markdown.formula_outline import formula_outline
from desktop.ui.parts.formula_shape import FormulaLine, FormulaShape

_OBJECT = QTextFormat.ObjectTypes.UserObject + 2
_NUMBER = QTextFormat.Property.UserProperty + 40
_SCHEME = "formula:"


class PrintedFormulas:
    """The formulas of one document. `html` gives what stands for one in HTML; `place` then puts it into the document,
    in the place of that."""

    def __init__(self) -> None:
        self._shapes: list[FormulaShape] = []

    def html(self, latex: str, display: bool) -> str | None:
        """What stands for a formula; None where it cannot be drawn."""
        if len(latex) > MAX_LENGTH:
            return None
        try:
            self._shapes.append(FormulaShape(formula_outline(latex, display=display)))
        except UndrawableError:
            return None
        return f'<img src="{_SCHEME}{len(self._shapes) - 1}">'

    def place(self, document: QTextDocument, width: float) -> None:
        """Have the formulas drawn in `document`, which was made of HTML that holds them, in lines of this width."""
        if not self._shapes:
            return
        document.documentLayout().registerHandler(_OBJECT, _FormulaObject(self._shapes, width, document))
        found: list[tuple[int, int]] = []
        block = document.begin()
        while block.isValid():
            at = block.begin()
            while not at.atEnd():
                fragment = at.fragment()
                name = fragment.charFormat().toImageFormat().name()
                if name.startswith(_SCHEME):
                    found.append((fragment.position(), int(name.removeprefix(_SCHEME))))
                at += 1
            block = block.next()
        cursor = QTextCursor(document)
        for position, number in found:
            cursor.setPosition(position)
            cursor.setPosition(position + 1, QTextCursor.MoveMode.KeepAnchor)
            characters = QTextCharFormat()
            characters.setFont(cursor.charFormat().font())
            characters.setObjectType(_OBJECT)
            characters.setProperty(_NUMBER, number)
            characters.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignMiddle)
            cursor.setCharFormat(characters)


class _FormulaObject(QPyTextObject):
    """Draws them, over several lines where they are wider than `width`.

    In a line, Qt puts the middle of such an object a quarter of an x above the baseline, as resizeInlineObject of
    QTextDocumentLayout has it; so there is room above or below for the rest.
    """

    def __init__(self, shapes: Sequence[FormulaShape], width: float, parent: QTextDocument) -> None:
        super().__init__(parent)
        self._shapes, self._width = shapes, width

    def intrinsicSize(self, document: QTextDocument, place: int, characters: QTextFormat) -> QSizeF:
        font = characters.toCharFormat().font()
        shape, lines, em = self._drawn(characters, font)
        above, below = _room(shape, len(lines), em, font)
        return QSizeF(max(line.width for line in lines) * em, above + below)

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, document: QTextDocument, place: int, characters: QTextFormat
    ) -> None:
        font = characters.toCharFormat().font()
        shape, lines, em = self._drawn(characters, font)
        above, _ = _room(shape, len(lines), em, font)
        painter.save()
        painter.translate(QPointF(rect.topLeft()) + QPointF(0, above))
        painter.scale(em, em)
        for line in lines:
            painter.fillPath(shape.path(line, font), painter.pen().color())
            painter.translate(0, shape.pitch)
        painter.restore()

    def _drawn(self, characters: QTextFormat, font: QFont) -> tuple[FormulaShape, tuple[FormulaLine, ...], float]:
        shape, em = self._shapes[int(characters.property(_NUMBER))], float(max(font.pixelSize(), 1))
        return shape, shape.lines(self._width / em), em


def _room(shape: FormulaShape, lines: int, em: float, font: QFont) -> tuple[float, float]:
    """How far an object reaches above and below the first line's baseline."""
    middle = QFontMetricsF(font).xHeight() / 4
    half = max(shape.ascent * em - middle, (shape.descent + (lines - 1) * shape.pitch) * em + middle)
    return half + middle, half - middle
