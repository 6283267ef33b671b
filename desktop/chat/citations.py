"""Citations in an answer: the marks `[3]` that name passages the model was given, and whether those bear them out.

Nothing here asks a model. That a passage supports a sentence is judged by the words and numbers that both have (see
`desktop.chat.citation_support`): it finds citations that are plainly wrong, and does not prove the others right.
"""

import bisect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.chat.citation_support import PassageEvidence, Statement, judge
from desktop.chat.sentence_ranges import sentence_ends
from desktop.conversation import Message, PassagePart

Support = Literal["supported", "unsupported", "no-such-source"]

_MOST_IN_RANGE = 12
_LARGEST_NUMBER = 999  # [2024] is a year
_LIST = r"\d{1,6}(?:\s*[-–—]\s*\d{1,6})?(?:\s*[,;，；、]\s*\d{1,6}(?:\s*[-–—]\s*\d{1,6})?)*"
_MARK = re.compile(rf"\[\s*({_LIST})\s*\]|【\s*({_LIST})\s*(?:†[^】\n]{{0,80}})?】|［\s*({_LIST})\s*］")
_ITEM = re.compile(r"(\d+)(?:\s*[-–—]\s*(\d+))?")
_FENCE = re.compile(r"^[ >\t]*(?:[-*+]|\d{1,9}[.)])?[ \t]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_CODE_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)(?:(?!\n[ \t]*\n).)*?(?<!`)\1(?!`)", re.DOTALL)
_FORMULA = re.compile(r"\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)", re.DOTALL)
_DEFINITION = re.compile(r"^ {0,3}\[(\d+)\]:\s+<?\w+:\S+", re.MULTILINE)  # of a link
_INDEXED = re.compile(r"\w*_\w*$|\w\.\w+$|[)\]}]$")  # arr_of[3], self.items[3], f(x)[3]


@dataclass(frozen=True)
class Citation:
    """One number of a mark in an answer. `start` and `end` are the whole mark in the answer's text, brackets included:
    the numbers of `[3, 5]` share them. `marks` are the ranges of characters of the passage's text that say what the
    sentence says; () where it does not, or where there is no such passage (`passage` is None then)."""

    number: int
    start: int
    end: int
    passage: PassagePart | None
    support: Support
    marks: tuple[tuple[int, int], ...] = ()


def passages_of(path: Iterable[Message]) -> tuple[PassagePart, ...]:
    """All passages that the messages of a branch hold, in order."""
    return tuple(part for message in path for part in message.parts if isinstance(part, PassagePart))


def find_citations(text: str, passages: Sequence[PassagePart]) -> tuple[Citation, ...]:
    """The citations in `text`, Markdown as a model wrote it, in order; `passages` are those that it was given.

    None where it was given none: a number in brackets means something else then. What stands in code, in a formula, or
    is a link is none either. An answer that is still being written can be given as far as it goes.
    """
    known = {passage.number: passage for passage in passages}
    if not known:
        return ()
    marks = list(citation_marks(text, largest=max(_LARGEST_NUMBER, *known)))
    if not marks:
        return ()
    evidence = PassageEvidence(passages)
    found: list[Citation] = []
    for (begin, end), group in _statements(text, marks):
        cited = {number for mark in group for number in mark.numbers if number in known}
        statement = Statement.of(_without_marks(text, begin, end, marks))
        for mark in group:
            for number in mark.numbers:
                passage = known.get(number)
                if passage is None:
                    found.append(Citation(number, mark.start, mark.end, None, "no-such-source"))
                    continue
                verdict = judge(statement, number, cited, evidence)
                support: Support = "supported" if verdict.supported else "unsupported"
                found.append(Citation(number, mark.start, mark.end, passage, support, verdict.marks))
    return tuple(found)


@dataclass(frozen=True)
class CitationMark:
    """A mark in a text, from `start` to `end`, with the numbers that it names."""

    start: int
    end: int
    numbers: tuple[int, ...]


def citation_marks(text: str, *, largest: int = _LARGEST_NUMBER) -> Iterator[CitationMark]:
    """What is written as a citation in `text`, whatever it cites; numbers above `largest` are none."""
    if "[" not in text and "【" not in text and "［" not in text:
        return
    closed = _Ranges(_not_prose(text))
    defined = {int(found[1]) for found in _DEFINITION.finditer(text)}
    for found in _MARK.finditer(text):
        numbers = _numbers(found[1] or found[2] or found[3])
        if not numbers or max(numbers) > largest or min(numbers) < 1:
            continue
        square = found[1] is not None
        before = text[max(found.start() - 40, 0) : found.start()]
        if closed.holds(found.start()) or before.endswith("\\"):
            continue
        if square and (text.startswith("(", found.end()) or defined.intersection(numbers)):
            continue  # a link, and the label of one
        if square and _is_index(before):
            continue
        yield CitationMark(found.start(), found.end(), numbers)


def _is_index(before: str) -> bool:
    """Whether a bracket behind `before` is that of an index in code; behind another mark it is none."""
    if re.search(r"[\[【［][\d\s,;–—-]+[\]】］]$", before):
        return False
    return _INDEXED.search(before) is not None and not before.endswith(")")


def _numbers(listed: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for found in _ITEM.finditer(listed):
        first = int(found[1])
        last = int(found[2]) if found[2] else first
        if not first <= last < first + _MOST_IN_RANGE:
            return ()
        numbers += range(first, last + 1)
    return tuple(dict.fromkeys(numbers))


class _Ranges:
    """Ranges of a text that do not overlap, in order."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._ranges = sorted(ranges)
        self._starts = [start for start, _ in self._ranges]

    def holds(self, at: int) -> bool:
        index = bisect.bisect_right(self._starts, at) - 1
        return index >= 0 and at < self._ranges[index][1]


def _not_prose(text: str) -> list[tuple[int, int]]:
    """Where code and formulas stand; a fence that is not closed yet goes on to the end."""
    ranges: list[tuple[int, int]] = []
    fence: re.Match[str] | None = None
    for line in _FENCE.finditer(text):
        if fence is None:
            if "`" not in line[2] or line[1][0] == "~":
                fence = line
        elif line[1][0] == fence[1][0] and len(line[1]) >= len(fence[1]) and not line[2].strip():
            ranges.append((fence.start(), line.end()))
            fence = None
    if fence is not None:
        ranges.append((fence.start(), len(text)))
    at = 0
    for start, end in [*ranges, (len(text), len(text))]:
        for pattern in (_CODE_SPAN, _FORMULA):
            ranges += [found.span() for found in pattern.finditer(text, at, start)]
        at = end
    return _merged(ranges)


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _statements(text: str, marks: Sequence[CitationMark]) -> Iterator[tuple[tuple[int, int], list[CitationMark]]]:
    """The sentences that are cited for, each as a range of `text`, with their marks."""
    ends = [0, *sentence_ends(text), len(text)]
    grouped: dict[tuple[int, int], list[CitationMark]] = {}
    for mark in marks:
        at = _sentence_start_of(text, mark, marks)
        index = bisect.bisect_right(ends, at) - 1
        start = ends[index]
        end = next((each for each in ends[index + 1 :] if each >= min(mark.start, len(text))), len(text))
        if not _says_something(text, start, mark.start, marks):
            end = next((each for each in ends if each >= mark.end and each > start), len(text))
        grouped.setdefault((start, end), []).append(mark)
    yield from grouped.items()


def _sentence_start_of(text: str, mark: CitationMark, marks: Sequence[CitationMark]) -> int:
    """A place in the sentence that `mark` belongs to: the last character before it that is no space, no end of a
    sentence and no other mark, on its own line; the mark itself where there is none."""
    at = mark.start
    spans = {each.end: each.start for each in marks}
    while at > 0:
        if at in spans and spans[at] < at:
            at = spans[at]
        elif text[at - 1] in " \t.!?…。！？\"'”’»)*_":
            at -= 1
        elif text[at - 1] == "\n":
            return mark.start
        else:
            return at - 1
    return mark.start


def _says_something(text: str, start: int, end: int, marks: Sequence[CitationMark]) -> bool:
    return any(character.isalnum() for character in _without_marks(text, start, end, marks))


def _without_marks(text: str, start: int, end: int, marks: Sequence[CitationMark]) -> str:
    pieces, at = [], start
    for mark in marks:
        if mark.end > start and mark.start < end:
            pieces.append(text[at : max(mark.start, at)])
            at = mark.end
    pieces.append(text[at:end] if at < end else "")
    return " ".join(pieces)
