"""The pages of a document, the longest of them in parts: each part is a piece of text that is laid out at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from desktop.document_content import DocumentContent
from desktop.ui.parts.text_passages import find_words, shown_text

LONGEST_PART = 60_000
"""Characters that Qt lays out in less time than anybody notices."""


@dataclass(frozen=True)
class PagePart:
    """Characters `start` to `end` of the page at place `page` (from 0) of a content's pages; the `part`th (from 1) of
    its `parts`."""

    page: int
    start: int
    end: int
    part: int = 1
    parts: int = 1


def page_parts(content: DocumentContent, longest: int = LONGEST_PART) -> list[PagePart]:
    """All pages, in order. A page of more than `longest` characters is cut where a line ends, or a word."""
    found = []
    for place, page in enumerate(content.pages):
        cuts = _cuts(page.text, longest)
        pairs = list(pairwise(cuts))
        found += [PagePart(place, *pair, number, len(pairs)) for number, pair in enumerate(pairs, 1)]
    return found


def _cuts(text: str, longest: int) -> list[int]:
    cuts = [0]
    while len(text) - cuts[-1] > longest:
        start = cuts[-1]
        at = max(text.rfind("\n", start + longest // 2, start + longest) + 1, 0)
        at = at or max(text.rfind(" ", start + longest // 2, start + longest) + 1, 0)
        cuts.append(at or start + longest)
    return [*cuts, len(text)]


def part_of(parts: Sequence[PagePart], page: int, character: int = 0) -> int:
    """The place in `parts` of a character of the page at place `page`; the last part of it where it has fewer."""
    found = 0
    for place, part in enumerate(parts):
        if part.page > page or (part.page == page and part.start > character):
            break
        found = place
    return found


def part_text(content: DocumentContent, part: PagePart) -> str:
    """The text of a part."""
    return content.pages[part.page].text[part.start : part.end]


def count_matches(
    content: DocumentContent, parts: Sequence[PagePart], query: str, first: int
) -> Iterator[tuple[int, int]]:
    """The place of each part, from place `first` on and round the end, and how often `query` stands in it.
    One step takes milliseconds."""
    for step in range(len(parts)):
        place = (first + step) % len(parts)
        yield place, len(find_words(shown_text(part_text(content, parts[place])), query))
