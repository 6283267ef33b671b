"""Where in an answer's Markdown what is drawn was written, and the Markdown of what is selected."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QTextDocument, QTextFragment

from desktop.chat.markdown.answer_segments import CodeSegment, Segment, TableSegment
from desktop.chat.markdown.markdown_excerpt import SegmentPosition, excerpt
from desktop.ui.chat.rendered_text import cell_ranges, document_length, fragments, is_outside_of_tables, text_between
from desktop.ui.chat.text_properties import SOURCE_AT, SOURCE_END, WRITTEN
from desktop.ui.parts.utf16 import utf16_length, utf16_slice

if TYPE_CHECKING:
    from desktop.ui.chat.selectable_view import SelectableView

_NEAREST = 100
"""In how many paragraphs what has a source is looked for: code has none."""
_LONGEST = 500
"""How many characters of a run that reads otherwise than it is written are compared one by one."""
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def source_offset(document: QTextDocument, position: int, text: str, *, before: bool) -> int | None:
    """The offset in `text`, which `document` was written from, of what is drawn at `position`.

    That is where the character after it begins, or `before` it ends. None where nothing was written from it.
    """
    found = _mapped_before(document, position) if before else _mapped_after(document, position)
    if found is None:
        return None
    fragment, at, end = found
    drawn = fragment.text()
    count = len(utf16_slice(drawn, 0, min(max(position - fragment.position(), 0), fragment.length())))
    whole = count == len(drawn) if before else not count
    if whole or fragment.charFormat().hasProperty(WRITTEN):
        return end if before else at
    return at + _aligned(drawn, text[at:end], count, before)


def rendered_position(document: QTextDocument, offset: int, text: str, *, before: bool) -> int | None:
    """The position in `document` that `source_offset` gives `offset` of `text` for; None where there is none."""
    block = document.begin()
    while block.isValid():
        for fragment in fragments(block):
            at, end = _source(fragment)
            if at < offset <= end if before else at <= offset < end:
                return _position_in(fragment, offset - at, text[at:end], before)
        block = block.next()
    return None


def end_written_from(document: QTextDocument, offset: int) -> int | None:
    """The position in the last line of `document` from which on all was written from `offset` of the text or later;
    None where nothing was."""
    block, found = document.lastBlock(), None
    walk = block.end()
    while walk != block.begin():
        walk -= 1
        at, _ = _source(walk.fragment())
        if at >= 0:
            if at < offset:
                break
            found = walk.fragment().position()
    return found


def _position_in(fragment: QTextFragment, offset: int, written: str, before: bool) -> int:
    first, over = fragment.position(), fragment.position() + fragment.length()
    if fragment.charFormat().hasProperty(WRITTEN):
        return over if before else first
    drawn = fragment.text()
    if (inner := written.find(drawn)) >= 0:
        count = min(max(offset - inner, 0), len(drawn))
    elif len(drawn) > _LONGEST:
        count = len(drawn) if before else 0
    else:
        counts = range(1, len(drawn) + 1) if before else range(len(drawn))
        reached = (count for count in counts if _aligned(drawn, written, count, before) >= offset)
        count = next(reached, len(drawn))
    return first + utf16_length(drawn[:count])


def _source(fragment: QTextFragment) -> tuple[int, int]:
    characters = fragment.charFormat()
    if not characters.hasProperty(SOURCE_AT):
        return -1, -1
    return characters.intProperty(SOURCE_AT), characters.intProperty(SOURCE_END)


def _mapped_after(document: QTextDocument, position: int) -> tuple[QTextFragment, int, int] | None:
    block = document.findBlock(position)
    for _ in range(_NEAREST):
        for fragment in fragments(block):
            at, end = _source(fragment)
            if at >= 0 and fragment.position() + fragment.length() > position:
                return fragment, at, end
        block = block.next()
    return None


def _mapped_before(document: QTextDocument, position: int) -> tuple[QTextFragment, int, int] | None:
    block = document.findBlock(position)
    for _ in range(_NEAREST):
        last = None
        for fragment in fragments(block):
            at, end = _source(fragment)
            if at >= 0 and fragment.position() < position:
                last = fragment, at, end
        if last is not None:
            return last
        block = block.previous()
    return None


def _aligned(drawn: str, written: str, count: int, before: bool) -> int:
    """How much of `written` was read when `count` characters of `drawn` were written from it.

    Passed over are backslashes that escape and the delimiters of a piece of code; character references count as one.
    """
    if drawn == written:
        return count
    if (inner := written.find(drawn)) >= 0:
        return inner + count
    at = 0
    for number, character in enumerate(drawn):
        begin = at
        reference = _REFERENCE.match(written, at) if written[at : at + 1] == "&" else None
        if reference is not None and html.unescape(reference[0]) == character:
            at = reference.end()
        else:
            step = written.find(character, at, at + 4)
            begin = at if step < 0 else max(at, step)
            at = begin + 1
        if number == count - 1 and before:
            return min(at, len(written))
        if number == count:
            return min(begin if reference is None else reference.start(), len(written))
    return len(written)


@dataclass(frozen=True)
class SelectionSpan:
    """What is selected: from position `start` in view number `first` to position `end` in view number `last`.

    Views count from 0, those that are hidden too.
    """

    first: int
    start: int
    last: int
    end: int


@dataclass(frozen=True)
class MessageSource:
    """What a turn's views were written from: `text` the whole of it, `markdown` the part of it that a span shows.

    Where there is no `markdown`, the text is plain: what is drawn is what was written. `is_drawn`: whether the views
    show all of it; `draw` has them show what they do not yet, and nothing of what is folded. `stretch` gives, for a
    view, the text that it was written from and all views of that; where there is none, all were written from one text.
    """

    text: Callable[[], str]
    markdown: Callable[[SelectionSpan], str] | None = None
    is_drawn: Callable[[], bool] = lambda: True
    draw: Callable[[], None] = lambda: None
    stretch: Callable[[SelectableView], tuple[str, Sequence[SelectableView]]] | None = None

    def text_of(self, view: SelectableView) -> str:
        """The text that `view` was written from."""
        return self.text() if self.stretch is None else self.stretch(view)[0]

    def beside(self, view: SelectableView, views: Sequence[SelectableView]) -> list[SelectableView]:
        """Those of `views` that were written from the same text as `view`."""
        return [each for each in views if self.stretch is None or each in self.stretch(view)[1]]


def markdown_of(text: str, segments: Sequence[Segment], views: Sequence[SelectableView], span: SelectionSpan) -> str:
    """The part of an answer's `text` that `span` shows; each of `views` shows one of the `segments` of `text`."""

    def place(number: int, position: int, before: bool) -> SegmentPosition:
        document = views[number].document
        if isinstance(segments[number], CodeSegment):
            return SegmentPosition(number, len(text_between(document, 0, position)))
        if isinstance(segments[number], TableSegment):
            if is_outside_of_tables(document, position):
                return SegmentPosition(number, None)
            start = span.start if number == span.first else 0
            end = span.end if number == span.last else document_length(document)
            ranges = cell_ranges(document, start, end)  # cells are selected whole
            position = ranges[-1][1] if before else ranges[0][0]
        return SegmentPosition(number, source_offset(document, position, text, before=before))

    return excerpt(text, segments, place(span.first, span.start, False), place(span.last, span.end, True))
