"""Cuts what was read of a document into passages: some 1,000 characters each, at the borders of paragraphs where there
are any, else of lines and sentences. None crosses a page.
"""

import re
from collections.abc import Iterator

from desktop.document_content import DocumentContent, Passage

WANTED = 1000
"""About so many characters a passage has."""
LONGEST = 1400
"""No passage has more."""
_LEAST = 250

_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?…:;])[\"'”’»)\]]*\s+|[。！？｡；।۔؟]+\s*|\n")
_BLANK = re.compile(r"\s+")


def split_document(content: DocumentContent) -> list[Passage]:
    """The passages of all pages, in order. A page without visible text has none."""
    return [
        Passage(page.number, start, end, page.text[start:end])
        for page in content.pages
        for start, end in split_text(page.text)
    ]


def split_text(text: str) -> list[tuple[int, int]]:
    """The passages of one page as character ranges, in order, without the blanks around them."""
    pieces = list(_pieces(text))
    ranges: list[tuple[int, int]] = []
    begin, end = 0, 0
    for first, last, ends_paragraph in pieces:
        if end == begin:
            begin = first
        elif last - begin > LONGEST or (end - begin >= WANTED and last - begin > WANTED):
            ranges.append((begin, end))
            begin = first
        end = last
        if ends_paragraph and end - begin >= WANTED * 0.8:
            ranges.append((begin, end))
            begin = end
    if end > begin:
        if ranges and end - begin < _LEAST and end - ranges[-1][0] <= LONGEST:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((begin, end))
    return ranges


def _pieces(text: str) -> Iterator[tuple[int, int, bool]]:
    """Pieces that are not cut further, each shorter than LONGEST: a paragraph, or sentences of a long one. And whether
    a paragraph ends there."""
    at = 0
    for match in (*_PARAGRAPH.finditer(text), None):
        until = len(text) if match is None else match.start()
        first, last = _trimmed(text, at, until)
        if last > first:
            if last - first <= WANTED:
                yield first, last, True
            else:
                cuts = list(_cut(text, first, last, (_SENTENCE, _BLANK)))
                for count, (begin, end) in enumerate(cuts):
                    yield begin, end, count == len(cuts) - 1
        at = len(text) if match is None else match.end()


def _cut(text: str, first: int, last: int, borders: tuple[re.Pattern[str], ...]) -> Iterator[tuple[int, int]]:
    """The parts between borders of the first kind; those that are still too long by the next kind, at last anywhere."""
    if last - first <= WANTED:
        yield first, last
        return
    if not borders:
        for begin in range(first, last, WANTED):
            yield begin, min(begin + WANTED, last)
        return
    at = first
    for match in (*borders[0].finditer(text, first, last), None):
        until = last if match is None else match.end()
        begin, end = _trimmed(text, at, until)
        if end > begin:
            if end - begin <= WANTED:
                yield begin, end
            else:
                yield from _cut(text, begin, end, borders[1:])
        at = until


def _trimmed(text: str, first: int, last: int) -> tuple[int, int]:
    while first < last and text[first].isspace():
        first += 1
    while first < last and text[last - 1].isspace():
        last -= 1
    return first, last
