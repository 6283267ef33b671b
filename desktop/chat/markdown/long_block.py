"""A code block or a table that grows long: what of it is settled is kept apart, so that only its end is read again.

What follows is read after `head`, the lines that begin the block: the line of the fence, or the header of the table and
the line below it. That gives what reading all of it would give.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from desktop.chat.markdown.answer_segments import CodeSegment, TableSegment
from desktop.chat.markdown.fences import HOLDS_FENCES

if TYPE_CHECKING:
    from markdown_it.token import Token

    from desktop.chat.markdown.segment_builder import BlockPart
    from desktop.chat.markdown.top_blocks import Reference, TopBlock

LONG = 1_000
"""A block of this many characters is settled line by line."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)")
_WITHIN_LINE = "x"
"""Stands in `head` for the beginning of a line of code that is settled in parts."""


def can_be_parted(block: TopBlock) -> bool:
    """Whether `block` is one whose lines mean the same whatever follows: code between fences, or a table.

    Code that may hold fences itself is not: its last line is known only at its end.
    """
    token = block.tokens[0]
    if token.type == "fence":
        language = token.info.split(maxsplit=1)
        return not token.meta["closed"] and bool(language) and language[0].lower() not in HOLDS_FENCES
    return token.type == "table_open"


@dataclass(slots=True)
class LongBlock:
    """The settled part of a block. `source` is its text, with the blank lines before it; `start` where that begins."""

    head: str
    source: str
    start: int
    skip: int
    code: list[str] = field(default_factory=list)
    rows: list[tuple[Token, ...]] = field(default_factory=list)
    used: dict[str, Reference | None] = field(default_factory=dict)

    @classmethod
    def begin(cls, block: TopBlock) -> LongBlock:
        """All of `block`, which `can_be_parted`, is settled."""
        lines = _LINE.findall(block.source[block.skip :])
        made = cls("".join(lines[: 1 if block.tokens[0].type == "fence" else 2]), "", block.start, block.skip)
        made._take(block)
        made.source, made.used = block.source, dict(block.used)
        return made

    def add(self, block: TopBlock, *, within_line: bool = False) -> None:
        """Settle all of `block`, which was read after `head`. `within_line`: its last line, one of code, goes on."""
        self._take(block)
        self.source += block.source[len(self.head) :]
        self.used = block.used | self.used  # what was not defined yet above is to be read anew, if it is now
        if self._is_within_line:
            self.head = self.head[:-1]
        if within_line:
            self.code[-1] = self.code[-1].removesuffix("\n")
            self.head += _WITHIN_LINE

    def joined(self, block: TopBlock, parts: list[BlockPart]) -> tuple[TopBlock, list[BlockPart]]:
        """All of the block, where `block` and `parts` are what was read after `head`."""
        rest = block.source[len(self.head) :]
        source = self.source + rest
        drawn = parts[0].drawn
        if isinstance(drawn, CodeSegment):
            code = "".join(self.code) + self._content(block)
            drawn = replace(drawn, text=code.removesuffix("\n"))
        elif isinstance(drawn, TableSegment):
            drawn = replace(drawn, rows=(*self.rows, *drawn.rows[1:]))
        whole = replace(block, source=source, start=self.start, skip=self.skip, used=block.used | self.used)
        return whole, [replace(parts[0], drawn=drawn, end=len(source)), *parts[1:]]

    def _take(self, block: TopBlock) -> None:
        if block.tokens[0].type == "fence":
            self.code.append(self._content(block))
        else:
            self.rows += _rows(block)[1 if self.rows else 0 :]

    def _content(self, block: TopBlock) -> str:
        content = block.tokens[0].content
        return content[1:] if self._is_within_line else content

    @property
    def _is_within_line(self) -> bool:
        return self.head.endswith(_WITHIN_LINE)


def _rows(block: TopBlock) -> list[tuple[Token, ...]]:
    rows: list[list[Token]] = []
    for token in block.tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token)
    return [tuple(row) for row in rows]
