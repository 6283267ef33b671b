"""An answer cut into what a transcript draws separately: prose, code with its own Copy, tables that scroll sideways.

A fence, an indented code block or a table ends the prose before it at whatever depth it stands, and the prose after it
goes on in the same lists and quotes (`around`). Joining the `source` of all segments gives back the text, character by
character.

Made for text that grows: what a later character can no longer change is settled and never read again, and only the
open end (the last block, or the last items of a long list) is. Link reference definitions hold for the whole text: when
it is over, blocks that used one from further down are made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

    from desktop.chat.markdown.incremental_segmenter import IncrementalSegmenter


@dataclass(frozen=True, slots=True)
class QuoteLevel:
    """A quote around what is drawn."""


@dataclass(frozen=True, slots=True)
class ListLevel:
    """A list around what is drawn. `number` is its next item's; `delimiter` "." or ")" ("" for bullets)."""

    ordered: bool
    number: int = 1
    delimiter: str = ""
    tight: bool = True


Container = QuoteLevel | ListLevel
Block = tuple["Token", ...]
"""The tokens of one block, closing ones included. A block that is settled stays the same object, so `is` tells it."""


@dataclass(frozen=True, slots=True)
class ProseSegment:
    """Blocks without code or tables of their own. `around` are the containers open before its first token; the tokens
    may close them and may leave others open. `start` is where `source` begins in the text, in characters."""

    blocks: tuple[Block, ...]
    around: tuple[Container, ...] = ()
    source: str = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class CodeSegment:
    """A code block: `text` without fences and without its last newline. Not `closed` while it still grows."""

    language: str
    text: str
    closed: bool
    around: tuple[Container, ...] = ()
    source: str = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class TableSegment:
    """A table: inline tokens cell by cell, the header first. `align` is "left", "center", "right" or "" a column."""

    rows: tuple[tuple[Token, ...], ...]
    align: tuple[str, ...]
    closed: bool = True
    around: tuple[Container, ...] = ()
    source: str = ""
    start: int = 0


Segment = ProseSegment | CodeSegment | TableSegment


def segments(text: str) -> list[Segment]:
    """All of `text` cut at once."""
    cut = AnswerSegments()
    cut.feed(text)
    return cut.all(over=True)


class AnswerSegments:
    """The segments of a text that comes piece by piece; the same in the end, however it is cut into pieces."""

    def __init__(self) -> None:
        self._growth: IncrementalSegmenter | None = None

    def feed(self, text: str) -> None:
        """Take more of the text. It is read when segments are asked for."""
        self._growing_text.feed(text)

    @property
    def fixed(self) -> int:
        """How many segments of the last `all`, from the first, stay as they are whatever comes.

        When the text is over, those that used link references defined further down are still made anew.
        """
        return self._growing_text.fixed

    def all(self, *, over: bool = False) -> list[Segment]:
        """Every segment so far, as if the text ended here; `over` where it does."""
        return self._growing_text.all(over)

    @property
    def _growing_text(self) -> IncrementalSegmenter:
        if self._growth is None:
            from desktop.chat.markdown.incremental_segmenter import (
                IncrementalSegmenter,  # reading is imported with the first text
            )

            self._growth = IncrementalSegmenter()
        return self._growth
