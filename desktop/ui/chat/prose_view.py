"""A segment of prose: blocks of Markdown, of which the last may still be growing.

A block that is settled stays the same object, so what is drawn stays as long as its block `is` the one drawn, and only
from the first other block on is it written again. Where plain words are added to a line of plain words, which is what
streaming mostly does, they are appended and nothing is written again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QWidget

from desktop.chat.markdown.answer_segments import Block, Container
from desktop.ui.chat.answer_direction import NOT_BEGUN, AnswerDirection, has_right_to_left
from desktop.ui.chat.block_growth import added, changed_end
from desktop.ui.chat.citation_marks import CitationMarks
from desktop.ui.chat.container_blocks import (
    ContainerDirection,
    ContainerLevel,
    LevelMetrics,
    Levels,
    ListLayout,
    levels_of,
)
from desktop.ui.chat.formula_objects import formulas_of
from desktop.ui.chat.incomplete_markdown import with_emphasis_closed
from desktop.ui.chat.inline_writer import InlineStyle, InlineWriter, set_source
from desktop.ui.chat.markdown_writer import MarkdownWriter
from desktop.ui.chat.source_map import end_written_from
from desktop.ui.chat.text_view import TextView
from desktop.ui.parts.text_options import LONGEST_WORD
from desktop.ui.parts.utf16 import utf16_length
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from markdown_it.token import Token

_MOVE_END = QTextCursor.MoveOperation.End
_KEEP = QTextCursor.MoveMode.KeepAnchor


@dataclass
class _WrittenBlock:
    """A block as it was written, and how things stood before it."""

    block: Block
    start: QTextCursor
    levels: Levels
    direction: AnswerDirection
    fresh: bool
    block_format: QTextBlockFormat
    characters: QTextCharFormat
    opened: dict[int, ContainerLevel]
    looks: dict[ListLayout | ContainerDirection, LevelMetrics]


class ProseView(TextView):
    """Shows blocks; `set_blocks` with blocks that begin with the same objects only writes the others.

    `resized` says that the height became another one by itself: a formula is ready.
    """

    resized = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, citations: CitationMarks | None = None) -> None:
        """`citations` are those of the answer, looked into whenever something is written."""
        super().__init__(theme, theme.font("reading"), parent=parent)
        self._citations = citations
        self._identity = object()  # what lists know the view by: they must not hold the widget itself
        self._blocks: tuple[Block, ...] = ()
        self._before: Levels = ()
        self._written: list[_WrittenBlock] = []
        self._looks: set[tuple[ListLayout | ContainerDirection, LevelMetrics]] = set()
        self._growing = False
        self._direction_before = NOT_BEGUN
        self._tail: QTextCharFormat | None = None
        self._end: tuple[InlineWriter, InlineStyle] | None = None
        self._is_directed = False
        self._hears_formulas = False
        self._fresh = True
        self.levels: Levels = ()
        """The lists and quotes that are open after the last block."""
        self.ends_in_marker = False
        """Whether the last line is a marker alone: what it belongs to is drawn in the next view."""
        self.direction = NOT_BEGUN
        """Which way the answer runs, up to the last block."""

    def set_blocks(
        self,
        blocks: tuple[Block, ...],
        around: tuple[Container, ...] = (),
        *,
        levels: Levels | None = None,
        direction: AnswerDirection = NOT_BEGUN,
        growing: bool = False,
    ) -> bool:
        """Show `blocks`; whether that changed anything.

        `levels` are what the view before left open; without them, they are made from `around`. `direction` is
        which way the answer runs before them. The last block of a text that is still `growing` is drawn as if the
        emphasis in it ended.
        """
        if levels is None:
            levels = levels_of(around, direction.last) if len(around) != len(self._before) else self._before
        if levels != self._before or direction != self._direction_before:
            self._forget(levels, direction)
        elif len(blocks) == len(self._blocks) and all(map(_same, blocks, self._blocks)) and growing == self._growing:
            return False
        self._blocks, self._growing = blocks, growing
        shown = blocks
        if growing and blocks and (last := with_emphasis_closed(blocks[-1])) is not blocks[-1]:
            shown = (*blocks[:-1], last)
        kept = 0
        while kept < min(len(shown), len(self._written)) and self._written[kept].block is shown[kept]:
            kept += 1
        if kept == len(shown) == len(self._written):
            return False
        if self.ends_in_marker and 0 < kept == len(self._written):
            kept -= 1  # its marker stands before what comes now
        if not (self._append(shown, kept) or self._write_end(shown, kept)):
            self._write(shown, kept)
        return True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see: the blocks only close lists and quotes."""
        return self.document.isEmpty() and not self.has_marks

    def last_block_top(self) -> int:
        """Where the last block begins, in pixels from the top of the view."""
        return round(self.document.documentLayout().blockBoundingRect(self.document.lastBlock()).top())

    def restyle(self) -> None:
        """Write everything again in the theme's present colors and fonts."""
        self.document.setDefaultFont(self.theme.font("reading"))
        self.has_marks = False
        self._rewrite(0)

    def rewrite_outdated(self) -> bool:
        """Write again what shows a part of a list that has come to look otherwise since; whether there was any."""
        if all(layout.look == look for layout, look in self._looks):
            return False
        for place, written in enumerate(self._written):
            if any(layout.look != look for layout, look in written.looks.items()):
                self._rewrite(place)
                return True
        self._looks = {each for written in self._written for each in written.looks.items()}
        return False

    # --- writing -------------------------------------------------------------------------------------------------

    def _write_as_text(self) -> None:
        """A formula turned out not to be drawable: written again, it is its LaTeX."""
        self.restyle()
        self.resized.emit()

    def _rewrite(self, first: int) -> None:
        """Write the blocks from number `first` on again."""
        written = self._written
        self._write(tuple(entry.block for entry in written), first, [entry.opened for entry in written])
        self.update()

    def _forget(self, levels: Levels, direction: AnswerDirection) -> None:
        self._withdraw(0)
        self._written = []
        self._before, self._direction_before = levels, direction
        self.has_marks = False
        self._tail = self._end = None

    def _write(self, blocks: tuple[Block, ...], kept: int, opened: Sequence[dict[int, ContainerLevel]] = ()) -> None:
        """Write `blocks` from number `kept` on, in place of what is written there. `opened` are the levels that they
        opened when they were written before."""
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        fresh = self._written[kept].fresh if kept < len(self._written) else not self._written or self._fresh
        levels, direction = self._cut(cursor, kept, bool(opened))
        self._wrap_for(blocks[kept:])
        writer = MarkdownWriter(self.theme, cursor, fresh=fresh, levels=levels, citations=self._citations)
        writer.direction = direction
        for place in range(kept, len(blocks)):
            self._written.append(self._write_block(writer, cursor, blocks[place], opened[place] if opened else {}))
        self._looks.update(each for written in self._written[kept:] for each in written.looks.items())
        self.ends_in_marker = writer.write_pending()
        cursor.endEditBlock()
        self._fresh = writer.fresh
        self.levels, self.direction = tuple(writer.levels), writer.direction
        self.has_marks = self.has_marks or writer.has_marks
        self._tail = writer.inline.tail if writer.ends_in_text else None
        self._end = (writer.inline, writer.text_style) if writer.ends_in_text and not writer.inline.mixed else None
        self._is_directed = writer.is_directed
        if writer.inline.has_formulas and not self._hears_formulas:
            self._hears_formulas = True
            formulas = formulas_of(self.document)
            formulas.resized.connect(self.resized)
            formulas.undrawable.connect(self._write_as_text)

    def _write_block(
        self, writer: MarkdownWriter, cursor: QTextCursor, block: Block, opened: dict[int, ContainerLevel]
    ) -> _WrittenBlock:
        start = QTextCursor(cursor)
        start.setKeepPositionOnInsert(True)
        levels, direction, fresh = tuple(writer.levels), writer.direction, writer.fresh
        block_format, characters = cursor.blockFormat(), cursor.blockCharFormat()
        writer.write(block, (self._identity, len(self._written)), opened)
        around = [level.layout or level.direction for level in (*levels, *writer.opened.values())]
        looks = {layout: layout.look for layout in around}
        return _WrittenBlock(block, start, levels, direction, fresh, block_format, characters, writer.opened, looks)

    def _withdraw(self, first: int) -> None:
        """Take back what the blocks from number `first` on have added to the lists that they stand in."""
        for place in range(first, len(self._written)):
            for level in self._written[place].levels:
                (level.layout or level.direction).forget((self._identity, place))

    def _cut(self, cursor: QTextCursor, kept: int, again: bool) -> tuple[Levels, AnswerDirection]:
        """Take out what was written from block `kept` on and leave `cursor` there; how things stood before it.

        `again`: the same blocks are to be written in place of it.
        """
        if kept >= len(self._written):
            cursor.movePosition(_MOVE_END)
            if not self._written:
                cursor.movePosition(QTextCursor.MoveOperation.Start, _KEEP)
                cursor.removeSelectedText()
                return self._before, self._direction_before
            return self.levels, self.direction
        first = self._written[kept]
        if not again:
            self._withdraw(kept)
        del self._written[kept:]
        cursor.setPosition(first.start.position())
        cursor.movePosition(_MOVE_END, _KEEP)
        cursor.removeSelectedText()
        if kept and cursor.block().length() == 1:
            # An empty block (a rule) would keep the format of what was joined to it.
            cursor.setBlockFormat(first.block_format)
            cursor.setBlockCharFormat(first.characters)
        return first.levels, first.direction

    def _append(self, blocks: tuple[Block, ...], kept: int) -> bool:
        """Append to the last block where words and lines at its end are all that is new; whether they were."""
        if self._end is None or kept != len(blocks) - 1 or len(blocks) != len(self._written):
            return False
        found = added(self._written[-1].block, blocks[-1])
        if found is None or not self._is_directed:
            return False
        words, token, children = found
        if has_right_to_left(words) or any(has_right_to_left(child.content) for child in children):
            return False
        if words and self._tail is None:
            return False
        cursor = QTextCursor(self.document)
        self.set_settled(self._last_lines_top())
        cursor.beginEditBlock()
        if words and self._tail is not None:
            self._append_words(cursor, words, token, QTextCharFormat(self._tail))
        if children:
            inline, style = self._end
            cursor.movePosition(_MOVE_END)
            inline.cursor = cursor
            inline.write(children, style)
            self._tail = inline.tail
        cursor.endEditBlock()
        self.set_settled(0)
        self._written[-1].block = blocks[-1]
        return True

    def _write_end(self, blocks: tuple[Block, ...], kept: int) -> bool:
        """Write the end of the last block again, from the first word or sign that is another one; whether that is all
        there was to do. Of a paragraph of a hundred lines it is the last one."""
        if self._end is None or not self._is_directed or kept != len(blocks) - 1 or len(blocks) != len(self._written):
            return False
        found = changed_end(self._written[-1].block, blocks[-1])
        if found is None or any(has_right_to_left(child.content) for child in found[1][found[0] :]):
            return False
        first, children = found
        at = end_written_from(self.document, int(children[first].meta["at"][0]))
        if at is None:
            return False
        inline, style = self._end
        cursor = QTextCursor(self.document)
        self.set_settled(self._line_before_top(at))
        cursor.beginEditBlock()
        cursor.setPosition(at)
        cursor.movePosition(_MOVE_END, _KEEP)
        cursor.removeSelectedText()
        inline.cursor = cursor
        inline.write(children, style, first)
        cursor.endEditBlock()
        self.set_settled(0)
        self._tail = inline.tail
        self._written[-1].block = blocks[-1]
        return True

    def _line_before_top(self, position: int) -> float:
        """Where the line above that of `position`, in the last block, begins: what is above it stays."""
        block = self.document.lastBlock()
        text, top = block.layout(), self.document.documentLayout().blockBoundingRect(block).top()
        line = text.lineForTextPosition(position - block.position())
        return top + text.lineAt(line.lineNumber() - 1).y() if line.isValid() and line.lineNumber() else top

    def _last_lines_top(self) -> float:
        """Where the last line but one begins: what is above it stays when words are appended."""
        block = self.document.lastBlock()
        text, top = block.layout(), self.document.documentLayout().blockBoundingRect(block).top()
        return top + text.lineAt(text.lineCount() - 2).y() if text.lineCount() > 2 else top

    def _append_words(self, cursor: QTextCursor, words: str, token: "Token", characters: QTextCharFormat) -> None:
        """Append `words`, the end of `token`, to what has been written of it."""
        set_source(characters, token)
        cursor.movePosition(_MOVE_END)
        # One run as before: letters that are joined or stacked must not be cut apart.
        cursor.setPosition(cursor.position() - utf16_length(token.content) + utf16_length(words), _KEEP)
        cursor.setCharFormat(characters)
        cursor.movePosition(_MOVE_END)
        cursor.insertText(words, characters)

    def _wrap_for(self, blocks: tuple[Block, ...]) -> None:
        """Break lines anywhere where a very long word is about to be written."""
        for block in blocks:
            for token in block:
                if len(token.content) >= LONGEST_WORD:
                    self.wrap_for(token.content)


def _same(one: Block, other: Block) -> bool:
    return one is other
