"""Text that a search found, drawn in a few lines with the words sought marked."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QTextCharFormat, QTextLayout, QTextOption

from desktop.ui.parts.text_options import is_right_to_left
from desktop.ui.parts.text_passages import Utf16Offsets
from desktop.ui.theme.theme import Theme


def paint_marked_text(
    painter: QPainter,
    theme: Theme,
    rect: QRectF,
    text: str,
    marks: Sequence[tuple[int, int]],
    *,
    color: str,
    lines: int = 1,
    bold: bool = False,
) -> None:
    """Draw `text` in at most so many lines, small, or with `bold` as large as a heading. Characters from the first up
    to the second of each of `marks` stand on the color of what is found and in bold."""
    units = Utf16Offsets(text)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    if is_right_to_left(text):
        option.setTextDirection(Qt.LayoutDirection.RightToLeft)
        option.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute)
    layout = QTextLayout(text, theme.font("normal" if bold else "small", bold=bold))
    layout.setTextOption(option)
    ranges = []
    for first, last in marks:
        part = QTextLayout.FormatRange()
        part.start, part.length = units.unit(first), units.unit(last) - units.unit(first)
        look = QTextCharFormat()
        look.setBackground(theme.color("find"))
        look.setForeground(theme.color("text"))
        look.setFontWeight(theme.font("small", bold=True).weight())
        part.format = look
        ranges.append(part)
    layout.setFormats(ranges)
    painter.setPen(theme.color(color))
    layout.beginLayout()
    y = 0.0
    for _ in range(lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(rect.width())
        line.setPosition(QPointF(0, y))
        y += QFontMetrics(layout.font()).lineSpacing()
    layout.endLayout()
    painter.save()
    painter.setClipRect(rect.adjusted(-1, -1, 1, 1))
    layout.draw(painter, rect.topLeft())
    painter.restore()
