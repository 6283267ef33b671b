"""Column widths of tables: from the width in pixels of each cell's longest line and longest word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from operator import ge
from typing import TYPE_CHECKING

from PySide6.QtGui import QFont, QFontMetricsF

from desktop.ui.chat.formula_objects import formula_width
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from markdown_it.token import Token

_WORDS = re.compile(
    r"[^\S\u00a0\u202f\u2007]+|[^\s\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]+|[\u00a0\u202f\u2007]+|.", re.DOTALL
)
_SPACES = re.compile(r"[^\S\u00a0\u202f\u2007]+")
_LONGEST_MEASURED = 400
_KEPT = 20_000
_GROWS_BY = 12


@dataclass(slots=True)
class CellWidth:
    """In pixels: the longest line as written, and the longest word, which is not to be broken."""

    line: float = 0.0
    word: float = 0.0


@dataclass(slots=True)
class _CellTokensWidth:
    widths: CellWidth = field(default_factory=CellWidth)
    line: float = 0.0
    word: float = 0.0
    gap: float = 0.0

    def add(self, width: float) -> None:
        self.word += width
        self.line += self.gap + width
        self.gap = 0.0
        self.widths.word = max(self.widths.word, self.word)
        self.widths.line = max(self.widths.line, self.line)

    def space(self, width: float) -> None:
        self.word = 0.0
        self.gap += width

    def end_line(self) -> None:
        self.word = self.line = self.gap = 0.0


class CellMeasure:
    """Measures inline tokens in the fonts of `theme`."""

    def __init__(self, theme: Theme) -> None:
        self._font = theme.font("reading")
        plain, bold, fixed = theme.font("reading"), theme.font("reading", bold=True), theme.mono("reading")
        self._metrics = {"": _metrics(plain), "bold": _metrics(bold), "code": _metrics(fixed)}
        self._known: dict[tuple[str, str], float] = {}
        self.digit = self._metrics[""].horizontalAdvance("0")

    def measure(self, children: "list[Token]", *, bold: bool = False) -> CellWidth:
        """The widths of a cell that holds `children`."""
        measured, weight = _CellTokensWidth(), int(bold)
        for child in children:
            match child.type:
                case "strong_open":
                    weight += 1
                case "strong_close":
                    weight -= 1
                case "softbreak" | "hardbreak":
                    measured.end_line()
                case "math_inline" | "math_block":
                    width = formula_width(child.content, self._font)
                    measured.add(self._width(f"$${child.content}$$", "") if width is None else width)
                case "code_inline":
                    self._text(measured, child.content, "code")
                case "image":
                    self._text(measured, child.content or str(child.attrGet("src") or ""), "")
                case _:
                    self._text(measured, child.content, "bold" if weight else "")
        return measured.widths

    def _text(self, measured: _CellTokensWidth, text: str, font: str) -> None:
        if text.isascii() and not _SPACES.search(text):
            measured.add(self._width(text, font))
            return
        for found in _WORDS.finditer(text):
            word = found[0]
            if _SPACES.fullmatch(word):
                measured.space(self._width(" ", font))
            elif len(word) == 1 and not word.isascii() and word not in "\u00a0\u202f\u2007":
                measured.word = 0.0  # a line may be broken before it
                measured.add(self._width(word, font))
                measured.word = 0.0
            else:
                measured.add(self._width(word, font))

    def _width(self, word: str, font: str) -> float:
        if len(word) > _LONGEST_MEASURED:
            return self.digit * len(word)
        width = self._known.get((word, font))
        if width is None:
            if len(self._known) > _KEPT:
                self._known.clear()
            width = self._known[word, font] = self._metrics[font].horizontalAdvance(word)
        return width


def _metrics(font: QFont) -> QFontMetricsF:
    return QFontMetricsF(font)


def column_widths(wanted: list[CellWidth], room: float, digit: float, seen: float) -> list[float]:
    """The widths of columns that want `wanted` and have `room` together, in pixels.

    `digit` is the width of a digit, `seen` how much of a column can be seen at once.

    A short column keeps its lines whole. Prose is broken at forty digits' width, earlier where all columns then fit;
    what does not fit is scrolled to. A word is broken only where it is longer than any line should be, or than what
    can be seen at once.
    """
    longest = max(min(60 * digit, seen), 16 * digit)
    words = [min(each.word, longest) for each in wanted]
    widest = [min(each.line, max(40 * digit, word)) for each, word in zip(wanted, words, strict=True)]
    if sum(widest) <= room:
        return widest
    least = [min(wide, max(word, 22 * digit)) for wide, word in zip(widest, words, strict=True)]
    if sum(least) <= room:
        spare, missing = sum(widest) - sum(least), sum(widest) - room
        return [wide - (wide - low) * missing / spare for wide, low in zip(widest, least, strict=True)]
    prose = max(min(30 * digit, seen), 16 * digit)
    return [min(wide, max(word, prose)) for wide, word in zip(widest, words, strict=True)]


def growing_widths(widths: list[float], before: Sequence[float], room: float, digit: float) -> list[float]:
    """The widths of the columns of a table that grows, which need `widths` and had those `before`: by steps, with room
    for a digit more, as each time all of it is laid out again. They do not make it scroll where `widths` would not.
    """
    scrolls = sum(widths) > room
    if len(before) == len(widths) and all(map(ge, before, widths)) and (scrolls or sum(before) <= room):
        return list(before)
    wider = [float(ceil((width + digit) / _GROWS_BY) * _GROWS_BY) for width in widths]
    return wider if scrolls or sum(wider) <= room else widths
