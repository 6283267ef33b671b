"""Markdown written into a QTextDocument through its cursor: no HTML is made on the way, so none can be smuggled in.

What a model writes is hostile input. Raw HTML is shown as the text it is, an image as its description with its
address, and a link is only ever opened after the person has seen its true target.

Markers are text: they are copied with their items and read with them. Tab stops would do for text from the left only
(Qt mirrors their kind, and measures the rest of the line), so the space after a marker is made as wide as is needed.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetricsF, QTextBlockFormat, QTextCursor

from desktop.chat.markdown.answer_segments import Block
from desktop.ui.chat.answer_direction import NOT_BEGUN
from desktop.ui.chat.citation_marks import CitationMarks
from desktop.ui.chat.container_blocks import (
    BlockKey,
    ContainerLevel,
    Levels,
    box,
    level_insets,
    plan_containers,
    quote_bars,
)
from desktop.ui.chat.inline_writer import (
    END_OF_ISOLATE,
    LEFT_TO_RIGHT,
    RIGHT_TO_LEFT,
    InlineStyle,
    InlineWriter,
    marker_format,
)
from desktop.ui.chat.text_properties import LIST_DEPTH, QUOTE_BARS, QUOTE_DEPTH, RULE
from desktop.ui.theme.design_tokens import LINE_HEIGHT, XS, L, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from markdown_it.token import Token

_HEADINGS = (1.36, 1.22, 1.1, 1.0, 0.94, 0.88)
_DISTANCE = QTextBlockFormat.LineHeightTypes.LineDistanceHeight.value
_FIXED = QTextBlockFormat.LineHeightTypes.FixedHeight.value


@dataclass(frozen=True)
class _PendingMarker:
    """A marker whose line has not begun: that of `levels[depth - 1]`."""

    depth: int
    token: "Token"
    text: str


class MarkdownWriter:
    """Writes blocks at the end of a document in the colors and fonts of `theme`."""

    def __init__(
        self,
        theme: Theme,
        cursor: QTextCursor,
        *,
        fresh: bool = True,
        levels: Levels = (),
        citations: CitationMarks | None = None,
    ) -> None:
        """`fresh`: the block the cursor stands in is empty and is to be used; otherwise a new one is begun.

        `levels` are the lists and quotes that are open before, `citations` those of the answer.
        """
        self._theme, self._cursor = theme, cursor
        self.fresh = fresh
        """Whether nothing has been begun yet in the block that the cursor stands in."""
        self._inline = InlineWriter(theme, cursor, citations)
        self._metrics = QFontMetricsF(theme.font("reading"))
        self._line_distance = self._metrics.height() * (LINE_HEIGHT / 100 - 1)
        self._widths: dict[str, float] = {}
        self._pending: list[_PendingMarker] = []
        self._first_item = False
        self._heading = 0
        self._own: dict[int, bool] = {}
        self.levels: list[ContainerLevel] = list(levels)
        self.direction = NOT_BEGUN
        """Which way the answer runs, up to what was written last."""
        self.has_marks = False
        self.opened: dict[int, ContainerLevel] = {}
        """What the block written last opened, by the place of the token that did."""
        self.ends_in_text = False
        """Whether more text of the block written last would stand at the end of the document."""
        self.text_style = InlineStyle()
        """The style of the text written last."""
        self.is_directed = False
        """Whether the text written last has a direction of its own: more text does not change it."""

    @property
    def inline(self) -> InlineWriter:
        """What writes the text."""
        return self._inline

    def write(self, block: Block, piece: BlockKey, before: dict[int, ContainerLevel] | None = None) -> None:
        """Write `block`, which is `piece` of the lists that are open. `before`: `opened` of the same block, earlier."""
        levels = tuple(self.levels)
        opened, own = plan_containers(block, levels, piece, self._measure, self.direction, before or {})
        self.opened = opened
        for at, token in enumerate(block):
            match token.type:
                case "inline":
                    pass  # written with the paragraph or the heading that it follows
                case "paragraph_open" | "heading_open":
                    self._text_block(token, block[at + 1], own.get(at + 1))
                case "blockquote_open" | "bullet_list_open" | "ordered_list_open":
                    inside = any(level.layout is not None for level in self.levels)
                    self._first_item = not inside and "goes on" not in token.meta
                    self.levels.append(opened[at])
                case "blockquote_close" | "bullet_list_close" | "ordered_list_close" if self.levels:
                    self.levels.pop()
                case "list_item_open":
                    level = self.levels[-1]
                    self._pending.append(_PendingMarker(len(self.levels), token, level.marker(token)))
                    self.levels[-1] = replace(level, number=level.number + 1)
                case "list_item_close":
                    self.write_pending()
                case "hr":
                    self._rule()
                case "math_block":
                    self._begin(S + 2, None)
                    self._inline.write([token], self._style())
                case _ if token.content:
                    self._begin(S + 2, None)
                    self._inline.text(token.content.rstrip("\n"), self._inline.characters(self._style()), token)

    def write_pending(self) -> bool:
        """Write the markers of items that have no text of their own to stand beside; whether there are any."""
        if not self._pending:
            return False
        self._begin(self._space_above(tight=True), None)
        return True

    def write_inline(self, children: "list[Token]", *, bold: bool = False) -> None:
        """Write inline tokens where the cursor stands, as a table's cell needs it."""
        self._inline.write(children, replace(self._style(), bold=bold))

    def _text_block(self, opening: "Token", inline: "Token", own: bool | None) -> None:
        heading = int(opening.tag[1]) if opening.type == "heading_open" else 0
        self._heading = heading
        direction = self._begin(L + 2 if heading else self._space_above(tight=opening.hidden), own)
        style = self.text_style = self._style()
        self.is_directed = own is not None
        turned = own is not None and own is not direction
        characters = self._inline.characters(style)
        if turned:  # the text of an item in a list that runs the other way
            self._inline.hidden(RIGHT_TO_LEFT if own else LEFT_TO_RIGHT, characters)
        self._inline.write(inline.children or [], style)
        if turned:
            self._inline.hidden(END_OF_ISOLATE, characters)
        self._heading = 0
        self.ends_in_text = not turned

    def _space_above(self, *, tight: bool) -> int:
        if not tight or not any(level.layout is not None for level in self.levels):
            return S + 2
        return S if self._pending and self._first_item else XS

    def _begin(self, space: int, own: bool | None) -> bool:
        """Begin a block with `space` pixels above it, whose text has direction `own`; the direction it is given."""
        self.ends_in_text = False
        if own is not None:
            self.direction = self.direction.after(own)
        listed = [level for level in self.levels if level.layout is not None]
        decided = bool(listed) and (self.levels[-1].layout is not None or bool(self._pending))
        direction = listed[-1].direction.right_to_left if decided else self.direction.last
        block = QTextBlockFormat()
        # Not in proportion to the line: below a tall formula it would be a gap.
        block.setLineHeight(self._scale() * self._line_distance, _DISTANCE)
        after_rule = self._cursor.blockFormat().boolProperty(RULE)
        block.setTopMargin(0 if self.fresh else max(space, L) if after_rule else space)
        left, right = level_insets(tuple(self.levels))
        block.setLeftMargin(left)
        block.setRightMargin(right)
        block.setLayoutDirection(Qt.LayoutDirection.RightToLeft if direction else Qt.LayoutDirection.LeftToRight)
        if bars := quote_bars(tuple(self.levels)):
            block.setProperty(QUOTE_DEPTH, sum(level.layout is None for level in self.levels))
            block.setProperty(QUOTE_BARS, bars)
            self.has_marks = True
        if listed:
            block.setProperty(LIST_DEPTH, len(listed))
        if self._pending:
            before = sum(level.width for level in self.levels[self._pending[0].depth - 1 :])
            block.setTextIndent(-min(before, max(left, right)))
        if self._heading:
            block.setHeadingLevel(self._heading)
        characters = self._inline.characters(self._style())
        if self.fresh:
            self._cursor.setBlockFormat(block)
            self._cursor.setBlockCharFormat(characters)
            self.fresh = False
        else:
            self._cursor.insertBlock(block, characters)
        self._write_markers()
        return direction

    def _write_markers(self) -> None:
        """Write the markers that wait, each with the room up to the next one or to the text."""
        pending, self._pending = self._pending, []
        ends = [*(following.depth - 1 for following in pending[1:]), len(self.levels)]
        for marker, end in zip(pending, ends, strict=bool(pending)):
            room = sum(level.width for level in self.levels[marker.depth - 1 : end])
            characters = marker_format(self._inline.characters(InlineStyle(quoted=True)), marker.token)
            self._inline.text(marker.text, characters)
            gap = marker_format(self._inline.characters(InlineStyle()), marker.token)
            gap.setFontLetterSpacingType(QFont.SpacingType.AbsoluteSpacing)
            gap.setFontLetterSpacing(room - self._measure(marker.text) - self._measure(" "))
            self._inline.text(" ", gap)
            if boxed := box(marker.token):
                self._inline.text(boxed, characters)
        if pending:
            self._first_item = False

    def _rule(self) -> None:
        self._begin(M, None)
        block = self._cursor.blockFormat()
        block.setProperty(RULE, True)
        block.setLineHeight(XS, _FIXED)
        self._cursor.setBlockFormat(block)
        self.has_marks = True

    def _style(self) -> InlineStyle:
        quoted = any(level.layout is None for level in self.levels)
        if not self._heading:
            return InlineStyle(quoted=quoted)
        return InlineStyle(scale=self._scale(), heading=True, quoted=quoted or self._heading == 6)

    def _scale(self) -> float:
        return _HEADINGS[self._heading - 1] if self._heading else 1.0

    def _measure(self, text: str) -> float:
        """The width of `text` in pixels, as markers are written."""
        found = self._widths.get(text)
        if found is None:
            found = self._widths[text] = self._metrics.horizontalAdvance(text)
        return found
