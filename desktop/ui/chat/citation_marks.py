"""The citations of an answer as its text is drawn with them: raised numbers in place of `[3, 5]`, which lead to the
sources.

What a citation does not keep is said by signs, not by color alone: a number without a source is struck out, one whose
passage does not say it has a warning sign.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop.translation import tr
from desktop.ui.chat.cited_sources import source_name

if TYPE_CHECKING:
    from desktop.chat.citations import Citation

SOURCE_LINK = "latchkey-source:"
"""Begins the target of a citation's link; the source's number follows."""
_SIGNS = {"supported": "", "not-compared": "", "unsupported": "\u26a0\ufe0e", "no-such-source": "?"}


@dataclass(frozen=True, slots=True)
class RaisedNumber:
    """A source's number as it is drawn, and what is said of it. One that is not `kept` is struck out, one that is
    `doubtful` a warning."""

    link: str
    shown: str
    spoken: str
    kept: bool
    doubtful: bool


@dataclass(frozen=True, slots=True)
class DrawnCitation:
    """The `numbers` stand for the characters from `start` to `end` of the answer's text."""

    start: int
    end: int
    numbers: tuple[RaisedNumber, ...]


class CitationMarks:
    """The citations of one answer: none until `replace`. Its views share it and look into it as they write."""

    def __init__(self) -> None:
        self._drawn: list[DrawnCitation] = []
        self._starts: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._drawn)

    def replace(self, citations: "Sequence[Citation]") -> bool:
        """They are these from now on; whether that changed anything."""
        places: dict[tuple[int, int], list[RaisedNumber]] = {}
        for citation in citations:
            places.setdefault((citation.start, citation.end), []).append(_number(citation))
        before, self._drawn = self._drawn, [DrawnCitation(*at, tuple(places[at])) for at in sorted(places)]
        self._starts = [drawn.start for drawn in self._drawn]
        return before != self._drawn

    def within(self, start: int, end: int) -> list[DrawnCitation]:
        """Those that stand between two places of the answer's text, in order."""
        first = bisect_left(self._starts, start)
        return [drawn for drawn in self._drawn[first : bisect_left(self._starts, end)] if drawn.end <= end]

    def spoken(self, link: str) -> str:
        """What is said of the citation that has this link; "" where none has."""
        numbers = (number for drawn in self._drawn for number in drawn.numbers)
        return next((number.spoken for number in numbers if number.link == link), "")


def source_of_link(link: str) -> int | None:
    """The number of the source that a link leads to; None for any other link."""
    number = link.removeprefix(SOURCE_LINK)
    return int(number) if link.startswith(SOURCE_LINK) and number.isascii() and number.isdigit() else None


def _number(citation: "Citation") -> RaisedNumber:
    number, passage = citation.number, citation.passage
    name = source_name(passage) if passage is not None else ""
    spoken = {
        "supported": tr("Source {number}: {name}").format(number=number, name=name),
        "not-compared": tr("Source {number}: {name}. It is in another language").format(number=number, name=name),
        "unsupported": tr("Source {number}: {name}. The passage does not say this").format(number=number, name=name),
        "no-such-source": tr("Source {number}: there is no such source").format(number=number),
    }[citation.support]
    return RaisedNumber(
        f"{SOURCE_LINK}{number}",
        f"{number}{_SIGNS[citation.support]}",
        spoken,
        kept=citation.support != "no-such-source",
        doubtful=citation.support not in ("supported", "not-compared"),
    )
