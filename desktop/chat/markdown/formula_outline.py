"""The outline of a LaTeX formula: its glyphs and rules as curves, for whoever paints them. No browser and no SVG.

latex2mathml reads LaTeX, ziamath sets it in the STIX font that it brings along. Both are pure Python and take their
time, so this belongs on another thread. What a model writes is hostile input: commands that define others, name files
or carry markup are refused before anything is read, the tree between the two libraries is checked element by element,
and every glyph that is looked up counts against a budget, since nested groups are measured again at each level.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from desktop.chat.markdown.formula_latex import UndrawableError, prepare_formula
from desktop.chat.markdown.formula_mathml import formula_mathml, visible_characters

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from ziamath.mathfont import MathFont
    from ziamath.zmath import Math

EM = 1000.0 / 75.0
"""The size formulas are laid out in: TeX's ten points in pixels, so that its absolute lengths keep their proportion."""

_GLYPHS = 30_000
_STEPS = 60_000
_SMALLEST = 0.5
_SETTING = threading.Lock()  # ziamath's fonts and the budget below are the process's

BREAKABLE = frozenset(
    "=<>+-\u2212\u00b1\u2264\u2265\u2260\u2248\u2261\u221d\u223c\u2243\u2245\u2192\u21d2\u21d4\u27f9\u27fa\u00d7\u22c5"
)
"""Operators before which a long formula goes on in another line."""

PathElement = tuple[str, tuple[float, ...]]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FallbackCharacter:
    """A character that the font of formulas lacks: the painter draws it with its own, one em wide."""

    character: str
    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True)
class FormulaBreak:
    """Where a formula may go on in another line: at `x`, before step number `step` and letter number `letter`."""

    x: float
    step: int
    letter: int


@dataclass(frozen=True, slots=True)
class FormulaOutline:
    """Filled shapes and letters. Lengths are in ems, x to the right from the left edge and y down from the baseline.

    `path` consists of "M" (move to), "L" (line to), "Q" and "C" (Bézier curves to) with their coordinates, and "Z"
    (close).
    """

    width: float
    ascent: float
    descent: float
    path: tuple[PathElement, ...]
    letters: tuple[FallbackCharacter, ...] = ()
    breaks: tuple[FormulaBreak, ...] = ()


def formula_outline(latex: str, *, display: bool) -> FormulaOutline:
    """The outline of `latex`, which stands without delimiters; `display`: as on a line of its own.

    Raises UndrawableError where it cannot be drawn as it was meant, in part or as a whole. One formula is set at a
    time: other threads wait.
    """
    try:
        with _SETTING:
            tree = formula_mathml(prepare_formula(latex), display=display)
            visible = visible_characters(tree)
            return _outline(_layout(tree), visible)
    except UndrawableError:
        raise
    except Exception as error:  # the libraries raise what they will on LaTeX that is wrong
        raise UndrawableError(f"{type(error).__name__} {error}") from error


class _GlyphBudget:
    """How many glyphs the formula that is being set may still look up."""

    left = 0


@cache
def _font() -> MathFont:
    """The font of formulas. It refuses more work than is good, and leaves wide letters that it lacks to the painter."""
    from xml.etree.ElementTree import Element

    from ziafont.fonttypes import BBox
    from ziafont.glyph import SimpleGlyph
    from ziamath.config import config
    from ziamath.mathfont import MathFont
    from ziamath.zmath import loadedfonts

    class WideGlyph(SimpleGlyph):
        def __init__(self, char: str, font: MathFont) -> None:
            em = font.info.layout.unitsperem
            super().__init__(0, [], BBox(0, em, round(-0.12 * em), round(0.88 * em)), font)
            self._letter, self._em = char, em

        def advance(self, nextchr: SimpleGlyph | None = None) -> int:
            return int(self._em)

        def svgpath(self, x0: float = 0, y0: float = 0, scale_factor: float = 1) -> Element:
            size = scale_factor * self.DFLT_SIZE_PT
            return Element("letter", {"x": str(x0), "y": str(y0), "size": str(size), "character": self._letter})

    class FormulaFont(MathFont):
        def glyph(self, char: str) -> SimpleGlyph:
            if self.glyphindex(char):
                return super().glyph(char)
            if east_asian_width(char) not in "WF":
                raise UndrawableError(f"no glyph for {char!r}")
            return WideGlyph(char, self)

        def glyph_fromid(self, glyphid: int) -> SimpleGlyph:
            _GlyphBudget.left -= 1
            if _GlyphBudget.left < 0:
                raise UndrawableError("too much work")
            return super().glyph_fromid(glyphid)

    _GlyphBudget.left = _GLYPHS
    config.svg2 = False  # glyphs come as paths, where they stand
    config.precision = 4
    config.minsizefraction = _SMALLEST
    font = FormulaFont(str(loadedfonts["default"].info.filename), EM)
    loadedfonts["formulas"] = font
    return font


def _layout(root: Element) -> Math:
    from ziamath.zmath import Math

    _font()
    _GlyphBudget.left = _GLYPHS
    return Math(root, EM, "formulas", margin=0)


def _outline(math: Math, visible: int) -> FormulaOutline:
    from xml.etree.ElementTree import Element

    drawing = _Drawing()
    for x, y, node, may_break in _parts(math.node):
        if may_break:
            drawing.breaks.append(FormulaBreak(x / EM, len(drawing.steps), len(drawing.letters)))
        part = Element("g")
        node.draw(x, y, part)
        drawing.add(part)
    if drawing.shapes < visible:
        raise UndrawableError("something was left out")
    return _boxed(drawing, math.node.bbox.xmax / EM)


def _parts(node: Any) -> Iterator[tuple[float, float, Any, bool]]:
    """What stands side by side in a formula, where it stands, and whether a line may be broken before it."""
    x, y = 0.0, 0.0
    while node.mtag == "mrow" and len(node.nodes) == 1:
        (step_x, step_y), node = node.nodexy[0], node.nodes[0]
        x, y = x + step_x, y + step_y
    if node.mtag != "mrow":
        yield x, y, node, False
        return
    for index, ((step_x, step_y), part) in enumerate(zip(node.nodexy, node.nodes, strict=True)):
        operator = part.mtag == "mo" and getattr(part, "form", "") == "infix"
        yield x + step_x, y + step_y, part, operator and index > 0 and part.string in BREAKABLE


@dataclass
class _Drawing:
    steps: list[PathElement] = field(default_factory=list)
    letters: list[FallbackCharacter] = field(default_factory=list)
    breaks: list[FormulaBreak] = field(default_factory=list)
    shapes: int = 0

    def add(self, part: Element) -> None:
        """Take the shapes of a part as ziamath draws it."""
        for element in part.iter():
            if element.tag == "g" and "transform" not in element.attrib:
                continue
            self.shapes += 1
            if element.tag == "path" and "stroke" not in element.attrib:
                self.steps += _path(element.attrib["d"])
            elif element.tag == "path":
                (_, start), (_, end) = _path(element.attrib["d"])
                self.steps += _line((start[0], start[1]), (end[0], end[1]), _number(element.attrib["stroke-width"]))
            elif element.tag == "rect":
                self.steps += _rectangle(element)
            elif element.tag == "letter":
                x, y, size = (_number(element.attrib[name]) for name in ("x", "y", "size"))
                self.letters.append(FallbackCharacter(element.attrib["character"], x, y, size))
            else:
                raise UndrawableError(f"shape {element.tag}")
            if len(self.steps) > _STEPS:
                raise UndrawableError("too many curves")


def _boxed(drawing: _Drawing, advance: float) -> FormulaOutline:
    """The shapes moved to the right of the origin, in the box of their ink."""
    steps, letters, breaks = drawing.steps, drawing.letters, drawing.breaks
    across = [value for _, numbers in steps for value in numbers[::2]]
    down = [value for _, numbers in steps for value in numbers[1::2]]
    for letter in letters:
        across += [letter.x, letter.x + letter.size]
        down += [letter.y - 0.88 * letter.size, letter.y + 0.12 * letter.size]
    if not across:
        raise UndrawableError("empty")
    left = min(*across, 0.0)
    width, ascent, descent = max(*across, advance) - left, max(-min(down), 0.0), max(*down, 0.0)
    if width > 1000 or ascent + descent > 1000:
        raise UndrawableError("too large")
    if left:
        steps = [
            (letter, tuple(value if at % 2 else value - left for at, value in enumerate(numbers)))
            for letter, numbers in steps
        ]
        letters = [FallbackCharacter(letter.character, letter.x - left, letter.y, letter.size) for letter in letters]
        breaks = [FormulaBreak(place.x - left, place.step, place.letter) for place in breaks]
    return FormulaOutline(width, ascent, descent, tuple(steps), tuple(letters), tuple(breaks))


def _number(text: str) -> float:
    return float(text) / EM


def _path(data: str) -> list[PathElement]:
    steps: list[PathElement] = []
    command = ""
    numbers: list[float] = []
    for word in [*data.split(), ""]:
        if word and word not in "MLQCZ":
            numbers.append(_number(word))
            continue
        if command:
            if len(numbers) != {"M": 2, "L": 2, "Q": 4, "C": 6, "Z": 0}[command]:
                raise UndrawableError("path")
            steps.append((command, tuple(numbers)))
        command, numbers = word, []
    return steps


def _rectangle(element: Element) -> list[PathElement]:
    x, y, width, height = (_number(element.attrib[name]) for name in ("x", "y", "width", "height"))
    corners: list[Point] = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    if element.get("fill") != "none" or "stroke" not in element.attrib:
        return _polygon(corners)
    thick = _number(element.attrib["stroke-width"])
    return [step for at in range(4) for step in _line(corners[at], corners[(at + 1) % 4], thick, longer=thick / 2)]


def _line(start: Point, end: Point, thick: float, longer: float = 0.0) -> list[PathElement]:
    """A line `thick` ems wide as a shape, `longer` at both ends."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = (across * across + down * down) ** 0.5 or 1.0
    along_x, along_y = across / length, down / length
    side_x, side_y = -along_y * thick / 2, along_x * thick / 2
    x1, y1 = start[0] - along_x * longer, start[1] - along_y * longer
    x2, y2 = end[0] + along_x * longer, end[1] + along_y * longer
    sides = [(x1 + side_x, y1 + side_y), (x2 + side_x, y2 + side_y), (x2 - side_x, y2 - side_y)]
    return _polygon([*sides, (x1 - side_x, y1 - side_y)])


def _polygon(corners: list[Point]) -> list[PathElement]:
    first, *others = corners
    return [("M", first), *(("L", corner) for corner in others), ("Z", ())]
