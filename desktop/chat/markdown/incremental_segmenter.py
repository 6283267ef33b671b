"""A text that grows: what of it is settled, and what has to be read again when more comes.

Everything here depends on the text alone, never on the pieces it came in:

- A top-level block is settled when complete lines show that another one follows. Until then, more text may change it.
- The text is looked at in windows. A block that fills one is cut: a list before an item, all others after a line or a
  space, so that no block makes reading it again expensive. Code and tables are settled line by line instead (see
  `long_block`), and only code that may hold fences itself gets a larger window.
"""

from __future__ import annotations

import re

from desktop.chat.markdown.answer_segments import Segment
from desktop.chat.markdown.long_block import LONG, LongBlock, can_be_parted
from desktop.chat.markdown.segment_builder import BlockCache, BlockPart, SegmentBuilder, split_block
from desktop.chat.markdown.top_blocks import ListNumbering, ParseContext, TopBlock, read_top_blocks

WINDOW = 8_500
"""A block is at most this many characters long, unless it is code, a table or a line without spaces."""

SPLIT_LISTS_AT, MOST_ITEMS = 1_000, 20
"""A list of this many characters or items ends before its next item of the outermost level, and another one goes on:
reading an item again costs as much for two words as for a line of them."""

MOST_READ_AGAIN = 40_000
"""Characters that are read anew for link references that were defined after them. Beyond that, they stay text."""

_LOOKED_AT_AGAIN = 150
_LONGEST_ROW = 4 * WINDOW
_WITH_LARGER_WINDOW = ("fence", "table_open", "code_block")

_SPACE = re.compile(r"\s")


class IncrementalSegmenter:
    """Cuts a growing text into segments."""

    def __init__(self) -> None:
        self._fed: list[str] = []
        self._tail = ""
        self._start = 0
        self._looked_at = 0
        self._context = ParseContext()
        self._memory = BlockCache()
        self._blocks: list[tuple[TopBlock, list[BlockPart], ListNumbering | None]] = []
        self._cut = SegmentBuilder()
        self._long: LongBlock | None = None
        self._shown: list[Segment] | None = None
        self._shown_over = False

    @property
    def fixed(self) -> int:
        """How many segments stay as they are."""
        return len(self._cut.segments)

    def feed(self, text: str) -> None:
        """Take more of the text."""
        if text:
            self._fed.append(text)
            self._shown = None

    def all(self, over: bool) -> list[Segment]:
        """Every segment so far; `over` where the text ends here."""
        if self._shown is not None and self._shown_over == over:
            return self._shown.copy()
        self._tail += "".join(self._fed)
        self._fed = []
        self._settle(0 if over else _LOOKED_AT_AGAIN)
        numbering = self._context.numbering
        blocks = self._read(len(self._tail), over=over)
        self._context.numbering = numbering
        cut = self._with_references() if over else self._cut.copy()
        self._memory.begin()
        for index, block in enumerate(blocks):
            parts = split_block(block, self._memory, open_end=not over and block is blocks[-1])
            whole, parts = self._joined(block, parts) if not index else (block, parts)
            cut.add(whole.source, parts)
        done = sum(len(block.source) for block in blocks) - self._head_length
        self._shown, self._shown_over = cut.end(self._tail[done:]), over
        return self._shown.copy()

    def _read(self, size: int, *, over: bool = False) -> list[TopBlock]:
        """The blocks of the first `size` characters of the tail. The first one is the long block where there is one."""
        head = self._long.head if self._long is not None else ""
        return read_top_blocks(head + self._tail[:size], self._start - len(head), self._context, over=over)

    @property
    def _head_length(self) -> int:
        return len(self._long.head) if self._long is not None else 0

    def _joined(self, block: TopBlock, parts: list[BlockPart]) -> tuple[TopBlock, list[BlockPart]]:
        """The first block of the tail and its parts, with what of a long block was settled before."""
        return self._long.joined(block, parts) if self._long is not None else (block, parts)

    # --- settling ------------------------------------------------------------------------------------------------

    def _settle(self, least: int) -> None:
        """Take from the tail every block that later text cannot change. It is looked at where complete lines of at
        least `least` characters came since the last look, or of an eighth of them: each look reads all of them."""
        window = WINDOW
        while True:
            whole = len(self._tail) >= window
            text = self._tail[:window]
            lines = _complete(text)
            if not whole and lines <= self._looked_at + (max(least, self._looked_at // 8) if lines > least else 0):
                return
            blocks = self._read(lines) if lines else []
            if self._take_settled(blocks) or self._take_lines(blocks, 1 if whole else LONG):
                window = WINDOW
            elif not whole:
                self._looked_at = lines
                return
            elif self._long is not None and (self._long.code or window >= _LONGEST_ROW):
                self._take_within_line()
                window = WINDOW
            elif self._long is not None or (blocks and blocks[0].tokens[0].type in _WITH_LARGER_WINDOW):
                window *= 2
            else:
                self._take_part(_hard_cut(text))
                window = WINDOW

    def _take_settled(self, blocks: list[TopBlock]) -> bool:
        """Settle what can be of `blocks`, up to the first list that has to be cut; whether anything was."""
        count = _settled(blocks)
        for index, block in enumerate(blocks):
            if cuts := _list_cuts(block):
                self._take(blocks[:index])
                for size in cuts:
                    self._take_part(size, continues=True)
                return True
            if index >= count:
                break
        self._take(blocks[:count])
        return count > 0

    def _take(self, blocks: list[TopBlock]) -> None:
        size = sum(len(block.source) for block in blocks) - (self._head_length if blocks else 0)
        for block in blocks:
            numbering, self._context.numbering = self._context.numbering, None
            self._context.goes_on = False
            whole, parts = self._joined(block, split_block(block, self._memory, open_end=False))
            self._long = None
            self._blocks.append((whole, parts, numbering))
            self._context.references.settle(block.tokens)
            self._cut.add(whole.source, parts)
        self._drop(size)

    def _take_lines(self, blocks: list[TopBlock], least: int) -> bool:
        """Settle the complete lines of a block that they are all of, where they have `least` characters; whether they
        were."""
        if len(blocks) != 1 or not can_be_parted(blocks[0]):
            return False
        size = len(blocks[0].source) - self._head_length
        if size < least:
            return False
        (block,) = self._read(size)  # without the blank lines after it, which may be of the block or not
        if self._long is None:
            self._long = LongBlock.begin(block)
        else:
            self._long.add(block)
        self._drop(size)
        return True

    def _take_within_line(self) -> None:
        """A line of a long block fills the window. Code is settled within it; a table ends before it."""
        size = WINDOW // 2
        blocks = self._read(size - (self._tail[size - 1] == "\r"))
        if self._long is not None and blocks[0].tokens[0].type == "fence" and len(blocks) == 1:
            size = len(blocks[0].source) - self._head_length
            self._long.add(blocks[0], within_line=True)
            self._drop(size)
        else:
            self._take(self._read(0, over=True))

    def _take_part(self, size: int, *, continues: bool = False) -> None:
        """Settle the first `size` characters of the tail as if the text ended there."""
        blocks = read_top_blocks(self._tail[:size], self._start, self._context, over=True)
        after = _numbering_after(blocks, self._context.numbering) if continues else None
        taken = sum(len(block.source) for block in blocks)
        self._take(blocks)
        self._context.numbering, self._context.goes_on = after, continues
        if not taken:  # nothing but white space
            self._cut.source.append(self._tail[:size])
            self._drop(size)

    def _drop(self, size: int) -> None:
        self._tail = self._tail[size:]
        self._start += size
        self._looked_at = 0
        self._context.rows = {}  # of a table that is settled now, or that begins elsewhere now

    def _with_references(self) -> SegmentBuilder:
        """The settled blocks cut again, those read anew whose link references were defined, or changed, after them."""
        references = self._context.references
        if all(references.are_still(block.used) for block, _, _ in self._blocks):
            return self._cut.copy()
        cut = SegmentBuilder()
        context = ParseContext(references.frozen())
        room = MOST_READ_AGAIN
        for block, parts, numbering in self._blocks:
            if room <= 0 or references.are_still(block.used):
                cut.add(block.source, parts)
                continue
            context.numbering, context.goes_on = numbering, "goes on" in block.tokens[0].meta
            room -= len(block.source)
            for again in read_top_blocks(block.source, block.start, context, over=True):
                cut.add(again.source, split_block(again, self._memory, open_end=False))
        return cut


def _complete(text: str) -> int:
    """How many characters of `text` are complete lines. A carriage return at its end may be half a line end."""
    end = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1))
    return end + 1


def _list_cuts(block: TopBlock) -> list[int]:
    """Where a list that has become long is cut before items of it, as sizes of the parts in characters."""
    if block.tokens[0].type not in ("bullet_list_open", "ordered_list_open"):
        return []
    sizes: list[int] = []
    begin, done = block.lines[block.tokens[0].map[0]] if block.tokens[0].map else 0, -block.skip
    items = 1
    for token in block.tokens[2:]:
        if token.type == "list_item_open" and token.level == 1 and token.map:
            at = block.lines[token.map[0]] - begin
            if at - max(done, 0) >= SPLIT_LISTS_AT or items >= MOST_ITEMS:
                sizes.append(at - done)
                done, items = at, 0
            items += 1
    return sizes


def _settled(blocks: list[TopBlock]) -> int:
    """How many of `blocks` later text cannot change.

    That is all but the last one, and but what may turn out to be one with it: a definition directly before it, whose
    title it may begin unless it is a definition itself, or anything directly before a formula that is not closed yet.
    """
    count = max(len(blocks) - 1, 0)
    while count and not blocks[count].skip:
        may_be_title = blocks[count - 1].is_definition and not blocks[count].is_definition
        if not may_be_title and not blocks[count].is_open_formula:
            break
        count -= 1
    return count


def _numbering_after(blocks: list[TopBlock], numbering: ListNumbering | None) -> ListNumbering | None:
    if not blocks or blocks[-1].tokens[0].type != "ordered_list_open":
        return None
    items = [token for token in blocks[-1].tokens if token.type == "list_item_open" and token.level == 1]
    return (numbering or ListNumbering()).number(items)


def _hard_cut(text: str) -> int:
    """Where a block that fills the window is cut: after its last line, else after its last space, else at its end."""
    half = len(text) // 2
    at = text.rfind("\n", half) + 1
    if at <= half:
        at = max((found.end() for found in _SPACE.finditer(text, half)), default=len(text))
    return at
