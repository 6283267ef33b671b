"""Colors in code, by Pygments; imported when the first code is shown.

Colors are laid over the document's lines and do not change the document, and they are found in slices of a few
milliseconds, so that coloring a long listing never holds up typing.
"""

import time
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QTextBlock, QTextCharFormat, QTextDocument, QTextLayout

from desktop.ui.parts.utf16 import units
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST = 100_000
"""Code of more characters stays in one color."""

_SLICE_S = 0.004


@cache
def _lexer(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@cache
def _shades() -> dict[Any, str]:
    """Which token of the theme colors which kind of Pygments'."""
    from pygments.token import Token

    return {
        Token.Keyword: "keyword",
        Token.Operator.Word: "keyword",
        Token.Literal.String: "string",
        Token.Literal.Number: "number",
        Token.Comment: "comment",
        Token.Name.Function: "function",
        Token.Name.Class: "function",
        Token.Name.Decorator: "function",
        Token.Name.Tag: "keyword",
        Token.Name.Attribute: "function",
    }


class Highlighter(QObject):
    """Colors one document, which holds the code line for block."""

    def __init__(self, theme: Theme, document: QTextDocument) -> None:
        super().__init__(document)
        self._theme, self._document = theme, document
        self._work: Iterator[None] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._slice)

    def color(self, code: str, language: str) -> None:
        """Color `code`, from its beginning; a coloring under way is given up."""
        lexer = _lexer(language.lower()) if language and len(code) <= LONGEST else None
        self._work = self._colored(lexer.get_tokens(code)) if lexer is not None else None
        if self._work is not None:
            self._timer.start()
        else:
            self._timer.stop()

    def _slice(self) -> None:
        end = time.perf_counter() + _SLICE_S
        while self._work is not None and time.perf_counter() < end:
            if next(self._work, self) is self:
                self._work = None
        if self._work is None:
            self._timer.stop()

    def _colored(self, tokens: "Iterator[tuple[Any, str]]") -> Iterator[None]:
        """Colors line after line; goes one step for each token."""
        shades = _shades()
        formats = {name: QTextCharFormat() for name in set(shades.values())}
        for name, shade in formats.items():
            shade.setForeground(self._theme.color(name))
        block, column = self._document.begin(), 0
        ranges: list[QTextLayout.FormatRange] = []
        for kind, text in tokens:
            while kind not in shades and kind.parent is not None:
                kind = kind.parent
            for number, line in enumerate(text.split("\n")):
                if number:
                    self._lay(block, ranges)
                    block, column, ranges = block.next(), 0, []
                length = units(line)
                if kind in shades and line:
                    part = QTextLayout.FormatRange()
                    part.start, part.length, part.format = column, length, formats[shades[kind]]
                    ranges.append(part)
                column += length
            if not block.isValid():
                return
            yield
        self._lay(block, ranges)

    def _lay(self, block: QTextBlock, ranges: list[QTextLayout.FormatRange]) -> None:
        if block.isValid() and block.layout().formats() != ranges:
            block.layout().setFormats(ranges)
            self._document.markContentsDirty(block.position(), block.length())
