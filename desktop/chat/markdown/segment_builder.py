"""Cutting: the top-level blocks of a text to its segments.

A fence, an indented code block or a table ends the prose before it at whatever depth it stands. Each paragraph in a
list or a quote is a block of its own, with the tokens that open and close what is around it, so that only the last one
is drawn again while it grows. Long prose is cut between two blocks of the outermost level.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from desktop.chat.markdown.answer_segments import (
    Block,
    CodeSegment,
    Container,
    ListLevel,
    ProseSegment,
    QuoteLevel,
    Segment,
    TableSegment,
)

if TYPE_CHECKING:
    from markdown_it.token import Token

    from desktop.chat.markdown.top_blocks import TopBlock

SPLIT_AT = 2_000
"""Prose of this many characters ends at the next block of the outermost level, so that the open end stays small."""

Key = tuple[object, ...]


@dataclass(slots=True)
class BlockPart:
    """A part of a top-level block: blocks of prose, or one code block or table. `end` is where it ends in the block."""

    blocks: list[Block] = field(default_factory=list)
    around: tuple[Container, ...] = ()
    drawn: CodeSegment | TableSegment | None = None
    end: int = 0


class BlockCache:
    """The blocks of the last reading, to give the same object again for what has not changed."""

    def __init__(self) -> None:
        self._before: dict[Key, Block] = {}
        self._now: dict[Key, Block] = {}

    def begin(self) -> None:
        """Forget what the last reading did not use."""
        self._before, self._now = self._now, {}

    def same(self, start: int, tokens: list[Token]) -> Block:
        """`tokens` as a block, the one made before where it began at `start` as well and is equal."""
        key: Key = (
            start,
            *(
                (
                    token.type,
                    token.hidden,
                    token.info,
                    token.markup,
                    id(token.children) if token.type == "inline" else token.content,
                    token.level,
                    token.meta.get("at"),
                )
                for token in tokens
            ),
        )
        block = self._before.get(key) or tuple(tokens)
        self._now[key] = block
        return block


def split_block(top: TopBlock, memory: BlockCache, *, open_end: bool) -> list[BlockPart]:
    """The parts of a top-level block; the last one may still grow where `open_end`."""
    return _BlockWalk(top, memory, open_end).walk()


class _BlockWalk:
    def __init__(self, top: TopBlock, memory: BlockCache, open_end: bool) -> None:
        self.top, self.memory, self.open_end = top, memory, open_end
        self.first = top.start + top.skip - top.lines[_first_line(top)]
        self.found: list[BlockPart] = [BlockPart()]
        self.block: list[Token] = []
        self.open: list[Container] = []

    def walk(self) -> list[BlockPart]:
        tokens = self.top.tokens
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type in ("fence", "code_block"):
                self._put(_code(token), token)
            elif token.type == "table_open":
                closing = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
                self._put(_table(tokens[at:closing]), token)
                at = closing
            elif token.type != "definition":
                self._follow(token, at)
                self.block.append(token)
                if token.nesting <= 0 and token.type != "inline":
                    self._end_block()
            at += 1
        self._end_block()
        last = self.found[-1]
        if not last.blocks and not last.drawn and len(self.found) > 1:
            self.found.pop()
        elif last.blocks or not last.drawn:
            last.end = len(self.top.source)
        return self.found

    def _end_block(self) -> None:
        """Make a block of the tokens since the last one. Those that only close lists and quotes belong to that one."""
        if not self.block:
            return
        piece = self.found[-1]
        if piece.blocks and all(token.nesting < 0 for token in self.block):
            self.block = [*piece.blocks.pop(), *self.block]
        opening = next((token for token in self.block if token.map), self.block[0])
        piece.blocks.append(self.memory.same(self.top.start + self._offset(opening), self.block))
        self.block = []

    def _offset(self, token: Token) -> int:
        if not token.map:
            return len(self.top.source)
        lines = self.top.lines
        line = lines[min(token.map[0], len(lines) - 1)]
        return max(line - lines[_first_line(self.top)] + self.top.skip, 0)

    def _put(self, drawn: CodeSegment | TableSegment, token: Token) -> None:
        """End the prose before a code block or a table, and begin the prose after it."""
        self._end_block()
        begin = self._offset(token)
        if self.found[-1].blocks:
            self.found[-1].end = begin
        else:
            self.found.pop()
        assert token.map
        lines = self.top.lines
        end = lines[min(token.map[1], len(lines) - 1)] - lines[_first_line(self.top)] + self.top.skip
        end = min(end, len(self.top.source))
        closed = bool(token.meta.get("closed")) or not self.open_end or end < len(self.top.source)
        around = tuple(self.open)
        self.found.append(BlockPart([], around, replace(drawn, closed=closed, around=around), end))
        self.found.append(BlockPart(around=around))

    def _follow(self, token: Token, at: int) -> None:
        """Keep `open` right for one token."""
        if token.type == "blockquote_open":
            self.open.append(QuoteLevel())
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            ordered = token.type == "ordered_list_open"
            number = int(self.top.tokens[at + 1].info) if ordered else 1
            tight = _is_tight(self.top.tokens, at)
            self.open.append(ListLevel(ordered, number, token.markup if ordered else "", tight))
        elif token.type in ("blockquote_close", "bullet_list_close", "ordered_list_close"):
            self.open.pop()
        elif token.type == "list_item_open":
            level = self.open[-1]
            assert isinstance(level, ListLevel)
            self.open[-1] = replace(level, number=int(token.info) + 1 if token.info else level.number + 1)


def _first_line(top: TopBlock) -> int:
    return top.tokens[0].map[0] if top.tokens[0].map else 0


def _is_tight(tokens: tuple[Token, ...], at: int) -> bool:
    level = tokens[at].level
    for token in tokens[at + 1 :]:
        if token.level <= level:
            break
        if token.type == "paragraph_open" and token.level == level + 2:
            return token.hidden
    return True


def _code(token: Token) -> CodeSegment:
    from markdown_it.common.utils import unescapeAll  # with the parser, when the first text is read

    language = unescapeAll(token.info.split(maxsplit=1)[0]) if token.info.strip() else ""
    return CodeSegment(language, token.content.removesuffix("\n"), True)


def _table(tokens: tuple[Token, ...]) -> TableSegment:
    rows: list[list[Token]] = []
    align: list[str] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "th_open":
            align.append(str(token.attrGet("style") or "").removeprefix("text-align:"))
        elif token.type == "inline":
            rows[-1].append(token)
    return TableSegment(tuple(tuple(row) for row in rows), tuple(align))


@dataclass(slots=True)
class SegmentBuilder:
    """Segments as they are made, block after block."""

    segments: list[Segment] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    around: tuple[Container, ...] = ()
    source: list[str] = field(default_factory=list)
    start: int = 0

    def copy(self) -> SegmentBuilder:
        """A cut that goes on from here apart from this one."""
        return SegmentBuilder(self.segments.copy(), self.blocks.copy(), self.around, self.source.copy(), self.start)

    def add(self, source: str, parts: list[BlockPart]) -> None:
        """Add a top-level block."""
        done = 0
        for part in parts:
            text = source[done : part.end]
            done = part.end
            if part.drawn is None:
                if not self.blocks:
                    self.around = part.around
                self.blocks += part.blocks
                self.source.append(text)
                if part is not parts[-1]:
                    self.flush()
            else:
                self.flush()
                self.source.append(text)
                whole = "".join(self.source)
                self.segments.append(replace(part.drawn, source=whole, start=self.start))
                self._begin(whole)
        if self.blocks and sum(map(len, self.source)) >= SPLIT_AT:
            self.flush()

    def flush(self, *, all_of_it: bool = False) -> None:
        """End the prose that is open, if there is any (`all_of_it`: also one with nothing to draw)."""
        if self.blocks or (all_of_it and self.source):
            whole = "".join(self.source)
            self.segments.append(
                ProseSegment(tuple(self.blocks), self.around if self.blocks else (), whole, self.start)
            )
            self._begin(whole)

    def end(self, rest: str) -> list[Segment]:
        """All segments, where `rest` is the white space after the last block."""
        if rest and not self.source and self.segments:
            last = self.segments[-1]
            self.segments[-1] = replace(last, source=last.source + rest)
        elif rest:
            self.source.append(rest)
        self.flush(all_of_it=True)
        return self.segments

    def _begin(self, whole: str) -> None:
        self.blocks, self.source, self.around = [], [], ()
        self.start += len(whole)
