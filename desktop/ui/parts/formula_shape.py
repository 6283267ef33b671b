"""The shape of a formula as it is painted: in one line, or in several where it is wider than its room."""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPainterPath, QTransform

from desktop.chat.markdown.formula_outline import FormulaBreak, FormulaOutline

MARGIN = 0.08
"""Left free on each side of a formula, in ems."""

_BETWEEN_LINES = 0.45
_INDENT = 1.5
_LETTER_SIZE = 64
_KEPT = 60


@dataclass(frozen=True, slots=True)
class FormulaLine:
    """A part of a formula: from `begin` to `end`, drawn `indent` ems to the right."""

    begin: FormulaBreak
    end: FormulaBreak
    indent: float

    @property
    def width(self) -> float:
        return self.indent + self.end.x - self.begin.x


class FormulaShape:
    """A formula ready to be painted; lengths in ems."""

    def __init__(self, outline: FormulaOutline) -> None:
        self.width, self.ascent, self.descent = outline.width, outline.ascent, outline.descent
        self._outline = outline
        self._paths: dict[FormulaLine, QPainterPath] = {}
        end = FormulaBreak(outline.width, len(outline.path), len(outline.letters))
        self._whole = FormulaLine(FormulaBreak(0.0, 0, 0), end, 0.0)

    @property
    def pitch(self) -> float:
        """From one line's baseline to the next one's."""
        return self.ascent + self.descent + _BETWEEN_LINES

    def lines(self, room: float) -> tuple[FormulaLine, ...]:
        """The formula's lines where there is `room`; one that cannot be broken is wider."""
        room -= 2 * MARGIN
        if self.width <= room or not self._outline.breaks:
            return (self._whole,)
        lines: list[FormulaLine] = []
        begin, last = self._whole.begin, None
        for place in (*self._outline.breaks, self._whole.end):
            indent = _INDENT if lines else 0.0
            if last is not None and indent + place.x - begin.x > room:
                lines.append(FormulaLine(begin, last, indent))
                begin, last = last, None
            last = place
        lines.append(FormulaLine(begin, self._whole.end, _INDENT if lines else 0.0))
        return tuple(lines)

    def path(self, line: FormulaLine, font: QFont) -> QPainterPath:
        """The shape of `line` with the baseline at 0; letters that the font of formulas lacks come from `font`."""
        found = self._paths.get(line)
        if found is None:
            if len(self._paths) >= _KEPT:
                self._paths.clear()
            found = QPainterPath()
            found.setFillRule(Qt.FillRule.WindingFill)
            draw: dict[str, Any] = {"M": found.moveTo, "L": found.lineTo, "Q": found.quadTo, "C": found.cubicTo}
            for command, numbers in self._outline.path[line.begin.step : line.end.step]:
                if command == "Z":
                    found.closeSubpath()
                else:
                    draw[command](*numbers)
            self._add_letters(found, line, font)
            found.translate(line.indent - line.begin.x, 0)
            self._paths[line] = found
        return found

    def _add_letters(self, path: QPainterPath, line: FormulaLine, font: QFont) -> None:
        large = QFont(font)
        large.setPixelSize(_LETTER_SIZE)
        for letter in self._outline.letters[line.begin.letter : line.end.letter]:
            one = QPainterPath()
            one.addText(0, 0, large, letter.character)
            scale = letter.size / _LETTER_SIZE
            transform = QTransform.fromTranslate(letter.x, letter.y).scale(scale, scale)
            path.addPath(transform.map(one))
