"""What the views of a turn were written from, and which part of it a part of them shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop.chat.markdown.excerpt import Place, excerpt
from desktop.chat.markdown.segments import Code, Segment, Table
from desktop.ui.chat.drawn_text import drawn_ranges, is_outside_of_tables, length_of, text_between
from desktop.ui.chat.source_offset import source_of

if TYPE_CHECKING:
    from desktop.ui.chat.text_view import TextView


@dataclass(frozen=True)
class Span:
    """What is selected: from position `start` in view number `first` to position `end` in view number `last`.

    Views count from 0, those that are hidden too.
    """

    first: int
    start: int
    last: int
    end: int


@dataclass(frozen=True)
class Written:
    """What a turn's views were written from: `text` the whole of it, `markdown` the part of it that a span shows.

    Where there is no `markdown`, the text is plain: what is drawn is what was written.
    """

    text: Callable[[], str]
    markdown: Callable[[Span], str] | None = None


def markdown_of(text: str, segments: Sequence[Segment], views: Sequence[TextView], span: Span) -> str:
    """The part of an answer's `text` that `span` shows; each of `views` shows one of the `segments` of `text`."""

    def place(number: int, position: int, before: bool) -> Place:
        document = views[number].document
        if isinstance(segments[number], Code):
            return Place(number, len(text_between(document, 0, position)))
        if isinstance(segments[number], Table):
            if is_outside_of_tables(document, position):
                return Place(number, None)
            start = span.start if number == span.first else 0
            end = span.end if number == span.last else length_of(document)
            ranges = drawn_ranges(document, start, end)  # cells are selected whole
            position = ranges[-1][1] if before else ranges[0][0]
        return Place(number, source_of(document, position, text, before=before))

    return excerpt(text, segments, place(span.first, span.start, False), place(span.last, span.end, True))
