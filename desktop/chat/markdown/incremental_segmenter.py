"""A text that grows: what of it is settled, and what has to be read again when more comes.

Everything here depends on the text alone, never on the pieces it came in:

- A top-level block is settled when complete lines show that another one follows. Until then, more text may change it.
- The text is looked at in windows. A block that fills one is cut: a list before an item, all others after a line or a
  space, so that no block makes reading it again expensive. Code and tables get a larger window instead.
"""

from __future__ import annotations

import re

from desktop.chat.markdown.answer_segments import Segment
from desktop.chat.markdown.segment_builder import BlockCache, BlockPart, SegmentBuilder, split_block
from desktop.chat.markdown.top_blocks import ListNumbering, ParseContext, TopBlock, read_top_blocks

WINDOW = 16_000
"""A block is at most this many characters long, unless it is code, a table or a line without spaces."""

SPLIT_LISTS_AT = 2_000
"""A list of this many characters ends before its next item of the outermost level, and another one goes on."""

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
        self._settle()
        numbering = self._context.numbering
        blocks = read_top_blocks(self._tail, self._start, self._context, over=over)
        self._context.numbering = numbering
        cut = self._with_references() if over else self._cut.copy()
        self._memory.begin()
        for block in blocks:
            cut.add(block.source, split_block(block, self._memory, open_end=not over and block is blocks[-1]))
        done = sum(len(block.source) for block in blocks)
        self._shown, self._shown_over = cut.end(self._tail[done:]), over
        return self._shown.copy()

    # --- settling ------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Take from the tail every block that later text cannot change."""
        window = WINDOW
        while True:
            whole = len(self._tail) >= window
            text = self._tail[:window]
            lines = _complete(text)
            if not whole and lines <= self._looked_at:
                return
            blocks = read_top_blocks(text[:lines], self._start, self._context, over=False) if lines else []
            if self._take_settled(blocks):
                window = WINDOW
            elif not whole:
                self._looked_at = lines
                return
            elif blocks and blocks[0].tokens[0].type in ("fence", "table_open", "code_block"):
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
        for block in blocks:
            numbering, self._context.numbering = self._context.numbering, None
            parts = split_block(block, self._memory, open_end=False)
            self._blocks.append((block, parts, numbering))
            self._context.references.settle(block.tokens)
            self._cut.add(block.source, parts)
        self._drop(sum(len(block.source) for block in blocks))

    def _take_part(self, size: int, *, continues: bool = False) -> None:
        """Settle the first `size` characters of the tail as if the text ended there."""
        blocks = read_top_blocks(self._tail[:size], self._start, self._context, over=True)
        after = _numbering_after(blocks, self._context.numbering) if continues else None
        taken = sum(len(block.source) for block in blocks)
        self._take(blocks)
        self._context.numbering = after
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
        for block, parts, numbering in self._blocks:
            if references.are_still(block.used):
                cut.add(block.source, parts)
                continue
            context.numbering = numbering
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
    for token in block.tokens[2:]:
        if token.type == "list_item_open" and token.level == 1 and token.map:
            at = block.lines[token.map[0]] - begin
            if at - max(done, 0) >= SPLIT_LISTS_AT:
                sizes.append(at - done)
                done = at
    return sizes


def _settled(blocks: list[TopBlock]) -> int:
    """How many of `blocks` later text cannot change.

    That is all but the last one, and but what may turn out to be one with it: a definition directly before it, or
    anything directly before a formula that is not closed yet.
    """
    count = max(len(blocks) - 1, 0)
    while count and not blocks[count].skip and (blocks[count - 1].is_definition or blocks[count].is_open_formula):
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
