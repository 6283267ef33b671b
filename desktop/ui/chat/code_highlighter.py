"""Colors of code, by Pygments, which is imported when the first code is shown.

They are laid over the document's lines and do not change the document, and they are found in slices of a few
milliseconds, so that a long listing never holds up typing.
"""

import time
from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QTextBlock, QTextCharFormat, QTextDocument, QTextLayout

from desktop.chat.markdown.code_languages import code_shades, coloring_lexer
from desktop.ui.parts.utf16 import utf16_length
from desktop.ui.theme.theme import Theme

_SLICE_S = 0.004


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
        lexer = coloring_lexer(code, language)
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
        """Colors line after line; goes one step for each line and each token."""
        shades = code_shades()
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
                    yield
                length = utf16_length(line)
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
